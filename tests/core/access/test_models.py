"""Which models a key may use."""

import pytest

from tianji_core.access.keys import KeyHash, KeyId, VirtualKey
from tianji_core.access.models import allowed, check_access, may_use
from tianji_core.access.principal import Principal
from tianji_core.errors import ModelNotAllowedError


def caller(*models: str) -> Principal:
    key = VirtualKey(
        id=KeyId("id"),
        hash=KeyHash("0" * 64),
        display="sk-...abcd",
        models=models,
        created_at_ns=0,
        created_by="admin",
        updated_at_ns=0,
        updated_by="admin",
    )
    return Principal(role="key", key=key)


@pytest.mark.parametrize(
    ("models", "name", "expected"),
    [
        ((), "gpt-4o", True),
        (("*",), "gpt-4o", True),
        (("all-proxy-models",), "gpt-4o", True),
        (("gpt-4o",), "gpt-4o", True),
        (("gpt-4o",), "gpt-4o-mini", False),
        (("gpt-4o",), "GPT-4O", False),
        (("openai/*",), "openai/gpt-4o", True),
        (("openai/*",), "azure/gpt-4o", False),
        (("*-mini",), "gpt-4o-mini", True),
        (("gpt-4.1*",), "gpt-4x1", False),
        (("no-default-models",), "gpt-4o", False),
        (("no-default-models",), "no-default-models", False),
        (("all-team-models",), "gpt-4o", False),
        (("no-default-models", "gpt-4o"), "gpt-4o", True),
        (("claude", "gpt-*"), "gpt-4o", True),
    ],
)
def test_entries_allow_names(models: tuple[str, ...], name: str, expected: bool) -> None:
    assert allowed(models, name) is expected


def test_the_admin_may_use_everything() -> None:
    check_access(Principal(role="proxy_admin"), ["anything"])


def test_a_caller_without_a_key_and_without_the_role_may_use_nothing() -> None:
    assert not may_use(Principal(role="key"), "gpt-4o")


def test_one_allowed_name_of_the_same_model_is_enough() -> None:
    check_access(caller("gpt-4o"), ["smart", "gpt-4o"])
    check_access(caller("smart"), ["smart", "gpt-4o"])


def test_the_refusal_is_the_same_whether_or_not_the_model_exists() -> None:
    with pytest.raises(ModelNotAllowedError) as existing:
        check_access(caller("other"), ["name", "hidden-group"])
    with pytest.raises(ModelNotAllowedError) as missing:
        check_access(caller("other"), ["name"])
    assert str(existing.value) == str(missing.value)
    assert (existing.value.param, existing.value.code) == ("model", "model_not_found")
    assert "other" not in str(existing.value)
    assert "hidden-group" not in str(existing.value)
