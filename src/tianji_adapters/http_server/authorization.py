"""The guard of every route that Litestar dispatches: who calls, and may he."""

from collections.abc import Iterable
from dataclasses import dataclass

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute

from tianji_adapters.http_server.addresses import client_ip
from tianji_adapters.http_server.lengths import check_declared_length
from tianji_core.access.authorization import check_route
from tianji_core.access.credentials import credential_of
from tianji_core.access.roles import grant_of, missing_rows
from tianji_core.errors import ConfigurationError
from tianji_core.ports.management import Authenticate

REFUSES = "refuses"
"""Mark in the `opt` of a handler that answers nothing but 405, and accounts for it: nobody needs the right to call it."""


@dataclass(frozen=True, slots=True)
class Authorize:
    """A Litestar guard. Puts the principal of a route that is not public into `scope["state"]["principal"]`."""

    authenticate: Authenticate

    async def __call__(self, connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
        """Let the request through, or raise TooLargeError, or what `Authenticate` and `check_route` raise."""
        scope = connection.scope
        method = str(scope.get("method", "WEBSOCKET"))
        if method == "OPTIONS" and isinstance(handler, HTTPRouteHandler):
            return  # Litestar's own answer: the methods of the path, nothing else
        template = scope["path_template"]
        rights = grant_of(method, template)
        if rights is not None and "public" in rights:
            return
        headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
        if isinstance(handler, HTTPRouteHandler):
            check_declared_length(headers, handler.resolve_request_max_body_size())
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
        answering = [handler for handler in route.route_handlers if not handler.opt.get(REFUSES)]
        return [(method, route.path_format) for handler in answering for method in sorted(handler.http_methods) if method != "OPTIONS"]
    return [(None if isinstance(route, ASGIRoute) else "WEBSOCKET", route.path_format)]
