"""All ports of one SQL database, made from its URL."""

from dataclasses import dataclass
from pathlib import Path

from tianji_adapters.sql.addresses import parse
from tianji_adapters.sql.database import SqlDatabase
from tianji_adapters.sql.engine import open_engine
from tianji_adapters.sql.key_store import SqlKeyStore
from tianji_adapters.sql.settings_store import SqlSettingsStore
from tianji_adapters.sql.spend_store import SqlSpendStore
from tianji_adapters.sql.window_store import SqlWindowStore


@dataclass(slots=True, frozen=True)
class SqlStore:
    """What one database offers; `database.close()` gives its connections back."""

    database: SqlDatabase
    keys: SqlKeyStore
    spend: SqlSpendStore
    windows: SqlWindowStore
    settings: SqlSettingsStore


def open_store(url: str, data_dir: str) -> SqlStore:
    """Return the ports of a database; nothing is connected yet.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host:port/name`.
        data_dir: Where the lock of an SQLite database lies (`run/lock`).

    Raises:
        ConfigurationError: the URL cannot be used, or its driver is not installed.
    """
    engine = open_engine(parse(url))
    return SqlStore(
        database=SqlDatabase(engine, Path(data_dir)),
        keys=SqlKeyStore(engine),
        spend=SqlSpendStore(engine),
        windows=SqlWindowStore(engine),
        settings=SqlSettingsStore(engine),
    )
