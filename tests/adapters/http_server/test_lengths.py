"""How long a request says that it is."""

import pytest

from tianji_adapters.http_server.lengths import check_declared_length
from tianji_core.errors import TooLargeError


@pytest.mark.parametrize("declared", ["11", "0011", "9" * 5_000])
def test_declared_length_above_the_limit_is_refused(declared: str) -> None:
    with pytest.raises(TooLargeError) as raised:
        check_declared_length((("content-length", declared),), 10)
    assert "10 bytes" in raised.value.message


@pytest.mark.parametrize("declared", ["10", "0", "-11", "eleven", "1.1e1", "", "\u00b9\u00b9"])
def test_what_is_no_number_above_the_limit_passes(declared: str) -> None:
    check_declared_length((("content-length", declared),), 10)


def test_nothing_declared_and_nothing_limited_pass() -> None:
    check_declared_length((), 10)
    check_declared_length((("content-length", "11"),), None)
