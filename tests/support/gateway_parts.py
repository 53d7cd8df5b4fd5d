"""A gateway over adapters in memory and a scripted upstream, and clients that read it as a server adapter would."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest

from support.scripted_transport import Script, ScriptedTransport
from tianji_adapters.memory.counters import MemoryCounters
from tianji_adapters.memory.identifiers import CountingIdentifiers
from tianji_adapters.memory.journal import MemoryJournal
from tianji_adapters.memory.key_store import MemoryKeyStore
from tianji_adapters.memory.null import NullGuardrails, NullPolicies, NullResponseCache
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_adapters.memory.window_store import MemoryWindowStore
from tianji_app.call.admission import CallAdmission
from tianji_app.call.admit import Admit
from tianji_app.call.reservation import Reserve
from tianji_app.call.settlement import Settlement
from tianji_app.gateway import CallGateway
from tianji_app.snapshot import Snapshot, SnapshotHolder
from tianji_app.use_cases.authenticate import Authenticate
from tianji_app.use_cases.key_cache import KeyCache
from tianji_core.access.keys import KeyHash, KeyId, VirtualKey, display_key, hash_key
from tianji_core.access.master import master_key
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.calls.events import CallEvent
from tianji_core.calls.http import Headers, header
from tianji_core.calls.secret import Secret
from tianji_core.config.gateway_config import GatewayConfig, GeneralSettings
from tianji_core.errors import TianjiError
from tianji_core.ports.admission import Counters
from tianji_core.ports.clock import Clock
from tianji_core.ports.gateway import CallStream, Inbound
from tianji_core.ports.governance import Guardrails
from tianji_core.ports.journal import Journal
from tianji_core.ports.spend_store import SpendStore
from tianji_core.ports.window_store import WindowStore
from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.prices import price_table
from tianji_core.providers.anthropic import PROVIDER as ANTHROPIC
from tianji_core.providers.local import PROVIDER as LOCAL
from tianji_core.providers.openai import PROVIDER as OPENAI
from tianji_core.routing.cooldown import Cooldown
from tianji_core.routing.groups import ModelIndex
from tianji_core.routing.settings import RouterSettings
from tianji_core.routing.strategies.simple_shuffle import STRATEGY
from tianji_core.shapes.codecs import Surface
from tianji_core.spend.record import SpendRecord
from tianji_core.surfaces.openai_chat import SURFACE as CHAT

MASTER_KEY = "sk-master-0123456789abcdef"
KEY = "sk-caller-0123456789abcdef"
EPOCH_NS = 1_767_225_600_000_000_000
PROVIDERS = {"openai": OPENAI, "anthropic": ANTHROPIC, "local": LOCAL}
PRICES: Mapping[str, Mapping[str, object]] = {
    "gpt-4o": {"input_cost_per_token": Decimal("0.0000025"), "output_cost_per_token": Decimal("0.00001"), "litellm_provider": "openai"},
}

Json = dict[str, Any]


@dataclass(slots=True)
class FlowClock:
    """The clock of the running event loop: a simulated loop moves it, and the wall with it."""

    began: float = field(default_factory=anyio.current_time)

    def now_ns(self) -> int:
        return EPOCH_NS + round((anyio.current_time() - self.began) * 1e9)

    def monotonic(self) -> float:
        return anyio.current_time()


@dataclass(slots=True)
class WordCounter:
    """A tokenizer for which every word is a token."""

    encodings: list[str] = field(default_factory=list)

    async def count(self, text: str, encoding: str) -> int:
        self.encodings.append(encoding)
        await anyio.lowlevel.checkpoint()
        return len(text.split())


@dataclass(slots=True)
class EventList:
    """Keeps every event."""

    events: list[CallEvent] = field(default_factory=list)

    def call_finished(self, event: CallEvent) -> None:
        self.events.append(event)


@dataclass(slots=True)
class AskedKeyStore(MemoryKeyStore):
    """Remembers which hashes it was asked for."""

    asked: list[str] = field(default_factory=list)

    async def by_hash(self, key_hash: KeyHash) -> VirtualKey | None:
        self.asked.append(key_hash)
        return next((key for key in self.living.values() if key.hash == key_hash), None)


def virtual_key(text: str = KEY, **changes: object) -> VirtualKey:
    """Return the key whose text the callers send."""
    key = VirtualKey(
        id=KeyId(f"id-of-{text[3:9]}"),
        hash=hash_key(text),
        display=display_key(text),
        created_at_ns=EPOCH_NS,
        created_by="admin",
        updated_at_ns=EPOCH_NS,
        updated_by="admin",
    )
    return msgspec.structs.replace(key, **changes)


def deployment(name: str, group: str = "fast", **changes: object) -> Deployment:
    """Return a deployment that is reached at the host of its own name."""
    values: Json = {
        "provider": "openai",
        "model": "gpt-4o",
        "base_url": f"http://{name}/v1",
        "auth_secret": Secret("sk-upstream"),
        **changes,
    }
    return Deployment(id=DeploymentId(name), group=group, **values)


def snapshot_of(
    deployments: Iterable[Deployment],
    *,
    router: RouterSettings | None = None,
    general: GeneralSettings | None = None,
    prices: Mapping[str, Mapping[str, object]] = PRICES,
    digest: str = "",
) -> Snapshot:
    """Return the snapshot of a configuration with these deployments."""
    config = GatewayConfig(
        deployments=tuple(deployments), router=router or RouterSettings(), general=general or GeneralSettings(), digest=digest
    )
    return Snapshot(
        config=config,
        index=ModelIndex.build(config.deployments, config.router.aliases),
        prices=price_table(package=prices, date="2026-01-01"),
        adjustments=Adjustments(),
        providers=PROVIDERS,
    )


@dataclass(slots=True)
class Parts:
    """A gateway and everything behind it.

    Attributes:
        log: What happened at the upstream and the journal, in order.
    """

    gateway: CallGateway
    transport: ScriptedTransport
    journal: Any
    events: list[CallEvent]
    keys: AskedKeyStore
    key_cache: KeyCache
    snapshots: SnapshotHolder
    counter: WordCounter
    log: list[str]

    @property
    def event(self) -> CallEvent:
        """The one event that there is."""
        (event,) = self.events
        return event

    async def rows(self) -> list[SpendRecord]:
        """Return every row of the journal."""
        return [] if not self.journal.waiting() else list(await self.journal.pending(1_000))

    async def row(self) -> SpendRecord:
        """Return the one row that there is."""
        (row,) = await self.rows()
        return row

    def answer(self, host: str, *scripts: Script) -> None:
        """Let a deployment answer with these scripts."""
        self.transport.answer(host, *scripts)


@dataclass(slots=True)
class LoggedJournal(MemoryJournal):
    """Writes into a log what it is told."""

    log: list[str] = field(default_factory=list)

    async def open(self, call: Any) -> None:
        self.log.append("opened")
        self._open[call.call_id] = call

    async def settle(self, call_id: str, records: Sequence[SpendRecord]) -> None:
        await MemoryJournal.settle(self, call_id, records)
        self.log.append("settled")


def make_parts(
    *deployments: Deployment,
    router: RouterSettings | None = None,
    general: GeneralSettings | None = None,
    prices: Mapping[str, Mapping[str, object]] = PRICES,
    keys: Sequence[VirtualKey] | None = None,
    clock: Clock | None = None,
    journal: Journal | None = None,
    counters: Counters | None = None,
    windows: WindowStore | None = None,
    guardrails: Guardrails | None = None,
    spend: SpendStore | None = None,
    capacity: int = 10_000,
) -> Parts:
    """Return a gateway that serves these deployments (one, `a`, of the group `fast` where none is given)."""
    clock = clock or FlowClock()
    snapshots = SnapshotHolder(snapshot_of(deployments or (deployment("a"),), router=router, general=general, prices=prices))
    store = AskedKeyStore(living={key.id: key for key in ([virtual_key()] if keys is None else keys)})
    transport, counter, events = ScriptedTransport(), WordCounter(), EventList()
    cooldown = Cooldown(snapshots.current.config.router)
    cooldown.replace(snapshots.current.config.router, snapshots.current.config.deployments)
    cache = KeyCache(store, clock)
    settlement = Settlement(counter)
    admission = CallAdmission(counters or MemoryCounters(clock), windows or MemoryWindowStore(), clock)
    own_journal = journal or LoggedJournal(capacity=capacity, log=transport.log)
    gateway = CallGateway(
        authenticate=Authenticate(cache, master_key(Secret(MASTER_KEY)), clock),
        snapshots=snapshots,
        admit=Admit(Reserve(admission, settlement), cooldown, STRATEGY, Random(1), clock),
        policies=NullPolicies(),
        guardrails=guardrails or NullGuardrails(),
        cache=NullResponseCache(),
        transport=transport,
        journal=own_journal,
        settlement=settlement,
        events=events,
        clock=clock,
        identifiers=CountingIdentifiers(),
        spend=spend or MemorySpendStore(),
    )
    return Parts(gateway, transport, own_journal, events.events, store, cache, snapshots, counter, transport.log)


# --- what clients send --------------------------------------------------------------------------------------------------


def chat_body(model: str = "fast", **fields: object) -> Json:
    """Return a request of two counted words."""
    return {"model": model, "messages": [{"role": "user", "content": "hello there"}], **fields}


def bearer(key: str) -> Headers:
    """Return the header of a credential."""
    return (("authorization", f"Bearer {key}"),)


def inbound(
    body: object = None,
    *,
    key: str | None = KEY,
    headers: Headers = (),
    surface: Surface = CHAT,
    route: str | None = None,
    path_model: str | None = None,
    read_body: Callable[[], Awaitable[bytes]] | None = None,
) -> Inbound:
    """Return a request as the server hands it over; `body` may be bytes that are no JSON."""

    async def read() -> bytes:
        given = chat_body() if body is None else body
        return given if isinstance(given, bytes) else msgspec.json.encode(given)

    template = route or "/v1" + surface.paths[0]
    return Inbound(
        surface=surface,
        method="POST",
        route=template,
        path=template,
        path_model=path_model,
        headers=(*(bearer(key) if key is not None else ()), *headers),
        query="",
        client_ip="192.0.2.1",
        read_body=read_body or read,
    )


@dataclass(slots=True)
class Answer:
    """An answer that was read to its end."""

    headers: Headers
    pieces: list[bytes]

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Json:
        return msgspec.json.decode(self.data, type=Json)

    @property
    def chunks(self) -> list[Json]:
        """The JSON objects of a stream, without its terminator."""
        return [msgspec.json.decode(data, type=Json) for data in sse_data(self.data) if data != b"[DONE]"]

    @property
    def text(self) -> str:
        """The text of the first choice, of either kind of answer."""
        if header(self.headers, "content-type") == "application/json":
            return str(self.json["choices"][0]["message"]["content"])
        return "".join(choice["delta"].get("content") or "" for chunk in self.chunks for choice in chunk.get("choices", ())[:1])

    @property
    def is_terminated(self) -> bool:
        return self.data.endswith(b"data: [DONE]\n\n")

    def header(self, name: str) -> str | None:
        return header(self.headers, name)


def sse_data(stream: bytes) -> list[bytes]:
    """Return what stands in the `data` lines of a stream."""
    return [line.removeprefix(b"data: ") for line in stream.split(b"\n") if line.startswith(b"data: ")]


@asynccontextmanager
async def opened(parts: Parts, request: Inbound) -> AsyncIterator[CallStream]:
    """Open a call."""
    async with parts.gateway.open(request, parts.gateway.new_call_id()) as stream:
        yield stream


async def fetch(parts: Parts, request: Inbound | None = None) -> Answer:
    """Make a call and read its answer."""
    async with opened(parts, request or inbound()) as stream:
        return Answer(stream.headers, [piece async for piece in stream])


# --- clients that leave -------------------------------------------------------------------------------------------------


async def until(condition: Callable[[], bool]) -> None:
    """Let the other tasks run until something has happened."""
    for _ in range(10_000):
        if condition():
            return
        await anyio.lowlevel.checkpoint()
    raise AssertionError("it never happened")


async def read_into(pieces: list[bytes], parts: Parts, request: Inbound) -> None:
    """Make a call and read it to its end; each piece is in the list as soon as it was read."""
    async with opened(parts, request) as answer:
        async for piece in answer:
            pieces.append(piece)


async def leave_when(parts: Parts, request: Inbound, condition: Callable[[], bool]) -> list[bytes]:
    """Make a call and break it off as soon as something has happened; return what was read by then."""
    pieces: list[bytes] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read_into, pieces, parts, request)
        await until(condition)
        tasks.cancel_scope.cancel()
    return pieces


async def leave_after(parts: Parts, request: Inbound, count: int) -> list[bytes]:
    """Make a call, read so many pieces, and be cancelled before the next one."""
    pieces: list[bytes] = []
    with anyio.CancelScope() as scope:
        async with opened(parts, request) as answer:
            for _ in range(count):
                pieces.append(await anext(answer))
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    return pieces


async def refused(parts: Parts, request: Inbound, kind: type[TianjiError]) -> TianjiError:
    """Make a call that is refused; check that its event is written, and that it is the only trace of it."""
    with pytest.raises(kind) as raised:
        await fetch(parts, request)
    assert type(raised.value) is kind
    assert len(parts.events) == 1
    assert parts.event.status == "error"
    return raised.value
