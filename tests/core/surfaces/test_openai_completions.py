"""What clients of legacy completions send and get."""

import json

import pytest
from openai.types import Completion

from tianji_core.calls.completions import CompletionChoice, CompletionRequest, CompletionResponse
from tianji_core.calls.usage import Usage
from tianji_core.errors import InvalidRequestError, UpstreamProtocolError
from tianji_core.shapes.codecs import Decoded, Event
from tianji_core.surfaces.openai_completions import SURFACE

CODEC = SURFACE.codec
USAGE = Usage(input_text=3, output_text=2)


def decode(body: dict[str, object], model: str | None = None) -> Decoded:
    return CODEC.decode({"model": "asked", "prompt": "Once", **body}, model, ())


def answer(text: str = "hi", finish: str | None = "stop", usage: Usage | None = None) -> CompletionResponse:
    choices = (CompletionChoice(index=0, text=text, finish_reason=finish),)
    return CompletionResponse(id="cmpl-1", created=5, model="upstream", choices=choices, usage=usage)


def test_a_request_is_read_with_its_controls_apart() -> None:
    decoded = decode({"max_tokens": 5, "num_retries": 1, "fallbacks": ["b"], "top_k": 3})
    request = decoded.request
    assert isinstance(request, CompletionRequest)
    assert (request.model, request.prompt, request.single, request.max_output_tokens) == ("asked", ("Once",), True, 5)
    assert request.rest is not None
    assert request.rest.fields == {"top_k": 3}
    assert (decoded.controls.num_retries, decoded.controls.fallbacks) == (1, ("b",))


def test_the_model_of_the_path_wins() -> None:
    assert decode({}, "path").request.model == "path"


@pytest.mark.parametrize("field", ["model", "prompt"])
def test_required_fields_are_missed_by_name(field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        decode({field: None})
    assert (caught.value.param, caught.value.code) == (field, "missing_required_parameter")


def test_a_whole_answer_is_what_the_sdk_reads() -> None:
    data = CODEC.encode(answer(usage=USAGE), decode({}).memo)
    assert json.loads(data) == {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 5,
        "model": "asked",
        "choices": [{"text": "hi", "index": 0, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    assert Completion.model_validate_json(data, strict=True).choices[0].text == "hi"


def stream(body: dict[str, object], *chunks: CompletionResponse) -> list[Event]:
    encoder = CODEC.stream(decode({"stream": True, **body}).memo)
    return [event for chunk in chunks for event in encoder.feed(chunk)] + encoder.close()


def values(events: list[Event]) -> list[dict[str, object]]:
    assert events[-1].data == b"data: [DONE]\n\n"
    return [json.loads(event.data.removeprefix(b"data: ")) for event in events[:-1]]


END = CompletionResponse(id="cmpl-1", created=5, model="upstream", choices=(), usage=USAGE)


def test_a_stream_hides_usage_that_nobody_asked_for() -> None:
    events = stream({}, answer("h", None), answer("i", "stop"), END)
    assert [value["choices"] for value in values(events)] == [
        [{"text": "h", "index": 0, "logprobs": None, "finish_reason": None}],
        [{"text": "i", "index": 0, "logprobs": None, "finish_reason": "stop"}],
    ]
    assert all("usage" not in value and value["model"] == "asked" for value in values(events))


def test_a_stream_ends_with_the_usage_that_was_asked_for() -> None:
    found = values(stream({"stream_options": {"include_usage": True}}, answer("h", "stop"), END))
    assert [value["usage"] for value in found] == [None, {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}]
    assert found[-1]["choices"] == []


def test_an_answer_is_committed_by_text_or_an_end_only() -> None:
    events = stream({}, answer("", None), answer("h", None), answer("", "stop"))
    assert [event.content for event in events] == [False, True, True, True]


def test_an_error_after_the_commitment_is_one_event() -> None:
    (event,) = CODEC.stream(decode({}).memo).error(UpstreamProtocolError("cut"), "req")
    error = json.loads(event.data.removeprefix(b"data: "))["error"]
    assert (error["message"], error["type"], error["request_id"]) == ("cut", "api_error", "req")


def test_a_keep_alive_is_a_comment() -> None:
    assert CODEC.stream(decode({}).memo).keep_alive().startswith(b":")


def test_the_surface_names_its_routes() -> None:
    assert (SURFACE.operation, SURFACE.paths[0]) == ("text_completion", "/completions")
