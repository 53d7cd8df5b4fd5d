"""Database URLs: `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://user:password@host/name?sslmode=verify-full`."""

from pathlib import Path

from sqlalchemy import URL, exc, make_url

from tianji_core.errors import ConfigurationError

_BACKENDS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_FORMS = "use sqlite:///path/to/file.db or postgresql://user:password@host:5432/name"
# Parameters of Prisma's connection pool, which files written for other gateways carry; our pool has its own.
_POOL_PARAMETERS = ("connection_limit", "pool_timeout", "pgbouncer", "socket_timeout", "connect_timeout")
_RENAMED = {"ssl": "sslmode", "schema": "search_path"}


def parse(text: str) -> URL:
    """Return the address with our drivers. The text never appears in an error: it may hold a password.

    Raises:
        ConfigurationError: it is no URL, or of a database that we do not speak to.
    """
    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError):
        raise ConfigurationError("the database URL cannot be read", hint=_FORMS) from None
    driver = _BACKENDS.get(url.get_backend_name())
    if driver is None:
        raise ConfigurationError(f"databases of the kind {url.get_backend_name()!r} are not supported", hint=_FORMS)
    url = url.set(drivername=driver)
    if driver == "sqlite+aiosqlite" and (url.database or ":memory:") == ":memory:":
        raise ConfigurationError("an SQLite database needs a file", hint=_FORMS)
    return url


def sqlite_file(url: URL) -> Path:
    """Return the file of an SQLite address."""
    return Path(url.database or "").absolute()


def libpq_address(url: URL) -> str:
    """Return a PostgreSQL address in libpq's form, password included: for the driver only."""
    wanted = url.difference_update_query(_POOL_PARAMETERS)
    renamed = {_RENAMED.get(name, name): value for name, value in wanted.query.items()}
    return wanted.set(drivername="postgresql", query=renamed).render_as_string(hide_password=False)


def shown(url: URL) -> str:
    """Return the address as a reader may see it: a file's path, or host and name without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(sqlite_file(url))
    return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
