"""What the comparison needs and the project does not: two programs of the system, and each peer in an environment of its own.

Peers are pinned here and lie in the user's cache, one folder for each state of what pins them; the project's environment has none of them.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

_HERE = Path(__file__).parent
_CACHE = Path.home() / ".cache" / "tianji-bench-peers"
_PACKAGES = {"wrk": "wrk", "nginx": "nginx", "gcc": "gcc", "taskset": "util-linux", "node": "nodejs", "npm": "npm"}
_MANAGERS: tuple[tuple[str, Sequence[Sequence[str]]], ...] = (
    ("apt-get", (("apt-get", "update", "-qq"), ("apt-get", "install", "-y", "-qq", "--no-install-recommends"))),
    ("dnf", (("dnf", "install", "-y", "-q"),)),
    ("apk", (("apk", "add", "--quiet"),)),
)


class MissingProgramError(Exception):
    """Something has to be installed by hand."""


def need(*programs: str) -> None:
    """Install by the system's package manager what is missing.

    Raises:
        MissingProgramError: that is not possible here; the message says what to install.
    """
    if missing := [program for program in programs if not shutil.which(program)]:
        names = sorted({_PACKAGES[program] for program in missing})
        found = [commands for manager, commands in _MANAGERS if shutil.which(manager)]
        if not found or os.geteuid() != 0:
            raise MissingProgramError(f"install {', '.join(names)} first (as root, by the package manager of this system)")
        *before, install = found[0]
        for command in [*before, [*install, *names]]:
            _run(command, f"install {', '.join(names)} by hand")
    if left := [program for program in programs if not shutil.which(program)]:
        raise MissingProgramError(f"{', '.join(left)} cannot be found even now; put it on the PATH")


def mock_provider() -> Path:
    """Return the compiled provider."""
    source = _HERE / "mock_provider.c"

    def build(folder: Path) -> None:
        folder.mkdir()
        _run(["gcc", "-O2", "-o", str(folder / "mock_provider"), str(source)], "see what the compiler says")

    return _made("mock", [source], build) / "mock_provider"


def litellm_environment() -> Path:
    """Return an environment with LiteLLM's proxy, its bytecode compiled."""
    pins = _HERE / "litellm.txt"

    def build(folder: Path) -> None:
        venv.create(folder, with_pip=True)
        python = str(folder / "bin" / "python")
        install = ["-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps", "--require-hashes", "--no-compile"]
        _run([python, *install, "-r", str(pins)], "see what pip says")
        subprocess.run([python, "-m", "compileall", "-q", "-j", "0", str(folder / "lib")], capture_output=True, check=False)

    return _made("litellm", [pins], build)


def portkey_folder() -> Path:
    """Return a folder with Portkey's gateway in `node_modules`."""
    pins = [_HERE / "portkey" / name for name in ("package.json", "package-lock.json")]

    def build(folder: Path) -> None:
        folder.mkdir()
        for pin in pins:
            shutil.copy(pin, folder)
        _run(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)], "see what npm says")

    return _made("portkey", pins, build)


def _made(name: str, pins: Sequence[Path], build: Callable[[Path], None]) -> Path:
    """Return the folder for this state of the pins; it is built beside its place and moved there when it is whole."""
    state = b"".join(pin.read_bytes() for pin in pins) + f"{sys.version}{platform.machine()}".encode()
    home = _CACHE / f"{name}-{hashlib.sha256(state).hexdigest()[:16]}"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            sys.stderr.write(f"making {name} in {home} ...\n")
            building = home.with_name(f"{home.name}.building")
            shutil.rmtree(building, ignore_errors=True)
            build(building)
            building.rename(home)
    return home


def _run(command: Sequence[str], hint: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MissingProgramError(f"`{' '.join(command)}` failed; {hint}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
