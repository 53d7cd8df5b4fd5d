"""How a command fails: what went wrong and what to do, on standard error, without a stack trace."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tianji_core.errors import TianjiError


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn an error of ours into a message and exit status 1."""
    try:
        yield
    except TianjiError as error:
        click.echo(f"tianji: {error}", err=True)
        sys.exit(1)
    except BaseExceptionGroup as group:
        ours, others = group.split(TianjiError)
        if ours is None or others is not None:
            raise
        for leaf in _leaves(ours):
            click.echo(f"tianji: {leaf}", err=True)
        sys.exit(1)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for inner in group.exceptions:
        if isinstance(inner, BaseExceptionGroup):
            yield from _leaves(inner)
        else:
            yield inner
