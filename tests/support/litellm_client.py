"""LiteLLM's own proxy client, in an environment of its own: its dependencies must not meet ours."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

_REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "litellm-client.txt"


def litellm_python() -> Path:
    """Return the interpreter of an environment that holds the client; it is made once for each state of the requirements.

    It lies inside the environment that runs the tests, so that whoever removes that one removes this one too.
    """
    content = _REQUIREMENTS.read_bytes() + sys.version.encode()
    home = Path(sys.prefix) / "litellm-client" / hashlib.sha256(content).hexdigest()[:16]
    python = _python_of(home)
    home.parent.mkdir(exist_ok=True)
    with home.with_name(f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes come here at once, and one of them makes it
        if not python.exists():
            _make(home)
    return python


def _make(home: Path) -> None:
    """Build beside the place and move there when it is whole: a run that was broken off leaves nothing half made."""
    building = home.with_name(f"{home.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    venv.create(building, with_pip=True)
    install = ["-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-compile", "--no-deps", "--require-hashes"]
    done = subprocess.run([_python_of(building), *install, "-r", _REQUIREMENTS], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"LiteLLM's client cannot be installed:\n{done.stdout}{done.stderr}")
    building.rename(home)


def _python_of(home: Path) -> Path:
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
