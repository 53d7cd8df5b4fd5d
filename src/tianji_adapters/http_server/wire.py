"""Small conversions between Litestar and our own values."""

from typing import Any

from litestar import MediaType, Response
from litestar.datastructures import Headers as LitestarHeaders

from tianji_core.calls.http import Headers
from tianji_core.wire.json import encode


def lower_headers(headers: LitestarHeaders) -> Headers:
    """Return the headers with lower-case names, in order."""
    return tuple((name.lower(), value) for name, value in headers.multi_items())


def json_response(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response[Any]:
    """Return a JSON answer."""
    return Response(encode(value), status_code=status, media_type=MediaType.JSON, headers=headers)
