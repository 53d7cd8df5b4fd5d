"""Reasoning between tags at the start of the content: whole answers, streams cut anywhere, and text that only looks like it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.chat import FACTS
from tianji_core.calls.chat import ChatChunk, Part, Text, TextDelta, Thinking, ThinkingDelta, ToolArgumentsDelta, ToolCallStart
from tianji_core.dialects.openai_chat import Quirks
from tianji_core.dialects.openai_chat.memo import ProviderMemo
from tianji_core.dialects.openai_chat.response import decode_response
from tianji_core.dialects.openai_chat.stream_decode import ChatStreamDecoder
from tianji_core.dialects.openai_chat.think_tags import ThinkTags

_CASES = [
    ("<think>why</think>so", "why", "so"),
    ("<think>\nwhy\n</think>\n\nso", "\nwhy\n", "\n\nso"),
    ("<budget:thinking>why</budget:thinking>so", "why", "so"),
    ("<think></think>so", "", "so"),
    ("<think>cut of", "cut of", ""),
    ("<think>cut of</thin", "cut of</thin", ""),
    ("<think>a </th b </think>so</think>", "a </th b ", "so</think>"),
    ("so <think>no</think>", "", "so <think>no</think>"),
    ("<thinking>no</thinking>", "", "<thinking>no</thinking>"),
    ("<thi", "", "<thi"),
    ("plain", "", "plain"),
]


def _memo(*, think_tags: bool = True) -> ProviderMemo:
    return ProviderMemo(facts=FACTS, provider="acme", model="m", quirks=Quirks(think_tags=think_tags))


def _parts(message: dict[str, object], *, think_tags: bool = True) -> tuple[Part, ...]:
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    return decode_response(json.dumps(body).encode(), _memo(think_tags=think_tags)).choices[0].message.parts


def _event(delta: dict[str, object], finish: str | None = None) -> bytes:
    return b"data: " + json.dumps({"id": "c1", "choices": [{"delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"


def _said(chunks: list[ChatChunk]) -> tuple[str, str]:
    deltas = [delta for chunk in chunks for choice in chunk.choices for delta in choice.deltas]
    thought = "".join(delta.text for delta in deltas if isinstance(delta, ThinkingDelta))
    return thought, "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


@pytest.mark.parametrize(("content", "thought", "text"), _CASES)
def test_whole_answer_is_taken_apart(content: str, thought: str, text: str) -> None:
    expected = (*((Thinking(text=thought),) if thought else ()), *((Text(text=text),) if text else ()))
    assert _parts({"content": content}) == expected
    assert _parts({"content": content}, think_tags=False) == (Text(text=content),)


@pytest.mark.parametrize(("content", "thought", "text"), _CASES)
@pytest.mark.parametrize("ending", [_event({}, "stop"), b"data: [DONE]\n\n"])
def test_stream_is_taken_apart_the_same_wherever_it_is_cut(content: str, thought: str, text: str, ending: bytes) -> None:
    for cut in range(len(content) + 1):
        decoder = ChatStreamDecoder(_memo())
        pieces = [piece for piece in (content[:cut], content[cut:]) if piece]
        chunks = decoder.feed(b"".join(_event({"content": piece}) for piece in pieces) + ending)
        assert _said([*chunks, *decoder.close()]) == (thought, text)
    letters = ChatStreamDecoder(_memo())
    chunks = letters.feed(b"".join(_event({"content": letter}) for letter in content) + ending)
    assert _said([*chunks, *letters.close()]) == (thought, text)


def test_thought_is_handed_out_before_it_ends() -> None:
    decoder = ChatStreamDecoder(_memo())
    assert _said(decoder.feed(_event({"content": "<think>"}) + _event({"content": "so far"}))) == ("so far", "")


def test_server_that_tells_thinking_apart_has_its_content_left_alone() -> None:
    message: dict[str, object] = {"reasoning_content": "why", "content": "<think>no</think>"}
    assert _parts(message) == (Thinking(text="why"), Text(text="<think>no</think>"))
    chunks = ChatStreamDecoder(_memo()).feed(_event({"reasoning_content": "why"}) + _event({"content": "<think>no</think>"}))
    assert _said(chunks) == ("why", "<think>no</think>")


def test_held_text_comes_before_the_call_that_follows_it() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    chunks = ChatStreamDecoder(_memo()).feed(_event({"content": "<"}) + _event({"tool_calls": [call]}, "tool_calls"))
    deltas = [delta for chunk in chunks for delta in chunk.choices[0].deltas]
    assert deltas == [TextDelta(text="<"), ToolCallStart(index=0, id="a", name="f"), ToolArgumentsDelta(index=0, arguments="{}")]


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "/", "think", ">", "a", " "]), max_size=12))
def test_any_cutting_says_the_same_and_loses_nothing(pieces: list[str]) -> None:
    def read(*texts: str) -> tuple[str, str]:
        tags = ThinkTags()
        found = [*(item for text in texts for item in tags.feed(text)), *tags.close()]
        thought = "".join(item.text for item in found if isinstance(item, ThinkingDelta))
        return thought, "".join(item.text for item in found if isinstance(item, TextDelta))

    content = "".join(pieces)
    thought, text = read(content)
    assert read(*pieces) == read(*content) == (thought, text)
    assert content in (text, f"<think>{thought}", f"<think>{thought}</think>{text}")
