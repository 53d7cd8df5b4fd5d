"""`tianji db`: the database's schema."""

import anyio
import click

from tianji_app.cli.failing import told_plainly
from tianji_app.options import options_of, process_environment

_URL = click.option("--database-url", help="SQLite or PostgreSQL URL (TIANJI_DATABASE_URL; default: SQLite in the data directory).")
_DATA = click.option("--data-dir", type=click.Path(file_okay=False), help="Data directory (TIANJI_DATA_DIR).")


@click.group()
def db() -> None:
    """The database's schema."""


@db.command()
@_URL
@_DATA
def upgrade(database_url: str | None, data_dir: str | None) -> None:
    """Bring the schema to this version; safe when many do it at once."""
    with told_plainly():
        click.echo(f"the schema is at revision {anyio.run(_upgrade, database_url, data_dir)}")


@db.command()
@_URL
@_DATA
def current(database_url: str | None, data_dir: str | None) -> None:
    """Print the revision of the schema."""
    with told_plainly():
        click.echo(anyio.run(_current, database_url, data_dir) or "no schema yet")


async def _upgrade(database_url: str | None, data_dir: str | None) -> str | None:
    from tianji_app.database import database_of  # noqa: PLC0415 - SQLAlchemy takes a while

    async with database_of(options_of(process_environment(), database_url=database_url, data_dir=data_dir)) as database:
        await database.upgrade()
        return await database.revision()


async def _current(database_url: str | None, data_dir: str | None) -> str | None:
    from tianji_app.database import database_of  # noqa: PLC0415

    async with database_of(options_of(process_environment(), database_url=database_url, data_dir=data_dir)) as database:
        return await database.revision()
