"""Why an answer ended: Anthropic's words and ours. Source: Anthropic's Python SDK, `StopReason`; its page on stop reasons."""

from tianji_core.calls.chat import FinishReason

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "compaction": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_WORDS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def decode_stop(word: str | None) -> FinishReason:
    """Return our reason; an absent or unknown word is a stop."""
    return _REASONS.get(word or "", "stop")


def encode_stop(reason: FinishReason | None, native: str | None) -> str:
    """Return Anthropic's word: the one that it used itself, where the answer is its own."""
    if native is not None and native in _REASONS:
        return native
    return _WORDS[reason] if reason is not None else "end_turn"


def is_own_word(native: str | None) -> bool:
    """Whether the answer ended with a word of this dialect, and so came from it."""
    return native is not None and native in _REASONS
