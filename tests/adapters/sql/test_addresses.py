"""Which database URLs are understood, and that a password never shows."""

import pytest

from tianji_adapters.sql.addresses import libpq_address, parse, shown, sqlite_file
from tianji_core.errors import ConfigurationError


def test_sqlite_paths_are_relative_or_absolute() -> None:
    assert sqlite_file(parse("sqlite:////var/lib/x.db")).as_posix() == "/var/lib/x.db"
    assert sqlite_file(parse("sqlite:///x.db")).is_absolute()
    assert sqlite_file(parse("sqlite+aiosqlite:////x.db")).as_posix() == "/x.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_every_name_of_postgres_means_our_driver(scheme: str) -> None:
    assert parse(f"{scheme}://u:p@h/db").drivername == "postgresql+asyncpg"


def test_libpq_address_keeps_what_the_server_knows_and_drops_what_only_prisma_knows() -> None:
    address = libpq_address(parse("postgres://u:p%40ss@h:6543/db?sslmode=require&connection_limit=10&pool_timeout=60&schema=tianji"))
    assert address == "postgresql://u:p%40ss@h:6543/db?search_path=tianji&sslmode=require"


@pytest.mark.parametrize(
    "text", ["", "no url", "mysql://u:secret-word@h/db", "sqlite://", "sqlite:///:memory:", "postgres://u:secret-word@h:port/db"]
)
def test_unusable_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse(text)
    assert "secret-word" not in str(refused.value)
    assert refused.value.hint


def test_shown_address_has_no_credentials() -> None:
    assert shown(parse("postgresql://admin:secret-word@db.example/tianji")) == "db.example:5432/tianji"
    assert shown(parse("sqlite:////var/x.db")) == "/var/x.db"
