"""The top level of a client's body, and what of it is ours."""

import json
from typing import Any

import msgspec
import pytest

from tianji_core.calls.controls import Controls
from tianji_core.errors import InvalidRequestError
from tianji_core.shapes.codecs import Decoded
from tianji_core.shapes.raw_requests import RawDecoded
from tianji_core.surfaces.openai_chat import SURFACE as CHAT
from tianji_core.surfaces.openai_embeddings import SURFACE as EMBEDDINGS
from tianji_core.translation.undecoded import read_body, steer, top_level
from tianji_core.wire.json import UNREADABLE

_CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def _fields(**values: Any) -> dict[str, msgspec.Raw]:
    return top_level(json.dumps(values).encode())


def test_values_keep_their_bytes_and_nulls_say_nothing() -> None:
    fields = top_level(b'{"a": 1.50 , "b":null, "c":"null", "a": [ 2 ]}')
    assert {name: bytes(value) for name, value in fields.items()} == {"a": b"[ 2 ]", "c": b'"null"'}


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a": "\xff"}', b'{"a": 01}', b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}"])
def test_what_is_no_object_of_text_is_not_read(body: bytes) -> None:
    with pytest.raises(UNREADABLE):
        top_level(body)


def test_fields_that_steer_are_taken_out_and_metadata_stays() -> None:
    fields = _fields(tags=["a"], timeout=2.5, api_key="sk-own", metadata={"session_id": "s"}, temperature=1)
    controls = steer(fields, ())
    assert fields.keys() == {"metadata", "temperature"}
    assert (controls.tags, controls.timeout_seconds, controls.session_id) == (("a",), 2.5, "s")
    assert controls.client_credentials == {"api_key": "sk-own"}


def test_headers_steer_where_the_body_does_not() -> None:
    assert steer(_fields(temperature=1), (("x-tianji-tags", "a, b"),)).tags == ("a", "b")
    assert steer(_fields(temperature=1), (("x-litellm-num-retries", "2"),)).num_retries == 2
    assert steer(_fields(temperature=1), (("x-request-id", "r"),)) == Controls()


def test_wrong_control_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        steer(_fields(fallbacks=["a", 1]), (), index="{}")
    assert (caught.value.param, caught.value.code) == ("fallbacks.1", "invalid_type")


def test_surface_that_needs_the_whole_body_decodes_it() -> None:
    assert isinstance(read_body(EMBEDDINGS.codec, b'{"model": "m", "input": "hi"}', None, ()), Decoded)


def test_chat_is_read_no_further_than_its_top_level() -> None:
    read = read_body(CHAT.codec, json.dumps(_CHAT).encode(), None, ())
    assert isinstance(read, RawDecoded)
    assert (read.model, read.stream, read.end_user) == ("m", False, None)


def test_chat_without_a_narrow_reading_is_decoded() -> None:
    body = json.dumps({**_CHAT, "functions": [{"name": "f"}]}).encode()
    assert isinstance(read_body(CHAT.codec, body, None, ()), Decoded)


@pytest.mark.parametrize(("changes", "param"), [({"temperature": "warm"}, "temperature"), ({"messages": []}, "messages"), ({"n": 0}, "n")])
def test_wrong_field_is_refused_as_the_canonical_path_does(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_body(CHAT.codec, json.dumps({**_CHAT, **changes}).encode(), None, ())
    assert caught.value.param == param
