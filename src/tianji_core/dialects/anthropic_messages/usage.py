"""Anthropic's usage object, both directions. Its `input_tokens` leaves the cached tokens out, as our buckets do.

Source: Anthropic's Python SDK, `Usage`; its pages on prompt caching, compaction and server tools.
"""

from collections.abc import Mapping, Sequence

from tianji_core.calls.chat import Json
from tianji_core.calls.usage import ModelUsage, Usage

_KNOWN = frozenset(
    {
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "cache_creation",
        "output_tokens",
        "output_tokens_details",
        "server_tool_use",
        "service_tier",
        "inference_geo",
        "speed",
    }
)
_SUMMED = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
_LIFETIMES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_ADVISOR = "advisor_message"
_TIERS = {"default": "standard", "auto": "standard", "on_demand": "standard"}
_UNITS = {"web_search_requests": "web_searches", "web_fetch_requests": "web_fetches"}
_KNOWN_INSIDE = (
    ("output_tokens_details", {"thinking_tokens"}),
    ("server_tool_use", set(_UNITS)),
    ("cache_creation", set(_LIFETIMES)),
)


def decode_usage(value: Json) -> Usage:
    """Return the buckets.

    Where the server went round several times (`iterations`), rounds of the model itself are added up: the outer figures leave
    compaction out. Rounds of an advisor are in no outer figure: it is another model, with a price of its own.
    """
    has_rounds = "iterations" in value
    counted = {**value, **_summed(value)} if has_rounds else value
    output = _count(counted, "output_tokens")
    thinking = _count(_object(value, "output_tokens_details"), "thinking_tokens")
    if output is not None and thinking is not None:
        thinking = min(thinking, output)
    five, hour, other = _cache_writes(value, _count(counted, "cache_creation_input_tokens"))
    return Usage(
        input_text=_count(counted, "input_tokens"),
        cache_read=_count(counted, "cache_read_input_tokens"),
        cache_write_5m=five,
        cache_write_1h=hour,
        cache_write=other,
        output_text=output if output is None else output - (thinking or 0),
        reasoning=thinking,
        units=_units(value) if "server_tool_use" in value else {},
        service_tier=_text(value, "service_tier"),
        region=_text(value, "inference_geo"),
        speed=_text(value, "speed"),
        others=_others(value) if has_rounds else (),
        rest=_rest(value),
    )


def _others(value: Json) -> tuple[ModelUsage, ...]:
    """Return what advisors used, by model."""
    rounds: dict[str, list[Json]] = {}
    for item in _rounds(value):
        model = _text(item, "model")
        if model is not None and item.get("type") == _ADVISOR:
            rounds.setdefault(model, []).append(item)
    place = {"inference_geo": value.get("inference_geo")}
    return tuple(ModelUsage(model=model, usage=decode_usage({**_added(items), **place})) for model, items in rounds.items())


def _added(items: Sequence[Json]) -> dict[str, object]:
    """Return one usage object for several rounds; what none of them says is absent."""
    sums: dict[str, object] = {name: sum(found) for name in _SUMMED if (found := _counts(items, name))}
    lifetimes = [_object(item, "cache_creation") for item in items]
    writes = {name: sum(found) for name in _LIFETIMES if (found := _counts(lifetimes, name))}
    return {**sums, "cache_creation": writes} if writes else sums


def _counts(items: Sequence[Json], name: str) -> list[int]:
    return [count for item in items if (count := _count(item, name)) is not None]


def _summed(value: Json) -> Json:
    rounds = _own_rounds(value)
    if not any(_is_compaction(item) for item in rounds):
        return {}
    return {name: sum(_count(item, name) or 0 for item in rounds) for name in _SUMMED}


def _without_compaction(value: Json) -> Json:
    """Return the outer figures that the vendor itself reports, from a value whose figures were summed."""
    rounds = _own_rounds(value)
    if not any(_is_compaction(item) for item in rounds):
        return {}
    return {name: sum(_count(item, name) or 0 for item in rounds if not _is_compaction(item)) for name in _SUMMED}


