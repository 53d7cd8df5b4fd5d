"""The surface's side: controls taken out, headers kept, model from body or path."""

import json

import pytest

from tianji_core.dialects.anthropic_messages import CountTokensCodec, MessagesSurface
from tianji_core.dialects.anthropic_messages.memo import SurfaceMemo
from tianji_core.errors import InvalidRequestError

_BODY: dict[str, object] = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
_SURFACE = MessagesSurface()


def test_controls_steer_the_gateway_and_do_not_travel() -> None:
    decoded = _SURFACE.decode({**_BODY, "num_retries": 1, "tags": ["a"]}, None, ())
    assert (decoded.controls.num_retries, decoded.controls.tags) == (1, ("a",))
    assert decoded.request.rest is None
    assert decoded.memo == SurfaceMemo(model="m")


def test_only_anthropics_own_headers_are_kept() -> None:
    headers = (("anthropic-version", "2026-10-21"), ("anthropic-beta", "a"), ("x-api-key", "sk-1"), ("user-agent", "u"))
    assert _SURFACE.decode(_BODY, None, headers).request.forward_headers == headers[:2]


def test_model_in_the_path_wins_and_one_must_be_there() -> None:
    assert _SURFACE.decode(_BODY, "p", ()).request.model == "p"
    with pytest.raises(InvalidRequestError) as caught:
        _SURFACE.decode({**_BODY, "model": None}, None, ())
    assert caught.value.param == "model"


def test_body_itself_is_not_changed() -> None:
    body = dict(_BODY)
    _SURFACE.decode(body, None, ())
    assert body == _BODY


def test_count_takes_a_request_without_a_limit_and_answers_one_number() -> None:
    codec = CountTokensCodec()
    decoded = codec.decode({"model": "m", "messages": _BODY["messages"], "stream": True}, None, ())
    assert (decoded.request.max_output_tokens, decoded.request.stream) == (None, False)
    assert json.loads(codec.encode(14, decoded.memo)) == {"input_tokens": 14}
    with pytest.raises(InvalidRequestError):
        codec.stream(decoded.memo)
