"""A whole answer out of its pieces, within a limit."""

from tianji_adapters.http_client.faults import too_large
from tianji_core.calls.http import HttpResponse, header
from tianji_core.ports.http_transport import UpstreamAnswer


async def collected(answer: UpstreamAnswer, host: str, limit: int) -> HttpResponse:
    """Return what has not been iterated yet as one answer. Raises UpstreamProtocolError beyond the limit, in bytes."""
    declared = header(answer.headers, "content-length") or ""
    if declared.isdigit() and int(declared) > limit:
        raise too_large(host, answer.status, limit)
    pieces: list[bytes] = []
    size = 0
    async for piece in answer:
        size += len(piece)
        if size > limit:
            raise too_large(host, answer.status, limit)
        pieces.append(piece)
    return HttpResponse(status=answer.status, headers=answer.headers, body=b"".join(pieces))
