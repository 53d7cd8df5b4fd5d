"""A chat body whose values keep their bytes: it means what the canonical path makes of it, and is refused as there."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.both_paths import canonical, undecoded
from support.chat import deployment
from support.mutated import OPENAI_BODIES, mutated
from tianji_core.calls.deployment import Deployment
from tianji_core.dialects.openai_chat import OpenAIChat, Quirks, Server
from tianji_core.dialects.openai_chat.request import PARAMETERS
from tianji_core.dialects.openai_chat.surface import OpenAIChatSurface
from tianji_core.dialects.openai_chat.undecoded import Body
from tianji_core.shapes.raw_requests import RawRequest

_SURFACE = OpenAIChatSurface()
_TYPES = {
    "object": dict[str, msgspec.Raw] | None,
    "array": list[msgspec.Raw] | None,
    "number": int | float | None,
    "boolean": bool | None,
    "string": str | None,
    "integer": int | None,
}
_OPENAI = Quirks(developer_role="developer", openai_models=True)
_QUIRKS = (
    *([_OPENAI] * 10),
    Quirks(max_tokens_field="max_tokens", flatten="always", drops_name=True),
    Quirks(max_tokens_field="max_completion_tokens", flatten="text", replays_reasoning=True),
    Quirks(developer_role="developer", tool_call_ids="mistral", forces_store_false=True, no_stream_options=True),
    Quirks(developer_role="developer", renames={"seed": "random_seed", "user": "end"}, single_choice=True, max_temperature="0.5"),
    Quirks(developer_role="developer", unsupported=frozenset({"seed", "top_p", "n", "parallel_tool_calls", "temperature"})),
    Quirks(developer_role="developer", unconfirmed=frozenset({"logprobs", "user"}), ignored=frozenset({"stop", "max_tokens"})),
    Quirks(thinking_switch=True, no_json_schema=True, required_choice="any", keeps_cache_control=True),
    Quirks(developer_role="developer", drops_tool_fields=frozenset({"strict"}), drops_schema_keywords=frozenset({"default"})),
)
_DEPLOYMENTS = st.builds(
    deployment,
    model=st.sampled_from(("gpt-4o", "o3-mini", "gpt-5.4")),
    parameter_mode=st.sampled_from(("drop", "refuse")),
    extra_body=st.sampled_from(({}, {}, {"safe": {"a": 1}, "seed": 3}, {"stream_options": {"x": 1}, "stream": True})),
    dropped_parameters=st.sampled_from((frozenset(), frozenset(), frozenset({"temperature", "top_k", "tools"}))),
    allowed_parameters=st.sampled_from((frozenset(), frozenset({"top_p", "n", "logprobs"}))),
)


def _codec(quirks: Quirks = _OPENAI) -> OpenAIChat:
    return OpenAIChat(server=Server(provider="openai", base_url="https://api.acme.example/v1", quirks=quirks))


def _read(body: dict[str, Any]) -> RawRequest | None:
    read = _SURFACE.read(json.dumps(body).encode(), None, ())
    return None if read is None else read.raw


def _chat(**changes: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **changes}


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutated(OPENAI_BODIES), _DEPLOYMENTS, st.sampled_from(_QUIRKS))
@example(OPENAI_BODIES[1], deployment(), _OPENAI)
@example(OPENAI_BODIES[2], deployment(), _OPENAI)
@example(_chat(tools=[], tool_choice="auto", parallel_tool_calls=True), deployment(), _OPENAI)
@example(_chat(messages=[{"role": "system", "content": [{"text": "no type"}]}]), deployment(), _OPENAI)
def test_both_paths_send_drop_and_refuse_the_same(body: dict[str, Any], target: Deployment, quirks: Quirks) -> None:
    data, codec = json.dumps(body).encode(), _codec(quirks)
    assert undecoded(_SURFACE, codec, data, target)[0] == canonical(_SURFACE, codec, data, target)


@given(st.sampled_from(OPENAI_BODIES), st.integers(min_value=0), st.integers(0, 255))
def test_body_with_one_wrong_byte_is_read_the_same_on_both_paths(body: dict[str, Any], place: int, byte: int) -> None:
    data = bytearray(json.dumps(body, ensure_ascii=False).encode())
    data[place % len(data)] = byte
    target, codec = deployment(), _codec()
    assert undecoded(_SURFACE, codec, bytes(data), target)[0] == canonical(_SURFACE, codec, bytes(data), target)


@pytest.mark.parametrize("body", OPENAI_BODIES)
def test_ordinary_body_keeps_its_bytes(body: dict[str, Any]) -> None:
    assert undecoded(_SURFACE, _codec(), json.dumps(body).encode(), deployment())[1]


@pytest.mark.parametrize(("name", "kind"), sorted(PARAMETERS.items()))
def test_narrow_reading_checks_every_parameter_that_the_surface_knows(name: str, kind: str) -> None:
    found = Body.__annotations__[name]
    bare = getattr(found, "__args__", (found,))[0] if name == "n" else found
    assert (getattr(bare, "__origin__", None) or bare, kind) == (int if name == "n" else _TYPES[kind], kind)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": "hi", "c\\u0061che_control": {"type": "ephemeral"}},
        {"role": "assistant", "content": "hi", "reasoning_content": "hm"},
        {"role": "assistant", "content": "hi", "thinking_blocks": [{"type": "thinking", "thinking": "hm"}]},
        {"role": "user", "content": "hi", "provider_specific_fields": {"a": 1}},
        {"role": "assistant", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]},
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;x=1;base64,AA=="}}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": "https://x.example/a.png"}]},
        {"role": "function", "name": "f", "content": "1"},
    ],
)
def test_message_that_is_written_in_another_form_goes_the_canonical_way(message: dict[str, Any]) -> None:
    data = json.dumps(_chat(messages=[message])).encode().replace(b"\\\\u", b"\\u")
    assert _SURFACE.read(data, None, ()) is None


def test_text_about_a_field_is_no_field() -> None:
    assert _read(_chat(messages=[{"role": "user", "content": "what is cache_control, or reasoning_content?"}])) is not None


def test_admission_knows_the_size_of_a_body_that_is_not_decoded() -> None:
    raw = _read(_chat(max_tokens=9, max_completion_tokens=7, n=3, user="u", stream=True, response_format={"type": "text"}))
    assert raw is not None
    assert (raw.output, raw.choices, raw.end_user, raw.stream, raw.has_tools, raw.is_plain) == (7, 3, "u", True, True, True)


def test_model_of_the_path_wins() -> None:
    read = _SURFACE.read(json.dumps(_chat()).encode(), "other", ())
    assert read is not None
    assert (read.model, read.memo.model) == ("other", "other")
