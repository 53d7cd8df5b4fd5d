"""What a vendor's SDK reads in an answer, in one form for both vendors, so that two readings can be compared."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "compaction": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "function_call": "tool_calls",
}


@dataclass
class Seen:
    """One answer. `usage` is (input with cached, output, cache read, cache written, reasoning); None where the SDK read nothing."""

    text: str = ""
    refusal: str = ""
    thinking: str = ""
    signatures: list[str] = field(default_factory=list)
    redacted: list[str] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    citations: list[Any] = field(default_factory=list)
    finish: str | None = None
    usage: tuple[int, int, int, int, int | None] | None = None


def _arguments(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text


def _plain(value: Any) -> Any:
    dumped = value.model_dump() if hasattr(value, "model_dump") else value
    return {key: item for key, item in dumped.items() if item is not None} if isinstance(dumped, dict) else dumped


def _extra(value: Any, name: str) -> Any:
    found = getattr(value, name, None)
    return found if found is not None else (getattr(value, "model_extra", None) or {}).get(name)


# --- Anthropic ----------------------------------------------------------------------------------------------------------


def of_message(message: Any) -> Seen:
    """Return what Anthropic's SDK read as a whole message."""
    seen = Seen(finish=_FINISH.get(message.stop_reason or "", message.stop_reason), usage=_anthropic_usage(message.usage))
    for block in message.content:
        _add_block(seen, block)
    return seen


def _add_block(seen: Seen, block: Any) -> None:
    if block.type == "text":
        seen.text += block.text
        seen.citations += [_plain(citation) for citation in block.citations or []]
    elif block.type == "thinking":
        seen.thinking += block.thinking
        if block.signature:
            seen.signatures.append(block.signature)
    elif block.type == "redacted_thinking":
        seen.redacted.append(block.data)
    elif block.type == "tool_use":
        seen.calls.append((block.name, block.input))


def _anthropic_usage(usage: Any) -> tuple[int, int, int, int, int | None]:
    iterations = _extra(usage, "iterations")
    rounds = [_Namespace(part) if isinstance(part, dict) else part for part in iterations or []]
    parts = [part for part in rounds if not _extra(part, "model")] or [usage]  # an advisor's rounds are another model's
    read = sum(getattr(part, "cache_read_input_tokens", None) or 0 for part in parts)
    written = sum(getattr(part, "cache_creation_input_tokens", None) or 0 for part in parts)
    given = sum(getattr(part, "input_tokens", None) or 0 for part in parts)
    out = sum(getattr(part, "output_tokens", None) or 0 for part in parts)
    details = _extra(usage, "output_tokens_details")
    thinking = (
        _extra(details, "thinking_tokens")
        if details is not None and not isinstance(details, dict)
        else (details or {}).get("thinking_tokens")
    )
    return given + read + written, out, read, written, thinking


class _Namespace:
    model_extra: None = None

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


def of_message_events(events: Iterable[Any]) -> Seen:
    """Return what Anthropic's SDK read in a stream."""
    seen = Seen()
    blocks: dict[int, Any] = {}
    arguments: dict[int, str] = {}
    signatures: dict[int, str] = {}
    usage: dict[str, Any] = {}
    for event in events:
        match event.type:
            case "message_start":
                usage.update(_plain(event.message.usage))
            case "content_block_start":
                blocks[event.index] = event.content_block
                if event.content_block.type == "text":
                    seen.text += event.content_block.text
                    seen.citations += [_plain(citation) for citation in event.content_block.citations or []]
                elif event.content_block.type == "redacted_thinking":
                    seen.redacted.append(event.content_block.data)
                arguments[event.index] = ""
            case "content_block_delta":
                delta = event.delta
                if delta.type == "text_delta":
                    seen.text += delta.text
                elif delta.type == "thinking_delta":
                    seen.thinking += delta.thinking
                elif delta.type == "signature_delta":
                    signatures[event.index] = signatures.get(event.index, "") + delta.signature
                elif delta.type == "citations_delta":
                    seen.citations.append(_plain(delta.citation))
                elif delta.type == "input_json_delta":
                    arguments[event.index] += delta.partial_json
            case "content_block_stop":
                block = blocks[event.index]
                if block.type == "tool_use":
                    seen.calls.append((block.name, _arguments(arguments[event.index])))
            case "message_delta":
                seen.finish = _FINISH.get(event.delta.stop_reason or "", event.delta.stop_reason)
                usage.update({name: value for name, value in _plain(event.usage).items() if value is not None})
    seen.signatures = [signatures[index] for index in sorted(signatures)]
    seen.usage = _anthropic_usage(_Namespace(usage))
    return seen


# --- OpenAI -------------------------------------------------------------------------------------------------------------


def of_completion(completion: Any) -> Seen:
    """Return what OpenAI's SDK read as a whole completion (its first choice)."""
    choice = completion.choices[0]
    message = choice.message
    seen = Seen(text=message.content or "", refusal=message.refusal or "", finish=_FINISH.get(choice.finish_reason, choice.finish_reason))
    seen.thinking = _extra(message, "reasoning_content") or _extra(message, "reasoning") or ""
    _add_thinking_blocks(seen, _extra(message, "thinking_blocks"))
    for call in message.tool_calls or []:
        inner = call.function if call.type == "function" else call.custom
        seen.calls.append((inner.name, _arguments(inner.arguments if call.type == "function" else inner.input)))
    seen.citations = list((_extra(message, "provider_specific_fields") or {}).get("citations", []))
    seen.usage = _openai_usage(completion.usage)
    return seen


def _add_thinking_blocks(seen: Seen, blocks: Any) -> None:
    for block in blocks or []:
        if block["type"] == "redacted_thinking":
            seen.redacted.append(block["data"])
        elif block.get("signature"):
            seen.signatures.append(block["signature"])


def _openai_usage(usage: Any) -> tuple[int, int, int, int, int | None] | None:
    if usage is None:
        return None
    inside, out = usage.prompt_tokens_details, usage.completion_tokens_details
    cached = (inside.cached_tokens if inside else None) or 0
    written = _extra(inside, "cache_write_tokens") if inside else None
    return usage.prompt_tokens, usage.completion_tokens, cached, written or 0, out.reasoning_tokens if out else None


def of_chunks(chunks: Iterable[Any]) -> Seen:
    """Return what OpenAI's SDK read in a stream (its first choice)."""
    seen = Seen()
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        if chunk.usage is not None:
            seen.usage = _openai_usage(chunk.usage)
        for choice in chunk.choices:
            delta = choice.delta
            seen.text += delta.content or ""
            seen.refusal += delta.refusal or ""
            seen.thinking += _extra(delta, "reasoning_content") or _extra(delta, "reasoning") or ""
            _add_thinking_blocks(seen, _extra(delta, "thinking_blocks"))
            citation = (_extra(delta, "provider_specific_fields") or {}).get("citation")
            if citation is not None:
                seen.citations.append(citation)
            for call in delta.tool_calls or []:
                known = calls.setdefault(call.index, ["", ""])
                if call.function is not None:
                    known[0] += call.function.name or ""
                    known[1] += call.function.arguments or ""
            if choice.finish_reason is not None:
                seen.finish = _FINISH.get(choice.finish_reason, choice.finish_reason)
    seen.calls = [(name, _arguments(text)) for _, (name, text) in sorted(calls.items())]
    return seen
