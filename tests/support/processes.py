"""Waiting for the end of processes that are not our own children."""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def must_end(pid: int, *, within_seconds: float = 5.0) -> Iterator[None]:
    """Hold that a process has ended soon after the block. It is looked up before, so that nobody else's number is watched.

    A process that nobody has reaped yet has ended all the same.
    """
    descriptor = os.pidfd_open(pid)
    try:
        yield
        ended, _, _ = select.select([descriptor], [], [], within_seconds)
        assert ended, f"process {pid} still runs after {within_seconds} s"
    finally:
        os.close(descriptor)
