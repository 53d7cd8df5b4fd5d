"""What a gateway has booked, read from its SQLite file while it runs, and waiting for what a process does in its own time."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
_POLL_SECONDS = 0.02


def rows(data_dir: Path, **equal: object) -> list[dict[str, Any]]:
    """Return the rows of the ledger whose columns equal the given values, oldest first."""
    where = " AND ".join(f"{name} = ?" for name in equal) or "1"
    statement = f"SELECT * FROM spend_events WHERE {where} ORDER BY started_at, seq"  # noqa: S608  # our own column names
    with closing(sqlite3.connect(f"file:{data_dir / 'tianji.db'}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement, list(equal.values()))]


def eventually(ask: Callable[[], T], *, within_seconds: float = 5.0) -> T:
    """Return the first true answer; the last one when time is up."""
    deadline = time.monotonic() + within_seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return answer
