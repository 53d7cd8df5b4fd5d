"""What is done to a text or a number so that it always finds its place."""

from hypothesis import given
from hypothesis import strategies as st

from tianji_adapters.sql.spend_rows import countable, indexed


@given(st.text())
def test_short_text_is_kept_and_long_text_fits(text: str) -> None:
    fitted = indexed(text)
    assert len(fitted.encode()) <= 300
    assert fitted == text or len(text.encode()) > 300


@given(st.text(min_size=1), st.text(min_size=1))
def test_long_texts_with_one_beginning_stay_apart(first: str, second: str) -> None:
    beginning = "x" * 400
    assert (indexed(beginning + first) == indexed(beginning + second)) == (first == second)


def test_absent_text_is_empty() -> None:
    assert indexed(None) == ""


@given(st.integers())
def test_countable_number_leaves_room_for_adding_up(number: int) -> None:
    assert abs(countable(number)) * 90 < 2**63
    assert countable(number) == number or abs(number) > 10**17
