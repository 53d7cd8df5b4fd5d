"""Decoding and encoding again in the same dialect is the identity, for requests, answers and everything unknown in them."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.chat import FACTS, deployment
from tianji_core.dialects.anthropic_messages import AnthropicMessages, MessagesSurface, Server
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.anthropic_messages.response import decode_response
from tianji_core.wire.json import decode_object

_CODEC = AnthropicMessages(server=Server(provider="acme", base_url="https://acme.example"))
_MODEL = "claude-sonnet-4-5"
_word = st.text(min_size=1, max_size=8)
_json = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | _word,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_word, inner, max_size=3),
    max_leaves=6,
)
_object = st.dictionaries(_word, _json, max_size=3)
_mark = {"cache_control": st.fixed_dictionaries({"type": st.just("ephemeral")})}


def _kind(kind: str, optional: dict[str, Any] | None = None, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields}, optional=optional or {})


_text = _kind("text", _mark, text=_word)
_source = st.one_of(_kind("base64", media_type=st.just("image/png"), data=_word), _kind("url", url=_word), _kind("file", file_id=_word))
_image = _kind("image", _mark, source=_source)
_document = _kind(
    "document",
    {**_mark, "title": _word, "context": _word, "citations": st.just({"enabled": True})},
    source=st.one_of(_source, _kind("text", media_type=st.just("text/plain"), data=_word), _kind("content", content=st.just([]))),
)
_unknown = _kind("brand_new", {"x": _json}, y=_json)
_result = _kind(
    "tool_result",
    {**_mark, "is_error": st.booleans(), "content": st.one_of(_word, st.lists(_text | _image, max_size=2)), "extra": _json},
    tool_use_id=_word,
)
_cited = _kind("text", text=_word, citations=st.lists(_object, min_size=1, max_size=2))
_call = _kind("tool_use", {"caller": _object}, id=_word, name=_word, input=_object)
_thinking = st.one_of(_kind("thinking", thinking=_word, signature=_word), _kind("redacted_thinking", data=_word))
_answer = st.lists(st.one_of(_text, _cited, _call, _thinking, _unknown), min_size=1, max_size=4)
_user = st.one_of(
    _word,
    st.builds(
        lambda results, more: [*results, *more],
        st.lists(_result, max_size=2),
        st.lists(_text | _image | _document | _unknown, min_size=1, max_size=3),
    ),
)
_turns = st.lists(
    st.one_of(
        st.fixed_dictionaries({"role": st.just("user"), "content": _user}, optional={"extra": _json}),
        st.fixed_dictionaries({"role": st.just("assistant"), "content": st.one_of(_word, _answer)}),
        st.fixed_dictionaries({"role": st.just("system"), "content": st.lists(_text | _unknown, min_size=1, max_size=2)}),
    ),
    min_size=1,
    max_size=4,
)
_tool = st.one_of(
    st.fixed_dictionaries(
        {"name": _word, "input_schema": _object},
        optional={"description": _word, "strict": st.booleans(), "defer_loading": st.just(True), **_mark},
    ),
    _kind("web_search_20250305", {"max_uses": st.integers(1, 5)}, name=_word),
)
_request = st.fixed_dictionaries(
    {"model": st.just(_MODEL), "max_tokens": st.integers(0, 9999), "messages": _turns},
    optional={
        "system": st.one_of(_word, st.lists(_text, min_size=1, max_size=2)),
        "tools": st.lists(_tool, min_size=1, max_size=2),
        "tool_choice": st.one_of(_kind("auto", {"disable_parallel_tool_use": st.booleans()}), _kind("tool", name=_word), _kind("none")),
        "thinking": st.one_of(
            _kind("disabled"), _kind("enabled", budget_tokens=st.integers(1024, 9999)), _kind("adaptive", {"display": _word})
        ),
        "output_config": st.fixed_dictionaries({}, optional={"effort": _word, "new": _json}).filter(bool),
        "metadata": st.fixed_dictionaries({}, optional={"user_id": _word, "new": _json}).filter(bool),
        "stop_sequences": st.lists(_word, min_size=1, max_size=2),
        "temperature": st.just(0),
        "top_k": st.integers(1, 9),
        "service_tier": st.just("auto"),
        "stream": st.just(True),
        "container": _json,
        "mcp_servers": st.lists(_object, max_size=1),
    },
)


@given(_request)
def test_request_is_sent_as_it_came(body: dict[str, Any]) -> None:
    decoded = MessagesSurface().decode(decode_object(json.dumps(body).encode()), None, ())
    encoded = _CODEC.encode(decoded.request, deployment("acme", _MODEL), FACTS)
    assert json.loads(encoded.http.body) == body
    assert encoded.dropped == ()


@given(_answer, st.sampled_from(["end_turn", "tool_use", "max_tokens", "brand_new"]), st.none() | _word, _object)
def test_answer_is_shown_as_it_came(content: list[dict[str, Any]], word: str, sequence: str | None, container: dict[str, Any]) -> None:
    value = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": content,
        "stop_reason": word,
        "stop_sequence": sequence,
        "usage": {"input_tokens": 1, "cache_creation_input_tokens": None, "cache_read_input_tokens": 0, "output_tokens": 2},
        "container": container,
    }
    memo = ProviderMemo(facts=FACTS, provider="acme", model="up")
    assert json.loads(_shown(json.dumps(value).encode(), memo)) == value


def _shown(body: bytes, memo: ProviderMemo) -> bytes:
    return MessagesSurface().encode(decode_response(body, memo), SurfaceMemo(model="m"))
