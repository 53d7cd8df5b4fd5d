"""JSON as the core reads it: exact numbers, one error, no float where money or a client's own number may stand."""

from decimal import Decimal

import msgspec

from tianji_core.errors import InvalidRequestError, UpstreamProtocolError

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError)
"""What decoding raises for bytes that are not JSON, or not of the wanted shape."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def decode_object(data: bytes) -> dict[str, object]:
    """Decode a client's body; numbers with a fraction become `Decimal`.

    Raises:
        InvalidRequestError: it is not JSON, or not an object.
    """
    try:
        value = _DECODER.decode(data)
    except UNREADABLE as error:
        raise InvalidRequestError(f"the request body is not valid JSON: {_reason(error)}") from None
    if not isinstance(value, dict):
        raise InvalidRequestError("the request body must be a JSON object")
    return value


def decode_upstream(data: bytes, provider: str) -> dict[str, object]:
    """Decode a provider's body or event.

    Raises:
        UpstreamProtocolError: it is not JSON, or not an object.
    """
    try:
        value = _DECODER.decode(data)
    except UNREADABLE as error:
        raise UpstreamProtocolError(f"{provider} answered something that is not JSON: {_reason(error)}", provider=provider) from None
    if not isinstance(value, dict):
        raise UpstreamProtocolError(f"{provider} answered JSON that is not an object", provider=provider)
    return value


def encode(value: object) -> bytes:
    """Encode as compact JSON; `Decimal` becomes a number with the digits it has."""
    return _ENCODER.encode(value)


def _reason(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