def _own_rounds(value: Json) -> list[Json]:
    return [item for item in _rounds(value) if item.get("model") is None]


def _rounds(value: Json) -> list[Json]:
    rounds = value.get("iterations")
    listed: Sequence[object] = rounds if isinstance(rounds, list) else ()
    return [item for item in listed if isinstance(item, dict)]


def _is_compaction(item: Json) -> bool:
    return item.get("type") == "compaction"


def _cache_writes(value: Json, total: int | None) -> tuple[int | None, int | None, int | None]:
    """Return the tokens written for five minutes, for an hour, and for a time that was not said."""
    details = _object(value, "cache_creation")
    five, hour = _count(details, "ephemeral_5m_input_tokens"), _count(details, "ephemeral_1h_input_tokens")
    if total is None or (five is None and hour is None):
        return five, hour, total
    left = total - (five or 0) - (hour or 0)
    return five, hour, left if left > 0 else None


def _units(value: Json) -> dict[str, int]:
    used = _object(value, "server_tool_use")
    return {unit: count for name, unit in _UNITS.items() if (count := _count(used, name)) is not None}


def _rest(value: Json) -> dict[str, object]:
    rest = {} if value.keys() <= _KNOWN else {name: left for name, left in value.items() if name not in _KNOWN and left is not None}
    for name, known in _KNOWN_INSIDE:
        details = _object(value, name)
        if details.keys() <= known:
            continue
        left = {key: item for key, item in details.items() if key not in known and item is not None}
        if left:
            rest[name] = left
    return rest


# --- to the wire --------------------------------------------------------------------------------------------------------


def encode_usage(usage: Usage | None) -> dict[str, object]:
    """Return Anthropic's object; the input and output counts are always there."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    cached = (usage.cache_read or 0) + (usage.cache_write_total or 0)
    value: dict[str, object] = {
        "input_tokens": (usage.input_total or 0) - cached,
        "cache_creation_input_tokens": usage.cache_write_total,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output_total or 0,
    }
    writes = _present(ephemeral_5m_input_tokens=usage.cache_write_5m, ephemeral_1h_input_tokens=usage.cache_write_1h)
    used = {name: usage.units[unit] for name, unit in _UNITS.items() if unit in usage.units}
    thought = _present(thinking_tokens=usage.reasoning)
    for name, details in (("cache_creation", writes), ("server_tool_use", used), ("output_tokens_details", thought)):
        joined = {**_object(usage.rest, name), **details}
        if joined:
            value[name] = joined
    for name, word in (("service_tier", usage.service_tier), ("inference_geo", usage.region), ("speed", usage.speed)):
        if word is not None:
            value[name] = _TIERS.get(word, word) if name == "service_tier" else word
    value.update((name, left) for name, left in usage.rest.items() if name not in _KNOWN)
    value.update(_without_compaction(value))
    return value


def joined_usage(known: Json, newer: Json) -> dict[str, object]:
    """Return the cumulative usage object of a stream: the last value of each field.

    A zero for input tokens does not undo an earlier count: some servers repeat the fields of the first event empty.
    """
    joined = dict(known)
    for name, value in newer.items():
        if value is None or (value == 0 and name != "output_tokens" and joined.get(name)):
            continue
        joined[name] = value
    return joined


def _present(**counts: int | None) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count is not None}


def _count(value: Mapping[str, object], name: str) -> int | None:
    count = value.get(name)
    if type(count) is not int:  # a Boolean is no count
        return None
    return count if count >= 0 else 0  # noqa: FURB136 - twice as fast as max


def _text(value: Json, name: str) -> str | None:
    word = value.get(name)
    return word if isinstance(word, str) and word else None


def _object(value: Mapping[str, object], name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
