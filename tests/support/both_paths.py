"""One body on both paths to a provider of its own dialect: what is sent, what is dropped, and what is refused."""

import json
from typing import Any

import msgspec

from support.chat import FACTS
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.http import Headers
from tianji_core.errors import InvalidRequestError
from tianji_core.pricing.request_size import raw_size, request_size
from tianji_core.shapes.codecs import Decoded, Encoded, SurfaceCodec
from tianji_core.shapes.raw_requests import RawDecoded
from tianji_core.translation.undecoded import read_body
from tianji_core.wire.json import decode_object


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a body. `sent` is (URL, headers, the JSON value without its nulls), `error` (class, param, code, message)."""

    sent: Any = None
    error: tuple[str, str | None, str | None, str] | None = None
    dropped: tuple[str, ...] = ()
    seen: Any = None
    memos: Any = None


def canonical(surface: SurfaceCodec, codec: Any, body: bytes, deployment: Deployment, headers: Headers = ()) -> Outcome:
    """Return what becomes of it when all of it is decoded and encoded anew."""
    try:
        decoded = surface.decode(decode_object(body), None, headers)
        encoded = codec.encode(decoded.request, deployment, FACTS)
    except InvalidRequestError as error:
        return _refused(error)
    return _sent(decoded, encoded, request_size(decoded.request, len(body)))


def undecoded(surface: SurfaceCodec, codec: Any, body: bytes, deployment: Deployment, headers: Headers = ()) -> tuple[Outcome, bool]:
    """Return what becomes of it when its values may keep their bytes, and whether they did."""
    passed = False
    try:
        decoded = read_body(surface, body, None, headers)
        encoded = codec.encode_raw(decoded.raw, deployment, FACTS) if isinstance(decoded, RawDecoded) else None
        if encoded is None:
            encoded = codec.encode(decoded.request, deployment, FACTS)
        else:
            passed = True
    except InvalidRequestError as error:
        return _refused(error), passed
    size = raw_size(decoded.raw, len(body)) if isinstance(decoded, RawDecoded) else None
    return _sent(decoded, encoded, size or request_size(decoded.request, len(body))), passed


def _refused(error: InvalidRequestError) -> Outcome:
    return Outcome(error=(type(error).__name__, error.param, error.code, error.message))


def _sent(decoded: Decoded | RawDecoded, encoded: Encoded, size: object) -> Outcome:
    http = encoded.http
    return Outcome(
        sent=(http.url, http.headers, http.auth, without_nulls(json.loads(http.body))),
        dropped=tuple(sorted(encoded.dropped)),
        seen=(decoded.controls, decoded.model, decoded.stream, decoded.end_user, size),
        memos=(decoded.memo, encoded.memo),
    )


def without_nulls(value: Any) -> Any:
    """Return a JSON value without fields that say nothing."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
