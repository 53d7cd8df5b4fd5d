"""The Litestar application: routes, guards, error handling. It is put together from driving ports and knows no use case."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Response, Router, asgi, get, route
from litestar.di import Provide
from litestar.types import ASGIApp

from tianji_adapters.http_server.authorization import REFUSES, Authorize, check_routes
from tianji_adapters.http_server.controllers.configuration import ConfigurationController
from tianji_adapters.http_server.controllers.health import HealthController, MetricsController
from tianji_adapters.http_server.controllers.keys import KeyController
from tianji_adapters.http_server.controllers.models import ModelsController
from tianji_adapters.http_server.controllers.spend import SpendController
from tianji_adapters.http_server.errors import error_handler
from tianji_adapters.http_server.openapi import document
from tianji_adapters.http_server.relay import Relay
from tianji_adapters.http_server.wire import json_response
from tianji_core.ports.gateway import Gateway
from tianji_core.ports.management import Authenticate
from tianji_core.shapes.codecs import Surface


@dataclass(frozen=True, slots=True)
class Served:
    """What the server needs to know.

    Attributes:
        surfaces: Their calls travel through the gateway; it authenticates them itself.
        with_error_detail: Whether management errors have `detail.error` too; asked for each of them.
        ports: Driving ports by the parameter name under which handlers ask for them.
    """

    gateway: Gateway
    authenticate: Authenticate
    surfaces: Sequence[Surface]
    ports: Mapping[str, object]
    version: str
    max_body_bytes: int
    with_error_detail: Callable[[], bool] = lambda: True


def build_app(served: Served) -> Litestar:
    """Return the application.

    Raises:
        RuntimeError: a route has no row in the role table.
    """
    description = document(served.version, served.surfaces)

    @get("/openapi.json")
    async def openapi() -> Response[Any]:
        """Return the OpenAPI document."""
        return json_response(description)

    guard = Authorize(served.authenticate)

    async def authorize(connection: Any, handler: Any) -> None:  # a function, because Litestar copies its guards deeply
        await guard(connection, handler)

    controllers = [HealthController, MetricsController, ModelsController, ConfigurationController, KeyController, SpendController]
    guarded = Router(path="/", route_handlers=[openapi, *controllers], guards=[authorize])
    app = Litestar(
        route_handlers=[guarded, *_calls(served)],
        dependencies={name: Provide(_always(port), sync_to_thread=False) for name, port in served.ports.items()},
        exception_handlers={Exception: error_handler(served.gateway, served.with_error_detail)},
        openapi_config=None,
        logging_config=None,
    )
    check_routes(app.routes)
    return app


def calls_first(app: ASGIApp, served: Served) -> ASGIApp:
    """Return the application with a shorter way for calls whose whole path is known: they need nothing of the framework."""
    relays = {relay.route: relay for relay in _relays(served) if "{" not in relay.route}

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:
        relay = relays.get(scope["path"]) if scope["type"] == "http" else None
        await (relay or app)(scope, receive, send)

    return dispatch


def _always(port: object) -> Callable[[], Any]:
    def provide() -> Any:
        return port

    return provide


def _relays(served: Served) -> Iterator[Relay]:
    """Yield the application of every route of every call."""
    for surface in served.surfaces:
        for path in surface.paths:
            for prefix in ("",) if "{" in path else ("", "/v1"):
                yield Relay(served.gateway, surface, prefix + path, served.max_body_bytes)


def _calls(served: Served) -> list[Any]:
    """Return the raw ASGI handlers of the calls: no body parsing and no dependency injection on the way of one."""
    return [handler for relay in _relays(served) for handler in _handlers(relay)]


def _handlers(relay: Relay) -> list[Any]:
    template = relay.route
    if "{" in template:  # raw ASGI routes of Litestar cannot have parameters; the body is left alone all the same
        return [_handler(relay, template, ["POST"], {}), _handler(relay, template, ["GET", "PUT", "PATCH", "DELETE"], {REFUSES: True})]

    @asgi(template, copy_scope=False)
    async def call(scope: Any, receive: Any, send: Any) -> None:
        await relay(scope, receive, send)

    return [call]


def _handler(relay: Relay, template: str, methods: Sequence[Any], marks: dict[str, Any]) -> Any:
    @route(template.replace("{model}", "{model:str}"), http_method=methods, status_code=200, opt=marks)
    async def call_of_named_model() -> ASGIApp:
        return relay

    return call_of_named_model
