"""`tianji check`: read a configuration file and say what is wrong with it."""

import click

from tianji_app.cli.failing import told_plainly
from tianji_app.options import options_of, process_environment


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
def check(file: str) -> None:
    """Read FILE as `serve` would, and print its warnings and errors with file and line. Nothing is started."""
    from tianji_app.catalog import all_providers  # noqa: PLC0415 - loads every provider, which `--help` does not need
    from tianji_app.configuration import ConfigurationSource  # noqa: PLC0415

    with told_plainly():
        snapshot = ConfigurationSource(options_of(process_environment(), config=file), all_providers()).load()
        for warning in snapshot.config.warnings:
            click.echo(f"warning: {warning}")
        names = snapshot.index.names(wildcards=True)
        click.echo(f"{file}: good, {len(snapshot.config.deployments)} deployments in {len(names)} model groups")
