"""A deployment as one call uses it."""

import pytest

from support.chat import deployment
from tianji_core.calls.controls import Controls
from tianji_core.calls.secret import Secret
from tianji_core.errors import InvalidRequestError
from tianji_core.translation.overrides import for_call


def test_nothing_asked_changes_nothing() -> None:
    given = deployment()
    assert for_call(given, Controls()) is given


def test_callers_mode_and_lists_stand_before_the_deployments() -> None:
    used = for_call(
        deployment(dropped_parameters=frozenset({"a"})),
        Controls(drop_params=True, dropped_parameters=frozenset({"b"}), allowed_parameters=frozenset({"c"})),
    )
    assert (used.parameter_mode, used.dropped_parameters, used.allowed_parameters) == ("drop", frozenset({"a", "b"}), frozenset({"c"}))
    assert for_call(deployment(parameter_mode="drop"), Controls(drop_params=False)).parameter_mode == "refuse"


def test_credentials_need_the_operators_leave() -> None:
    with pytest.raises(InvalidRequestError, match="`api_key` is not accepted") as caught:
        for_call(deployment(), Controls(client_credentials={"api_key": "sk-mine"}))
    assert caught.value.param == "api_key"
    allowed = deployment(client_credentials=frozenset({"api_key", "api_base", "organization"}))
    mine = {"api_key": "sk-mine", "api_base": "https://mine.example", "organization": "o"}
    used = for_call(allowed, Controls(client_credentials=mine))
    assert (used.auth_secret, used.base_url, used.options) == (Secret("sk-mine"), "https://mine.example", {"organization": "o"})


def test_gateways_key_never_goes_to_an_address_of_the_caller() -> None:
    allowed = deployment(client_credentials=frozenset({"api_base"}))
    with pytest.raises(InvalidRequestError, match="needs the caller's own `api_key`"):
        for_call(allowed, Controls(client_credentials={"api_base": "https://evil.example"}))


def test_credential_of_the_wrong_type_is_refused() -> None:
    allowed = deployment(client_credentials=frozenset({"api_key"}))
    with pytest.raises(InvalidRequestError, match="must be a string"):
        for_call(allowed, Controls(client_credentials={"api_key": 1}))
