"""Whether a resolved caller may use a route."""

from tianji_core.access.principal import Principal
from tianji_core.access.roles import Scope, grant_of, scope_of
from tianji_core.access.routes import is_route_allowed
from tianji_core.errors import PermissionDeniedError


def check_route(principal: Principal, method: str, template: str, path: str | None = None) -> Scope:
    """Return which objects the caller may touch there.

    Args:
        template: The one that the server matched, never one rebuilt from the path.
        path: As it came, for entries of `allowed_routes` that name one; None where nobody knows it.

    Raises:
        PermissionDeniedError: (`route_not_allowed`) no row of the table, not for this role, or not for this key.
    """
    rights = grant_of(method, template)
    scope = None if rights is None else scope_of(principal, rights)
    if scope is None:
        raise PermissionDeniedError(
            f"this credential may not call {method} {template}", hint="use the master key", code="route_not_allowed"
        )
    if principal.key is not None and not is_route_allowed(principal.key.allowed_routes, template, path or template):
        raise PermissionDeniedError(
            f"this key may not call {method} {template}", hint="its `allowed_routes` name others", code="route_not_allowed"
        )
    return scope


def check_admin(principal: Principal) -> None:
    """Refuse everybody but an admin; operations check again what the route's row already says.

    Raises:
        PermissionDeniedError: (`route_not_allowed`).
    """
    if not principal.is_admin:
        raise PermissionDeniedError("only an admin may do this", hint="use the master key", code="route_not_allowed")
