"""Starts as people do them: without a configuration, with one, with a wrong one, and many at once."""

import re
import shlex
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from support.gateway import MASTER_KEY, ROOT, GatewayProcess, command, environment, running_gateway
from support.ledger import eventually
from support.postgres import PostgresServer
from tianji_adapters.sql.upgrade import HEAD, check_schema

MINIMAL = "model_list: []\ngeneral_settings:\n  master_key: {master_key}\n"
_BANNER = re.compile(
    r"TianJi is ready\.\n"
    r"  Address    http://127\.0\.0\.1:\d+\n"
    r"  Data       (?P<data>.+)\n"
    r"  Store      SQLite, (?P<file>.+)\n"
    r"  Models     local/smollm2-135m\n"
    r"  Prices     of \d{4}-\d\d-\d\d\n"
    r"(?P<master>  Master key sk-[\w-]{43}   \(shown this once: keep it\)\n)?"
    r"\n"
    r"Try it \(this key is replaced at each start\):\n"
    r"\n"
    r"curl -N http://127\.0\.0\.1:\d+/v1/chat/completions -H 'Authorization: Bearer (?P<key>sk-[\w-]{43})' .+\n"
)


def _run(data_dir: Path, *arguments: str, extra: dict[str, str] | None = None, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments), env=environment(data_dir, extra), capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, **options
    )


def _refused(done: "subprocess.CompletedProcess[str]") -> str:
    """Return what a refused start says; it says it on standard error, in words."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "tianji: " in done.stderr, last
    return done.stderr


def _models(base_url: str, key: str) -> httpx.Response:
    return httpx.get(f"{base_url}/v1/models", headers={"Authorization": f"Bearer {key}"})


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("start") / "data"


@pytest.fixture(scope="module")
def first(data_dir: Path) -> Iterator[GatewayProcess]:
    """A newcomer's gateway: no configuration, the local model."""
    with running_gateway(data_dir) as gateway:
        yield gateway


def test_banner_is_plain_text_in_its_order(first: GatewayProcess, data_dir: Path) -> None:
    match = _BANNER.fullmatch(first.banner)
    assert match, first.banner
    assert (match["data"], match["file"]) == (str(data_dir), f"{data_dir}/tianji.db")
    assert match["master"]
    assert match["key"] != first.master_key


