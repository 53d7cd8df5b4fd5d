"""As many calls as a gateway takes, made by `wrk` on the load's core, and what they cost the gateway."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.exchange import BrokenExchangeError
from benchmarks.peers.machine import cpu_seconds
from benchmarks.peers.question import Request

_SCRIPT = Path(__file__).with_name("load.lua")
_MARK = "result "


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it. `cpu_us` is the gateway's processor time for each whole answer; None without answers or a process to watch."""

    per_second: float
    p50_us: float
    p99_us: float
    cpu_us: float | None


def load(request: Request, *, connections: int, seconds: int, core: int, watched: int | None) -> Load:
    """Load a gateway.

    Args:
        watched: The process whose processor time is counted, with its children.

    Raises:
        BrokenExchangeError: `wrk` failed, or an answer broke off or was no 200.
    """
    variables = {
        **os.environ,  # noqa: TID251 - `wrk` runs in the caller's environment
        "BENCH_BODY": request.body,
        "BENCH_HEADERS": "\n".join(f"{name}: {value}" for name, value in request.headers.items()),
    }
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(_SCRIPT)]
    before = cpu_seconds(watched) if watched else 0.0
    done = subprocess.run([*command, request.url], env=variables, capture_output=True, text=True, check=False)
    used = cpu_seconds(watched) - before if watched else 0.0
    lines = [line.removeprefix(_MARK) for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if not lines:
        raise BrokenExchangeError(f"wrk said no result: {done.stdout[-500:]}{done.stderr[-500:]}")
    result = json.loads(lines[0])
    if result["refused"] or result["broken"]:
        raise BrokenExchangeError(f"{request.url}: {result['answers']} answers, {result['refused']} no 200, {result['broken']} broken")
    return Load(
        per_second=result["answers"] / result["micros"] * 1e6,
        p50_us=result["p50_us"],
        p99_us=result["p99_us"],
        cpu_us=used / result["answers"] * 1e6 if watched and result["answers"] else None,
    )
