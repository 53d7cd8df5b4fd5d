"""A PostgreSQL server of one test's own, which can be stopped and started."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from support import postgres
from support.ledger import eventually


@dataclass(slots=True)
class OwnPostgres:
    """A running server."""

    url: str
    folder: Path
    command: list[str] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None

    def stop(self) -> None:
        """Stop it as an operator does; its clients are told."""
        number = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        self.command = Path(f"/proc/{number}/cmdline").read_text().split("\0")[:-1]
        os.kill(number, signal.SIGINT)
        assert eventually(lambda: not (self.folder / "data" / "postmaster.pid").exists(), within_seconds=20)

    def start(self) -> None:
        """Start it again, where it was."""
        given: dict[str, Any] = postgres._user()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, **given
        )
        postgres._wait_until_ready(self.url, self.process, self.folder / "server.log")

    def end(self) -> None:
        """Stop what `start` has started."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)

    def ask(self, statement: str) -> list[Any]:
        """Return the rows of a query."""

        async def run() -> list[Any]:
            connection = await postgres.asyncpg.connect(self.url)
            try:
                found: list[Any] = await connection.fetch(statement)
                return found
            finally:
                await connection.close()

        return anyio.run(run)


@contextlib.contextmanager
def running_own_postgres() -> Iterator[OwnPostgres]:
    """Run a server until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="tianji-postgres-"))
    try:
        with postgres._own_server(folder) as url:
            server = OwnPostgres(url, folder)
            try:
                yield server
            finally:
                server.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
