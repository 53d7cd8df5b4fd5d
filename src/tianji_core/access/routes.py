"""A key's `allowed_routes`: they narrow what its role may call, and never widen it."""

from collections.abc import Mapping, Sequence

from tianji_core.access.roles import plain

_OPENAI = (
    "/chat/completions",
    "/v1/chat/completions",
    "/engines/{model}/chat/completions",
    "/openai/deployments/{model}/chat/completions",
    "/completions",
    "/v1/completions",
    "/engines/{model}/completions",
    "/openai/deployments/{model}/completions",
    "/embeddings",
    "/v1/embeddings",
    "/engines/{model}/embeddings",
    "/openai/deployments/{model}/embeddings",
    "/models",
    "/v1/models",
    "/models/{model}",
    "/v1/models/{model}",
)
_ANTHROPIC = ("/messages", "/v1/messages", "/messages/count_tokens", "/v1/messages/count_tokens")

ROUTE_GROUPS: Mapping[str, tuple[str, ...]] = {
    "openai_routes": _OPENAI,
    "anthropic_routes": _ANTHROPIC,
    "llm_api_routes": (*_OPENAI, *_ANTHROPIC),
    "info_routes": ("/key/info", "/models", "/v1/models", "/models/{model}", "/v1/models/{model}"),
}
"""Names that stand for several routes."""


def is_route_entry(entry: str) -> bool:
    """Whether an entry has a meaning: a group, an exact path or template, or a prefix that ends in `/*`."""
    return entry in ROUTE_GROUPS or (entry.startswith("/") and "*" not in entry.removesuffix("/*"))


def is_route_allowed(allowed: Sequence[str], template: str, path: str) -> bool:
    """Whether a key with these entries may call the route; an empty list allows everything that the role may."""
    return not allowed or any(_covers(entry, template, path) for entry in allowed)


def _covers(entry: str, template: str, path: str) -> bool:
    if entry in ROUTE_GROUPS:
        return plain(template) in {plain(member) for member in ROUTE_GROUPS[entry]}
    if entry.endswith("/*"):
        return plain(template).startswith(plain(entry.removesuffix("*")).rstrip("/") + "/")
    return entry == path or plain(entry) == plain(template)
