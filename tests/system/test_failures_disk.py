"""The disk that holds the journal is slow, gone, hangs or is full; its folder cannot be written; and what a crash can leave in it."""

import ctypes
import os
import resource
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from support import faulty_upstream as up
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import ROOT, command, environment
from support.house import COST_NANO, House, models, running_house
from support.ledger import eventually, rows
from support.told_disk import FAULT_FILE
from tianji_core.spend.journal_frames import segment_header

CALLS = 10
PATIENCE_SECONDS = 5.0
REFUSED_CALLS = 200
UNWRITABLE = "the journal cannot be written"


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@pytest.fixture(scope="module")
def house(upstream: FaultyUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("disk") / "data", models(upstream, "fine", "held"), variant="told-disk") as running:
        yield running


@contextmanager
def _fault(house: House, fault: str) -> Iterator[None]:
    """Let the disk have a fault: the journal's own, or, where it is full, that of every file of the process."""
    pid, place = house.gateway.process.pid, house.data_dir / FAULT_FILE
    if fault == "full":
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
    else:
        place.write_text(fault)
    try:
        yield
    finally:
        if fault == "full":
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        place.unlink(missing_ok=True)


def _all_booked(house: House) -> bool:
    """Whether every call that was answered is in the ledger, once."""
    booked = [row["call_id"] for row in rows(house.data_dir, status="ok")]
    return sorted(booked) == sorted(house.answered)


def _healed(house: House) -> None:
    assert eventually(lambda: house.readiness() == (200, "healthy"), within_seconds=15), house.details()
    assert eventually(lambda: _all_booked(house), within_seconds=15)
    assert eventually(lambda: house.waiting() == 0)


@pytest.mark.promise("dependencies-fail", "booked-once")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", ["slow", "hanging"])
def test_disk_that_takes_its_time_keeps_no_call_waiting(fault: str, stream: bool, house: House) -> None:
    with _fault(house, fault):
        began = time.monotonic()
        assert house.calls(CALLS, house.make_key(), stream=stream) == [200] * CALLS
        assert time.monotonic() - began < PATIENCE_SECONDS
    _healed(house)


@pytest.mark.promise("dependencies-fail", "booked-once", "own-words")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", ["dead", "full"])
def test_without_a_disk_nothing_new_goes_upstream_and_what_runs_is_answered(
    fault: str, stream: bool, house: House, upstream: FaultyUpstream
) -> None:
    go_on, key = threading.Event(), house.make_key()

    def hold(asked: up.Asked) -> None:
        if asked.wants_stream:
            asked.send(up.CHUNKED, up.piece("Hel"))
        assert go_on.wait(30)
        asked.send(*((up.piece("lo."), up.END) if asked.wants_stream else (up.json_answer(up.COMPLETION),)))

    upstream.script("held", hold)
    upstream.script("fine", up.good)
    running = threading.Thread(target=house.call, args=(key, "held"), kwargs={"stream": stream})
    running.start()
    upstream.request("held")
    written, resident = len(house.gateway.lines), house.resident_bytes()
    with _fault(house, fault):
        statuses = [house.call(key, stream=stream) for _ in range(REFUSED_CALLS)]
        assert {answer.status_code for answer in statuses} == {503}
        assert {answer.json()["error"]["code"] for answer in statuses} == {"journal_unavailable"}
        assert {answer.headers["retry-after"] for answer in statuses} == {"1"}
        assert upstream.asked["fine"] == []
        before = len(house.answered)
        go_on.set()
        running.join()
        assert len(house.answered) == before + 1, "a call that was under way is answered"
        assert house.readiness() == (503, "degraded")
        assert house.client.get("/health/liveness").status_code == 200
    assert sum(UNWRITABLE in line for line in house.gateway.lines[written:]) == 1, "one line for a whole outage"
    assert len(house.gateway.lines) - written < REFUSED_CALLS, "a flood of refusals is no flood of lines"
    assert house.resident_bytes() - resident < 20 << 20
    _healed(house)
    assert house.call(key, stream=stream).status_code == 200
    _healed(house)


def test_nothing_of_this_was_a_bug_of_the_gateway(house: House) -> None:
    assert house.gauge("tianji_calls_in_flight") == 0
    assert "Traceback" not in house.gateway.output


