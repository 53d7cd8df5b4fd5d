"""The management plane's error envelope, and its answers, as the server sends them."""

from litestar import MediaType, Request, Response

from tianji_core.access.fields import header_list
from tianji_core.access.versions import etag
from tianji_core.ports.management import ManagementAnswer, ManagementCall
from tianji_core.surfaces._management import management_error
from tianji_core.wire.json import encode

__all__ = ["MANAGEMENT_BODY_BYTES", "call_of", "management_error", "respond"]

MANAGEMENT_BODY_BYTES = 1024 * 1024


async def call_of(request: Request) -> ManagementCall:  # type: ignore[type-arg]
    """Return the request as the driving ports take it; the guard has put the principal into the scope's state."""
    return ManagementCall(
        caller=request.scope["state"]["principal"],
        body=await request.body(),
        query=tuple(request.query_params.multi_items()),
        if_match=request.headers.get("if-match"),
        money_as_text=request.headers.get("accept-money") == "decimal",
    )


def respond(answer: ManagementAnswer) -> Response[bytes]:
    """Return the answer with its entity tag and the names that nobody knew."""
    headers = {"cache-control": "no-store"}
    if answer.version is not None:
        headers["etag"] = etag(answer.version)
    if answer.ignored_fields:
        headers["x-tianji-ignored-fields"] = header_list(answer.ignored_fields)
    return Response(encode(answer.document), headers=headers, media_type=MediaType.JSON)
