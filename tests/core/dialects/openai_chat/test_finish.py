"""Words for the end of an answer."""

import pytest

from tianji_core.dialects.openai_chat.finish import decode_finish


@pytest.mark.parametrize(
    ("value", "calls_tools", "expected"),
    [
        (None, False, (None, None)),
        (None, True, (None, None)),
        (7, False, (None, None)),
        ("stop", False, ("stop", None)),
        ("", False, ("stop", None)),
        ("stop", True, ("tool_calls", "stop")),
        ("length", True, ("length", None)),
        ("tool_calls", False, ("tool_calls", None)),
        ("max_tokens", False, ("length", "max_tokens")),
        ("something new", False, ("stop", "something new")),
        ("something new", True, ("tool_calls", "something new")),
    ],
)
def test_words_become_ours_and_a_servers_own_is_kept(value: object, calls_tools: bool, expected: tuple[str | None, str | None]) -> None:
    assert decode_finish(value, calls_tools=calls_tools) == expected