def _as_an_ordinary_user() -> None:
    """Drop what lets root write where nobody may: `CAP_DAC_OVERRIDE`."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


def _start(data_dir: Path, config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("serve", "--port", "0", "--config", str(config)),
        env=environment(data_dir),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        preexec_fn=_as_an_ordinary_user,
    )


@pytest.mark.promise("dependencies-fail")
@pytest.mark.parametrize("which", ["data", "data/journal"])
def test_folder_that_cannot_be_written_refuses_the_start(which: str, tmp_path: Path) -> None:
    folder, config = tmp_path / which, tmp_path / "config.yaml"
    config.write_text("general_settings: {master_key: sk-test-master-key-0123456789}\n")
    folder.mkdir(parents=True)
    folder.chmod(0o555)
    try:
        started = _start(tmp_path / "data", config)
    finally:
        folder.chmod(0o755)
    assert started.returncode == 1
    assert str(folder) in started.stderr
    assert "Traceback" not in started.stdout + started.stderr


def _killed_with_unflushed_calls(data_dir: Path, entries: list[dict[str, object]]) -> tuple[list[str], Path]:
    """Let calls be answered that the database does not have, and kill the process. Return their ids and the journal's newest file."""
    with running_house(data_dir, entries) as house:
        with closing(sqlite3.connect(data_dir / "tianji.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            for number in range(CALLS):
                assert house.call(stream=number % 2 == 0).status_code == 200
            house.gateway.process.kill()
            house.gateway.process.wait()
        (segment,) = (data_dir / "journal").glob("*/*.seg")
        return house.answered, segment


@pytest.mark.promise("dependencies-fail", "booked-once")
def test_torn_end_of_a_journal_is_cut_and_kept_and_the_rest_is_booked(upstream: FaultyUpstream, tmp_path: Path) -> None:
    upstream.script("fine", up.good)
    data_dir, entries = tmp_path / "data", models(upstream, "fine")
    answered, segment = _killed_with_unflushed_calls(data_dir, entries)
    torn = segment.read_bytes()[16:60]  # how the first frame begins
    with segment.open("ab") as file:
        file.write(torn)
    with running_house(data_dir, entries) as house:
        assert eventually(lambda: sorted(row["call_id"] for row in rows(data_dir)) == sorted(answered))
        assert {row["cost_nano"] for row in rows(data_dir)} == {COST_NANO}
        (kept,) = (data_dir / "journal" / "quarantine").iterdir()
        assert kept.read_bytes() == torn
        assert eventually(lambda: "the end of a journal segment is torn" in house.gateway.banner + house.gateway.output)
        assert house.call().status_code == 200
        assert "Traceback" not in house.gateway.output


@pytest.mark.promise("dependencies-fail", "upgrades-keep-data")
def test_journal_of_a_newer_version_is_left_alone_and_told(upstream: FaultyUpstream, tmp_path: Path) -> None:
    upstream.script("fine", up.good)
    data_dir, entries = tmp_path / "data", models(upstream, "fine")
    folder = data_dir / "journal" / "019a0000-0000-7000-8000-000000000001"
    folder.mkdir(parents=True)
    content = segment_header(1, version=99) + b"a frame of the future"
    (folder / "00000001.seg").write_bytes(content)
    with running_house(data_dir, entries) as house:
        assert house.call(stream=True).status_code == 200
        assert folder.name in house.details()["spend"]
        assert house.readiness() == (200, "degraded")
        assert eventually(lambda: len(rows(data_dir)) == 1)
    assert (folder / "00000001.seg").read_bytes() == content


@pytest.mark.promise("dependencies-fail", "bounded")
def test_journal_that_the_database_does_not_empty_refuses_calls_before_it_fills_the_disk(
    upstream: FaultyUpstream, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    upstream.script("fine", up.good)
    data_dir = tmp_path / "data"
    with running_house(data_dir, models(upstream, "fine"), blocks={"journal": {"max_bytes": 1 << 20}}) as house:
        key = house.make_key(tags=[f"{number:03}" + "y" * 250 for number in range(80)])
        with closing(sqlite3.connect(data_dir / "tianji.db", isolation_level=None)) as holder:
            assert house.call(key).status_code == 200
            holder.execute("BEGIN IMMEDIATE")
            statuses = [house.call(key, stream=number % 2 == 0).status_code for number in range(100)]
            assert statuses[0] == 200
            assert statuses[-1] == 503
            assert house.gauge("tianji_journal_bytes") < 1.2 * (1 << 20)
            holder.execute("ROLLBACK")
        assert eventually(lambda: house.waiting() == 0, within_seconds=20)
        assert eventually(lambda: house.call(key).status_code == 200, within_seconds=10)
        assert eventually(lambda: _all_booked(house))
