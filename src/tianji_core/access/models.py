"""Which model names a key may use.

Entries are names or patterns with `*`; everything else in them is literal. No entry at all, `*` and `all-proxy-models` allow every
model. `no-default-models` and `all-team-models` name no model: they grant nothing by themselves.
"""

from collections.abc import Sequence

from tianji_core.access.principal import Principal
from tianji_core.errors import ModelNotAllowedError
from tianji_core.routing.wildcard import matches

EVERYTHING = frozenset({"*", "all-proxy-models"})
NOTHING = frozenset({"no-default-models", "all-team-models"})


def allowed(models: Sequence[str], name: str) -> bool:
    """Whether a list of entries allows a model name."""
    if not models:
        return True
    return any(entry in EVERYTHING or (entry not in NOTHING and matches(entry, name)) for entry in models)


def may_use(principal: Principal, *names: str) -> bool:
    """Whether the caller may use a model that goes by these names (as asked for, and after aliases); one allowed name is enough."""
    if principal.is_admin or principal.key is None:
        return principal.is_admin
    models = principal.key.models
    return any(allowed(models, name) for name in names)


def check_access(principal: Principal, names: Sequence[str]) -> None:
    """Pass if the caller may use the one model that goes by these names: as the caller wrote it first, then the group it leads to.

    The refusal is the same whether or not the model exists, and names nothing but what the caller wrote.

    Raises:
        ModelNotAllowedError: (`model_not_found`) none of the names is allowed.
    """
    if not may_use(principal, *names):
        raise ModelNotAllowedError(
            f"The API key is not allowed to use the model `{names[0]}`, or there is no such model.",
            hint="GET /v1/models lists the models it may use",
            param="model",
        )
