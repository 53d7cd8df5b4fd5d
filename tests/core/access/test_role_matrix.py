"""The whole matrix: every row, for no credential, a key, the metrics token and the master key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.keys import virtual_key
from tianji_core.access.principal import Principal
from tianji_core.access.roles import TABLE, Scope, grant_of, has_template, plain, scope_of

KEY = Principal(role="key", key=virtual_key())
MASTER = Principal(role="proxy_admin")
METRICS = Principal(role="metrics")

PUBLIC = {
    ("GET", "/"), ("HEAD", "/"), ("GET", "/health/liveness"), ("GET", "/health/liveliness"), ("GET", "/health/readiness"),
    ("GET", "/openapi.json"),
}  # fmt: skip
ADMIN = {
    ("GET", "/health"), ("GET", "/health/readiness/details"), ("POST", "/config/reload"), ("GET", "/key/list"), ("POST", "/key/generate"),
    ("POST", "/key/update"), ("POST", "/key/delete"), ("POST", "/key/block"), ("POST", "/key/unblock"),
    ("GET", "/spend/reconcile"),
}  # fmt: skip
FOR_METRICS = {("GET", "/metrics")}
PREFIXES = ("/", "/v1/", "/engines/{model}/", "/openai/deployments/{model}/")
FOR_KEYS = (
    {("POST", prefix + operation) for prefix in PREFIXES for operation in ("chat/completions", "completions", "embeddings")}
    | {("POST", prefix + operation) for prefix in PREFIXES[:2] for operation in ("messages", "messages/count_tokens")}
    | {("GET", prefix + operation) for prefix in PREFIXES[:2] for operation in ("models", "models/{model}")}
    | {("GET", "/key/info")}
)


def expected(route: tuple[str, str]) -> tuple[bool, Scope | None, Scope | None, Scope | None]:
    """Return whether no credential is needed, then the scopes of a key, the metrics token and the master key."""
    if route in PUBLIC:
        return True, "all", "all", "all"
    if route in FOR_KEYS:
        return False, "own_key", None, "all"
    return False, None, "all" if route in FOR_METRICS else None, "all"


def test_table_has_exactly_these_rows() -> None:
    assert set(TABLE) == PUBLIC | ADMIN | FOR_METRICS | FOR_KEYS


@pytest.mark.parametrize("route", sorted(TABLE))
def test_every_row_for_every_caller(route: tuple[str, str]) -> None:
    rights = grant_of(*route)
    assert rights is not None
    found = ("public" in rights, scope_of(KEY, rights), scope_of(METRICS, rights), scope_of(MASTER, rights))
    assert found == expected(route)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("template", sorted({template for _, template in TABLE}))
def test_other_methods_of_a_template_have_no_row(method: str, template: str) -> None:
    assert (grant_of(method, template) is not None) is ((method, template) in TABLE)


@pytest.mark.parametrize("template", ["/key", "/key/infos", "/v1", "/KEY/INFO", "/models/{a}/{b}"])
def test_other_templates_have_no_row(template: str) -> None:
    assert not has_template(template)


@given(st.text("/{}ab:", max_size=20))
def test_plain_template_stays_as_it_is(template: str) -> None:
    assert plain(plain(template)) == plain(template)
