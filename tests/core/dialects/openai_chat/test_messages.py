"""Messages: a conversation goes out as it came in, and one of another dialect as OpenAI's servers take it."""

from typing import Any

import pytest

from tianji_core.calls.chat import Image, Message, Opaque, RedactedThinking, Rest, Text, Thinking, ToolCall
from tianji_core.dialects.openai_chat.messages import as_rest, decode_messages, decode_tool_call, encode_messages, thinking_blocks
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.errors import InvalidRequestError
from tianji_core.wire.fields import Fields

PLAIN = Quirks(developer_role="developer")
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}


def decode(*messages: object) -> tuple[Message, ...]:
    return decode_messages(Fields({"messages": list(messages)}))


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": "be kind"},
        {"role": "developer", "content": "be kind", "name": "dev"},
        {"role": "user", "content": "hi"},
        {"role": "user", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "hello"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "content": "see", "tool_calls": [CALL, {**CALL, "id": "call_2"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "n", "input": "free"}}]},
        {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
        {"role": "tool", "content": "42", "tool_call_id": "call_1"},
        {"role": "user", "content": "hi", "unknown": {"kept": True}},
    ],
)
def test_message_goes_out_as_it_came_in(message: dict[str, object]) -> None:
    assert encode_messages(decode(message), PLAIN) == [message]


def test_refusal_of_an_assistant_is_kept() -> None:
    (encoded,) = encode_messages(decode({"role": "assistant", "content": None, "refusal": "no"}), PLAIN)
    assert encoded["refusal"] == "no"


def test_arguments_that_are_an_object_become_text() -> None:
    call = decode_tool_call(Fields({"id": "c", "function": {"name": "f", "arguments": {"x": 1}}}))
    assert call.arguments == '{"x":1}'


def test_call_without_an_id_takes_the_one_that_is_given() -> None:
    assert decode_tool_call(Fields({"function": {"name": "f"}}), "call_x").id == "call_x"
    with pytest.raises(InvalidRequestError):
        decode_tool_call(Fields({"function": {"name": "f"}}))


def test_reasoning_of_a_client_is_one_thought_and_blocks_win_over_its_text() -> None:
    (text,) = decode({"role": "assistant", "content": "a", "reasoning_content": "hm"})
    assert text.parts[0] == Thinking(text="hm")
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "redacted_thinking", "data": "x"}]
    (whole,) = decode({"role": "assistant", "content": "a", "reasoning_content": "hm", "thinking_blocks": blocks})
    assert whole.parts[:2] == (Thinking(text="hm", signature="s"), RedactedThinking(data="x"))
    assert thinking_blocks(whole.parts) == blocks
    assert thinking_blocks([Thinking(text="bare")]) == [{"type": "thinking", "thinking": "bare"}]


def test_results_of_old_functions_find_the_call_before_them() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "1"}
    messages = decode(call, result, call, result)
    ids = [message.tool_calls[0].id if message.tool_calls else message.tool_call_id for message in messages]
    assert ids[0] == ids[1]
    assert ids[2] == ids[3]
    assert ids[0] != ids[2]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (5, "messages.[0]"),
        ({"content": "x"}, "messages.[0].role"),
        ({"role": "robot", "content": "x"}, "messages.[0].role"),
        ({"role": "user", "content": 5}, "messages.[0].content"),
        ({"role": "user", "content": ["x"]}, "messages.[0].content.[0]"),
        ({"role": "tool", "content": "x"}, "messages.[0].tool_call_id"),
        ({"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]}, "messages.[0].tool_calls.[0].function.name"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}, "messages.[0].tool_calls.[0].id"),
        ({"role": "assistant", "function_call": {"arguments": "{}"}}, "messages.[0].function_call.name"),
    ],
)
def test_bad_message_is_named_by_its_path(message: Any, param: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        decode(message)
    assert raised.value.param == param


def test_conversation_must_have_a_message() -> None:
    with pytest.raises(InvalidRequestError, match="at least one message"):
        decode()


# --- what servers take --------------------------------------------------------------------------------------------------


def test_developer_is_called_as_the_server_calls_it() -> None:
    (encoded,) = encode_messages(decode({"role": "developer", "content": "x"}), Quirks(developer_role="system"))
    assert encoded["role"] == "system"


def test_name_is_left_out_where_the_server_refuses_it() -> None:
    (encoded,) = encode_messages(decode({"role": "user", "content": "x", "name": "n"}), Quirks(drops_name=True))
    assert "name" not in encoded


def test_picture_in_a_result_follows_in_a_message_of_the_user() -> None:
    message = Message(role="tool", tool_call_id="c", parts=(Text(text="seen"), Image(url="u")))
    assert encode_messages([message], PLAIN) == [
        {"role": "tool", "content": "seen", "tool_call_id": "c"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]},
    ]


