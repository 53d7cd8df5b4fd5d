"""Bodies that are almost right: a JSON value with one or a few places changed."""

import copy
from typing import Any

from hypothesis import strategies as st

_WORDS = (
    *("", "text", "auto", "none", "required", "user", "assistant", "tool", "system", "developer", "function", "disabled", "enabled"),
    *("json_object", "json_schema", "image_url", "tool_use", "tool_result", "thinking", "any", "default", "x", "data:image/png,AA=="),
    *("data:image/png;base64,AAAA", "data:;base64,AAAA", "o3-mini", "call__thought__1"),
)
_NAMES = (
    *("cache_control", "reasoning_content", "thinking_blocks", "provider_specific_fields", "annotations", "refusal", "name", "index"),
    *("content", "role", "type", "id", "tool_calls", "function_call", "audio", "is_error", "citations", "signature", "strict", "detail"),
    *("stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "stop", "user", "tools", "tool_choice", "functions"),
    *("response_format", "reasoning_effort", "temperature", "top_p", "logprobs", "metadata", "store", "extra_body", "service_tier"),
    *("parallel_tool_calls", "stop_sequences", "system", "thinking", "output_config", "top_k", "model", "messages", "unknown", "seed"),
    *("drop_params", "additional_drop_params", "tags", "timeout", "fallbacks", "api_key", "litellm_metadata", "guardrails", "speed"),
    *("user_id", "budget_tokens", "effort", "format", "include_usage", "schema", "parameters", "description", "disable_parallel_tool_use"),
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from((0, 1, 2, -1, 129, 0.5, 1.0, 16.0, 2**70, 1e300)),
    st.sampled_from(_WORDS),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(_NAMES), inner, max_size=2)),
    max_leaves=4,
)


@st.composite
def mutated(draw: st.DrawFn, originals: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one of the bodies with up to three places replaced, removed, doubled or added."""
    body: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 3))):
        _change(draw, body)
    return body


def _change(draw: st.DrawFn, body: dict[str, Any]) -> None:
    place: Any = body
    while True:
        inner = [value for value in (place.values() if isinstance(place, dict) else place) if isinstance(value, dict | list) and value]
        if not inner or draw(st.booleans()):
            break
        place = draw(st.sampled_from(inner))
    if isinstance(place, list):
        position = draw(st.integers(0, len(place) - 1))
        match draw(st.sampled_from(("replace", "remove", "double"))):
            case "replace":
                place[position] = draw(_VALUES)
            case "remove":
                del place[position]
            case _:
                place.insert(position, copy.deepcopy(place[position]))
        return
    name = draw(st.sampled_from((*place, *_NAMES)))
    if draw(st.booleans()):
        place[name] = draw(_VALUES)
    else:
        place.pop(name, None)


_FUNCTION = {
    "name": "find",
    "description": "Finds.",
    "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}},
    "strict": True,
}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"n": 1}'}}
_USE = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"n": 1.50}}
_PNG = {"type": "base64", "media_type": "image/png", "data": "AAAA"}

OPENAI_BODIES: list[dict[str, Any]] = [
    {"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.70, "max_tokens": 16, "user": "u", "tags": ["a"]},
    {
        "model": "m",
        "messages": [{"role": "developer", "content": "Be short."}, {"role": "user", "content": "hi", "name": "bob"}],
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "max_completion_tokens": 20,
        "top_p": 0.5,
        "n": 1,
        "stop": "END",
        "reasoning_effort": "low",
        "logprobs": True,
        "top_logprobs": 2,
        "metadata": {"trace_id": "t", "tags": ["b"]},
        "store": True,
        "seed": 7,
        "top_k": 4,
        "extra_body": {"min_p": 0.1},
        "service_tier": "auto",
    },
    {
        "model": "m",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Be short."}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                ],
            },
            {"role": "assistant", "content": None, "refusal": None, "tool_calls": [_CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "found"},
            {"role": "assistant", "content": "It is.", "refusal": None, "annotations": []},
        ],
        "tools": [{"type": "function", "function": _FUNCTION}],
        "tool_choice": {"type": "function", "function": {"name": "find"}},
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": {"type": "object", "default": None}, "strict": True},
        },
        "reasoning_effort": "none",
        "temperature": 1,
        "presence_penalty": 0.5,
    },
]
"""Chat completion requests with every kind of field."""

ANTHROPIC_BODIES: list[dict[str, Any]] = [
    {"model": "m", "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}], "temperature": 0.70, "system": "Be short."},
    {
        "model": "m",
        "max_tokens": 2048,
        "system": [{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "what is this?"}, {"type": "image", "source": _PNG}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, _USE]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "1"}], "is_error": False}
                ],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "It is.", "citations": None}]},
            {"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "u"}, "title": "t"}]},
        ],
        "tools": [{"name": "find", "description": "Finds.", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"},
        "output_config": {"effort": "low"},
        "metadata": {"user_id": "u", "tags": ["a"]},
        "stop_sequences": ["END"],
        "stream": True,
        "top_k": 4,
        "top_p": 0.9,
        "service_tier": "auto",
        "container": {"id": "c"},
    },
]
"""Messages requests with every kind of field."""
