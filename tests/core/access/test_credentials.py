"""Which header counts."""

import pytest

from tianji_core.access.credentials import credential_of
from tianji_core.errors import AuthenticationError, InvalidRequestError

_ORDER = ["x-tianji-api-key", "authorization", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"]


@pytest.mark.parametrize("present", range(1, len(_ORDER) + 1))
def test_first_header_of_the_order_wins_wherever_it_stands(present: int) -> None:
    names = _ORDER[-present:]
    headers = tuple((name, f"Bearer {name}" if name == "authorization" else name) for name in reversed(names))
    assert credential_of(headers) == names[0]


@pytest.mark.parametrize("name", ["x-tianji-api-key", "x-litellm-api-key"])
@pytest.mark.parametrize("value", ["sk-1", "Bearer sk-1", "bearer sk-1", "  sk-1\t"])
def test_our_own_header_may_say_bearer(name: str, value: str) -> None:
    assert credential_of(((name, value),)) == "sk-1"


@pytest.mark.parametrize("value", ["Bearer sk-1", "BEARER  sk-1 "])
def test_authorization_is_read_without_regard_to_case(value: str) -> None:
    assert credential_of((("authorization", value),)) == "sk-1"


def test_other_schemes_are_not_ours() -> None:
    assert credential_of((("authorization", "Basic c2stMQ=="), ("x-api-key", "sk-1"))) == "sk-1"
    assert credential_of((("authorization", "sk-1"),)) is None


def test_no_header_is_no_credential() -> None:
    assert credential_of((("cookie", "sk-1"),)) is None


def test_bad_first_header_is_not_rescued_by_a_good_later_one() -> None:
    assert credential_of((("authorization", "Bearer "), ("x-api-key", "sk-1"))) == ""


def test_twins_may_agree_and_must_not_differ() -> None:
    assert credential_of((("x-tianji-api-key", "sk-1"), ("x-litellm-api-key", "Bearer sk-1"))) == "sk-1"
    with pytest.raises(InvalidRequestError):
        credential_of((("x-tianji-api-key", "sk-1"), ("x-litellm-api-key", "sk-2")))


def test_one_header_twice_must_not_differ() -> None:
    assert credential_of((("x-api-key", "sk-1"), ("x-api-key", "sk-1"))) == "sk-1"
    with pytest.raises(InvalidRequestError):
        credential_of((("authorization", "Bearer sk-1"), ("authorization", "Bearer sk-2")))


@pytest.mark.parametrize("character", ["\0", "\n", "\r", "\x1b", "\x7f"])
def test_control_characters_are_refused(character: str) -> None:
    with pytest.raises(AuthenticationError):
        credential_of((("x-api-key", f"sk-{character}1"),))


def test_name_of_the_first_header_can_be_replaced() -> None:
    headers = (("x-tianji-api-key", "sk-1"), ("x-company-key", "Bearer sk-2"))
    assert credential_of(headers, own_headers=("x-company-key",)) == "sk-2"
