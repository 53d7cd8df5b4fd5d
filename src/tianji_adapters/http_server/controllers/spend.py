"""Routes of spend."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.params import SkipValidation

from tianji_adapters.http_server.management_errors import call_of, respond
from tianji_core.ports.management import ReconcileSpend


class SpendController(Controller):
    """Queries go on as they came: the core reads them."""

    path = "/spend"
    tags = ("spend",)

    @get("/reconcile", summary="Compare the totals of spend with the ledger and with each other")
    async def reconcile(self, request: Request[Any, Any, Any], reconcile_spend: SkipValidation[ReconcileSpend]) -> Response[bytes]:
        """Compare the totals."""
        return respond(await reconcile_spend(await call_of(request)))
