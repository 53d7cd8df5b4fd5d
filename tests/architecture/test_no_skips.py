"""The whole run fails when a test was skipped, in whatever way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
_RUN = "def test_runs():\n    assert True\n"
_SKIPS = {
    "mark": "import pytest\n@pytest.mark.skip(reason='no such server')\ndef test_a():\n    pass\n",
    "call": "import pytest\ndef test_a():\n    pytest.skip('no such server')\n",
    "fixture": "import pytest\n@pytest.fixture\ndef server():\n    pytest.skip('no such server')\ndef test_a(server):\n    pass\n",
    "module": "import pytest\npytest.skip('no such server', allow_module_level=True)\n",
}


def _pytest(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(_RUN + text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.no_skips", *arguments, str(folder)]
    variables = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("way", sorted(_SKIPS))
def test_skip_fails_the_run_and_says_what_was_missing(way: str, tmp_path: Path) -> None:
    done = _pytest(tmp_path, _SKIPS[way])
    assert done.returncode not in (0, 5), done.stdout
    assert "no such server" in done.stdout
    assert "not allowed here" in done.stdout


def test_skip_fails_a_run_on_two_workers_too(tmp_path: Path) -> None:
    done = _pytest(tmp_path, _SKIPS["call"], "-n", "2")
    assert done.returncode == 1, done.stdout
    assert "not allowed here" in done.stdout


def test_expected_failure_is_no_skip(tmp_path: Path) -> None:
    done = _pytest(tmp_path, "import pytest\n@pytest.mark.xfail\ndef test_a():\n    assert False\n")
    assert done.returncode == 0, done.stdout
