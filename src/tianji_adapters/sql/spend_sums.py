"""What a batch of stored rows adds to the totals: one amount for each row of each table, sorted by its key.

Every billed row adds tokens and money; only the call itself (`seq` 0) adds a request, its outcome and its duration.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from tianji_adapters.sql.spend_rows import countable, duration_ms, indexed
from tianji_adapters.sql.tables import MEASURES
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.record import SpendRecord

Key = tuple[date | str, ...]
Row = dict[str, object]

_USAGE = ("day", "api_key_id", "user_id", "team_id", "organization_id", "model_group", "model", "provider", "route")
_END_USER = ("day", "end_user_id", "model")
_TAG = ("day", "tag", "model", "provider")


def daily_usage_rows(records: Sequence[SpendRecord]) -> list[Row]:
    """Return what each row of `daily_usage` gets."""
    return _summed(_USAGE, ((_usage_key(record), record) for record in records))


def end_user_rows(records: Sequence[SpendRecord]) -> list[Row]:
    """Return what each row of `daily_usage_end_user` gets; calls without an end user are not in it."""
    keyed = (
        ((record.day, indexed(record.event.end_user_id), indexed(record.event.model)), record)
        for record in records
        if record.event.end_user_id
    )
    return _summed(_END_USER, keyed)


def tag_rows(records: Sequence[SpendRecord]) -> list[Row]:
    """Return what each row of `daily_usage_tag` gets: a call counts once for each of its tags."""
    keyed = (
        ((record.day, tag, indexed(record.event.model), indexed(record.event.provider)), record)
        for record in records
        for tag in {indexed(tag) for tag in record.event.tags}
    )
    return _summed(_TAG, keyed)


def window_rows(records: Sequence[SpendRecord]) -> list[Row]:
    """Return what each budget window gets."""
    spent: dict[BudgetWindow, int] = {}
    for record in records:
        for window in record.bookings:
            spent[window] = spent.get(window, 0) + countable(record.cost.total_nano)
    ordered = sorted(spent, key=lambda window: (window.scope, window.limit_key, window.starts_at_ns))
    return [window_row(window, spent_nano=spent[window]) for window in ordered]


def window_row(window: BudgetWindow, *, spent_nano: int = 0, adjust_nano: int = 0) -> Row:
    """Return a row of `budget_windows`."""
    return {
        "scope": window.scope,
        "limit_key": window.limit_key,
        "starts_at": window.starts_at_ns,
        "ends_at": window.ends_at_ns,
        "spent_nano": spent_nano,
        "adjust_nano": adjust_nano,
    }


def lifetime_rows(records: Sequence[SpendRecord], scope: str) -> list[Row]:
    """Return what each key's lifetime spend gets."""
    spent: dict[str, int] = {}
    for record in records:
        if record.event.key_id:
            spent[record.event.key_id] = spent.get(record.event.key_id, 0) + countable(record.cost.total_nano)
    return [{"scope": scope, "pk": key_id, "cost_nano": spent[key_id], "adjust_nano": 0} for key_id in sorted(spent)]


def _usage_key(record: SpendRecord) -> Key:
    event = record.event
    dimensions = (event.key_id, event.user_id, event.team_id, event.organization_id, event.model_group, event.model, event.provider)
    return (record.day, *(indexed(text) for text in dimensions), event.route)


def _summed(names: Sequence[str], keyed: Iterable[tuple[Key, SpendRecord]]) -> list[Row]:
    sums: dict[Key, dict[str, int]] = {}
    units: dict[Key, dict[str, int]] = {}
    for key, record in keyed:
        _add(sums.setdefault(key, dict.fromkeys(MEASURES, 0)), _measures(record))
        _add(units.setdefault(key, {}), record.usage.units)
    # Sorted, so that two writers never wait for each other's rows.
    return [{**dict(zip(names, key, strict=True)), **sums[key], "units": units[key]} for key in sorted(sums)]


def _add(sums: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        sums[name] = sums.get(name, 0) + amount


def _measures(record: SpendRecord) -> dict[str, int]:
    usage, cost, event = record.usage, record.cost, record.event
    is_call = record.seq == 0
    measures = {
        "requests": int(is_call),
        "ok": int(is_call and event.status == "ok"),
        "failed": int(is_call and event.status != "ok"),
        "prompt_tokens": usage.input_total or 0,
        "completion_tokens": usage.output_total or 0,
        "cache_read_tokens": usage.cache_read or 0,
        "cache_write_tokens": usage.cache_write_total or 0,
        "reasoning_tokens": usage.reasoning or 0,
        "cost_nano": cost.total_nano,
        "cost_input_nano": cost.input_nano,
        "cost_cache_read_nano": cost.cache_read_nano,
        "cost_cache_write_nano": cost.cache_write_nano,
        "cost_output_nano": cost.output_nano - cost.reasoning_nano,
        "cost_reasoning_nano": cost.reasoning_nano,
        "cost_tools_nano": cost.tools_nano,
        "cost_guardrails_nano": cost.guardrails_nano,
        "cost_other_nano": cost.other_nano,
        "latency_ms_sum": duration_ms(event) if is_call else 0,
        "latency_n": int(is_call),
    }
    return {name: countable(amount) for name, amount in measures.items()}
