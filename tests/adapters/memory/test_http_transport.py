"""What only the transport in memory does; the rest is in the contract."""

import anyio
import pytest

from tianji_adapters.memory.http_transport import HANG, MemoryHttpTransport, Script
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import HttpRequest
from tianji_core.errors import UpstreamUnavailableError
from tianji_core.ports.http_transport import TransportLimits

LIMITS = TransportLimits(first_byte_seconds=1.5)
OPTIONS = TransportOptions(verify=False)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def fetch(transport: MemoryHttpTransport, url: str, body: bytes = b"{}") -> bytes:
    async with transport.send(HttpRequest(method="POST", url=url, body=body), LIMITS, OPTIONS) as answer:
        return (await answer.read()).body


async def test_each_script_answers_one_request_and_the_last_one_all_further_ones() -> None:
    transport = MemoryHttpTransport()
    transport.answer("a", Script((b"1",)), Script((b"2",)))
    assert [await fetch(transport, "http://a/v1") for _ in range(4)] == [b"1", b"2", b"2", b"2"]


async def test_url_wins_over_its_host_whatever_the_query() -> None:
    transport = MemoryHttpTransport()
    transport.answer("a", Script((b"host",)))
    transport.answer("http://a:8080/v1/chat", Script((b"url",)))
    assert [await fetch(transport, url) for url in ("http://a:8080/v1/chat?key=k", "http://a:8080/v1")] == [b"url", b"host"]


async def test_function_makes_the_answer_from_the_request() -> None:
    transport = MemoryHttpTransport()
    transport.answer("a", lambda request: Script((request.body[::-1],)))
    assert await fetch(transport, "http://a/v1", b"abc") == b"cba"


@pytest.mark.parametrize("sent", [True, False])
async def test_error_before_the_head_is_raised_as_it_is_and_its_attempt_is_noted(sent: bool) -> None:
    transport = MemoryHttpTransport()
    error = UpstreamUnavailableError("reset", sent=sent)
    transport.answer("a", Script(before=(error,)))
    with pytest.raises(UpstreamUnavailableError) as caught:
        await fetch(transport, "http://a/v1")
    assert caught.value is error
    assert (transport.hosts, transport.open_connections) == (["a"], 0)


async def test_what_was_sent_is_told_with_its_limits_and_options() -> None:
    transport = MemoryHttpTransport()
    transport.answer("a", Script())
    await fetch(transport, "http://a/v1", b'{"n":1}')
    (sent,) = transport.sent
    assert (sent.body, sent.limits, sent.options, sent.is_open) == ({"n": 1}, LIMITS, OPTIONS, False)
    assert transport.log == ["sent a", "closed a"]


@pytest.mark.parametrize("closes", [True, False])
async def test_connection_whose_closing_is_cancelled_stays_open_only_where_that_is_asked(closes: bool) -> None:
    transport = MemoryHttpTransport(closes_when_cancelled=closes)
    transport.answer("a", Script((b"1", HANG)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fetch, transport, "http://a/v1")
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert transport.open_connections == (0 if closes else 1)
