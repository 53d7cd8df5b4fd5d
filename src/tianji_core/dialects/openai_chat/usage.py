"""OpenAI's usage object, both directions: disjoint buckets inside, inclusive totals on the wire.

Source: OpenAI's `CompletionUsage`; DeepSeek's `prompt_cache_hit_tokens`; the cost fields of OpenRouter, xAI and Perplexity.
"""

from decimal import Decimal

from tianji_core.calls.chat import Json
from tianji_core.calls.usage import Usage

_TICKS_PER_USD = 10_000_000_000
_KNOWN = {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}
_KNOWN_INPUT = {"cached_tokens", "cache_write_tokens", "cache_creation_tokens", "audio_tokens", "image_tokens", "video_tokens"}
_KNOWN_OUTPUT = {
    "reasoning_tokens",
    "audio_tokens",
    "image_tokens",
    "video_tokens",
    "accepted_prediction_tokens",
    "rejected_prediction_tokens",
}


def decode_usage(value: Json, *, reasoning_outside: bool = False, service_tier: str | None = None) -> Usage:
    """Return the buckets. Overlapping figures are cut so that the buckets add up to the totals, in the order audio, image, video."""
    prompt, completion = _count(value, "prompt_tokens"), _count(value, "completion_tokens")
    inside, out = _object(value, "prompt_tokens_details"), _object(value, "completion_tokens_details")
    cached = _first(_count(inside, "cached_tokens"), _count(value, "prompt_cache_hit_tokens"), _count(value, "cache_read_input_tokens"))
    written = _first(
        _count(inside, "cache_write_tokens"), _count(inside, "cache_creation_tokens"), _count(value, "cache_creation_input_tokens")
    )
    text_in, parts_in = _split(prompt, cached, written, *(_count(inside, f"{kind}_tokens") for kind in ("audio", "image", "video")))
    reasoning = _count(out, "reasoning_tokens")
    if completion is not None and reasoning and (reasoning_outside or _excludes(value, prompt, completion, reasoning)):
        completion += reasoning
    text_out, parts_out = _split(completion, reasoning, *(_count(out, f"{kind}_tokens") for kind in ("audio", "image", "video")))
    return Usage(
        input_text=text_in,
        cache_read=parts_in[0],
        cache_write=parts_in[1],
        input_audio=parts_in[2],
        input_image=parts_in[3],
        input_video=parts_in[4],
        output_text=text_out,
        reasoning=parts_out[0],
        output_audio=parts_out[1],
        output_image=parts_out[2],
        output_video=parts_out[3],
        accepted_prediction=_count(out, "accepted_prediction_tokens"),
        rejected_prediction=_count(out, "rejected_prediction_tokens"),
        reported_cost_usd=_reported_cost(value),
        service_tier=service_tier,
        rest=_rest(value, inside, out),
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


def _split(total: int | None, *parts: int | None) -> tuple[int | None, list[int | None]]:
    if total is None:
        return None, list(parts)
    left = total
    fitted: list[int | None] = []
    for part in parts:
        taken = None if part is None else min(part, left)
        left -= taken or 0
        fitted.append(taken)
    return left, fitted


def _excludes(value: Json, prompt: int | None, completion: int, reasoning: int) -> bool:
    """Whether the totals say that the reasoning tokens are not among the completion tokens."""
    total = _count(value, "total_tokens")
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


def _rest(value: Json, inside: Json, out: Json) -> Json:
    rest = {name: left for name, left in value.items() if name not in _KNOWN and left is not None}
    for name, details, known in (
        ("prompt_tokens_details", inside, _KNOWN_INPUT),
        ("completion_tokens_details", out, _KNOWN_OUTPUT),
    ):
        left = {key: item for key, item in details.items() if key not in known and item is not None}
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
    return next((count for count in counts if count is not None), None)
