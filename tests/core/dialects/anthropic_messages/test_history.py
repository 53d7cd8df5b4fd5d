"""A conversation of another dialect as Anthropic takes it, and one of its own as it was."""

from typing import Any

import pytest

from support.chat import deployment
from tianji_core.calls.chat import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from tianji_core.dialects.anthropic_messages.blocks import Encoding
from tianji_core.dialects.anthropic_messages.history import encode_history, replays_thinking, uses_files
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.errors import InvalidRequestError, UnsupportedParameterError
from tianji_core.translation.parameters import Dropping
from tianji_core.translation.tool_names import ToolNames


def _encoding(mode: str = "refuse", *, own: bool = False, names: ToolNames | None = None) -> Encoding:
    return Encoding(own=own, names=names or ToolNames(), dropping=Dropping(deployment("anthropic", "claude", parameter_mode=mode)))


def _foreign(*messages: Message) -> tuple[Any, Any]:
    return encode_history(messages, _encoding())


def _said(role: Any, text: str, **more: Any) -> Message:
    return Message(role=role, parts=(Text(text=text),), plain=True, **more)


def _block(part: Part) -> Any:
    _, turns = _foreign(Message(role="user", parts=(part,)))
    return turns[0]["content"]


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def test_system_messages_are_hoisted_from_everywhere() -> None:
    system, turns = _foreign(_said("system", "a"), _said("user", "hi"), _said("developer", "b"), _said("system", ""), _said("user", "ho"))
    assert system == [_text("a"), _text("b")]
    assert turns == [{"role": "user", "content": [_text("hi"), _text("ho")]}]


def test_first_turn_is_always_the_users() -> None:
    _, turns = _foreign(_said("assistant", "hello"), _said("user", "hi"))
    assert turns[0] == {"role": "user", "content": [_text(".")]}
    assert _foreign(_said("system", "a")) == ([_text("a")], [{"role": "user", "content": [_text(".")]}])


def test_answer_to_be_continued_has_no_space_at_its_end() -> None:
    _, turns = _foreign(_said("user", "hi"), _said("assistant", "The answer is \n"))
    assert turns[-1] == {"role": "assistant", "content": [_text("The answer is")]}
    _, turns = _foreign(_said("user", "hi"), _said("assistant", " \n"))
    assert turns == [{"role": "user", "content": [_text("hi")]}]


def test_empty_texts_are_left_out_and_an_empty_turn_says_a_dot() -> None:
    _, turns = _foreign(Message(role="user", parts=(Text(text=""), Text(text="x"))), _said("assistant", ""), _said("user", ""))
    assert turns == [{"role": "user", "content": [_text("x")]}]
    _, turns = _foreign(_said("user", ""), _said("assistant", "y"), _said("user", "z"))
    assert turns[0]["content"] == [_text(".")]


def test_results_share_one_turn_and_stand_first() -> None:
    calls = (ToolCall(id="call.1", name="f", arguments='{"a": 1.50}'), ToolCall(id="b", name="g", arguments="nonsense"))
    _, turns = _foreign(
        _said("user", "go"),
        Message(role="assistant", parts=(Text(text="ok"), *calls)),
        _said("tool", "one", tool_call_id="call.1"),
        Message(role="tool", tool_call_id="b", is_error=True, parts=(Text(text="x"), Image(data="QQ==", media_type="image/png"))),
        _said("user", "and?"),
    )
    call_id = turns[1]["content"][1]["id"]
    assert call_id.startswith("call_")
    assert [block["input"] for block in turns[1]["content"][1:]] == [{"a": pytest.approx(1.5)}, {}]
    assert turns[2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": call_id, "content": "one"},
            {
                "type": "tool_result",
                "tool_use_id": "b",
                "content": [_text("x"), {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}}],
                "is_error": True,
            },
            _text("and?"),
        ],
    }


def test_signed_thinking_stands_first_and_unsigned_thinking_is_left_out() -> None:
    parts = (Text(text="so"), Thinking(text="hm", signature="s"), Thinking(text="lost"), RedactedThinking(data="d"))
    _, turns = _foreign(_said("user", "hi"), Message(role="assistant", parts=parts))
    assert turns[1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        _text("so"),
    ]


