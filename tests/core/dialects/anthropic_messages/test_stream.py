"""Streams that cross: the vendor's for OpenAI's clients, OpenAI's for the vendor's clients, and the law that encoding loses nothing."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.chat import FACTS, deployment
from tianji_core.calls.chat import (
    ChatChunk,
    ChoiceDelta,
    Delta,
    RedactedThinkingDelta,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolArgumentsDelta,
    ToolCallStart,
)
from tianji_core.calls.usage import Usage
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.anthropic_messages.stream_decode import MessagesStreamDecoder
from tianji_core.dialects.anthropic_messages.stream_encode import MessagesStreamEncoder
from tianji_core.providers.openai import PROVIDER as OPENAI
from tianji_core.surfaces.openai_chat import SURFACE as OPENAI_SURFACE
from tianji_core.wire.sse import SseDecoder


def _decoder() -> MessagesStreamDecoder:
    return MessagesStreamDecoder(ProviderMemo(facts=FACTS, provider="acme", model="up"))


def _encoded(chunks: Iterable[ChatChunk], model: str = "asked") -> bytes:
    encoder = MessagesStreamEncoder(SurfaceMemo(model=model))
    events = [event for chunk in chunks for event in encoder.feed(chunk)]
    return b"".join(event.data for event in [*events, *encoder.close()])


def test_openai_client_reads_the_vendors_stream_in_its_own_words(golden: Callable[[str], bytes]) -> None:
    body: dict[str, object] = {
        "model": "g",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "hi"}],
    }
    encoder = OPENAI_SURFACE.codec.stream(OPENAI_SURFACE.codec.decode(body, None, ()).memo)
    decoder = _decoder()
    chunks = [*decoder.feed(golden("two_tools_with_thinking")), *decoder.close()]
    events = [event.data for chunk in chunks for event in encoder.feed(chunk)] + [event.data for event in encoder.close()]
    values = [event.removeprefix(b"data: ").strip() for event in events]
    assert values[-1] == b"[DONE]"
    shown = [json.loads(value) for value in values[:-1]]
    deltas = [value["choices"][0]["delta"] for value in shown if value["choices"]]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content") or "" for delta in deltas) == "Checking Oslo and Tromsø."
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "Look both up."
    assert [block["signature"] for delta in deltas for block in delta.get("thinking_blocks", []) if "signature" in block] == [
        "c2lnbmF0dXJl"
    ]
    arguments: dict[int, str] = {}
    for call in (call for delta in deltas for call in delta.get("tool_calls") or []):
        arguments[call["index"]] = arguments.get(call["index"], "") + call["function"]["arguments"]
    assert [json.loads(text) for _, text in sorted(arguments.items())] == [{"city": "Oslo"}, {"city": "Tromsø", "days": 1.5}]
    assert [value["choices"][0]["finish_reason"] for value in shown if value["choices"]][-1] == "tool_calls"
    usage = shown[-1]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (520, 42, 562)


def test_vendors_client_reads_an_openai_stream(sdk_reads: Callable[[bytes], Any]) -> None:
    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 5, "model": "gpt"}
        return b"data: " + json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"

    def call(index: int, arguments: str, **head: Any) -> dict[str, Any]:
        name = {"name": head.pop("name")} if "name" in head else {}
        return {"tool_calls": [{"index": index, **head, "function": {**name, "arguments": arguments}}]}

    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    tail = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 5, "model": "gpt", "choices": [], "usage": usage}
    stream = (
        event({"role": "assistant", "content": ""})
        + event({"reasoning_content": "hm"})
        + event({"content": "Hi"})
        + event(call(0, "", id="a", type="function", name="f"))
        + event(call(0, '{"x":'))
        + event(call(1, "{}", id="b", type="function", name="g"))
        + event(call(0, "1}"))
        + event({}, "tool_calls")
        + b"data: "
        + json.dumps(tail).encode()
        + b"\n\ndata: [DONE]\n\n"
    )
    body: dict[str, object] = {"model": "asked", "max_tokens": 5, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    request = OPENAI_SURFACE.codec.decode(body, None, ()).request
    assert OPENAI.chat is not None
    decoder = OPENAI.chat.stream(OPENAI.chat.encode(request, deployment(), FACTS).memo)
    message = sdk_reads(_encoded([*decoder.feed(stream), *decoder.close()]))
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]
    assert (message["id"], message["model"], message["stop_reason"]) == ("msg_chatcmpl-1", "asked", "tool_use")
    assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (9, 4)


_piece = st.text(min_size=1, max_size=6)
_block = st.one_of(
    st.builds(lambda texts: ("text", texts), st.lists(_piece, min_size=1, max_size=3)),
    st.builds(lambda texts: ("thinking", texts), st.lists(_piece, min_size=1, max_size=3)),
    st.builds(lambda texts: ("tool", texts), st.lists(_piece, min_size=1, max_size=1)),
    st.builds(lambda texts: ("redacted", texts), st.lists(_piece, min_size=1, max_size=1)),
)


def _deltas(blocks: Sequence[tuple[str, list[str]]]) -> list[Delta]:
    deltas: list[Delta] = []
    calls = 0
    for number, (kind, texts) in enumerate(blocks):
        match kind:
            case "text":
                deltas += [TextDelta(text=text, block=number) for text in texts]
            case "thinking":
                deltas += [ThinkingDelta(text=text, block=number) for text in texts]
                deltas.append(SignatureDelta(signature="s", block=number))
            case "redacted":
                deltas.append(RedactedThinkingDelta(data=texts[0], block=number))
            case _:
                arguments = json.dumps({"a": texts[0]})
                deltas += [ToolCallStart(index=calls, id=f"t{calls}", name="f"), ToolArgumentsDelta(index=calls, arguments=arguments)]
                calls += 1
    return deltas


@given(st.lists(_block, max_size=6), st.sampled_from([("stop", "end_turn"), ("length", "max_tokens"), ("tool_calls", "tool_use")]))
def test_what_was_encoded_decodes_to_the_same_deltas(blocks: list[tuple[str, list[str]]], end: tuple[Any, str]) -> None:
    deltas = _deltas(blocks)
    usage = Usage(input_text=3, cache_read=1, output_text=4, reasoning=2)
    chunks = [ChatChunk(id="msg_1", created=1, model="m", choices=(ChoiceDelta(deltas=(delta,)),)) for delta in deltas]
    finish = ChoiceDelta(finish_reason=end[0], native_finish_reason=end[1])
    stream = _encoded([*chunks, ChatChunk(id="msg_1", created=1, model="m", choices=(finish,), usage=usage)])
    decoder = _decoder()
    back = [*decoder.feed(stream), *decoder.close()]
    assert [delta for chunk in back for choice in chunk.choices for delta in choice.deltas] == deltas
    last = back[-1].choices[0]
    assert (last.finish_reason, last.native_finish_reason) == end
    assert back[-1].usage == usage


@given(st.lists(_block, max_size=6))
def test_every_block_is_opened_filled_and_closed_in_order(blocks: list[tuple[str, list[str]]]) -> None:
    chunks = [ChatChunk(id="c", created=1, model="m", choices=(ChoiceDelta(deltas=(delta,)),)) for delta in _deltas(blocks)]
    open_block, following = None, 0
    for event in SseDecoder().feed(_encoded(chunks)):
        value = json.loads(event.data)
        match value["type"]:
            case "content_block_start":
                assert (open_block, value["index"]) == (None, following)
                open_block = following
            case "content_block_delta":
                assert value["index"] == open_block
            case "content_block_stop":
                assert value["index"] == open_block
                open_block, following = None, following + 1
            case _:
                assert open_block is None
    assert following == max(len(blocks), 1)
