"""Reading a client's body no further than its top level, where its own dialect needs no more."""

from typing import cast

import msgspec

from tianji_core.calls.controls import CONTROL_FIELDS, CREDENTIAL_FIELDS, Controls
from tianji_core.calls.http import Headers
from tianji_core.shapes.codecs import SurfaceCodec
from tianji_core.shapes.raw_requests import RawSurfaceCodec, ReadBody
from tianji_core.translation.controls import take_controls
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import decode_object, encode

_TOP_LEVEL = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL = msgspec.Raw(b"null")
_OURS = CONTROL_FIELDS | CREDENTIAL_FIELDS
_STEERING = _OURS | {"metadata"}
_NOTHING = Controls()
_PREFIXES = ("x-tianji-", "x-litellm-")


def read_body(codec: SurfaceCodec, body: bytes, model: str | None, headers: Headers) -> ReadBody:
    """Return a client's body, read as far as its surface must.

    Raises:
        InvalidRequestError: it is no JSON object, or `decode` of the surface refuses it.
    """
    narrow: RawSurfaceCodec | None = cast("RawSurfaceCodec", codec) if hasattr(codec, "read") else None
    read = narrow.read(body, model, headers) if narrow is not None else None
    return read if read is not None else codec.decode(decode_object(body), model, headers)


def top_level(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the fields of a JSON object, undecoded, without those that are null; of a field that stands twice, the last.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is none, or its text is not UTF-8.
    """
    fields = _TOP_LEVEL.decode(body)
    if not body.isascii():  # what stays undecoded is not checked otherwise
        body.decode()
    if b"null" in body:
        return {name: value for name, value in fields.items() if value != _NULL}
    return fields


def steer(fields: dict[str, msgspec.Raw], headers: Headers, index: str = "[{}]") -> Controls:
    """Take what steers the gateway out of the fields. `index`: how the caller's API writes a position in a list.

    Raises:
        InvalidRequestError: as `take_controls`.
    """
    if _STEERING.isdisjoint(fields):
        return take_controls(Fields({}), headers) if _has_ours(headers) else _NOTHING
    found: dict[str, msgspec.Raw] = {name: value for name, value in fields.items() if name in _STEERING}
    controls = take_controls(Fields(decode_object(encode(found)), index=index), headers)
    for name in found.keys() & _OURS:
        del fields[name]
    return controls


def _has_ours(headers: Headers) -> bool:
    return bool([name for name, _ in headers if name[:2] == "x-" and name.startswith(_PREFIXES)])
