"""The query of `/spend/reconcile`, and its answer."""

from collections.abc import Sequence
from datetime import date

import msgspec

from tianji_core.access.fields import FieldReader, unprocessable
from tianji_core.access.wire_values import usd
from tianji_core.errors import Fault
from tianji_core.spend.comparisons import Comparison, Difference, Pair

DEFAULT_DAYS, MOST_DAYS = 30, 366
MOST_DIFFERENCES = 1_000
"""How many differences of each pair are told."""

Query = Sequence[tuple[str, str]]


class ReconcileQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which days of the ledger are compared, both included."""

    first: date
    last: date
    ignored: tuple[str, ...] = ()


def read_reconcile_query(query: Query, *, today: date) -> ReconcileQuery:
    """Read the query: `start_date` and `end_date`, UTC days; the last 30 where nothing is said.

    Raises:
        UnprocessableError: a date is none, they are the wrong way round, or more than 366 days.
    """
    reader = FieldReader()
    found = {name: reader.read(name, value, date) for name, value in query if name in ("start_date", "end_date") and value}
    reader.finish()
    last = found.get("end_date", max(today, found.get("start_date", today)))
    first = found.get("start_date", date.fromordinal(max(1, last.toordinal() - DEFAULT_DAYS + 1)))
    days = (last - first).days + 1
    if not 1 <= days <= MOST_DAYS:
        raise unprocessable([Fault("start_date", f"`start_date` must be at most {MOST_DAYS - 1} days before `end_date`", "invalid_value")])
    return ReconcileQuery(first=first, last=last, ignored=tuple(name for name, _ in query if name not in ("start_date", "end_date")))


def reconcile_answer(asked: ReconcileQuery, compared: Sequence[Comparison], *, money_as_text: bool) -> dict[str, object]:
    """Return what is balanced and what is not. Amounts in nano-USD are exact in either form."""
    checked: dict[str, object] = {
        "start_date": asked.first.isoformat(),
        "end_date": asked.last.isoformat(),
        **{comparison.pair: {"compared": comparison.checked, "differing": comparison.differing} for comparison in compared},
    }
    return {
        "is_balanced": not any(comparison.differing for comparison in compared),
        "differences": [
            _entry(comparison.pair, difference, money_as_text=money_as_text)
            for comparison in compared
            for difference in comparison.differences
        ],
        "checked": checked,
    }


def _entry(pair: Pair, difference: Difference, *, money_as_text: bool) -> dict[str, object]:
    return {
        "comparison": pair,
        "day": None if difference.day is None else difference.day.isoformat(),
        "key_id": difference.owner or None,
        "expected": usd(difference.expected_nano, as_text=money_as_text),
        "found": usd(difference.found_nano, as_text=money_as_text),
        "difference_nano": difference.found_nano - difference.expected_nano,
    }
