"""Who is refused, and when: in the order that leaks least, each with one event and no row."""

from typing import Any

import pytest

from support.gateway_parts import (
    EPOCH_NS,
    chat_body,
    deployment,
    fetch,
    inbound,
    make_parts,
    refused,
    virtual_key,
)
from support.provider_answers import whole
from tianji_core.access.limits import Limits
from tianji_core.errors import (
    AuthenticationError,
    BudgetExceededError,
    ClientGoneError,
    GuardrailBlockedError,
    InvalidRequestError,
    ModelNotAllowedError,
    NotFoundError,
    PermissionDeniedError,
    TianjiError,
    TooLargeError,
    UnknownKeyError,
)
from tianji_core.shapes.raw_requests import ReadBody

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def never_read() -> bytes:
    raise AssertionError("the body was read")


@pytest.mark.parametrize(
    ("key", "kind"),
    [(None, AuthenticationError), ("hello", AuthenticationError), ("sk-unknown-0123456789", UnknownKeyError)],
    ids=["none", "malformed", "unknown"],
)
async def test_unauthenticated_call_never_has_its_body_read(key: str | None, kind: type[TianjiError]) -> None:
    parts = make_parts()
    await refused(parts, inbound(key=key, read_body=never_read), kind)
    assert parts.event.http_status == 401
    assert await parts.rows() == []
    assert parts.transport.sent == []


async def test_malformed_credential_never_reaches_the_store() -> None:
    parts = make_parts()
    await refused(parts, inbound(key="sk-'; DROP TABLE keys"), AuthenticationError)
    assert parts.keys.asked == []
    with pytest.raises(UnknownKeyError):
        await fetch(parts, inbound(key="sk-unknown-0123456789"))
    assert len(parts.keys.asked) == 1


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"blocked": True}, PermissionDeniedError, "key_blocked"),
        ({"expires_at_ns": EPOCH_NS}, AuthenticationError, "expired_key"),
        ({"allowed_routes": ("/key/info",)}, PermissionDeniedError, "route_not_allowed"),
        ({"allowed_routes": ("anthropic_routes",)}, PermissionDeniedError, "route_not_allowed"),
    ],
)
async def test_key_that_may_not_call_is_refused_before_its_body_is_read(
    changes: dict[str, Any], kind: type[TianjiError], code: str
) -> None:
    parts = make_parts(keys=[virtual_key(**changes)])
    error = await refused(parts, inbound(read_body=never_read), kind)
    assert error.code == code


async def test_key_may_call_the_route_that_it_lists() -> None:
    parts = make_parts(keys=[virtual_key(allowed_routes=("/chat/completions",))])
    parts.answer("a", whole())
    assert (await fetch(parts, inbound(route="/chat/completions"))).text == "Hello!"


async def test_conflicting_credentials_are_refused_with_an_event() -> None:
    parts = make_parts()
    headers = (("authorization", "Bearer sk-another-0123456789"),)
    error = await refused(parts, inbound(headers=headers, read_body=never_read), InvalidRequestError)
    assert error.code == "conflicting_credentials"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b"{nope", None, None),
        (b"[1]", None, None),
        ({"messages": [{"role": "user", "content": "hi"}]}, "model", "missing_required_parameter"),
        ({"model": "fast"}, "messages", "missing_required_parameter"),
        (chat_body(temperature="hot"), "temperature", "invalid_type"),
        (chat_body(mock_response="x"), "mock_response", None),
        (chat_body(guardrails=["pii"]), "guardrails", "unsupported_parameter"),
    ],
)
async def test_bad_body_is_refused_before_anything_is_admitted(body: object, param: str | None, code: str | None) -> None:
    parts = make_parts()
    error = await refused(parts, inbound(body), InvalidRequestError)
    assert error.param == param
    if code is not None:
        assert error.code == code
    assert parts.event.http_status == 400
    assert parts.event.key_id == "id-of-caller"
    assert await parts.rows() == []


async def test_body_that_is_too_large_is_told_as_such() -> None:
    async def read() -> bytes:
        raise TooLargeError("larger than allowed")

    parts = make_parts()
    await refused(parts, inbound(read_body=read), TooLargeError)
    assert parts.event.http_status == 413


async def test_client_that_leaves_while_it_sends_is_cancelled_and_no_row() -> None:
    async def read() -> bytes:
        raise ClientGoneError("the client left before its request was complete")

    parts = make_parts()
    with pytest.raises(ClientGoneError):
        await fetch(parts, inbound(read_body=read))
    assert (parts.event.status, parts.event.http_status) == ("cancelled", 499)
    assert await parts.rows() == []


async def test_forbidden_and_unknown_model_are_refused_in_the_same_words() -> None:
    parts = make_parts(deployment("a"), deployment("b", "slow"), keys=[virtual_key(models=("fast",))])
    errors = []
    for name in ("slow", "nope"):
        with pytest.raises(ModelNotAllowedError) as raised:
            await fetch(parts, inbound(chat_body(name)))
        errors.append((str(raised.value).replace(name, "NAME"), raised.value.param, raised.value.code))
    assert errors[0] == errors[1]
    assert [event.http_status for event in parts.events] == [403, 403]
    assert await parts.rows() == []


async def test_key_without_a_list_learns_that_a_model_does_not_exist() -> None:
    parts = make_parts()
    error = await refused(parts, inbound(chat_body("nope")), NotFoundError)
    assert (error.code, error.param) == ("model_not_found", "model")
    assert parts.event.http_status == 404


async def test_fallbacks_in_the_request_must_be_allowed_too() -> None:
    parts = make_parts(deployment("a"), deployment("b", "slow"), keys=[virtual_key(models=("fast",))])
    await refused(parts, inbound(chat_body(fallbacks=["slow"])), ModelNotAllowedError)
    assert parts.transport.sent == []


async def test_budget_that_is_too_small_leaves_an_event_and_no_row() -> None:
    parts = make_parts(keys=[virtual_key(limits=Limits(max_budget_nano=1))])
    await refused(parts, inbound(chat_body(max_tokens=5)), BudgetExceededError)
    assert (await parts.rows(), parts.transport.sent, parts.event.error and parts.event.error.code) == ([], [], "budget_exceeded")


async def test_blocked_call_goes_nowhere_and_says_so() -> None:
    class Blocking:
        async def before_call(self, body: ReadBody, names: tuple[str, ...]) -> None:
            raise GuardrailBlockedError("no")

    parts = make_parts(guardrails=Blocking())
    with pytest.raises(GuardrailBlockedError):
        await fetch(parts)
    assert (parts.event.status, parts.event.http_status, parts.transport.sent) == ("blocked", 400, [])
    assert (await parts.row()).cost.total_nano == 0
