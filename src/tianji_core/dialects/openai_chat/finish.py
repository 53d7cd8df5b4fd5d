"""Finish reasons of OpenAI-compatible servers, which spell them in many ways."""

from tianji_core.calls.chat import FinishReason

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "error": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "insufficient_system_resource": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}


def decode_finish(value: object, *, calls_tools: bool) -> tuple[FinishReason | None, str | None]:
    """Return (our reason, the server's word where it differs); an unknown word is a stop, calls of tools win over a stop."""
    if not isinstance(value, str):
        return None, None
    word = value or "stop"
    reason = _REASONS.get(word, "stop")
    if reason == "stop" and calls_tools:
        reason = "tool_calls"
    return reason, None if word == reason else word
