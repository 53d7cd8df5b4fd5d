"""The command line: `tianji`. One file a command."""

import click

from tianji_app.cli.check import check
from tianji_app.cli.db import db
from tianji_app.cli.serve import serve
from tianji_app.version import VERSION


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="tianji")
def main() -> None:
    """TianJi: one API in front of every model provider, with the governance that a company needs."""


for _command in (serve, check, db):
    main.add_command(_command)

__all__ = ["main"]
