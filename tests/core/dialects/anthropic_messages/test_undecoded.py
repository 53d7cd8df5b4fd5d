"""A Messages body whose values keep their bytes: it means what the canonical path makes of it, and is refused as there."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.both_paths import canonical, undecoded
from support.chat import deployment
from support.mutated import ANTHROPIC_BODIES, mutated
from tianji_core.calls.deployment import Deployment
from tianji_core.dialects.anthropic_messages import MessagesSurface
from tianji_core.providers.anthropic import PROVIDER

_SURFACE = MessagesSurface()
_CODEC: Any = PROVIDER.chat
_MODEL = "claude-sonnet-4-5"
_DEPLOYMENTS = st.builds(
    deployment,
    provider=st.just("anthropic"),
    model=st.sampled_from((_MODEL, "claude-opus-4-8", "claude-fable-5")),
    parameter_mode=st.sampled_from(("drop", "refuse")),
    extra_body=st.sampled_from(
        ({}, {}, {"safe": {"a": 1}}, {"temperature": 0.5, "metadata": {"a": "b"}}, {"max_tokens": 5}, {"stream": True})
    ),
    dropped_parameters=st.sampled_from((frozenset(), frozenset(), frozenset({"temperature", "container"}), frozenset({"user", "stop"}))),
    options=st.sampled_from(({}, {"anthropic_version": "2026-10-21"})),
)
_HEADERS = st.sampled_from(((), (("anthropic-version", "2026-10-21"), ("anthropic-beta", "a"))))
_USED = [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}]
_RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "1"}


def _body(**changes: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], **changes}


def _reads(body: dict[str, Any]) -> bool:
    return _SURFACE.read(json.dumps(body).encode(), None, ()) is not None


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutated(ANTHROPIC_BODIES), _DEPLOYMENTS, _HEADERS)
@example(ANTHROPIC_BODIES[1], deployment("anthropic", _MODEL), ())
@example(_body(tools=[], tool_choice={"type": "auto"}, stop_sequences=[]), deployment("anthropic", _MODEL), ())
@example(_body(system=[{"text": "no type"}]), deployment("anthropic", _MODEL), ())
@example(_body(messages=[{"role": "system", "content": [{"text": "no type"}]}]), deployment("anthropic", _MODEL), ())
def test_both_paths_send_drop_and_refuse_the_same(body: dict[str, Any], target: Deployment, headers: tuple[tuple[str, str], ...]) -> None:
    data = json.dumps(body).encode()
    assert undecoded(_SURFACE, _CODEC, data, target, headers)[0] == canonical(_SURFACE, _CODEC, data, target, headers)


@given(st.sampled_from(ANTHROPIC_BODIES), st.integers(min_value=0), st.integers(0, 255))
def test_body_with_one_wrong_byte_is_read_the_same_on_both_paths(body: dict[str, Any], place: int, byte: int) -> None:
    data = bytearray(json.dumps(body, ensure_ascii=False).encode())
    data[place % len(data)] = byte
    target = deployment("anthropic", _MODEL)
    assert undecoded(_SURFACE, _CODEC, bytes(data), target)[0] == canonical(_SURFACE, _CODEC, bytes(data), target)


@pytest.mark.parametrize("body", ANTHROPIC_BODIES)
def test_ordinary_body_keeps_its_bytes(body: dict[str, Any]) -> None:
    assert undecoded(_SURFACE, _CODEC, json.dumps(body).encode(), deployment("anthropic", _MODEL))[1]


@pytest.mark.parametrize(
    "turns",
    [
        [{"role": "user", "content": [{"type": "text", "text": "so"}, _RESULT]}],
        [{"role": "user", "content": [_RESULT]}, {"role": "user", "content": "so"}],
        [{"role": "user", "content": [_RESULT]}, {"role": "user", "content": [{"type": "text", "text": "so"}]}],
        [{"role": "user", "content": [{**_RESULT, "content": ""}]}],
        [{"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""}]}],
        [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/jpg", "data": ""}}]}],
        [{"role": "user", "content": "so", "id": "msg_1"}],
    ],
)
def test_turn_that_is_written_in_another_form_goes_the_canonical_way(turns: list[dict[str, Any]]) -> None:
    assert not _reads(_body(messages=[*_USED, *turns]))


@pytest.mark.parametrize(
    "turns",
    [
        [{"role": "user", "content": [_RESULT, {"type": "text", "text": "so"}]}, {"role": "user", "content": "and?"}],
        [{"role": "user", "content": [_RESULT]}, {"role": "assistant", "content": "so"}, {"role": "user", "content": "and?"}],
        [{"role": "user", "content": [_RESULT]}, {"role": "system", "content": "so"}, {"role": "user", "content": "and?"}],
    ],
)
def test_results_that_stand_first_keep_their_bytes(turns: list[dict[str, Any]]) -> None:
    assert _reads(_body(messages=[*_USED, *turns]))


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]}]},
        {"messages": [{"role": "user", "content": [{**_RESULT, "content": [{"type": "search_result", "title": "t"}]}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
        {"n": 2},
    ],
)
def test_only_the_canonical_request_tells_the_size_of_media_and_of_tools_that_the_provider_runs(changes: dict[str, Any]) -> None:
    read = _SURFACE.read(json.dumps(_body(**changes)).encode(), None, ())
    assert read is not None
    assert not read.raw.is_plain
