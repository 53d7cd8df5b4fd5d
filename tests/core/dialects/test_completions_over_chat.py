"""Legacy completions on a model that only chats."""

import json

import msgspec
import pytest

from support.routing import deployment
from tianji_core import errors
from tianji_core.calls.chat import Text
from tianji_core.calls.completions import CompletionRequest, CompletionResponse
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.completions_over_chat import CompletionsOverChat, as_chat, completions_codec
from tianji_core.dialects.openai_chat import OpenAIChat, Server
from tianji_core.dialects.openai_completions import OpenAICompletions, decode_request
from tianji_core.shapes.codecs import Encoded, Provider
from tianji_core.translation.parameters import Dropping
from tianji_core.wire.fields import Fields

CALL = CallFacts(call_id="0197-call", created=1_700_000_000)
CHATTY = deployment("d", model="chatty")
SERVER = Server(provider="acme", base_url="https://acme.example/v1")
CODEC = CompletionsOverChat(chat=OpenAIChat(server=SERVER))


def request(**body: object) -> CompletionRequest:
    return decode_request(Fields({"prompt": "Once", **body}), "asked")


def encode(**body: object) -> tuple[Encoded, dict[str, object]]:
    encoded = CODEC.encode(request(**body), CHATTY, CALL)
    return encoded, json.loads(encoded.http.body)


def decode(value: object) -> CompletionResponse:
    encoded, _ = encode()
    return CODEC.decode(HttpResponse(status=200, body=json.dumps(value).encode()), encoded.memo)


def test_the_prompt_becomes_one_user_message() -> None:
    for prompt in ("Once", ["Once"]):
        encoded, body = encode(prompt=prompt, max_tokens=5, temperature=0, stop="x", top_k=3)
        assert encoded.http.url == "https://acme.example/v1/chat/completions"
        assert body == {
            "model": "chatty",
            "messages": [{"role": "user", "content": "Once"}],
            "max_tokens": 5,
            "temperature": 0,
            "stop": ["x"],
            "top_k": 3,
        }


def test_the_chat_request_says_what_the_completions_request_said() -> None:
    chat = as_chat(request(stream=True, stream_options={"include_usage": True}, user="u"), Dropping(CHATTY))
    assert (chat.stream, chat.include_usage, chat.end_user, chat.messages[0].parts) == (True, True, "u", (Text(text="Once"),))


@pytest.mark.parametrize("prompt", [[1, 2], [[1], [2]], ["a", "b"]])
def test_token_ids_and_several_prompts_are_refused(prompt: object) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        encode(prompt=prompt)
    assert (caught.value.param, "asked" in str(caught.value)) == ("prompt", True)


def test_a_parameter_without_a_counterpart_is_refused_or_dropped_by_name_and_a_neutral_one_goes_silently() -> None:
    with pytest.raises(errors.UnsupportedParameterError) as caught:
        encode(suffix="end")
    assert caught.value.param == "suffix"
    lenient = msgspec.structs.replace(CHATTY, parameter_mode="drop")
    asked = request(suffix="end", echo=True, best_of=2)
    assert sorted(CODEC.encode(asked, lenient, CALL).dropped) == ["best_of", "echo", "suffix"]
    encoded, body = encode(suffix="", echo=False, best_of=1)
    assert (encoded.dropped, set(body)) == ((), {"model", "messages"})


@pytest.mark.parametrize(("asked", "expected"), [(0, {"logprobs": True}), (3, {"logprobs": True, "top_logprobs": 3})])
def test_logprobs_become_chats_two_fields(asked: int, expected: dict[str, object]) -> None:
    _, body = encode(logprobs=asked)
    assert {name: body[name] for name in body if "logprobs" in name} == expected


def answer(message: dict[str, object], **choice: object) -> dict[str, object]:
    return {
        "id": "chatcmpl-1",
        "created": 5,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}],
    }