def test_mark_of_a_message_goes_to_its_last_block() -> None:
    mark = {"type": "ephemeral"}
    system, turns = _foreign(_said("system", "a", cache_control=mark), _said("user", "hi", cache_control=mark))
    assert system == [{**_text("a"), "cache_control": mark}]
    assert turns[0]["content"] == [{**_text("hi"), "cache_control": mark}]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image(url="https://x/y.png", detail="low"), {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}),
        (
            Image(data="QQ==", media_type="image/jpg"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "QQ=="}},
        ),
        (
            Image(data="QQ==", media_type="application/pdf"),
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}},
        ),
        (
            File(data="QQ==", media_type="application/pdf", filename="a.pdf"),
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}, "title": "a.pdf"},
        ),
        (
            File(data="aMOp", media_type="text/markdown", filename="a.md"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hé"}, "title": "a.md"},
        ),
        (
            File(data="QQ==", media_type="image/png"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}},
        ),
        (File(file_id="file_1"), {"type": "document", "source": {"type": "file", "file_id": "file_1"}}),
        (File(text="x"), {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}),
        (File(url="https://x/y.pdf"), {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}}),
        (Refusal(refusal="no"), _text("no")),
    ],
)
def test_each_part_has_its_block(part: Part, block: dict[str, Any]) -> None:
    assert _block(part) == [block]


def test_part_of_another_vendor_is_left_out() -> None:
    assert _block(Opaque(dialect="openai_chat", value={"type": "x"})) == [_text(".")]


def test_text_file_that_is_no_text_is_the_callers_fault() -> None:
    with pytest.raises(InvalidRequestError):
        _block(File(data="/w==", media_type="text/plain"))


def test_sound_is_refused_or_dropped_by_name() -> None:
    message = Message(role="user", parts=(Text(text="hi"), Audio(data="QQ==", format="wav")))
    with pytest.raises(UnsupportedParameterError):
        _foreign(message)
    encoding = _encoding("drop")
    _, turns = encode_history([message], encoding)
    assert turns == [{"role": "user", "content": [_text("hi")]}]
    assert encoding.dropping.names == ["input_audio"]


def test_caller_tool_name_is_made_legal_in_the_history_too() -> None:
    names = ToolNames.of(["a.b"])
    call = Message(role="assistant", parts=(ToolCall(id="1", name="a.b", arguments=""),))
    _, turns = encode_history([_said("user", "x"), call], _encoding(names=names))
    assert turns[1]["content"] == [{"type": "tool_use", "id": "1", "name": "a_b", "input": {}}]


def test_own_conversation_keeps_ids_runs_and_places() -> None:
    messages = (
        Message(role="system", parts=(Text(text="s"),), plain=True),
        _said("user", "one "),
        _said("user", "two"),
        Message(role="assistant", parts=(ToolCall(id="a.b", name="x.y", arguments="{}"),)),
        _said("tool", "r", tool_call_id="a.b"),
        Message(role="user", parts=(Opaque(dialect=DIALECT, value={"type": "search_result"}),)),
    )
    system, turns = encode_history(messages, _encoding(own=True))
    assert system == "s"
    assert turns == [
        {"role": "user", "content": "one "},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a.b", "name": "x.y", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a.b", "content": "r"}, {"type": "search_result"}]},
    ]


def test_own_turn_of_unsigned_thinking_alone_disappears() -> None:
    _, turns = encode_history([_said("user", "a"), Message(role="assistant", parts=(Thinking(text="x"),))], _encoding(own=True))
    assert turns == [{"role": "user", "content": "a"}]


_CALL = ToolCall(id="1", name="f", arguments="{}")


@pytest.mark.parametrize(
    ("parts", "after", "replays"),
    [
        ((_CALL,), "tool", False),
        ((Thinking(text="x"), _CALL), "tool", False),
        ((Thinking(text="x", signature="s"), _CALL), "tool", True),
        ((RedactedThinking(data="x"), _CALL), "tool", True),
        ((_CALL,), "user", True),
        ((Text(text="x"),), "tool", True),
    ],
)
def test_thinking_is_needed_only_where_results_follow_a_call(parts: tuple[Part, ...], after: Any, replays: bool) -> None:
    assert replays_thinking([Message(role="assistant", parts=parts), Message(role=after, tool_call_id="1")]) is replays


def test_uploaded_files_are_noticed() -> None:
    assert uses_files([Message(role="user", parts=(File(file_id="f"),))])
    assert not uses_files([Message(role="user", parts=(File(data="QQ=="), Image(url="u")))])
