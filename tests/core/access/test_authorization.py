"""Whether a caller may use a route."""

import pytest

from support.keys import virtual_key
from tianji_core.access.authorization import check_admin, check_route
from tianji_core.access.principal import Principal
from tianji_core.errors import PermissionDeniedError

ADMIN = Principal(role="proxy_admin")
METRICS = Principal(role="metrics")


def caller(*allowed_routes: str) -> Principal:
    return Principal(role="key", key=virtual_key(allowed_routes=allowed_routes))


def test_scope_is_that_of_the_row() -> None:
    assert check_route(ADMIN, "GET", "/key/info") == "all"
    assert check_route(caller(), "GET", "/key/info") == "own_key"


@pytest.mark.parametrize("principal", [ADMIN, METRICS, caller()])
def test_route_without_a_row_is_refused_to_everybody(principal: Principal) -> None:
    with pytest.raises(PermissionDeniedError, match="GET /nowhere") as refused:
        check_route(principal, "GET", "/nowhere")
    assert refused.value.code == "route_not_allowed"


def test_role_without_a_grant_is_refused() -> None:
    with pytest.raises(PermissionDeniedError, match="this credential may not call POST /key/generate"):
        check_route(caller(), "POST", "/key/generate")


def test_allowed_routes_never_widen_a_role() -> None:
    with pytest.raises(PermissionDeniedError):
        check_route(caller("/key/generate", "/*"), "POST", "/key/generate")


def test_allowed_routes_narrow_what_a_key_may_call() -> None:
    principal = caller("anthropic_routes")
    assert check_route(principal, "POST", "/v1/messages") == "own_key"
    with pytest.raises(PermissionDeniedError, match="this key may not call GET /v1/models") as refused:
        check_route(principal, "GET", "/v1/models")
    assert (refused.value.code, refused.value.hint) == ("route_not_allowed", "its `allowed_routes` name others")


def test_entry_that_names_one_path_allows_that_path_only() -> None:
    principal = caller("/v1/models/gpt-4o")
    assert check_route(principal, "GET", "/v1/models/{model:path}", "/v1/models/gpt-4o") == "own_key"
    for path in ("/v1/models/other", None):
        with pytest.raises(PermissionDeniedError):
            check_route(principal, "GET", "/v1/models/{model:path}", path)


def test_only_an_admin_passes_the_admin_check() -> None:
    check_admin(ADMIN)
    for principal in (METRICS, caller()):
        with pytest.raises(PermissionDeniedError) as refused:
            check_admin(principal)
        assert refused.value.code == "route_not_allowed"