def test_the_answers_text_is_the_continuation() -> None:
    whole = decode({**answer({"role": "assistant", "content": " upon"}), "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    assert (whole.id, whole.choices[0].text, whole.choices[0].finish_reason) == ("chatcmpl-1", " upon", "stop")
    assert whole.usage is not None
    assert (whole.usage.input_total, whole.usage.output_total) == (3, 1)


def test_a_refusal_is_text_and_thinking_an_extension_field() -> None:
    assert decode(answer({"role": "assistant", "content": None, "refusal": "no"})).choices[0].text == "no"
    (choice,) = decode(answer({"role": "assistant", "content": "x", "reasoning_content": "hm"})).choices
    assert choice.text == "x"
    assert choice.rest is not None
    assert choice.rest.of("openai_completions") == {"provider_specific_fields": {"reasoning_content": "hm"}}


def test_logprobs_become_four_parallel_lists() -> None:
    content = [
        {"token": " up", "logprob": -1, "top_logprobs": [{"token": " up", "logprob": -1}, {"token": " a", "logprob": -2}]},
        {"token": "on", "logprob": -3, "top_logprobs": []},
    ]
    (choice,) = decode(answer({"role": "assistant", "content": " upon"}, logprobs={"content": content})).choices
    assert choice.logprobs == {
        "tokens": [" up", "on"],
        "token_logprobs": [-1, -3],
        "top_logprobs": [{" up": -1, " a": -2}, None],
        "text_offset": [0, 3],
    }


def chunk(delta: dict[str, object], finish: str | None = None, token: str | None = None) -> bytes:
    logprobs = None if token is None else {"content": [{"token": token, "logprob": -1, "top_logprobs": []}]}
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}
    value = {"id": "c", "created": 5, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def test_a_stream_becomes_completion_chunks_with_running_offsets() -> None:
    encoded, _ = encode(stream=True)
    decoder = CODEC.stream(encoded.memo)
    data = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "hm"}),
        chunk({"content": " up"}, token=" up"),
        chunk({"content": "on"}, "length", token="on"),
        b'data: {"id":"c","created":5,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
    ]
    chunks = [one for piece in data for one in decoder.feed(piece)] + list(decoder.close())
    choices = [choice for one in chunks for choice in one.choices]
    assert [choice.text for choice in choices] == ["", "", " up", "on"]
    assert [choice.finish_reason for choice in choices] == [None, None, None, "length"]
    assert choices[3].logprobs is not None
    assert choices[3].logprobs["text_offset"] == [3]
    assert choices[1].rest is not None
    assert chunks[-1].usage is not None


def test_a_cut_chat_stream_is_a_cut_completion_stream() -> None:
    encoded, _ = encode(stream=True)
    decoder = CODEC.stream(encoded.memo)
    decoder.feed(chunk({"content": "x"}))
    with pytest.raises(errors.UpstreamProtocolError):
        decoder.close()


def test_errors_are_the_chat_codecs() -> None:
    assert isinstance(CODEC.error(HttpResponse(status=429, body=b"{}")), errors.UpstreamRateLimitedError)


def test_a_model_that_only_chats_goes_over_chat_and_others_use_the_providers_own_codec() -> None:
    chat, own = OpenAIChat(server=SERVER), OpenAICompletions(server=SERVER)
    both = Provider(name="acme", dialect="openai_chat", chat=chat, completions=own)
    assert completions_codec(both, deployment("a")) is own
    assert completions_codec(both, deployment("a", model_info={"mode": "completion"})) is own
    assert completions_codec(both, deployment("a", known={"mode": "chat"})) == CompletionsOverChat(chat=chat)
    assert completions_codec(Provider(name="acme", dialect="x", chat=chat), deployment("a")) == CompletionsOverChat(chat=chat)
    assert completions_codec(Provider(name="acme", dialect="x", completions=own), deployment("a", known={"mode": "chat"})) is own
    assert completions_codec(Provider(name="acme", dialect="x"), deployment("a")) is None
