"""The query and the answer of the comparison of totals."""

from datetime import date

import pytest

from tianji_core.errors import UnprocessableError
from tianji_core.spend.comparisons import Comparison, Difference
from tianji_core.spend.reconciliation import ReconcileQuery, read_reconcile_query, reconcile_answer

TODAY = date(2026, 11, 25)
ASKED = ReconcileQuery(first=date(2026, 11, 1), last=TODAY)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, date(2026, 10, 27), TODAY),
        ({"start_date": "", "end_date": ""}, date(2026, 10, 27), TODAY),
        ({"start_date": "2026-11-25"}, TODAY, TODAY),
        ({"start_date": "2026-12-01"}, date(2026, 12, 1), date(2026, 12, 1)),
        ({"end_date": "2026-01-30"}, date(2026, 1, 1), date(2026, 1, 30)),
        ({"end_date": "0001-01-02"}, date(1, 1, 1), date(1, 1, 2)),
        ({"start_date": "2025-11-25"}, date(2025, 11, 25), TODAY),
    ],
)
def test_days_are_the_last_thirty_unless_others_are_asked(query: dict[str, str], first: date, last: date) -> None:
    assert read_reconcile_query(list(query.items()), today=TODAY) == ReconcileQuery(first=first, last=last)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"start_date": "yesterday"}, "start_date"),
        ({"end_date": "2026-02-30"}, "end_date"),
        ({"end_date": "2026-11-25T00:00:00Z"}, "end_date"),
        ({"start_date": "2026-11-02", "end_date": "2026-11-01"}, "start_date"),
        ({"start_date": "2025-11-24"}, "start_date"),
    ],
)
def test_days_that_are_none_or_too_many_are_refused(query: dict[str, str], param: str) -> None:
    with pytest.raises(UnprocessableError) as caught:
        read_reconcile_query(list(query.items()), today=TODAY)
    assert caught.value.param == param


def test_unknown_parameters_are_named() -> None:
    assert read_reconcile_query([("team", "x")], today=TODAY).ignored == ("team",)


def test_answer_without_differences_is_balanced() -> None:
    answer = reconcile_answer(ASKED, [Comparison(pair="lifetime", checked=3, differing=0)], money_as_text=False)
    assert answer == {
        "is_balanced": True,
        "differences": [],
        "checked": {"start_date": "2026-11-01", "end_date": "2026-11-25", "lifetime": {"compared": 3, "differing": 0}},
    }


def test_differences_are_exact_to_the_nano_dollar() -> None:
    compared = [
        Comparison(
            pair="daily_totals",
            checked=9,
            differing=2,
            differences=(Difference(owner="", day=TODAY, expected_nano=9 * 10**18 + 1, found_nano=9 * 10**18),),
        ),
        Comparison(pair="windows", checked=1, differing=1, differences=(Difference(owner="k", expected_nano=0, found_nano=5),)),
    ]
    answer = reconcile_answer(ASKED, compared, money_as_text=True)
    assert answer["is_balanced"] is False
    first = {"comparison": "daily_totals", "day": "2026-11-25", "key_id": None, "expected": "9000000000.000000001"}
    second = {"comparison": "windows", "day": None, "key_id": "k", "expected": "0.000000000", "found": "0.000000005", "difference_nano": 5}
    assert answer["differences"] == [{**first, "found": "9000000000.000000000", "difference_nano": -1}, second]


def test_balance_is_told_by_the_counts_even_where_no_difference_is_listed() -> None:
    assert reconcile_answer(ASKED, [Comparison(pair="windows", checked=1, differing=1)], money_as_text=False)["is_balanced"] is False
