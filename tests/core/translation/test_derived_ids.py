"""Identifiers that a provider left out."""

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.translation.derived_ids import derived_id


@given(st.text(), st.integers())
def test_same_parts_give_the_same_id_and_others_another(call: str, position: int) -> None:
    assert derived_id("call_", call, position) == derived_id("call_", call, position)
    assert derived_id("call_", call, position) != derived_id("call_", call, position + 1)


def test_id_is_the_prefix_and_24_hex_digits() -> None:
    made = derived_id("chatcmpl-", "x")
    assert made.startswith("chatcmpl-")
    assert len(made.removeprefix("chatcmpl-")) == 24
