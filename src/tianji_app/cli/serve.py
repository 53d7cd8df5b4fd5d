"""`tianji serve`: run the gateway."""

import anyio
import click

from tianji_app.cli.failing import told_plainly
from tianji_app.options import options_of, process_environment


@click.command()
@click.option("--config", type=click.Path(dir_okay=False), help="Configuration file (TIANJI_CONFIG).")
@click.option("--host", help="Address to listen on (TIANJI_HOST; default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, 0 for a free one (TIANJI_PORT; default 4000).")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Data directory (TIANJI_DATA_DIR).")
@click.option("--database-url", help="SQLite or PostgreSQL URL (TIANJI_DATABASE_URL; default: SQLite in the data directory).")
@click.option("--lock-wait", type=click.FloatRange(min=0), help="Seconds to wait for another process to leave the database.")
@click.option("--shutdown-delay", type=click.FloatRange(min=0), help="Seconds of full service after SIGTERM (default 5).")
@click.option("--shutdown-grace", type=click.FloatRange(min=0), help="Seconds that running calls have then (default 30).")
@click.option("--local-model/--no-local-model", default=True, help="Start the embedded model when there is no configuration file.")
def serve(
    config: str | None,
    host: str | None,
    port: int | None,
    data_dir: str | None,
    database_url: str | None,
    lock_wait: float | None,
    shutdown_delay: float | None,
    shutdown_grace: float | None,
    local_model: bool,
) -> None:
    """Run the gateway.

    Without a configuration file it runs on SQLite in the data directory, with the embedded local model, and prints a key to try it with.
    """
    from tianji_app.server import serve as run  # noqa: PLC0415 - the other commands start without the server

    options = options_of(
        process_environment(),
        config=config,
        host=host,
        port=port,
        data_dir=data_dir,
        database_url=database_url,
        lock_wait_seconds=lock_wait,
        shutdown_delay=shutdown_delay,
        shutdown_grace=shutdown_grace,
        local_model=local_model,
    )
    with told_plainly():
        anyio.run(run, options, lambda text: click.echo(text, nl=False), backend_options={"use_uvloop": True})
