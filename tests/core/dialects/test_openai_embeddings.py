"""Embeddings at an OpenAI-compatible server."""

import base64
import json
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.routing import deployment
from tianji_core import errors
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.embeddings import EmbeddingRequest, EmbeddingResponse
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.openai_chat import Quirks, Server
from tianji_core.dialects.openai_chat.memo import ProviderMemo
from tianji_core.dialects.openai_embeddings import EmbeddingMemo, OpenAIEmbeddings, decode_request, encode_answer, in_form
from tianji_core.wire.fields import Fields

CALL = CallFacts(call_id="0197-call", created=1_700_000_000)
SMALL = deployment("d", model="embed-small")
MEMO = ProviderMemo(facts=CALL, provider="acme", model="embed-small", quirks=Quirks())


def codec(**quirks: object) -> OpenAIEmbeddings:
    return OpenAIEmbeddings(server=Server(provider="acme", base_url="https://acme.example", quirks=Quirks(**quirks)))  # type: ignore[arg-type]


def request(**body: object) -> EmbeddingRequest:
    return decode_request(Fields({"input": "hi", **body}), "asked")


def sent(asked: EmbeddingRequest, member: Deployment = SMALL, **quirks: object) -> dict[str, object]:
    body: dict[str, object] = json.loads(codec(**quirks).encode(asked, member, CALL).http.body)
    return body


def decode(value: object) -> EmbeddingResponse:
    return codec().decode(HttpResponse(status=200, body=json.dumps(value).encode()), MEMO)


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def test_the_request_goes_up_as_it_was_sent() -> None:
    body: dict[str, object] = {
        "input": [[1, 2], [3]],
        "dimensions": 8,
        "encoding_format": "base64",
        "user": "u",
        "input_type": "query",
    }
    encoded = codec().encode(request(**body), SMALL, CALL)
    assert encoded.http.url == "https://acme.example/v1/embeddings"
    assert json.loads(encoded.http.body) == {"model": "embed-small", **body}


def test_no_form_is_asked_for_where_the_caller_named_none() -> None:
    assert sent(request()) == {"model": "embed-small", "input": "hi"}


def test_configured_parameters_stand_behind_and_extra_body_before() -> None:
    member = deployment("d", model="embed-small", extra_body={"dimensions": 4, "truncate": True})
    assert sent(request(dimensions=8, extra_body={"late": 1}), member) == {
        "model": "embed-small",
        "input": "hi",
        "dimensions": 8,
        "truncate": True,
        "late": 1,
    }


def test_what_the_gateway_reads_does_not_go_up() -> None:
    assert "metadata" not in sent(request(metadata={"tags": ["a"]}))


def test_a_form_that_the_server_does_not_know_is_left_out_silently_because_the_answer_is_translated() -> None:
    unsupported = frozenset({"encoding_format", "user", "dimensions"})
    encoded = codec(unsupported=unsupported).encode(request(encoding_format="base64", user="u"), SMALL, CALL)
    assert (encoded.dropped, json.loads(encoded.http.body)) == ((), {"model": "embed-small", "input": "hi"})
    with pytest.raises(errors.UnsupportedParameterError):
        sent(request(dimensions=8), unsupported=unsupported)


def test_length_of_the_vector_has_the_servers_own_name() -> None:
    body = sent(request(dimensions=8), renames={"dimensions": "output_dimension"})
    assert (body["output_dimension"], "dimensions" in body) == (8, False)


def test_parameters_that_the_operator_drops_are_left_out_by_name() -> None:
    member = msgspec.structs.replace(SMALL, dropped_parameters=frozenset({"dimensions"}))
    encoded = codec().encode(request(dimensions=8), member, CALL)
    assert (encoded.dropped, b"dimensions" in encoded.http.body) == (("dimensions",), False)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"encoding_format": 5}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "8"}, "dimensions"),
        ({"user": 5}, "user"),
    ],
)
def test_a_field_of_the_wrong_type_or_range_is_refused_by_name(body: dict[str, object], param: str) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        request(**body)
    assert caught.value.param == param


def item(index: int | None, vector: object) -> dict[str, object]:
    value = {"object": "embedding", "embedding": vector}
    return value if index is None else {**value, "index": index}


ANSWER = {
    "object": "list",
    "model": "embed-small-1",
    "data": [item(0, [0.1, -0.25]), item(1, [1, 0])],
    "usage": {"prompt_tokens": 2, "total_tokens": 2},
    "extra": {"a": 1},
}


