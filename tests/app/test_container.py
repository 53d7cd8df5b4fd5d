"""One TianJi, put together: everything can be resolved, what must be shared is shared, and every adapter can be swapped from outside."""

from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing
from punq import Container, MissingDependencyError

from support.containers import container_of
from support.gateway_parts import KEY, AskedKeyStore, FlowClock, chat_body, inbound, virtual_key
from support.provider_answers import whole
from support.scripted_transport import ScriptedTransport
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_app.container import KEY_OPERATIONS, resolve
from tianji_app.flusher import Flusher
from tianji_app.gateway import CallGateway
from tianji_app.server import driving_ports
from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.key_cache import KeyCache
from tianji_app.use_cases.key_writes import KeyWrites
from tianji_app.use_cases.keys import ReplaceQuickstartKey
from tianji_app.use_cases.readiness import CheckReadiness
from tianji_app.use_cases.reload import Reload
from tianji_core.errors import AuthenticationError
from tianji_core.ports.clock import Clock
from tianji_core.ports.gateway import Gateway
from tianji_core.ports.http_transport import HttpTransport
from tianji_core.ports.key_store import KeyStore
from tianji_core.ports.management import Authenticate
from tianji_core.ports.spend_store import SpendStore
from tianji_core.routing.cooldown import Cooldown

USE_CASES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Gateway,
        Authenticate,
        Flusher,
        Reload,
        CheckReadiness,
        KeyCache,
        KeyWrites,
        ReplaceQuickstartKey,
        *KEY_OPERATIONS.values(),
    )
}


@pytest.mark.parametrize("name", USE_CASES)
def test_every_use_case_can_be_resolved(name: str, tmp_path: Path) -> None:
    assert resolve(container_of(tmp_path), USE_CASES[name]) is not None


def test_every_driving_port_of_the_server_can_be_resolved(tmp_path: Path) -> None:
    ports = driving_ports(container_of(tmp_path))
    assert set(KEY_OPERATIONS) < set(ports)
    assert all(port is not None for port in ports.values())


def test_missing_registration_is_an_error_that_names_it() -> None:
    with pytest.raises(MissingDependencyError, match="Flusher"):
        resolve(Container(), Flusher)


def test_what_calls_and_operators_share_is_one_thing(tmp_path: Path) -> None:
    container = container_of(tmp_path)
    gateway: Any = resolve(container, Gateway)  # type: ignore[type-abstract]
    reload, readiness, holder = resolve(container, Reload), resolve(container, CheckReadiness), resolve(container, SnapshotHolder)
    assert isinstance(gateway, CallGateway)
    assert gateway is resolve(container, Gateway)  # type: ignore[type-abstract]
    assert gateway.snapshots is reload.snapshots is readiness.snapshots is holder
    assert gateway.admit.cooldown is reload.cooldown is readiness.cooldown is resolve(container, Cooldown)
    assert gateway.journal is resolve(container, Flusher).journal is readiness.flusher.journal
    assert readiness.flusher is resolve(container, Flusher)
    assert readiness.reload is reload


def test_cache_of_keys_hears_of_every_write(tmp_path: Path) -> None:
    container = container_of(tmp_path)
    gateway: Any = resolve(container, Gateway)  # type: ignore[type-abstract]
    block: Any = container.resolve(KEY_OPERATIONS["block_key"])
    assert gateway.authenticate is resolve(container, Authenticate)  # type: ignore[type-abstract]
    authenticate: Any = gateway.authenticate
    assert authenticate.keys is block.writes.cache is resolve(container, KeyCache)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_metrics_token_is_known_only_where_there_is_one(anyio_backend: str, tmp_path: Path) -> None:
    with_token = resolve(container_of(tmp_path, metrics_token="scrape-me"), Authenticate)  # type: ignore[type-abstract]
    assert (await with_token("scrape-me")).role == "metrics"
    without = resolve(container_of(tmp_path), Authenticate)  # type: ignore[type-abstract]
    with pytest.raises(AuthenticationError):
        await without("scrape-me")


class TestSwap:
    """Store, transport and clock are replaced by registering them again; nothing of the app is touched."""

    @pytest.fixture
    def anyio_backend(self) -> tuple[str, dict[str, object]]:
        return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}

    @pytest.mark.anyio
    async def test_call_uses_the_swapped_adapters(self, tmp_path: Path) -> None:
        container = container_of(tmp_path)
        key = virtual_key()
        keys, ledger, transport = AskedKeyStore(living={key.id: key}), MemorySpendStore(), ScriptedTransport()
        transport.answer("a", whole("from the other transport"))
        clock = FlowClock()
        replaced: dict[Any, object] = {KeyStore: keys, SpendStore: ledger, HttpTransport: transport, Clock: clock}
        for port, adapter in replaced.items():
            container.register(port, instance=adapter)
        gateway = resolve(container, Gateway)  # type: ignore[type-abstract]
        flusher = resolve(container, Flusher)
        await anyio.sleep(90)
        async with gateway.open(inbound(chat_body(), key=KEY), gateway.new_call_id()) as stream:
            answer = b"".join([piece async for piece in stream])
        assert b"from the other transport" in answer
        assert keys.asked == [key.hash]
        assert await flusher.flush_once()
        (row,) = ledger.ledger.values()
        assert row.event.started_at_ns == clock.now_ns()
        assert await ledger.key_spend_nano([key.id]) == {key.id: row.cost.total_nano}
