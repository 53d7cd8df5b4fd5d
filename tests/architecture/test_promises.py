"""The page of promises and the marks that tie tests to it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.promises import PAGE, promises

ROOT = Path(__file__).parents[2]
_TEXT = "# Page\n\n### one: it holds\n\nWords.\n\n### other-one: it holds too\n"


def _collect(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text("import pytest\n" + text)
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "support.promises", str(folder)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_each_promise_is_a_heading_with_its_name() -> None:
    assert [(promise.id, promise.words) for promise in promises(_TEXT)] == [("one", "it holds"), ("other-one", "it holds too")]


def test_two_promises_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one"):
        promises(_TEXT + _TEXT)


def test_every_heading_of_the_page_below_its_sections_is_a_promise() -> None:
    text = PAGE.read_text()
    assert len(promises(text)) == text.count("\n### ")


def test_mark_of_an_unknown_promise_is_refused(tmp_path: Path) -> None:
    done = _collect(tmp_path, "@pytest.mark.promise('no-such')\ndef test_a():\n    pass\n")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no-such" in done.stdout + done.stderr


def test_mark_of_a_known_promise_is_fine(tmp_path: Path) -> None:
    known = promises(PAGE.read_text())[0].id
    done = _collect(tmp_path, f"@pytest.mark.promise({known!r})\ndef test_a():\n    pass\n")
    assert done.returncode == 0, done.stdout + done.stderr