def test_an_answer_goes_back_with_everything_the_server_said_and_the_callers_name_of_the_model() -> None:
    written = msgspec.json.encode(encode_answer(decode(ANSWER), EmbeddingMemo(model="asked")))
    assert json.loads(written) == {**ANSWER, "model": "asked"}


def test_vectors_come_in_the_order_of_the_input() -> None:
    answer = decode({**ANSWER, "data": [item(1, [2.0]), item(0, [1.0])]})
    assert [(one.index, one.vector) for one in answer.data] == [(0, (1.0,)), (1, (2.0,))]


@pytest.mark.parametrize("index", [None, 0])
def test_a_server_that_does_not_count_means_the_order_of_its_answer(index: int | None) -> None:
    answer = decode({"data": [item(index, [1.0]), item(index, [2.0])]})
    assert [(one.index, one.vector) for one in answer.data] == [(0, (1.0,)), (1, (2.0,))]
    assert (answer.model, answer.usage) == ("embed-small", None)


def test_a_total_alone_is_the_input() -> None:
    usage = decode({**ANSWER, "usage": {"total_tokens": 8}}).usage
    assert usage is not None
    assert (usage.input_total, usage.output_total) == (8, None)


def test_usage_of_embeddings_has_no_completion() -> None:
    assert encode_answer(decode(ANSWER), EmbeddingMemo(model="m"))["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    assert "usage" not in encode_answer(decode({"data": ANSWER["data"]}), EmbeddingMemo(model="m"))


def test_base64_travels_untouched() -> None:
    text = packed(0.5, -1.0)
    answer = decode({**ANSWER, "data": [item(0, text)]})
    data = encode_answer(answer, EmbeddingMemo(model="m", encoding_format="base64"))["data"]
    assert data == [{"object": "embedding", "index": 0, "embedding": text}]


def test_who_asks_for_base64_gets_it_from_a_server_that_only_has_numbers() -> None:
    answer = decode({**ANSWER, "data": [item(0, [0.5, -1])]})
    data = encode_answer(answer, EmbeddingMemo(model="m", encoding_format="base64"))["data"]
    assert data == [{"object": "embedding", "index": 0, "embedding": packed(0.5, -1.0)}]


@pytest.mark.parametrize("asked", ["float", None])
def test_who_does_not_ask_for_base64_gets_numbers(asked: str | None) -> None:
    assert in_form(packed(0.5, -1.0), asked) == (0.5, -1.0)
    assert in_form((0.1, 2.0), asked) == (0.1, 2.0)


@given(vector=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20).map(tuple))
def test_both_forms_say_the_same(vector: tuple[float, ...]) -> None:
    text = in_form(vector, "base64")
    assert isinstance(text, str)
    assert in_form(text, "float") == vector
    assert in_form(text, "base64") == text


@pytest.mark.parametrize(("vector", "asked"), [((1e300,), "base64"), ("not base64!", "float"), ("AAAA", "float"), ("é", "float")])
def test_a_vector_that_cannot_be_read_is_a_protocol_error(vector: tuple[float, ...] | str, asked: str) -> None:
    with pytest.raises(errors.UpstreamProtocolError):
        in_form(vector, asked)


@pytest.mark.parametrize(
    "value",
    [{}, {"data": []}, {"data": "x"}, {"data": [{}]}, {"data": [item(0, [[1.0]])]}, {"data": [item(0, "AAAA")], "model": 5}, [], 5],
)
def test_what_is_no_list_of_embeddings_is_a_protocol_error(value: object) -> None:
    with pytest.raises(errors.UpstreamProtocolError):
        decode(value)


def test_bytes_that_are_not_json_are_a_protocol_error() -> None:
    with pytest.raises(errors.UpstreamProtocolError):
        codec().decode(HttpResponse(status=200, body=b"<html>"), MEMO)


def test_an_error_inside_a_200_is_an_error() -> None:
    with pytest.raises(errors.UpstreamRateLimitedError):
        decode({"error": {"type": "rate_limit_error", "message": "slow"}})


def test_an_error_answer_is_classified() -> None:
    assert isinstance(codec().error(HttpResponse(status=401, body=b"{}")), errors.UpstreamAuthenticationError)


def test_embeddings_have_no_stream() -> None:
    with pytest.raises(errors.InvalidRequestError):
        codec().stream(MEMO)
