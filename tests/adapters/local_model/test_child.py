"""What the child says, and on which stream."""

import subprocess
import sys

import msgspec

_CHILD = "import runpy; runpy.run_module('tianji_adapters.local_model.child', run_name='__main__')"


def _run(before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the child with a standard input that has ended already."""
    return subprocess.run(
        [sys.executable, "-c", before + _CHILD], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


def test_standard_output_holds_one_line_and_the_child_ends_with_its_input() -> None:
    done = _run()
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert msgspec.json.decode(done.stdout)["address"].startswith("http://127.0.0.1:")


def test_library_that_prints_is_kept_off_the_standard_output() -> None:
    done = _run("import xllamacpp, os; real = xllamacpp.Server; xllamacpp.Server = lambda p: (os.write(1, b'noise'), real(p))[1]\n")
    assert done.stdout.count("\n") == 1
    assert "noise" not in done.stdout
    assert "noise" in done.stderr


def test_start_that_fails_says_why() -> None:
    done = _run("import tianji_adapters.local_model.files as files; files.model_file = lambda: None\n")
    assert done.returncode == 1
    assert "not installed" in msgspec.json.decode(done.stdout)["error"]


def test_library_that_is_missing_is_named() -> None:
    done = _run("import sys; sys.modules['xllamacpp'] = None\n")
    assert done.returncode == 1
    assert "xllamacpp" in msgspec.json.decode(done.stdout)["error"]
