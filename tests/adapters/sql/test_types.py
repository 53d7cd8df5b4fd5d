"""What rests is what was given, as far as both engines can hold it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from tianji_adapters.sql.types import Instant, clean, from_json, storable, to_json

_DIALECTS = [postgresql.dialect(), sqlite.dialect()]  # type: ignore[no-untyped-call]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.decimals() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner, max_size=4),
    max_leaves=20,
)


@given(st.integers(0, 4_102_444_800_000_000_000))
def test_instant_rests_in_whole_microseconds_on_both_engines(at_ns: int) -> None:
    kind = Instant()
    for dialect in _DIALECTS:
        assert kind.process_result_value(kind.process_bind_param(at_ns, dialect), dialect) == at_ns // 1_000 * 1_000


@pytest.mark.parametrize("dialect", _DIALECTS, ids=["postgresql", "sqlite"])
def test_absent_instant_stays_absent(dialect: object) -> None:
    kind = Instant()
    assert kind.process_bind_param(None, dialect) is None  # type: ignore[arg-type]
    assert kind.process_result_value(None, dialect) is None  # type: ignore[arg-type]


@given(_VALUES)
def test_storable_value_has_a_json_text_that_reads_back_and_holds_no_zero_byte(value: object) -> None:
    stored = storable(value)
    text = to_json(stored)
    assert "\\u0000" not in text
    assert storable(from_json(text)) == from_json(text)


@given(st.text(st.characters(exclude_categories=())))
def test_clean_text_is_utf8_without_zero_and_clean_text_stays(text: str) -> None:
    cleaned = clean(text)
    assert "\0" not in cleaned
    cleaned.encode()
    assert clean(cleaned) == cleaned
    assert len(cleaned) == len(text) or any("\ud800" <= letter <= "\udfff" for letter in text)


def test_storable_number_is_one_that_postgres_can_hold() -> None:
    assert storable({"small": Decimal("0.10"), "large": Decimal("1e5000"), "none": Decimal("NaN")}) == {
        "small": Decimal("0.10"),
        "large": "1E+5000",
        "none": "NaN",
    }
