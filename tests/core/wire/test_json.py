"""JSON in and out: exact, and with one error for everything that is not JSON."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.errors import InvalidRequestError, UpstreamProtocolError
from tianji_core.wire.json import decode_object, decode_upstream, encode

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_fraction_keeps_the_digits_that_it_has() -> None:
    value = decode_object(b'{"temperature":0.10000000000000000555,"n":1}')
    assert value == {"temperature": Decimal("0.10000000000000000555"), "n": 1}
    assert encode(value) == b'{"temperature":0.10000000000000000555,"n":1}'


@given(st.dictionaries(st.text(), _VALUES, max_size=5))
def test_objects_survive_a_round_trip(value: dict[str, object]) -> None:
    assert decode_object(encode(value)) == value


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"a"', b"{'a':1}", b"\xff\xfe", b"[" * 5000, b'{"a":' * 3000])
def test_what_is_no_object_is_the_callers_fault_or_the_providers(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        decode_object(body)
    with pytest.raises(UpstreamProtocolError):
        decode_upstream(body, "acme")


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused(body: bytes) -> None:
    try:
        assert isinstance(decode_object(body), dict)
    except InvalidRequestError as error:
        assert error.message  # noqa: PT017 - both outcomes are right
