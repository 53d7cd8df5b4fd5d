"""OpenAI's usage object, both directions: disjoint buckets inside, inclusive totals on the wire.

Source: OpenAI's `CompletionUsage`; DeepSeek's `prompt_cache_hit_tokens`; the cost fields of OpenRouter, xAI and Perplexity.
"""

from decimal import Decimal
from typing import Annotated

import msgspec

from tianji_core.calls.chat import Json
from tianji_core.calls.usage import Usage

_TICKS_PER_USD = 10_000_000_000
_Count = Annotated[int, msgspec.Meta(ge=0)] | None


class _Inside(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    cached_tokens: _Count = None
    cache_write_tokens: _Count = None
    cache_creation_tokens: _Count = None
    audio_tokens: _Count = None
    image_tokens: _Count = None
    video_tokens: _Count = None


class _Out(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    reasoning_tokens: _Count = None
    audio_tokens: _Count = None
    image_tokens: _Count = None
    video_tokens: _Count = None
    accepted_prediction_tokens: _Count = None
    rejected_prediction_tokens: _Count = None


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The object as OpenAI itself writes it. What has another field or another kind of value in it is read field by field."""

    prompt_tokens: _Count = None
    completion_tokens: _Count = None
    total_tokens: _Count = None
    prompt_tokens_details: _Inside | None = None
    completion_tokens_details: _Out | None = None


_KNOWN, _KNOWN_INPUT, _KNOWN_OUTPUT = (frozenset(kind.__struct_fields__) for kind in (_Told, _Inside, _Out))
_NOTHING_INSIDE, _NOTHING_OUT = _Inside(), _Out()


def decode_usage(value: Json, *, reasoning_outside: bool = False, service_tier: str | None = None) -> Usage:
    """Return the buckets. Overlapping figures are cut so that the buckets add up to the totals, in the order audio, image, video."""
    reported: Decimal | None = None
    rest: Json = {}
    try:
        told = msgspec.convert(value, _Told)
    except msgspec.ValidationError:
        told, reported, rest = _read(value), _reported_cost(value), _rest(value)
    prompt, completion = told.prompt_tokens, told.completion_tokens
    inside, out = told.prompt_tokens_details or _NOTHING_INSIDE, told.completion_tokens_details or _NOTHING_OUT
    reasoning = out.reasoning_tokens
    if completion is not None and reasoning and (reasoning_outside or _excludes(told.total_tokens, prompt, completion, reasoning)):
        completion += reasoning
    written = inside.cache_creation_tokens if inside.cache_write_tokens is None else inside.cache_write_tokens
    text_in, cached, written, audio_in, image_in, video_in = _split(
        prompt, (inside.cached_tokens, written, inside.audio_tokens, inside.image_tokens, inside.video_tokens)
    )
    text_out, reasoning, audio_out, image_out, video_out = _split(
        completion, (reasoning, out.audio_tokens, out.image_tokens, out.video_tokens)
    )
    return Usage(
        input_text=text_in,
        cache_read=cached,
        cache_write=written,
        input_audio=audio_in,
        input_image=image_in,
        input_video=video_in,
        output_text=text_out,
        reasoning=reasoning,
        output_audio=audio_out,
        output_image=image_out,
        output_video=video_out,
        accepted_prediction=out.accepted_prediction_tokens,
        rejected_prediction=out.rejected_prediction_tokens,
        reported_cost_usd=reported,
        service_tier=service_tier,
        rest=rest,
    )


def _read(value: Json) -> _Told:
    """Read the counts of any object; some providers tell those of their cache beside the totals."""
    inside, out = _object(value, "prompt_tokens_details"), _object(value, "completion_tokens_details")
    given = {name: _count(inside, name) for name in _KNOWN_INPUT}
    if given["cached_tokens"] is None:
        given["cached_tokens"] = _first(_count(value, "prompt_cache_hit_tokens"), _count(value, "cache_read_input_tokens"))
    if given["cache_creation_tokens"] is None:
        given["cache_creation_tokens"] = _count(value, "cache_creation_input_tokens")
    return _Told(
        prompt_tokens=_count(value, "prompt_tokens"),
        completion_tokens=_count(value, "completion_tokens"),
        total_tokens=_count(value, "total_tokens"),
        prompt_tokens_details=_Inside(**given),
        completion_tokens_details=_Out(**{name: _count(out, name) for name in _KNOWN_OUTPUT}),
    )


def encode_usage(usage: Usage) -> Json:
    """Return OpenAI's object; details that nobody reported are absent."""
    prompt, completion = usage.input_total or 0, usage.output_total or 0
    value: dict[str, object] = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    inside = _present(
        cached_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write_total,
        audio_tokens=usage.input_audio,
        image_tokens=usage.input_image,
        video_tokens=usage.input_video,
    )
    out = _present(
        reasoning_tokens=usage.reasoning,
        audio_tokens=usage.output_audio,
        image_tokens=usage.output_image,
        video_tokens=usage.output_video,
        accepted_prediction_tokens=usage.accepted_prediction,
        rejected_prediction_tokens=usage.rejected_prediction,
    )
    for name, details in (("prompt_tokens_details", inside), ("completion_tokens_details", out)):
        merged = {**_object(usage.rest, name), **details}
        if merged:
            value[name] = merged
    value.update((name, left) for name, left in usage.rest.items() if name not in _KNOWN)
    return value


def _split(total: int | None, parts: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Return what is left of a total, and the parts, each cut to what the ones before it leave."""
    if total is None or not any(parts):
        return (total, *parts)
    left = total
    fitted: list[int | None] = []
    for part in parts:
        if part is None:
            fitted.append(None)
            continue
        taken = part if part <= left else left  # noqa: FURB136 - twice as fast as min
        left -= taken
        fitted.append(taken)
    return (left, *fitted)


def _excludes(total: int | None, prompt: int | None, completion: int, reasoning: int) -> bool:
    """Whether the totals say that the reasoning tokens are not among the completion tokens."""
    return prompt is not None and total is not None and total == prompt + completion + reasoning


def _reported_cost(value: Json) -> Decimal | None:
    ticks = value.get("cost_in_usd_ticks")
    if isinstance(ticks, int) and not isinstance(ticks, bool):
        return Decimal(ticks) / _TICKS_PER_USD
    cost = value.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    if isinstance(cost, bool) or not isinstance(cost, int | Decimal):
        return None
    return Decimal(cost)


def _rest(value: Json) -> Json:
    rest = {name: left for name, left in value.items() if name not in _KNOWN and left is not None}
    for name, known in (("prompt_tokens_details", _KNOWN_INPUT), ("completion_tokens_details", _KNOWN_OUTPUT)):
        left = {key: item for key, item in _object(value, name).items() if key not in known and item is not None}
        if left:
            rest[name] = left
    return rest


def _present(**counts: int | None) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count is not None}


def _count(value: Json, name: str) -> int | None:
    count = value.get(name)
    return max(count, 0) if isinstance(count, int) and not isinstance(count, bool) else None


def _object(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _first(*counts: int | None) -> int | None:
    for count in counts:
        if count is not None:
            return count
    return None
