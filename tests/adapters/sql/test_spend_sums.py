"""Totals are the sum of their parts, whatever the order and the cut."""

from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from support.limits import window_of
from support.stores import record
from tianji_adapters.sql.spend_sums import Row, daily_usage_rows, end_user_rows, lifetime_rows, tag_rows, window_rows
from tianji_core.calls.cost import Cost
from tianji_core.calls.usage import Usage
from tianji_core.spend.record import SpendRecord

_COUNTS = st.none() | st.integers(0, 10_000)
_NANO = st.integers(-1_000_000, 1_000_000)
_NAMES = st.sampled_from([None, "a", "b"])
_PARTS = ("input", "cache_read", "cache_write", "output", "reasoning", "tools", "guardrails", "other")


@st.composite
def _costs(draw: st.DrawFn) -> Cost:
    parts = {f"{name}_nano": draw(_NANO) for name in _PARTS}
    total = sum(parts.values()) - parts["reasoning_nano"]
    return msgspec.structs.replace(Cost(total_nano=total, list_nano=total, source="computed"), **parts)


@st.composite
def _records(draw: st.DrawFn) -> SpendRecord:
    usage = Usage(
        input_text=draw(_COUNTS),
        cache_read=draw(_COUNTS),
        reasoning=draw(_COUNTS),
        units=draw(st.dictionaries(st.sampled_from("xy"), st.integers(1, 9))),
    )
    plain = record(draw(st.integers(0, 5)), seq=draw(st.sampled_from([0, 0, 1, 100])), day=draw(st.integers(0, 1)))
    return msgspec.structs.replace(
        plain,
        event=msgspec.structs.replace(
            plain.event,
            usage=usage,
            cost=draw(_costs()),
            key_id=draw(_NAMES),
            user_id=draw(_NAMES),
            team_id=draw(_NAMES),
            end_user_id=draw(_NAMES),
            model=draw(_NAMES),
            tags=tuple(draw(st.lists(st.sampled_from("tuv")))),
            status=draw(st.sampled_from(["ok", "error", "cancelled"])),
        ),
    )


def _total(rows: list[Row], measure: str) -> int:
    return sum(int(str(row[measure])) for row in rows)


@given(st.lists(_records(), max_size=12))
def test_daily_usage_adds_up_to_its_records(records: list[SpendRecord]) -> None:
    rows = daily_usage_rows(records)
    assert _total(rows, "cost_nano") == sum(one.cost.total_nano for one in records)
    assert _total(rows, "prompt_tokens") == sum(one.usage.input_total or 0 for one in records)
    assert _total(rows, "completion_tokens") == sum(one.usage.output_total or 0 for one in records)
    calls = [one for one in records if one.seq == 0]
    assert _total(rows, "requests") == _total(rows, "latency_n") == len(calls)
    assert _total(rows, "ok") == sum(one.event.status == "ok" for one in calls)
    assert _total(rows, "ok") + _total(rows, "failed") == len(calls)
    units: Counter[str] = Counter()
    for row in rows:
        units.update(msgspec.convert(row["units"], dict[str, int]))
    assert units == sum((Counter(one.usage.units) for one in records), Counter())


@given(st.lists(_records(), max_size=12))
def test_parts_of_the_cost_exclude_each_other_and_add_up(records: list[SpendRecord]) -> None:
    rows = daily_usage_rows(records)
    assert sum(_total(rows, f"cost_{name}_nano") for name in _PARTS) == _total(rows, "cost_nano")


@given(st.lists(_records(), max_size=12), st.randoms())
def test_order_of_the_records_does_not_matter(records: list[SpendRecord], chance: object) -> None:
    shuffled = sorted(records, key=lambda _: chance.random())  # type: ignore[attr-defined]
    for summed in (daily_usage_rows, end_user_rows, tag_rows):
        assert summed(shuffled) == summed(records)
    assert lifetime_rows(shuffled, "key") == lifetime_rows(records, "key")


@given(st.lists(_records(), max_size=12))
def test_lifetime_spend_is_that_of_the_rows_with_a_key(records: list[SpendRecord]) -> None:
    assert _total(lifetime_rows(records, "key"), "cost_nano") == sum(one.cost.total_nano for one in records if one.event.key_id)


def test_call_counts_once_for_each_of_its_tags() -> None:
    rows = tag_rows([record(1, tags=("a", "b", "a")), record(2, tags=("b",)), record(3)])
    assert [(row["tag"], row["requests"], row["cost_nano"]) for row in rows] == [("a", 1, 1_000), ("b", 2, 2_000)]


def test_call_without_end_user_is_in_no_end_user_total() -> None:
    rows = end_user_rows([record(1, end_user_id="eve"), record(2), record(3, end_user_id="")])
    assert [(row["end_user_id"], row["requests"]) for row in rows] == [("eve", 1)]


def test_rows_are_sorted_by_their_key() -> None:
    rows = daily_usage_rows([record(3, key_id="b"), record(2, key_id="a"), record(1, key_id="b", day=1), record(4, key_id=None)])
    keys = [(row["day"], row["api_key_id"]) for row in rows]
    assert [key for _, key in keys] == ["", "a", "b", "b"]
    assert keys == sorted(keys)


def test_windows_get_the_sum_of_their_rows_in_the_order_of_their_keys() -> None:
    late, early, other = window_of("key-1", 20, 30), window_of("key-1", 10, 20), window_of("a", 10, 20)
    rows = window_rows([record(1, nano=5, windows=(late,)), record(2, nano=7, windows=(early, other)), record(3, nano=11, windows=(late,))])
    assert [(row["scope"], row["starts_at"], row["ends_at"], row["spent_nano"], row["adjust_nano"]) for row in rows] == [
        ("k:a", 10, 20, 7, 0),
        ("k:key-1", 10, 20, 7, 0),
        ("k:key-1", 20, 30, 16, 0),
    ]


def test_spend_of_a_key_outside_of_its_windows_has_a_row_without_an_end() -> None:
    (row,) = window_rows([record(1, nano=5), record(2, nano=7)])
    assert (row["scope"], row["limit_key"], row["starts_at"], row["ends_at"], row["spent_nano"]) == ("k:key-1", "total", 0, None, 12)
