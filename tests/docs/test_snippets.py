"""Every command and every piece of code in the docs is run against a real gateway with the real local model.

`sh` and `python` blocks are run, `yaml` blocks of a whole configuration are checked; `text` blocks are for reading only.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.gateway import GatewayProcess, command, environment, running_gateway
from support.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
_KINDS = {"sh", "python", "yaml", "text", "json", "console", "toml"}


def _blocks(kind: str) -> list[Any]:
    found = []
    for page in _PAGES:
        for number, match in enumerate(_BLOCK.finditer(page.read_text()) if page.exists() else (), start=1):
            if match[1] == kind:
                found.append(pytest.param(match[2], id=f"{page.relative_to(ROOT)}-{number}"))
    return found


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway as a newcomer has it: no configuration, the local model."""
    with running_gateway(tmp_path_factory.mktemp("docs") / "data") as running:
        yield running


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database on PostgreSQL."""
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = anyio.run(lambda: server.create_database(empty=True))
    yield server.url_of(name)
    anyio.run(server.drop_database, name)


def _variables(gateway: GatewayProcess, data_dir: Path) -> dict[str, str]:
    return {
        **os.environ,
        "TIANJI": gateway.base_url,
        "TIANJI_DATA_DIR": str(data_dir),
        "MASTER_KEY": gateway.master_key,
        "TIANJI_KEY": gateway.virtual_key or "",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


@pytest.mark.parametrize("text", _blocks("sh"))
def test_shell_command_succeeds(text: str, gateway: GatewayProcess, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    variables = _variables(gateway, tmp_path)
    if "$POSTGRES_URL" in text:
        variables["POSTGRES_URL"] = request.getfixturevalue("postgres_url")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text.replace("curl -s", "curl -sS --fail-with-body")],
        env=variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", _blocks("python"))
def test_python_snippet_runs(text: str, gateway: GatewayProcess, tmp_path: Path) -> None:
    variables = {**_variables(gateway, tmp_path), "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", text],
        env=variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", [block for block in _blocks("yaml") if "model_list:" in str(block.values[0])])
def test_configuration_is_good(text: str, tmp_path: Path) -> None:
    file = tmp_path / "tianji.yaml"
    file.write_text(text)
    names = dict.fromkeys(re.findall(r"os\.environ/(\w+)", text), "sk-for-a-check-of-the-docs")
    done = subprocess.run(
        command("check", str(file)), env=environment(tmp_path, names), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "good" in done.stdout


def test_every_block_is_of_a_known_kind() -> None:
    for page in _PAGES:
        kinds = {match[1] for match in _BLOCK.finditer(page.read_text())} if page.exists() else set()
        assert kinds <= _KINDS, page