def test_command_of_the_banner_streams_an_answer(first: GatewayProcess) -> None:
    lines = [line for line in first.banner.splitlines() if line.startswith("curl ")]
    assert len(lines) == 1
    done = subprocess.run(["bash", "-c", lines[0]], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("data: {")
    assert done.stdout.rstrip().endswith("data: [DONE]")
    assert done.stdout.count("data: ") > 3
    assert "error" not in done.stdout


def test_master_key_of_the_banner_may_do_everything(first: GatewayProcess) -> None:
    listed = httpx.get(f"{first.base_url}/key/list", headers={"Authorization": f"Bearer {first.master_key}"})
    assert listed.status_code == 200
    assert _models(first.base_url, first.virtual_key or "").json()["data"][0]["id"] == "local/smollm2-135m"


def test_second_start_shows_no_master_key_and_replaces_the_quickstart_key(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running_gateway(folder) as gateway:
        master, old = gateway.master_key, gateway.virtual_key or ""
        assert _models(gateway.base_url, old).status_code == 200
        assert gateway.stop() == 0
    with running_gateway(folder) as gateway:
        assert _BANNER.fullmatch(gateway.banner)
        assert "Master key" not in gateway.banner
        assert _models(gateway.base_url, master).status_code == 200, "the master key stays"
        assert _models(gateway.base_url, gateway.virtual_key or "").status_code == 200
        refused = _models(gateway.base_url, old)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        listed = httpx.get(f"{gateway.base_url}/key/list?return_full_object=true", headers={"Authorization": f"Bearer {master}"})
        assert [key["key_alias"] for key in listed.json()["keys"]] == ["quickstart"]


def test_nothing_but_the_banner_is_on_standard_output(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            command("serve", "--port", "0"), env=environment(tmp_path / "data"), stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        )
    assert process.stdout
    with process.stdout:
        shown = ""
        while "curl " not in shown:
            shown += process.stdout.readline()
        subprocess.run(["bash", "-c", shown.splitlines()[-1]], capture_output=True, timeout=60, check=True)
        process.terminate()
        rest = process.stdout.read()
    assert process.wait(45) == 0
    assert (_BANNER.fullmatch(shown) is not None, rest) == (True, "\n")
    assert '"event":"call"' in log.read_text()


@pytest.mark.promise("no-secret-leaves")
def test_flags_come_before_variables_and_no_key_is_shown_with_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "tianji.yaml"
    file.write_text(MINIMAL.replace("{master_key}", MASTER_KEY))
    wrong = {"TIANJI_CONFIG": str(tmp_path / "absent.yaml"), "TIANJI_HOST": "192.0.2.1", "TIANJI_PORT": "1"}
    with running_gateway(tmp_path / "data", "--config", str(file), "--host", "127.0.0.1", extra=wrong) as gateway:
        assert gateway.base_url.startswith("http://127.0.0.1:")
        assert "sk-" not in gateway.banner
        assert "curl" not in gateway.banner
        assert _models(gateway.base_url, MASTER_KEY).status_code == 200


@pytest.mark.promise("no-secret-leaves")
def test_variables_are_honoured(tmp_path: Path) -> None:
    file = tmp_path / "tianji.yaml"
    file.write_text("model_list: []\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    master = "sk-of-the-environment-0123456789"
    variables = {
        "TIANJI_CONFIG": str(file),
        "TIANJI_HOST": "localhost",
        "TIANJI_PORT": str(port),
        "TIANJI_MASTER_KEY": master,
        "TIANJI_DATABASE_URL": f"sqlite:///{tmp_path}/elsewhere.db",
    }
    process = subprocess.Popen(
        command("serve"),
        env=environment(tmp_path / "data", variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout
    try:
        shown = [process.stdout.readline() for _ in range(6)]
        assert f"http://localhost:{port}" in shown[1]
        assert str(tmp_path / "data") in shown[2]
        assert f"{tmp_path}/elsewhere.db" in shown[3]
        assert "sk-" not in "".join(shown)
        assert _models(f"http://127.0.0.1:{port}", master).status_code == 200
        assert (tmp_path / "elsewhere.db").exists()
        assert not (tmp_path / "data" / "tianji.db").exists()
    finally:
        process.terminate()
        process.communicate(timeout=45)


def test_data_directory_is_for_its_owner_only(first: GatewayProcess, data_dir: Path) -> None:
    assert first.process.poll() is None
    assert data_dir.stat().st_mode & 0o077 == 0


def test_port_in_use_is_told(first: GatewayProcess, tmp_path: Path) -> None:
    port = first.base_url.rpartition(":")[2]
    said = _refused(_run(tmp_path / "data", "serve", "--port", port, "--no-local-model"))
    assert f"127.0.0.1:{port} cannot be listened on" in said
    assert "--port" in said


@pytest.mark.promise("all-or-nothing", "nothing-ignored")
def test_wrong_configuration_is_told_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "tianji.yaml"
    file.write_text(
        "model_list:\n  - model_name: a\n    litellm_params:\n      model: nobody/m\ngeneral_settings:\n  master_key: sk-1234\n"
    )
    said = _refused(_run(tmp_path / "data", "serve", "--port", "0", "--config", str(file)))
    assert f"{file}:4: " in said
    assert f"{file}:6: the master key is one that everybody knows" in said
    assert "sk-1234" not in said
    assert not (tmp_path / "data").exists(), "nothing was begun"


def test_absent_configuration_is_told(tmp_path: Path) -> None:
    assert "absent.yaml" in _refused(_run(tmp_path / "data", "serve", "--config", str(tmp_path / "absent.yaml")))


def test_data_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    said = _refused(_run(tmp_path / "file" / "data", "serve", "--port", "0", "--no-local-model"))
    assert "data directory" in said
    assert "--data-dir" in said


def test_data_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "run").write_text("a file where the lock's folder has to be")
    assert str(folder) in _refused(_run(folder, "serve", "--port", "0", "--no-local-model"))


def test_database_that_is_none_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "tianji.db").write_bytes(b"this is not a database at all" * 100)
    said = _refused(_run(folder, "serve", "--port", "0", "--no-local-model"))
    assert "database" in said


@pytest.mark.promise("no-secret-leaves")
@pytest.mark.parametrize(
    "url", ["postgresql://u:secret-of-the-url@127.0.0.1:1/db", "mysql://u:secret-of-the-url@h/db", "secret-of-the-url", "sqlite://"]
)
def test_database_url_that_cannot_be_used_is_told_without_its_password(url: str, tmp_path: Path) -> None:
    said = _refused(_run(tmp_path / "data", "serve", "--port", "0", "--no-local-model", "--database-url", url))
    assert "database" in said
    assert "secret-of-the-url" not in said


@pytest.mark.promise("no-secret-leaves")
def test_weak_master_key_of_the_environment_is_refused(tmp_path: Path) -> None:
    weak = {"TIANJI_MASTER_KEY": "sk-weak-one"}
    said = _refused(_run(tmp_path / "data", "serve", "--port", "0", "--no-local-model", extra=weak))
    assert "shorter than 16 characters" in said
    assert "sk-weak-one" not in said


def test_check_says_what_a_file_holds_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    entry = "model_list:\n  - model_name: a\n    litellm_params: {model: openai/m, api_key: sk-for-the-check-01}\n"
    good.write_text(f"{entry}general_settings:\n  master_key: {MASTER_KEY}\n")
    bad.write_text(f"{entry}general_settings:\n  master_key: {MASTER_KEY}\n  prot: 4000\n  port: many\n")
    done = _run(tmp_path / "data", "check", str(good))
    assert (done.returncode, done.stdout) == (0, f"{good}: good, 1 deployments in 1 model groups\n")
    assert f"{bad}:7: " in _refused(_run(tmp_path / "data", "check", str(bad)))
    bad.write_text(f"{entry}general_settings:\n  master_key: {MASTER_KEY}\n  prot: 4000\n")
    warned = _run(tmp_path / "data", "check", str(bad))
    assert (warned.returncode, warned.stdout.startswith(f"warning: {bad}:6: ")) == (0, True), warned.stdout
    assert not (tmp_path / "data").exists()


@pytest.mark.promise("upgrades-keep-data")
def test_schema_can_be_asked_for_and_brought_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert _run(folder, "db", "current").stdout == "no schema yet\n"
    upgraded = _run(folder, "db", "upgrade")
    assert upgraded.returncode == 0
    revision = upgraded.stdout.removeprefix("the schema is at revision ").strip()
    assert _run(folder, "db", "upgrade").stdout == upgraded.stdout
    assert _run(folder, "db", "current").stdout.strip() == revision != ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--help", ["serve", "check", "db", "one API in front of every model provider"]),
        (
            "serve --help",
            ["--config", "--host", "--port", "--data-dir", "--database-url", "--lock-wait", "--no-local-model", "TIANJI_CONFIG"],
        ),
        ("check --help", ["FILE", "with file and line"]),
        ("db --help", ["upgrade", "current"]),
        ("--version", ["tianji, version"]),
    ],
)
def test_help_names_what_there_is(arguments: str, words: list[str], tmp_path: Path) -> None:
    done = _run(tmp_path / "data", *shlex.split(arguments))
    assert (done.returncode, done.stderr) == (0, "")
    assert [word for word in words if word not in " ".join(done.stdout.split())] == []


def test_unknown_option_is_refused_with_the_usage(tmp_path: Path) -> None:
    done = _run(tmp_path / "data", "serve", "--prot", "1")
    assert done.returncode == 2
    assert "--port" in done.stderr


@dataclass(frozen=True, slots=True)
class Contested:
    """One empty database that twenty processes want at once."""

    url: str
    data_dir_of: Callable[[int], Path]

    def run(self, *arguments: str) -> list["subprocess.Popen[str]"]:
        """Run a command twenty times at once."""
        return [
            subprocess.Popen(
                command(*arguments, "--database-url", self.url),
                env=environment(self.data_dir_of(number)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for number in range(20)
        ]


@pytest.fixture(params=["sqlite", "postgres"])
def contested(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Contested]:
    """An empty database: an SQLite file in one data directory, or one of PostgreSQL with as many data directories as processes."""
    if request.param == "sqlite":
        yield Contested(f"sqlite:///{tmp_path}/data/tianji.db", lambda _: tmp_path / "data")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = anyio.run(lambda: server.create_database(empty=True))
    yield Contested(server.url_of(name), lambda number: tmp_path / f"data-{number}")
    anyio.run(server.drop_database, name)


@contextmanager
def _killed_at_last(processes: list["subprocess.Popen[str]"]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate(timeout=10)


@pytest.mark.timeout(240)
@pytest.mark.xdist_group("twenty")
@pytest.mark.promise("one-process", "upgrades-keep-data")
def test_of_twenty_starts_at_once_one_serves_and_nineteen_say_why_they_stop(contested: Contested) -> None:
    processes = contested.run("serve", "--port", "0", "--lock-wait", "0.2", "--no-local-model")
    with _killed_at_last(processes):
        assert eventually(lambda: sum(process.poll() is not None for process in processes) == 19, within_seconds=200)
        winner = next(process for process in processes if process.poll() is None)
        for process in processes:
            if process is winner:
                continue
            shown, said = process.communicate(timeout=10)
            assert (process.returncode, shown) == (1, "")
            assert "Traceback" not in said
            assert re.search(rf"is in use by (tianji, )?process {winner.pid} on ", said)
            assert "one process owns a database" in said
        assert winner.stdout
        address = next(line for line in winner.stdout if "Address" in line).split()[-1]
        assert httpx.get(f"{address}/health/readiness").json() == {"status": "healthy", "db": "connected"}
        winner.terminate()
        winner.communicate(timeout=45)
        assert winner.returncode == 0


@pytest.mark.timeout(240)
@pytest.mark.xdist_group("twenty")
@pytest.mark.promise("upgrades-keep-data")
def test_twenty_upgrades_at_once_leave_one_correct_schema(contested: Contested) -> None:
    processes = contested.run("db", "upgrade")
    with _killed_at_last(processes):
        ended = [(*process.communicate(timeout=200), process.returncode) for process in processes]
    assert ended == [(f"the schema is at revision {HEAD}\n", "", 0)] * 20
    assert anyio.run(check_schema, contested.url) == ()
