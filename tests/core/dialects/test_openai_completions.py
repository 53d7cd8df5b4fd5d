"""Legacy completions at an OpenAI-compatible server."""

import json
from decimal import Decimal
from random import Random

import msgspec
import pytest

from support.routing import deployment
from tianji_core import errors
from tianji_core.calls.completions import CompletionRequest, CompletionResponse
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import Bearer, HttpResponse
from tianji_core.calls.secret import Secret
from tianji_core.dialects.openai_chat import Quirks, Server
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_completions import DIALECT, OpenAICompletions, decode_request, encode_whole
from tianji_core.errors import InvalidRequestError
from tianji_core.wire.fields import Fields

CALL = CallFacts(call_id="0197-call", created=1_700_000_000)
INSTRUCT = deployment("d", model="instruct", auth_secret=Secret("sk-up"))


def codec(**quirks: object) -> OpenAICompletions:
    return OpenAICompletions(server=Server(provider="acme", base_url="https://acme.example", quirks=Quirks(**quirks)))  # type: ignore[arg-type]


def request(**body: object) -> CompletionRequest:
    return decode_request(Fields({"prompt": "Once", **body}), "asked")


def sent(asked: CompletionRequest, member: Deployment = INSTRUCT, **quirks: object) -> dict[str, object]:
    body: dict[str, object] = json.loads(codec(**quirks).encode(asked, member, CALL).http.body, parse_float=Decimal)
    return body


def memo() -> ProviderMemo:
    return ProviderMemo(facts=CALL, provider="acme", model="instruct", quirks=Quirks())


def decode(value: object) -> CompletionResponse:
    return codec().decode(HttpResponse(status=200, body=json.dumps(value).encode()), memo())


def test_the_request_goes_to_the_completions_path_with_the_deployments_key() -> None:
    http = codec().encode(request(), INSTRUCT, CALL).http
    assert (http.method, http.url) == ("POST", "https://acme.example/v1/completions")
    assert http.auth == Bearer(Secret("sk-up"))


def test_every_parameter_goes_up_under_its_own_name() -> None:
    body: dict[str, object] = {
        "prompt": ["a", "b"],
        "best_of": 3,
        "echo": True,
        "frequency_penalty": Decimal("0.5"),
        "presence_penalty": -1,
        "logit_bias": {"50256": -100},
        "logprobs": 2,
        "max_tokens": 0,
        "n": 2,
        "seed": 7,
        "stop": ["x", "y"],
        "suffix": " end",
        "temperature": Decimal("0.2"),
        "top_p": 1,
        "user": "u",
        "top_k": 40,
    }
    assert sent(request(**body)) == {"model": "instruct", **body}


@pytest.mark.parametrize("prompt", ["a", ["a"], [1, 2], [[1, 2], [3]]])
def test_the_prompt_keeps_its_form(prompt: object) -> None:
    assert sent(request(prompt=prompt))["prompt"] == prompt


def test_what_the_gateway_reads_does_not_go_up() -> None:
    assert sent(request(metadata={"tags": ["a"]})) == {"model": "instruct", "prompt": "Once"}


def test_configured_parameters_stand_behind_the_requests_and_extra_body_before() -> None:
    member = deployment("d", model="instruct", extra_body={"temperature": 1, "top_p": Decimal("0.5")})
    body = sent(request(temperature=0, extra_body={"top_p": Decimal("0.1"), "new": True}), member)
    assert (body["temperature"], body["top_p"], body["new"]) == (0, Decimal("0.1"), True)


def test_a_stream_asks_for_usage_unless_the_server_refuses_the_field() -> None:
    assert sent(request(stream=True))["stream_options"] == {"include_usage": True}
    asked = request(stream=True, stream_options={"include_usage": False, "include_obfuscation": False})
    assert sent(asked)["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert not asked.include_usage
    assert "stream_options" not in sent(request(stream=True), no_stream_options=True)
    assert "stream_options" not in sent(request())


def test_an_unsupported_parameter_is_refused_or_dropped_by_name() -> None:
    unsupported = frozenset({"best_of"})
    with pytest.raises(errors.UnsupportedParameterError) as caught:
        sent(request(best_of=2), unsupported=unsupported)
    assert caught.value.param == "best_of"
    lenient = msgspec.structs.replace(INSTRUCT, parameter_mode="drop")
    encoded = codec(unsupported=unsupported).encode(request(best_of=2), lenient, CALL)
    assert encoded.dropped == ("best_of",)
    assert b"best_of" not in encoded.http.body


def test_parameters_that_the_operator_drops_are_left_out_by_name() -> None:
    member = msgspec.structs.replace(INSTRUCT, dropped_parameters=frozenset({"seed"}))
    encoded = codec().encode(request(seed=1), member, CALL)
    assert (encoded.dropped, b"seed" in encoded.http.body) == (("seed",), False)


def test_a_temperature_above_the_servers_limit_is_lowered() -> None:
    assert sent(request(temperature=Decimal("1.7")), max_temperature="1")["temperature"] == 1
    assert sent(request(temperature=Decimal("0.7")), max_temperature="1")["temperature"] == Decimal("0.7")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"best_of": 129}, "best_of"),
        ({"logprobs": True}, "logprobs"),
        ({"echo": "yes"}, "echo"),
        ({"stop": 5}, "stop"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ],
)
def test_a_field_of_the_wrong_type_or_range_is_refused_by_name(body: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        request(**body)
    assert caught.value.param == param


ANSWER = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 5,
    "model": "instruct-001",
    "system_fingerprint": "fp",
    "choices": [
        {"text": " upon", "index": 0, "logprobs": {"tokens": [" upon"]}, "finish_reason": "length"},
        {"text": " a", "index": 1, "logprobs": None, "finish_reason": "stop", "stop_reason": 3},
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1}},
}


