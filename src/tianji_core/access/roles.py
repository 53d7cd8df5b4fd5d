"""Who may call which route: one literal table, read by the guard, the tests and the documentation.

A route without a row does not exist for anybody, and a server that has one does not start.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from tianji_core.access.principal import Principal

Grant = Literal["public", "proxy_admin", "key", "metrics"]
Scope = Literal["all", "own_key"]
Rights = Mapping[Grant, Scope]

_PUBLIC: Rights = {"public": "all"}
_ADMIN: Rights = {"proxy_admin": "all"}
_METRICS: Rights = {"proxy_admin": "all", "metrics": "all"}
_MODEL: Rights = {"proxy_admin": "all", "key": "own_key"}
_SELF: Rights = {"proxy_admin": "all", "key": "own_key"}

TABLE: Mapping[tuple[str, str], Rights] = {
    ("GET", "/"): _PUBLIC,
    ("HEAD", "/"): _PUBLIC,
    ("GET", "/health/liveness"): _PUBLIC,
    ("GET", "/health/liveliness"): _PUBLIC,
    ("GET", "/health/readiness"): _PUBLIC,
    ("GET", "/openapi.json"): _PUBLIC,
    ("GET", "/health"): _ADMIN,
    ("GET", "/health/readiness/details"): _ADMIN,
    ("POST", "/config/reload"): _ADMIN,
    ("GET", "/metrics"): _METRICS,
    ("POST", "/chat/completions"): _MODEL,
    ("POST", "/v1/chat/completions"): _MODEL,
    ("POST", "/engines/{model}/chat/completions"): _MODEL,
    ("POST", "/openai/deployments/{model}/chat/completions"): _MODEL,
    ("POST", "/completions"): _MODEL,
    ("POST", "/v1/completions"): _MODEL,
    ("POST", "/engines/{model}/completions"): _MODEL,
    ("POST", "/openai/deployments/{model}/completions"): _MODEL,
    ("POST", "/embeddings"): _MODEL,
    ("POST", "/v1/embeddings"): _MODEL,
    ("POST", "/engines/{model}/embeddings"): _MODEL,
    ("POST", "/openai/deployments/{model}/embeddings"): _MODEL,
    ("POST", "/messages"): _MODEL,
    ("POST", "/v1/messages"): _MODEL,
    ("POST", "/messages/count_tokens"): _MODEL,
    ("POST", "/v1/messages/count_tokens"): _MODEL,
    ("GET", "/models"): _MODEL,
    ("GET", "/v1/models"): _MODEL,
    ("GET", "/models/{model}"): _MODEL,
    ("GET", "/v1/models/{model}"): _MODEL,
    ("GET", "/key/info"): _SELF,
    ("GET", "/key/list"): _ADMIN,
    ("POST", "/key/generate"): _ADMIN,
    ("POST", "/key/update"): _ADMIN,
    ("POST", "/key/delete"): _ADMIN,
    ("POST", "/key/block"): _ADMIN,
    ("POST", "/key/unblock"): _ADMIN,
    ("GET", "/spend/reconcile"): _ADMIN,
}

_PARAMETER = re.compile(r"\{[^{}]*\}")


def plain(template: str) -> str:
    """Return a template without the names and types of its parameters, and without a slash at its end."""
    return _PARAMETER.sub("{}", template).rstrip("/") or "/"


_BY_PLAIN = {(method, plain(template)): rights for (method, template), rights in TABLE.items()}
_PATHS = frozenset(template for _, template in _BY_PLAIN)


def grant_of(method: str, template: str) -> Rights | None:
    """Return who may call the route and with which scope, or None for nobody. `template` is the one that the server matched."""
    return _BY_PLAIN.get((method, plain(template)))


def has_template(template: str) -> bool:
    """Whether some method of the template has a row."""
    return plain(template) in _PATHS


def scope_of(principal: Principal, rights: Rights) -> Scope | None:
    """Return which objects the caller may touch on a route with these rights, or None if it may not call it."""
    return rights.get("public") or rights.get(principal.role)


def missing_rows(routes: Iterable[tuple[str | None, str]]) -> list[str]:
    """Return the routes (method and template) that have no row; a method of None stands for a handler that takes every method."""
    return sorted(
        f"{method or '*'} {template}"
        for method, template in routes
        if (not has_template(template) if method is None else grant_of(method, template) is None)
    )
