"""OpenAI's chat completions as a surface."""

import pytest

from tianji_core.access.roles import TABLE
from tianji_core.calls.controls import CONTROL_FIELDS
from tianji_core.errors import InvalidRequestError
from tianji_core.surfaces.openai_chat import SURFACE

BODY: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_surface_is_what_its_routes_and_events_say() -> None:
    assert (SURFACE.name, SURFACE.operation, SURFACE.envelope) == ("openai_chat", "chat", "openai")
    assert all(("POST", path) in TABLE for path in SURFACE.paths)


def test_model_of_the_path_wins_over_the_bodys() -> None:
    decoded = SURFACE.codec.decode(BODY, "from-path", ())
    assert (decoded.request.model, decoded.memo.model) == ("from-path", "from-path")


@pytest.mark.parametrize("body", [{"messages": BODY["messages"]}, {**BODY, "model": ""}])
def test_model_must_be_named_somewhere(body: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        SURFACE.codec.decode(body, None, ())
    assert raised.value.param == "model"


def test_control_fields_are_no_part_of_the_request() -> None:
    controls = dict.fromkeys(CONTROL_FIELDS) | {"num_retries": 2, "tags": ["a"]}
    decoded = SURFACE.codec.decode({**BODY, **controls, "top_k": 5}, None, ())
    assert (decoded.controls.num_retries, decoded.controls.tags) == (2, ("a",))
    assert dict(decoded.request.rest.fields) == {"top_k": 5}


def test_beta_header_is_forwarded_and_nothing_else() -> None:
    headers = (("openai-beta", "assistants=v2"), ("cookie", "c"), ("authorization", "Bearer x"))
    assert SURFACE.codec.decode(BODY, None, headers).request.forward_headers == (("openai-beta", "assistants=v2"),)


def test_body_of_the_caller_is_not_changed() -> None:
    body = {**BODY, "num_retries": 1, "temperature": 1}
    before = dict(body)
    SURFACE.codec.decode(body, None, ())
    assert body == before