def test_an_answer_is_read_with_disjoint_usage() -> None:
    answer = decode(ANSWER)
    assert [(choice.index, choice.text, choice.finish_reason) for choice in answer.choices] == [(0, " upon", "length"), (1, " a", "stop")]
    assert answer.usage is not None
    assert (answer.usage.input_text, answer.usage.cache_read, answer.usage.output_text) == (2, 1, 2)


def test_an_answer_goes_back_with_everything_the_server_said_and_the_callers_name_of_the_model() -> None:
    assert encode_whole(decode(ANSWER), SurfaceMemo(model="asked")) == {**ANSWER, "model": "asked"}


def test_what_a_server_leaves_out_is_filled_from_the_call() -> None:
    answer = decode({"choices": [{"text": None}]})
    assert answer.id.startswith("cmpl-")
    assert answer == decode({"choices": [{"text": None}]})
    assert (answer.created, answer.model, answer.choices[0].text, answer.usage) == (CALL.created, "instruct", "", None)


@pytest.mark.parametrize("value", [{}, {"choices": "x"}, {"choices": [1]}, {"choices": [{"text": 5}]}, []])
def test_what_is_no_completion_is_a_protocol_error(value: object) -> None:
    with pytest.raises(errors.UpstreamProtocolError):
        decode(value)


def test_an_error_inside_a_200_is_an_error() -> None:
    with pytest.raises(errors.UpstreamRateLimitedError):
        decode({"error": {"type": "rate_limit_error", "message": "slow"}})


def test_an_error_answer_is_classified() -> None:
    assert isinstance(codec().error(HttpResponse(status=503, body=b"{}")), errors.UpstreamOverloadedError)


# --- streams ------------------------------------------------------------------------------------------------------------


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def piece(text: str, finish: str | None = None, index: int = 0) -> dict[str, object]:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
    return {"id": "cmpl-1", "object": "text_completion", "created": 5, "model": "m", "choices": [choice]}


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
STREAM = b"".join(
    [
        event(piece(" up")),
        b": comment\n\n",
        event(piece("on", "stop")),
        event({"id": "cmpl-1", "created": 5, "model": "m", "choices": [], "usage": USAGE}),
        b"data: [DONE]\n\n",
    ]
)


def run(*pieces: bytes) -> list[CompletionResponse]:
    decoder = codec().stream(memo())
    chunks = [chunk for data in pieces for chunk in decoder.feed(data)]
    return [*chunks, *decoder.close()]


def test_a_stream_is_read_whole() -> None:
    chunks = run(STREAM)
    assert ["".join(choice.text for choice in chunk.choices) for chunk in chunks] == [" up", "on", ""]
    assert [chunk.usage is not None for chunk in chunks] == [False, False, True]


def test_any_cut_gives_the_same_chunks() -> None:
    whole = run(STREAM)
    assert run(*(STREAM[at : at + 1] for at in range(len(STREAM)))) == whole
    for at in range(len(STREAM)):
        assert run(STREAM[:at], STREAM[at:]) == whole
    dice = Random(3)
    for _ in range(50):
        marks = sorted(dice.sample(range(len(STREAM)), 4))
        assert run(*(STREAM[a:b] for a, b in zip([0, *marks], [*marks, len(STREAM)], strict=True))) == whole


def test_a_cut_stream_is_told_at_its_end() -> None:
    for data in (b"", event(piece(" up")), event(piece("a", "stop")) + event(piece("b", index=1))):
        with pytest.raises(errors.UpstreamProtocolError, match="before its final event"):
            run(data)


def test_a_stream_without_done_is_complete_when_every_choice_has_finished() -> None:
    assert len(run(event(piece("a", "stop")))) == 1


def test_nothing_after_done_counts() -> None:
    assert run(STREAM + event(piece("more"))) == run(STREAM)


def test_an_error_in_the_stream_leaves_after_the_chunks_before_it() -> None:
    decoder = codec().stream(memo())
    data = event(piece(" up")) + event({"error": {"message": "gone", "type": "server_error"}})
    assert len(decoder.feed(data)) == 1
    with pytest.raises(errors.UpstreamUnavailableError):
        decoder.feed(b"")
    with pytest.raises(errors.UpstreamUnavailableError):
        decoder.close()


@pytest.mark.parametrize("data", [b'event: error\ndata: {"message": "x", "type": "rate_limit_error"}\n\n', event({"error": {"code": 429}})])
def test_both_forms_of_a_stream_error_are_known(data: bytes) -> None:
    with pytest.raises(errors.UpstreamRateLimitedError):
        codec().stream(memo()).feed(data)


def test_garbage_in_the_stream_is_a_protocol_error() -> None:
    with pytest.raises(errors.UpstreamProtocolError):
        codec().stream(memo()).feed(b"data: nonsense\n\n")


def test_usage_beside_choices_stays_where_the_server_put_it() -> None:
    (chunk,) = run(event({**piece("a", "stop"), "usage": USAGE}))
    assert chunk.rest is not None
    assert chunk.rest.of(DIALECT) == {"usage": USAGE}
    assert chunk.usage is not None
