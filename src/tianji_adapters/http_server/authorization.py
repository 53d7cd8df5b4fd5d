"""The guard of every route that Litestar dispatches: who calls, and may he."""

from collections.abc import Iterable
from dataclasses import dataclass

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute

from tianji_adapters.http_server.addresses import client_ip
from tianji_core.access.authorization import check_route
from tianji_core.access.credentials import credential_of
from tianji_core.access.roles import grant_of, missing_rows
from tianji_core.errors import ConfigurationError
from tianji_core.ports.management import Authenticate


@dataclass(frozen=True, slots=True)
class Authorize:
    """A Litestar guard. Puts the principal of a route that is not public into `scope["state"]["principal"]`."""

    authenticate: Authenticate

    async def __call__(self, connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
        """Let the request through, or raise what `Authenticate` and `check_route` raise."""
        scope = connection.scope
        method = str(scope.get("method", "WEBSOCKET"))
        if method == "OPTIONS" and isinstance(handler, HTTPRouteHandler):
            return  # Litestar's own answer: the methods of the path, nothing else
        template = scope["path_template"]
        rights = grant_of(method, template)
        if rights is not None and "public" in rights:
            return
        headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
        principal = await self.authenticate(credential_of(headers), address=client_ip(scope))
        check_route(principal, method, template, scope["path"])
        scope["state"]["principal"] = principal


def check_routes(routes: Iterable[BaseRoute]) -> None:
    """Refuse to start with a route that nobody has the right to call: it would be dead, or open by mistake.

    Raises:
        ConfigurationError: routes without a row in the table of roles.
    """
    missing = missing_rows(pair for route in routes for pair in _pairs(route))
    if missing:
        raise ConfigurationError(f"no role may call {', '.join(missing)}", hint="add a row to tianji_core/access/roles.py")


def _pairs(route: BaseRoute) -> list[tuple[str | None, str]]:
    if isinstance(route, HTTPRoute):
        return [(method, route.path_format) for method in sorted(route.methods) if method != "OPTIONS"]
    return [(None if isinstance(route, ASGIRoute) else "WEBSOCKET", route.path_format)]
