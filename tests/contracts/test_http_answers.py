"""What every `HttpTransport` makes of an answer, over a socket or from memory: one script is played on each stage.

What only a wire can do to its clients is in `test_http_transport.py`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.lowlevel
import pytest

from support.fault_server import Peer, chunk, fault_server, head, refused_url
from support.fault_server import Script as Play
from tianji_adapters.http_client.transport import HttpxTransport
from tianji_adapters.memory.http_transport import HANG, MemoryHttpTransport, Script
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import Bearer, HttpRequest, HttpResponse
from tianji_core.calls.secret import Secret
from tianji_core.errors import (
    UpstreamAuthenticationError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from tianji_core.ports.http_transport import HttpTransport, TransportLimits, UpstreamAnswer

QUICK = 0.15
PATIENT = TransportLimits(first_byte_seconds=5, idle_seconds=5)
CUT = UpstreamProtocolError("the connection broke")

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Stage:
    """A transport and an address that answers from the script. `closed` waits until the connection is gone."""

    transport: HttpTransport
    url: str
    closed: Callable[[], Awaitable[None]]
    asked: Callable[[], int]

    def send(self, limits: TransportLimits = PATIENT, **more: object) -> AbstractAsyncContextManager[UpstreamAnswer]:
        request = HttpRequest(method="POST", url=self.url, body=b"{}", **more)  # type: ignore[arg-type]
        return self.transport.send(request, limits, TransportOptions())

    async def fetch(self, limits: TransportLimits = PATIENT) -> HttpResponse:
        async with self.send(limits) as answer:
            return await answer.read()


@asynccontextmanager
async def in_memory(script: Script | None) -> AsyncIterator[Stage]:
    transport = MemoryHttpTransport()
    if script is not None:
        transport.answer("a", script)

    async def closed() -> None:
        while transport.open_connections:
            await anyio.lowlevel.checkpoint()

    yield Stage(transport, "http://a/v1/chat", closed, lambda: len(transport.sent))
    await transport.aclose()


@asynccontextmanager
async def over_a_socket(make: Callable[[], HttpTransport], script: Script | None) -> AsyncIterator[Stage]:
    transport = make()
    async with fault_server(_played(script or Script())) as server:

        async def closed() -> None:
            await (await server.peer()).ended.wait()

        url = server.url if script is not None else refused_url()
        yield Stage(transport, url, closed, lambda: sum(len(peer.requests) for peer in server.peers))
        await transport.aclose()


def _played(script: Script) -> Play:
    """Return what the raw server does for a script: a break of the connection for an error."""
    opening = head(script.status, "Transfer-Encoding: chunked", *(f"{name}: {value}" for name, value in script.headers))

    async def play(peer: Peer) -> None:
        await peer.request()
        for step in (*script.before, opening, *script.body):
            if isinstance(step, UpstreamError):
                return
            if isinstance(step, bytes):
                await peer.send(step if step is opening else chunk(step) if step else b"")
            elif isinstance(step, anyio.Event):
                await step.wait()
            elif step == HANG:
                await peer.until_closed()
            else:
                await anyio.sleep(float(step))  # type: ignore[arg-type]
        await peer.send(chunk(b""))
        await peer.until_closed()

    return play


Staged = Callable[[Script | None], AbstractAsyncContextManager[Stage]]
STAGES: dict[str, Staged] = {"httpx": partial(over_a_socket, lambda: HttpxTransport(version="1.2.3")), "memory": in_memory}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=STAGES)
def staged(request: pytest.FixtureRequest) -> Staged:
    return STAGES[request.param]


async def test_whole_answer_has_status_lower_case_headers_and_body(staged: Staged) -> None:
    async with staged(Script((b"one ", b"two"), 201, (("X-Request-ID", "abc"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")))) as stage:
        answer = await stage.fetch()
    assert (answer.status, answer.body, answer.header("x-request-id")) == (201, b"one two", "abc")
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]


@pytest.mark.parametrize("status", [301, 400, 429, 500])
async def test_every_status_is_an_answer_to_one_request(staged: Staged, status: int) -> None:
    async with staged(Script((b"words",), status, (("location", "/elsewhere"), ("retry-after", "3")))) as stage:
        answer = await stage.fetch()
        assert (answer.status, answer.body, answer.header("retry-after"), stage.asked()) == (status, b"words", "3", 1)


async def test_pieces_come_as_they_are_sent_and_are_never_empty(staged: Staged) -> None:
    gate = anyio.Event()
    async with staged(Script((b"1", gate, b"", b"2"))) as stage, stage.send() as answer:
        assert await anext(answer) == b"1"
        gate.set()
        assert [piece async for piece in answer] == [b"2"]
        assert [piece async for piece in answer] == [], "the end stays the end"


async def test_wait_for_the_head_is_limited_and_closes(staged: Staged) -> None:
    async with staged(Script(before=(HANG,))) as stage:
        with pytest.raises(UpstreamTimeoutError) as caught:
            await stage.fetch(TransportLimits(first_byte_seconds=QUICK))
        await stage.closed()
    assert (caught.value.sent, caught.value.status) == (True, None)


async def test_slow_head_within_its_limit_is_no_error(staged: Staged) -> None:
    async with staged(Script((b"late",), before=(QUICK,))) as stage:
        assert (await stage.fetch(TransportLimits(idle_seconds=QUICK / 2))).body == b"late"


async def test_stalled_body_is_limited_and_closes(staged: Staged) -> None:
    async with staged(Script((b"1", HANG))) as stage:
        with pytest.raises(UpstreamTimeoutError) as caught:
            await stage.fetch(TransportLimits(idle_seconds=QUICK))
        await stage.closed()
    assert (caught.value.sent, caught.value.status) == (True, 200)


async def test_trickling_body_is_no_stall(staged: Staged) -> None:
    async with staged(Script((b"a", QUICK / 2, b"b", QUICK / 2, b"c", QUICK / 2, b"d"))) as stage:
        assert (await stage.fetch(TransportLimits(idle_seconds=QUICK))).body == b"abcd"


async def test_whole_body_may_have_exactly_its_limit_and_a_stream_more(staged: Staged) -> None:
    async with staged(Script((b"1234", b"5678"))) as stage:
        assert (await stage.fetch(TransportLimits(body_bytes=8))).body == b"12345678"
    async with staged(Script((b"1234", b"5678"))) as stage:
        with pytest.raises(UpstreamProtocolError, match="7 bytes") as caught:
            await stage.fetch(TransportLimits(body_bytes=7))
    assert caught.value.status == 200
    async with staged(Script((b"1234", b"5678"))) as stage, stage.send(TransportLimits(body_bytes=4)) as answer:
        assert b"".join([piece async for piece in answer]) == b"12345678"


async def test_pieces_before_a_cut_are_delivered_and_the_cut_is_told(staged: Staged) -> None:
    seen: list[bytes] = []
    async with staged(Script((b"1", CUT))) as stage:
        with pytest.raises(UpstreamProtocolError) as caught:
            async with stage.send() as answer:
                async for piece in answer:
                    seen.append(piece)
    assert (seen, caught.value.sent) == ([b"1"], True)


async def test_host_that_nobody_answers_for_is_unavailable_and_unsent(staged: Staged) -> None:
    async with staged(None) as stage:
        with pytest.raises(UpstreamUnavailableError) as caught:
            await stage.fetch()
        assert (caught.value.sent, stage.asked()) == (False, 0)


async def test_credential_that_no_header_may_hold_is_refused_unsent_and_unquoted(staged: Staged) -> None:
    async with staged(Script((b"ok",))) as stage:
        with pytest.raises(UpstreamAuthenticationError) as caught:
            async with stage.send(auth=Bearer(Secret("sk-planted\n"))):
                pass
        assert (caught.value.sent, stage.asked()) == (False, 0)
    assert "planted" not in str(caught.value)


async def test_answer_that_is_left_unread_closes_its_connection(staged: Staged) -> None:
    async with staged(Script((b"1", HANG))) as stage:
        async with stage.send() as answer:
            await anext(answer)
        await stage.closed()


@pytest.mark.parametrize("script", [Script(before=(HANG,)), Script((b"1", HANG))], ids=["before the head", "inside the body"])
async def test_cancelled_call_closes_its_connection(staged: Staged, script: Script) -> None:
    async with staged(script) as stage:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.fetch)
            while not stage.asked():
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        await stage.closed()
