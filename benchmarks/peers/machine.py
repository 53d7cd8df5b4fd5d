"""What the machine and a process on it have used, read from /proc. Linux only."""

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM, _USER_OF_ENDED, _SYSTEM_OF_ENDED = 1, 11, 12, 13, 14  # places in `stat`, counted after the name


def _stat(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit() and (stat := _stat(int(folder.name))):
            children.setdefault(int(stat[_PARENT]), []).append(int(folder.name))
    waiting = [pid]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += children.get(found, [])


def cpu_seconds(pid: int) -> float:
    """Return what a process, its descendants, and those of them that have ended have used."""
    places = (_USER, _SYSTEM, _USER_OF_ENDED, _SYSTEM_OF_ENDED)
    return sum(int(stat[place]) for one in family(pid) if (stat := _stat(one)) for place in places) / _TICKS


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process and its descendants in MB; what they share counts once for each."""
    total = 0
    for one in family(pid):
        try:
            found = re.search(r"^Rss:\s+(\d+)", (_PROC / str(one) / "smaps_rollup").read_text(), re.MULTILINE)
        except OSError:
            continue
        total += int(found[1]) if found else 0
    return total / 1024


def busy_seconds() -> float:
    """Return what all cores together have worked since the machine started; time that a host took away counts."""
    times = [int(value) for value in (_PROC / "stat").read_text().splitlines()[0].split()[1:9]]
    idle, waiting = times[3], times[4]
    return (sum(times) - idle - waiting) / _TICKS


@dataclass(frozen=True, slots=True)
class Moment:
    """When something began: to tell afterwards how much of the machine others used meanwhile."""

    busy: float
    ours: float

    @classmethod
    def now(cls) -> "Moment":
        """Return this moment."""
        return cls(busy_seconds(), cpu_seconds(os.getpid()))

    def foreign_cores(self, seconds: float) -> float:
        """Return how many cores others kept busy since then, on average."""
        now = Moment.now()
        return max(0.0, (now.busy - self.busy) - (now.ours - self.ours)) / seconds


def described() -> str:
    """Return the machine in one line."""
    models = re.findall(r"^model name\s*:\s*(.+)$", (_PROC / "cpuinfo").read_text(), re.MULTILINE)
    return f"{os.cpu_count()} cores, {models[0] if models else platform.machine()}, Linux {platform.release()}"
