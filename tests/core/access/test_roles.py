"""The table of roles, and what reads it."""

import pytest

from tianji_core.access.authorization import check_admin, check_route
from tianji_core.access.key_changes import create_key
from tianji_core.access.key_fields import KeyFields
from tianji_core.access.keys import KeyId
from tianji_core.access.principal import Principal
from tianji_core.access.roles import TABLE, grant_of, missing_rows, plain
from tianji_core.errors import PermissionDeniedError

_ADMIN = Principal(role="proxy_admin")
_METRICS = Principal(role="metrics")


def _caller(*allowed_routes: str) -> Principal:
    fields = KeyFields(allowed_routes=allowed_routes)
    return Principal(role="key", key=create_key(fields, text="sk-x", key_id=KeyId("k"), now_ns=0, actor="test"))


def test_admin_may_call_every_row() -> None:
    assert all("proxy_admin" in rights or "public" in rights for rights in TABLE.values())


@pytest.mark.parametrize("template", ["/v1/models/{model}", "/v1/models/{model:path}", "/v1/models/{model_id}/", "/v1/models/{}"])
def test_names_and_types_of_parameters_do_not_matter(template: str) -> None:
    assert grant_of("GET", template) is grant_of("GET", "/v1/models/{model}")


@pytest.mark.parametrize(
    ("method", "template"), [("GET", "/unknown"), ("DELETE", "/v1/models/{model}"), ("GET", "/key/generate"), ("POST", "/v1/models/gpt-5")]
)
def test_what_has_no_row_is_for_nobody(method: str, template: str) -> None:
    assert grant_of(method, template) is None
    with pytest.raises(PermissionDeniedError):
        check_route(_ADMIN, method, template)


def test_root_keeps_its_slash() -> None:
    assert plain("/") == "/"


def test_missing_rows_are_named() -> None:
    routes = [("GET", "/"), (None, "/messages"), (None, "/raw"), ("PUT", "/key/info"), ("WEBSOCKET", "/v1/realtime")]
    assert missing_rows(routes) == ["* /raw", "PUT /key/info", "WEBSOCKET /v1/realtime"]


def test_scope_is_all_for_an_admin_and_itself_for_a_key() -> None:
    assert check_route(_ADMIN, "GET", "/key/info") == "all"
    assert check_route(_caller(), "GET", "/key/info") == "own_key"


def test_metrics_token_reads_metrics_only() -> None:
    assert check_route(_METRICS, "GET", "/metrics") == "all"
    for method, template in TABLE:
        if grant_of(method, template) != {"public": "all"} and template != "/metrics":
            with pytest.raises(PermissionDeniedError):
                check_route(_METRICS, method, template)


def test_allowed_routes_never_widen() -> None:
    with pytest.raises(PermissionDeniedError):
        check_route(_caller("/key/*"), "POST", "/key/generate")


def test_only_an_admin_passes_the_admin_check() -> None:
    check_admin(_ADMIN)
    for caller in (_METRICS, _caller()):
        with pytest.raises(PermissionDeniedError):
            check_admin(caller)
