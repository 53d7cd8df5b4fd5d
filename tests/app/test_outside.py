"""The adapters of a serving process: they follow each new configuration, and the journal lies in the data directory."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import structlog

from support.gateway_parts import PROVIDERS, deployment, snapshot_of
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.memory.identifiers import CountingIdentifiers
from tianji_adapters.sql.store import open_store
from tianji_adapters.system.journal_files import FileJournal
from tianji_adapters.telemetry.logs import set_up_logs
from tianji_app.configuration import ConfigurationSource
from tianji_app.container import Outside, build, resolve
from tianji_app.options import options_of
from tianji_app.outside import outside_of
from tianji_app.snapshot import Snapshot, SnapshotHolder
from tianji_app.token_counts import ConfiguredCounter
from tianji_core.access.master import master_key
from tianji_core.calls.events import CallEvent
from tianji_core.calls.secret import Secret
from tianji_core.calls.usage import Usage
from tianji_core.config.gateway_config import GeneralSettings
from tianji_core.errors import ConfigurationError
from tianji_core.ports.journal import OpenCall
from tianji_core.spend.journal_settings import JournalSettings
from tianji_core.spend.record import SpendRecord

_CALL = OpenCall(
    call_id="1", started_at_ns=0, key_id=None, user_id=None, team_id=None, end_user_id=None, surface="openai_chat", model_group="fast",
    provider="openai", deployment_id="a", model="gpt-4o", input_estimate=10, pricing_version="",
)  # fmt: skip


def _outside(tmp_path: Path, snapshot: Snapshot) -> Outside:
    source = ConfigurationSource(options_of({}, data_dir=str(tmp_path)), PROVIDERS)
    store = open_store(f"sqlite:///{tmp_path}/x.db", str(tmp_path))
    return outside_of(
        source, snapshot, store, tmp_path, master_key(Secret("sk-master-0123456789")), FixedClock(), CountingIdentifiers(), set_up_logs()
    )


def _metrics(outside: Outside) -> str:
    return outside.exposition.render(None)[1].decode()


def _event(group: str) -> CallEvent:
    return CallEvent(
        call_id="1", operation="chat", surface="openai_chat", route="/v1", model_asked=group, model_group=group,
        started_at_ns=0, ended_at_ns=1, status="ok", http_status=200,
    )  # fmt: skip


def test_secret_that_came_with_a_reload_is_in_no_line_and_the_old_one_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = _outside(tmp_path, snapshot_of([deployment("a", auth_secret=Secret("old-planted-secret"))]))
    holder = resolve(build(outside), SnapshotHolder)
    holder.replace(snapshot_of([deployment("a", auth_secret=Secret("new-planted-secret"))]))
    structlog.get_logger("tianji.test").warning("said", old="(old-planted-secret)", new="(new-planted-secret)")
    line = json.loads(capsys.readouterr().err)
    assert (line["old"], line["new"]) == ("(***)", "(***)")


def test_metrics_learn_new_model_names_and_whose_names_to_show(tmp_path: Path) -> None:
    outside = _outside(tmp_path, snapshot_of([deployment("a")]))
    holder = resolve(build(outside), SnapshotHolder)
    outside.events.call_finished(_event("slow"))
    assert 'model_group="slow"' not in _metrics(outside)
    new = snapshot_of([deployment("b", group="slow")])
    holder.replace(msgspec.structs.replace(new, config=msgspec.structs.replace(new.config, litellm_metric_names=True)))
    outside.events.call_finished(_event("slow"))
    assert 'model_group="slow"' in _metrics(outside)
    assert "litellm_requests_metric" in _metrics(outside)


def test_tokenizer_follows(tmp_path: Path) -> None:
    outside = _outside(tmp_path, snapshot_of([deployment("a")], general=GeneralSettings(tokenizer="off")))
    assert isinstance(outside.counter, ConfiguredCounter)
    assert outside.counter.is_off
    resolve(build(outside), SnapshotHolder).replace(snapshot_of([deployment("a")]))
    assert not outside.counter.is_off


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_gauges_show_calls_under_way_and_rows_that_wait(anyio_backend: str, tmp_path: Path) -> None:
    outside = _outside(tmp_path, snapshot_of([deployment("a")]))
    assert "tianji_calls_in_flight 0.0\n" in _metrics(outside)
    assert "tianji_journal_waiting_rows 0.0\n" in _metrics(outside)
    assert outside.in_flight.enter("1", lambda _: None)
    await outside.journal.settle("1", [SpendRecord(seq=0, event=_event("fast"))] * 2)
    assert "tianji_calls_in_flight 1.0\n" in _metrics(outside)
    assert "tianji_journal_waiting_rows 2.0\n" in _metrics(outside)
    await outside.journal.close()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_journal_lies_in_the_data_directory_as_the_configuration_says(anyio_backend: str, tmp_path: Path) -> None:
    snapshot = snapshot_of([deployment("a")])
    settings = JournalSettings(interrupted_billing="zero")
    snapshot = msgspec.structs.replace(snapshot, config=msgspec.structs.replace(snapshot.config, journal=settings))
    outside = _outside(tmp_path, snapshot)
    assert isinstance(outside.journal, FileJournal)
    assert (outside.journal.folders.root, outside.journal.settings) == (tmp_path / "journal", settings)
    assert "tianji_journal_corrupt_total 0.0\n" in _metrics(outside)
    before = _gauge(outside, "tianji_journal_bytes")
    await outside.journal.settle("1", [SpendRecord(seq=0, event=_event("fast"))])
    assert _gauge(outside, "tianji_journal_bytes") > before
    outside.journal.damages = 2
    assert "tianji_journal_corrupt_total 2.0\n" in _metrics(outside)
    await outside.journal.close()


def test_calls_that_a_dead_process_left_have_the_prices_of_the_newest_configuration(tmp_path: Path) -> None:
    outside = _outside(tmp_path, snapshot_of([deployment("a")]))
    assert isinstance(outside.journal, FileJournal)
    assert outside.journal.price(_CALL, Usage(input_text=10)).total_nano == 25_000
    dear = {"input_cost_per_token": Decimal("0.000003"), "output_cost_per_token": Decimal(0)}
    resolve(build(outside), SnapshotHolder).replace(snapshot_of([deployment("a", prices=dear)]))
    assert outside.journal.price(_CALL, Usage(input_text=10)).total_nano == 30_000


def test_data_directory_that_takes_no_journal_refuses_the_start_and_is_named() -> None:
    with pytest.raises(ConfigurationError, match="the spend journal cannot be written to /sys/kernel/journal"):
        _outside(Path("/sys/kernel"), snapshot_of([deployment("a")]))


def _gauge(outside: Outside, name: str) -> float:
    (line,) = [line for line in _metrics(outside).splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])
