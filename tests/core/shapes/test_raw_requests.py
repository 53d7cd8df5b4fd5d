"""The canonical request behind a body that was read at its top level only."""

from tianji_core.calls.controls import Controls
from tianji_core.shapes.codecs import Decoded
from tianji_core.shapes.raw_requests import RawDecoded, RawRequest


def test_canonical_request_is_made_when_it_is_asked_for_and_once() -> None:
    made: list[Decoded] = []

    def canonical() -> Decoded:
        made.append(Decoded(request=object(), controls=Controls(), memo=None))
        return made[-1]

    raw = RawRequest(dialect="openai_chat", model="m", fields={}, known=None, stream=True, end_user="u")
    decoded = RawDecoded(Controls(), None, raw, canonical)
    assert (decoded.model, decoded.stream, decoded.end_user, made) == ("m", True, "u", [])
    assert decoded.request is decoded.request
    assert len(made) == 1
