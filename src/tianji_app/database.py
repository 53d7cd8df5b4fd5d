"""Which database this installation uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tianji_adapters.sql.database import SqlDatabase
from tianji_adapters.sql.store import open_store
from tianji_app.options import Options
from tianji_core.errors import ConfigurationError


def database_url(options: Options, configured: str | None = None) -> str:
    """Return the URL: flag, `TIANJI_DATABASE_URL`, configuration, `DATABASE_URL`, else SQLite in the data directory."""
    environment = options.environment
    given = options.database_url or environment.get("TIANJI_DATABASE_URL") or configured or environment.get("DATABASE_URL")
    return given or f"sqlite:///{options.data_dir.absolute()}/tianji.db"


def shown_store(url: str) -> str:
    """Return what may be said of a database: never its credentials."""
    return f"SQLite, {url.removeprefix('sqlite:///')}" if url.startswith("sqlite") else "PostgreSQL"


def prepare_data_dir(folder: Path) -> None:
    """Make the data directory, for its owner only.

    Raises:
        ConfigurationError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"the data directory {folder} cannot be made: {error.strerror}", hint="choose another with --data-dir or TIANJI_DATA_DIR"
        ) from error


@asynccontextmanager
async def database_of(options: Options) -> AsyncIterator[SqlDatabase]:
    """Open the database without taking the right to be its only process."""
    prepare_data_dir(options.data_dir)
    store = open_store(database_url(options), str(options.data_dir))
    try:
        yield store.database
    finally:
        await store.database.close()
