"""From ASGI to the gateway and back: bodies read no further than allowed, envelopes, disconnects, keep-alives."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import msgspec
import pytest
import trio.testing
from structlog.testing import capture_logs

from support.asgi import Client, scope_of
from support.gateway_parts import KEY, Parts, chat_body, make_parts
from support.provider_answers import DONE, END, ROLE, chunk, good_stream, refusal, stream, whole
from support.scripted_transport import HANG, Script
from tianji_adapters.http_server.relay import KEEP_ALIVE_SECONDS, Relay
from tianji_core.calls.http import Headers
from tianji_core.errors import UpstreamOverloadedError
from tianji_core.ports.gateway import CallStream, Inbound
from tianji_core.shapes.codecs import Surface
from tianji_core.surfaces.anthropic_messages import SURFACE as MESSAGES
from tianji_core.surfaces.openai_chat import SURFACE as CHAT

pytestmark = pytest.mark.anyio
LIMIT = 1_000
AUTH = ("authorization", f"Bearer {KEY}")
BODY = msgspec.json.encode(chat_body())
STREAM = msgspec.json.encode(chat_body(stream=True))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def relay_of(parts: Any, surface: Surface = CHAT) -> Relay:
    return Relay(parts.gateway if isinstance(parts, Parts) else parts, surface, "/v1" + surface.paths[0], LIMIT)


async def ask(parts: Any, *body: bytes, headers: Sequence[tuple[str, str]] = (), surface: Surface = CHAT, method: str = "POST") -> Client:
    """Make a request and read its answer."""
    client = Client(body=list(body))
    await relay_of(parts, surface)(scope_of(method=method, headers=[AUTH, *headers]), client.receive, client.send)
    return client


# --- answers ------------------------------------------------------------------------------------------------------------


async def test_whole_answer_goes_out_with_its_headers_and_an_end() -> None:
    parts = make_parts()
    parts.answer("a", whole())
    client = await ask(parts, BODY[:9], BODY[9:])
    assert (client.status, client.is_complete) == (200, True)
    assert client.json["choices"][0]["message"]["content"] == "Hello!"
    assert client.headers["content-length"] == str(len(client.data))
    assert client.headers["x-request-id"] == parts.event.call_id
    assert (parts.event.client_ip, parts.event.route) == ("192.0.2.1", "/v1/chat/completions")


async def test_streamed_answer_goes_out_piece_by_piece() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Good", " morning"))
    client = await ask(parts, STREAM)
    assert client.is_complete
    assert len(client.pieces) == 4
    assert client.pieces[-1] == DONE
    assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "content-length" not in client.headers


async def test_model_of_the_path_reaches_the_gateway() -> None:
    parts, client = make_parts(), Client(body=[msgspec.json.encode(chat_body("nope"))])
    parts.answer("a", whole())
    scope = scope_of("/engines/fast/chat/completions", headers=[AUTH], path_params={"model": "fast"})
    await Relay(parts.gateway, CHAT, "/engines/{model}/chat/completions", LIMIT)(scope, client.receive, client.send)
    assert client.status == 200


async def test_header_values_that_are_not_latin_do_not_break_the_answer() -> None:
    @dataclass(slots=True)
    class Odd:
        status: int = 200
        headers: Headers = (("x-odd", "天机"),)

        def keep_alive(self) -> bytes | None:
            return None

        def __aiter__(self) -> CallStream:
            return self

        async def __anext__(self) -> bytes:
            raise StopAsyncIteration

    client = await ask(FakeGateway(Odd()), BODY)
    assert (client.headers, client.is_complete) == ({"x-odd": "??"}, True)


# --- refusals -----------------------------------------------------------------------------------------------------------


async def test_declared_length_above_the_limit_is_refused_without_reading() -> None:
    parts = make_parts()
    client = await ask(parts, b"never read", headers=[("content-length", str(LIMIT + 1))])
    assert (client.status, client.json["error"]["code"]) == (413, "request_too_large")
    assert client.body == [b"never read"]


@pytest.mark.parametrize("surface", [CHAT, MESSAGES], ids=lambda surface: surface.name)
@pytest.mark.parametrize(
    ("method", "length", "status"), [("GET", LIMIT + 1, 405), ("POST", LIMIT + 1, 413), ("POST", "9" * 5_000, 413), ("POST", LIMIT, 401)]
)
async def test_method_comes_before_size_and_size_before_the_credential(surface: Surface, method: str, length: object, status: int) -> None:
    parts, client = make_parts(), Client(body=[b"never read"])
    scope = scope_of(method=method, headers=[("content-length", str(length)), ("authorization", "Bearer sk-unknown-0123456789")])
    await relay_of(parts, surface)(scope, client.receive, client.send)
    assert (client.status, client.body) == (status, [b"never read"])
    assert len(parts.keys.asked) == (status == 401)
    assert (parts.event.http_status, parts.event.status, parts.event.surface) == (status, "error", surface.name)
    assert parts.event.call_id == client.headers["request-id" if surface is MESSAGES else "x-request-id"]
    assert await parts.rows() == []


async def test_real_length_above_the_limit_is_refused_without_reading_on() -> None:
    parts = make_parts()
    client = await ask(parts, b"x" * LIMIT, b"y", b"never read", headers=[("content-length", "5")])
    assert client.status == 413
    assert client.body == [b"never read"]


async def test_body_of_exactly_the_limit_is_read() -> None:
    parts = make_parts()
    parts.answer("a", whole())
    padded = BODY + b" " * (LIMIT - len(BODY))
    assert (await ask(parts, padded, headers=[("content-length", str(LIMIT))])).status == 200


async def test_unauthenticated_request_is_refused_without_reading() -> None:
    client = Client(body=[BODY])
    await relay_of(make_parts())(scope_of(), client.receive, client.send)
    assert (client.status, client.json["error"]["code"], client.body) == (401, "invalid_api_key", [BODY])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("content-length", "many")], 400),
        ([("content-length", "-1")], 400),
        ([("content-encoding", "gzip")], 415),
        ([("content-type", "multipart/form-data; boundary=x")], 415),
        ([("content-type", "application/x-www-form-urlencoded"), ("content-encoding", "identity")], 200),
        ([("content-type", "text/plain")], 200),
    ],
)
async def test_kind_of_body_decides_whether_it_is_read(headers: list[tuple[str, str]], status: int) -> None:
    parts = make_parts()
    parts.answer("a", whole())
    assert (await ask(parts, BODY, headers=headers)).status == status


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("surface", [CHAT, MESSAGES], ids=lambda surface: surface.name)
async def test_other_methods_are_refused_in_the_surfaces_envelope(method: str, surface: Surface) -> None:
    client = await ask(make_parts(), method=method, surface=surface)
    assert client.status == 405
    assert client.is_complete
    assert client.json["error"]["type"] == "invalid_request_error"
    assert ("request_id" in client.json) == (surface is MESSAGES)


async def test_error_before_the_answer_goes_out_in_the_surfaces_envelope() -> None:
    parts = make_parts()
    parts.answer("a", refusal(429, headers=(("retry-after", "7"),)))
    client = await ask(parts, msgspec.json.encode(chat_body(num_retries=0)))
    assert (client.status, client.headers["retry-after"]) == (429, "7")
    assert client.headers["content-length"] == str(len(client.data))
    assert client.headers["x-request-id"] == parts.event.call_id
    overloaded = make_parts()
    overloaded.answer("a", Script(before=(UpstreamOverloadedError("busy", status=529),)))
    body = {"model": "fast", "max_tokens": 5, "num_retries": 0, "messages": [{"role": "user", "content": "x"}]}
    client = await ask(overloaded, msgspec.json.encode(body), surface=MESSAGES)
    assert (client.status, client.json["error"]["type"]) == (529, "overloaded_error")
    assert client.json["request_id"] == client.headers["request-id"] == overloaded.event.call_id


# --- bugs ---------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class FakeGateway:
    """Opens one prepared stream, or fails."""

    stream: Any = None
    problem: Exception | None = None
    left: list[str] = field(default_factory=list)

    def new_call_id(self) -> str:
        return "call-1"

    def open(self, inbound: Inbound, call_id: str) -> AbstractAsyncContextManager[CallStream]:
        return self._open(inbound)

    @asynccontextmanager
    async def _open(self, inbound: Inbound) -> Any:
        await inbound.read_body()
        if self.problem is not None:
            raise self.problem
        try:
            yield self.stream
        finally:
            self.left.append("left")


@dataclass(slots=True)
class BrokenStream:
    """Hands out one piece and then has a bug."""

    status: int = 200
    headers: Headers = ()
    count: int = 0

    def keep_alive(self) -> bytes | None:
        return None

    def __aiter__(self) -> CallStream:
        return self

    async def __anext__(self) -> bytes:
        self.count += 1
        if self.count > 1:
            raise ValueError("a secret sk-12345")
        return b"one"


async def test_bug_is_a_500_with_an_id_and_nothing_of_its_text() -> None:
    with capture_logs() as lines:
        client = await ask(FakeGateway(problem=KeyError("a secret sk-12345")), BODY)
    assert (client.status, client.is_complete) == (500, True)
    assert (client.json["error"]["type"], client.json["error"]["code"]) == ("api_error", "internal_error")
    assert client.headers["x-request-id"] == "call-1"
    assert b"secret" not in client.data
    assert b"KeyError" not in client.data
    assert [(line["log_level"], line["call_id"]) for line in lines] == [("error", "call-1")]


async def test_bug_after_the_answer_began_cuts_it_so_that_it_does_not_look_whole() -> None:
    gateway = FakeGateway(BrokenStream())
    with capture_logs() as lines:
        client = await ask(gateway, BODY)
    assert client.pieces == [b"one"]
    assert not client.is_complete
    assert gateway.left == ["left"]
    assert lines[0]["call_id"] == "call-1"


# --- clients that leave -------------------------------------------------------------------------------------------------


async def test_client_that_leaves_while_it_sends_gets_nothing() -> None:
    parts, client = make_parts(), Client()
    client.gone.set()
    await relay_of(parts)(scope_of(headers=[AUTH]), client.receive, client.send)
    assert (client.sent, parts.event.status) == ([], "cancelled")


@pytest.mark.parametrize(
    ("body", "script", "at"),
    [
        (BODY, Script(before=(HANG,)), "sent a"),
        (STREAM, Script(before=(HANG,)), "sent a"),
        (STREAM, stream(ROLE, HANG), "sent a"),
        (STREAM, stream(ROLE, chunk("Hi"), HANG), "piece"),
        (STREAM, stream(ROLE, chunk("Hi"), END, HANG), "piece"),
    ],
    ids=["whole", "before the head", "held", "in the middle", "before the last byte"],
)
async def test_disconnect_closes_the_upstream_and_settles_before_the_request_is_over(body: bytes, script: Script, at: str) -> None:
    parts, client = make_parts(), Client(body=[body])
    parts.answer("a", script)

    async def note(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            parts.log.append("piece")

    client.before_send = note

    async def serve() -> None:
        await relay_of(parts)(scope_of(headers=[AUTH]), client.receive, client.send)
        parts.log.append("over")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await anyio.wait_all_tasks_blocked()
        assert at in parts.log
        parts.log.append("left")
        client.gone.set()
    after = parts.log[parts.log.index("left") :]
    assert after == ["left", "closed a", "settled", "over"]
    assert parts.event.status == "cancelled"
    assert not client.is_complete


async def test_client_that_reads_everything_and_leaves_is_not_cancelled() -> None:
    parts, client = make_parts(), Client(body=[STREAM])
    parts.answer("a", good_stream("Hi"))

    async def leave_at_the_end(message: dict[str, Any]) -> None:
        if message.get("body") == DONE:
            client.gone.set()

    client.before_send = leave_at_the_end
    await relay_of(parts)(scope_of(headers=[AUTH]), client.receive, client.send)
    assert parts.event.status == "ok"


async def test_broken_socket_is_a_client_that_left() -> None:
    parts, client = make_parts(), Client(body=[STREAM])
    parts.answer("a", good_stream("Hi", "again"))

    async def break_down(message: dict[str, Any]) -> None:
        if b"again" in message.get("body", b""):
            raise OSError("broken pipe")

    client.before_send = break_down
    with capture_logs():
        await relay_of(parts)(scope_of(headers=[AUTH]), client.receive, client.send)
    assert (parts.event.status, parts.transport.open_connections) == ("cancelled", 0)


async def test_slow_client_slows_the_upstream_down() -> None:
    parts, client, gate = make_parts(), Client(body=[STREAM]), anyio.Event()
    parts.answer("a", good_stream("Hi", "again", "and again"))

    async def wait(message: dict[str, Any]) -> None:
        if b"again" in message.get("body", b""):
            await gate.wait()

    client.before_send = wait
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(relay_of(parts), scope_of(headers=[AUTH]), client.receive, client.send)
        await anyio.wait_all_tasks_blocked()
        assert len(client.pieces) == 1
        assert parts.events == []
        gate.set()
    assert client.is_complete


# --- silence ------------------------------------------------------------------------------------------------------------


class TestKeepAlive:
    """On a clock that moves when everybody waits."""

    @pytest.fixture
    def anyio_backend(self) -> tuple[str, dict[str, object]]:
        return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}

    async def test_silent_stream_gets_a_comment_every_fifteen_seconds(self) -> None:
        parts = make_parts()
        parts.answer("a", stream(ROLE, chunk("Hi"), 40.0, chunk(" you"), 14.0, END, DONE))
        began = anyio.current_time()
        client = await ask(parts, STREAM)
        times = [
            round(at - began) for message, at in zip(client.sent, client.sent_at, strict=True) if message.get("body") == b": keep-alive\n\n"
        ]
        assert times == [KEEP_ALIVE_SECONDS, 2 * KEEP_ALIVE_SECONDS]
        assert client.pieces[-1] == DONE
        assert client.is_complete

    @pytest.mark.parametrize(("first", "begun_with"), [((), b": keep-alive\n\n"), ((ROLE,), b"data: ")], ids=["head", "role"])
    async def test_stream_that_is_silent_at_first_is_begun_and_kept_alive(self, first: tuple[bytes, ...], begun_with: bytes) -> None:
        parts = make_parts()
        parts.answer("a", stream(*first, 50.0, chunk("Hi"), END, DONE))
        began = anyio.current_time()
        client = await ask(parts, STREAM)
        times = [round(at - began) for at in client.sent_at]
        assert times[:5] == [15, 15, 30, 45, 50], "its head, what was held, two comments, the first text"
        assert client.pieces[0].startswith(begun_with)
        assert client.pieces[1:3] == [b": keep-alive\n\n"] * 2
        assert b"Hi" in client.pieces[3]
        assert client.is_complete

    async def test_messages_stream_gets_a_ping(self) -> None:
        parts = make_parts()
        parts.answer("a", stream(ROLE, chunk("Hi"), 16.0, END, DONE))
        body = {"model": "fast", "max_tokens": 5, "stream": True, "messages": [{"role": "user", "content": "x"}]}
        client = await ask(parts, msgspec.json.encode(body), surface=MESSAGES)
        assert client.data.count(b"event: ping") >= 1

    async def test_whole_answer_gets_none(self) -> None:
        parts = make_parts()
        parts.answer("a", Script(whole().body, before=(100.0,)))
        client = await ask(parts, BODY)
        assert len(client.pieces) == 1

    async def test_nothing_is_queued_behind_a_piece_that_a_slow_client_has_not_taken(self) -> None:
        parts, client = make_parts(), Client(body=[STREAM])
        parts.answer("a", good_stream("Hi", " you"))

        async def dawdle(message: dict[str, Any]) -> None:
            if b" you" in message.get("body", b""):
                await anyio.sleep(100)

        client.before_send = dawdle
        await relay_of(parts)(scope_of(headers=[AUTH]), client.receive, client.send)
        assert client.pieces[-1] == DONE
        assert client.is_complete
        assert b"keep-alive" not in client.data
