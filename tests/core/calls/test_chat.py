"""The canonical chat values."""

from tianji_core.calls.chat import Message, Rest, Text, ToolCall


def test_rest_belongs_to_one_dialect_only() -> None:
    rest = Rest("openai_chat", {"a": 1})
    assert (rest.of("openai_chat"), rest.of("anthropic_messages")) == ({"a": 1}, {})


def test_message_shows_its_text_and_its_calls_in_order() -> None:
    call = ToolCall(id="c", name="f", arguments="{}")
    message = Message(role="assistant", parts=(Text(text="a"), call, Text(text="b")))
    assert (message.text, message.tool_calls) == ("ab", (call,))