def test_failed_result_says_so_in_its_text() -> None:
    message = Message(role="tool", tool_call_id="c", is_error=True, parts=(Text(text="no file"),))
    assert encode_messages([message], PLAIN)[0]["content"] == "Error: no file"


@pytest.mark.parametrize(
    ("flatten", "with_picture", "is_flat"),
    [("never", False, False), ("text", False, True), ("text", True, False), ("always", False, True)],
)
def test_lists_of_text_become_strings_where_the_server_wants_them(flatten: str, with_picture: bool, is_flat: bool) -> None:
    texts = Message(role="user", parts=(Text(text="a"), Text(text="b")))
    other = Message(role="user", parts=(Image(url="u"),) if with_picture else (Text(text="c"),))
    content = encode_messages([texts, other], Quirks(flatten=flatten))[0]["content"]
    assert (content == "ab") == is_flat


def test_thinking_goes_back_only_to_servers_that_want_it() -> None:
    call = ToolCall(id="c", name="f", arguments="{}")
    thinking = Message(role="assistant", parts=(Thinking(text="hm"), Text(text="a")))
    bare = Message(role="assistant", parts=(call,))
    wanting = Quirks(replays_reasoning=True, reasoning_field="reasoning")
    assert "reasoning_content" not in encode_messages([thinking], PLAIN)[0]
    assert [encoded.get("reasoning") for encoded in encode_messages([thinking, bare], wanting)] == ["hm", " "]


def test_mark_of_a_message_reaches_servers_that_read_it() -> None:
    (message,) = decode({"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}})
    assert "cache_control" not in encode_messages([message], PLAIN)[0]
    assert encode_messages([message], Quirks(keeps_cache_control=True))[0]["cache_control"] == {"type": "ephemeral"}


def test_marked_text_stays_a_list_so_that_the_mark_survives() -> None:
    part = Text(text="x", cache_control={"type": "ephemeral"})
    message = Message(role="assistant", parts=(part,))
    assert isinstance(encode_messages([message], Quirks(keeps_cache_control=True))[0]["content"], list)
    assert encode_messages([message], PLAIN)[0]["content"] == "x"


def test_own_audio_is_sent_back_by_its_id_alone() -> None:
    message = Message(role="assistant", audio={"id": "a", "data": "long", "transcript": "t"})
    assert encode_messages([message], PLAIN)[0]["audio"] == {"id": "a"}


def test_rest_is_made_only_of_something() -> None:
    assert as_rest({}) is None
    assert as_rest({"x": 1}) == Rest("openai_chat", {"x": 1})


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_that_only_another_vendor_understands_are_left_out(role: Any) -> None:
    foreign = Opaque(dialect="anthropic_messages", value={"type": "new_block"})
    user = Message(role="user", parts=(Text(text="hi"),), plain=True)
    assert encode_messages((Message(role=role, parts=(foreign,)), user), PLAIN) == [{"role": "user", "content": "hi"}]
    both = encode_messages((Message(role=role, parts=(foreign, Text(text="be kind"))), user), PLAIN)
    assert both[0]["content"] == [{"type": "text", "text": "be kind"}]


def test_empty_turn_of_the_assistant_is_left_out_for_a_server_that_refuses_it() -> None:
    messages = (
        Message(role="user", parts=(Text(text="hi"),), plain=True),
        Message(role="assistant"),
        Message(role="assistant", parts=(ToolCall(id="c", name="f", arguments="{}"),)),
    )
    assert [message["role"] for message in encode_messages(messages, Quirks(drops_empty_assistant=True))] == ["user", "assistant"]
    assert len(encode_messages(messages, Quirks())) == 3
