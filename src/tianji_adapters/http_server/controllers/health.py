"""Health, readiness and metrics."""

from typing import Any

from litestar import Controller, Request, Response, get, head
from litestar.params import SkipValidation

from tianji_adapters.http_server.wire import json_response
from tianji_core.ports.operations import CheckHealth, DeploymentHealth, Exposition, Readiness

AnyRequest = Request[Any, Any, Any]


class HealthController(Controller):
    """What load balancers and operators ask."""

    @get("/")
    async def root(self) -> Response[Any]:
        """Say that somebody is here; some clients ask before they speak."""
        return json_response({"status": "ok"})

    @head("/")
    async def root_head(self) -> None:
        """Say so without a body."""

    @get(["/health/liveness", "/health/liveliness"])
    async def liveness(self) -> Response[Any]:
        """Say that the process lives; it says nothing about what it depends on."""
        return json_response("I'm alive!")

    @get("/health/readiness")
    async def readiness(self, readiness: SkipValidation[Readiness]) -> Response[Any]:
        """Say whether this process should get traffic."""
        state = await readiness()
        return json_response({"status": state.status, "db": state.database}, 200 if state.ready else 503)

    @get("/health/readiness/details")
    async def readiness_details(self, readiness: SkipValidation[Readiness]) -> Response[Any]:
        """Say the same with everything an administrator wants to know."""
        state = await readiness()
        return json_response({"status": state.status, "db": state.database, **state.details}, 200 if state.ready else 503)

    @get("/health")
    async def health(self, request: AnyRequest, check_health: SkipValidation[CheckHealth]) -> Response[Any]:
        """Ask every deployment for a few tokens."""
        query = request.query_params
        found = await check_health(model=query.get("model"), model_id=query.get("model_id"))
        healthy = [_entry(state) for state in found if state.error is None]
        unhealthy = [_entry(state) for state in found if state.error is not None]
        return json_response(
            {
                "healthy_endpoints": healthy,
                "unhealthy_endpoints": unhealthy,
                "healthy_count": len(healthy),
                "unhealthy_count": len(unhealthy),
            }
        )


class MetricsController(Controller):
    """What Prometheus scrapes."""

    @get("/metrics")
    async def metrics(self, request: AnyRequest, exposition: SkipValidation[Exposition]) -> Response[bytes]:
        """Return the metrics in text or OpenMetrics format."""
        content_type, body = exposition.render(request.headers.get("accept"))
        return Response(body, headers={"content-type": content_type})


def _entry(state: DeploymentHealth) -> dict[str, object]:
    entry: dict[str, object] = {"model": state.model, "model_group": state.model_group, "model_id": state.deployment_id}
    return entry if state.error is None else {**entry, "error": state.error}
