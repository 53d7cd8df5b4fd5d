"""What an error says when it is printed."""

from tianji_core import errors


def test_hint_follows_the_message() -> None:
    assert str(errors.ConflictError("taken", hint="choose another")) == "taken (choose another)"


def test_configuration_error_begins_with_its_place() -> None:
    assert str(errors.ConfigurationError("wrong", file="a.yaml", line=3)) == "a.yaml:3: wrong"
    assert str(errors.ConfigurationError("wrong", file="a.yaml")) == "a.yaml: wrong"


def test_code_is_the_class_default_unless_it_is_given() -> None:
    assert errors.AuthenticationError("x").code == "invalid_api_key"
    assert errors.AuthenticationError("x", code="expired_key").code == "expired_key"
