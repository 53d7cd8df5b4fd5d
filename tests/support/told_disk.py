"""A disk that fails while its process runs: what a file in the data directory says, it does."""

import errno
import os
import time
from pathlib import Path

from tianji_adapters.system.journal_disk import Disk

FAULT_FILE = "disk-fault"
"""While it holds `slow`, every sync takes a second; `dead`, every write and sync fails; `hanging`, a sync never ends."""

_SLOW_SECONDS = 1.0
_POLL_SECONDS = 0.02


class ToldDisk(Disk):
    """Does what it is told."""

    def __init__(self) -> None:
        self._told = Path(os.environ["TIANJI_DATA_DIR"]) / FAULT_FILE

    def write(self, descriptor: int, data: bytes, offset: int) -> int:
        self._check()
        return os.pwrite(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self._check()
        if self._fault() == "slow":
            time.sleep(_SLOW_SECONDS)
        while self._fault() == "hanging":
            time.sleep(_POLL_SECONDS)
        super().sync(descriptor)

    def truncate(self, descriptor: int, length: int) -> None:
        self._check()
        super().truncate(descriptor, length)

    def _check(self) -> None:
        if self._fault() == "dead":
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _fault(self) -> str:
        try:
            return self._told.read_text()
        except FileNotFoundError:
            return ""
