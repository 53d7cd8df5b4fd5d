"""Without the recordings their tests are not collected, and the run says so: no skip, no failure, no error."""

import os
import subprocess
import sys
from pathlib import Path

from support import recordings

ROOT = Path(__file__).parents[2]


def test_tests_of_absent_recordings_are_not_collected_and_one_line_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "absent"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "support.no_skips", "-k", "finish", "tests/core/dialects/openai_chat"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "TIANJI_RECORDINGS": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    count = len(list((ROOT / "tests").rglob(recordings.TESTS)))
    line = f"recordings: {count} files {recordings.TESTS} were not collected, for {folder} has none"
    assert [found for found in done.stdout.splitlines() if "recordings" in found] == [line]


def test_files_that_stand_on_recordings_bear_the_name_that_is_not_collected() -> None:
    standing = {file for file in (ROOT / "tests").rglob("*.py") if "mark.recordings" in file.read_text() and file != Path(__file__)}
    assert standing == set((ROOT / "tests").rglob(recordings.TESTS))
