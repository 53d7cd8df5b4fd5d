"""Child processes on one core, and how long one takes until it answers."""

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.exchange import BrokenExchangeError, expect_answer
from benchmarks.peers.question import Request

_START_SECONDS = 120.0
_STOP_SECONDS = 40.0
_OF_THE_CALLER = (
    "TIANJI",
    "LITELLM",
    "PORTKEY",
    "API_KEY",
    "DATABASE_URL",
    "PROXY",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers. `start_seconds` went by until its first 200."""

    pid: int
    start_seconds: float


@dataclass(frozen=True, slots=True)
class Command:
    """How a process is started."""

    words: Sequence[str]
    folder: Path
    variables: Mapping[str, str]


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Command, first: Request, *, core: int, log: Path) -> Iterator[Server]:
    """Run a server on one core until the block ends.

    Raises:
        BrokenExchangeError: it does not answer `first` with a whole 200; its output is in `log`.
    """
    with log.open("ab") as output:
        output.write(f"\n$ {shlex.join(command.words)}\n".encode())
        output.flush()
        started = time.perf_counter()
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command.words],
            cwd=command.folder,
            env=_variables(command.variables),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield Server(process.pid, _wait(process, first, started, log))
    finally:
        _stop(process)


def _variables(extra: Mapping[str, str]) -> dict[str, str]:
    inherited = os.environ.items()  # noqa: TID251 - a child inherits what does not configure a gateway
    kept = {name: value for name, value in inherited if not any(word in name.upper() for word in _OF_THE_CALLER)}
    return {**kept, **extra}


def _wait(process: subprocess.Popen[bytes], first: Request, started: float, log: Path) -> float:
    reason = "nothing listens"
    while time.perf_counter() - started < _START_SECONDS:
        if process.poll() is not None:
            raise BrokenExchangeError(f"the process ended with {process.returncode}; see {log}")
        try:
            expect_answer(first)
        except (OSError, BrokenExchangeError) as problem:
            reason = str(problem)
            time.sleep(0.01)
        else:
            return time.perf_counter() - started
    raise BrokenExchangeError(f"no answer after {_START_SECONDS:.0f} s ({reason}); see {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started: they are one group, which is ours."""
    for number, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, number)
            process.wait(seconds)
        except ProcessLookupError:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
