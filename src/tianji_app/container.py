"""How one TianJi is put together: which adapter stands behind which port. The only file that knows punq.

Everything outside is registered as an instance; use cases are built by their constructors' annotations. Whoever registers a port again
replaces it: the last one wins, so that a test swaps the store, the transport or the clock and touches nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from punq import Container, Scope

from tianji_adapters.memory.null import NullGuardrails, NullPolicies, NullResponseCache
from tianji_app.call.admission import CallAdmission
from tianji_app.call.admit import Admit
from tianji_app.call.reservation import Reserve
from tianji_app.call.settlement import Settlement
from tianji_app.configuration import ConfigurationSource
from tianji_app.dispatcher import Dispatcher
from tianji_app.flusher import Flusher
from tianji_app.gateway import CallGateway
from tianji_app.in_flight import InFlight
from tianji_app.refusal_lines import RefusalLines
from tianji_app.snapshot import Follower, Snapshot, SnapshotHolder
from tianji_app.use_cases import keys
from tianji_app.use_cases.authenticate import Authenticate as AuthenticateCaller
from tianji_app.use_cases.health import ProbeDeployments
from tianji_app.use_cases.key_budgets import KeyBudgets
from tianji_app.use_cases.key_cache import KeyCache
from tianji_app.use_cases.key_writes import KeyWrites
from tianji_app.use_cases.models import FindAllowedModel, ListAllowedModels
from tianji_app.use_cases.readiness import CheckReadiness
from tianji_app.use_cases.reconcile import ReconcileSpend
from tianji_app.use_cases.reload import Reload
from tianji_core.access.master import MasterKey
from tianji_core.calls.random import Rng
from tianji_core.ports.admission import Counters
from tianji_core.ports.clock import Clock
from tianji_core.ports.database import Database
from tianji_core.ports.dispatcher import EventSink
from tianji_core.ports.gateway import Gateway
from tianji_core.ports.governance import Guardrails, Policies, ResponseCache
from tianji_core.ports.http_transport import HttpTransport
from tianji_core.ports.identifiers import Identifiers
from tianji_core.ports.journal import Journal
from tianji_core.ports.key_store import KeyStore
from tianji_core.ports.management import Authenticate
from tianji_core.ports.operations import Exposition
from tianji_core.ports.settings_store import SettingsStore
from tianji_core.ports.spend_store import SpendStore
from tianji_core.ports.token_counter import TokenCounter
from tianji_core.ports.window_store import WindowStore
from tianji_core.routing.cooldown import Cooldown
from tianji_core.shapes.strategies import Strategy

T = TypeVar("T")

KEY_OPERATIONS: Mapping[str, type] = {
    "generate_key": keys.GenerateKey,
    "key_info": keys.KeyInfo,
    "list_keys": keys.ListKeys,
    "update_key": keys.UpdateKey,
    "delete_keys": keys.DeleteKeys,
    "block_key": keys.BlockKey,
    "unblock_key": keys.UnblockKey,
    "reconcile_spend": ReconcileSpend,
}
"""Use cases of `/key/*` and `/spend/*` by the names under which the server's handlers ask for them."""


@dataclass(frozen=True, slots=True)
class Outside:
    """The adapters of one process, and the facts it started with.

    Attributes:
        followers: Adapters that keep a copy of something in the snapshot and hear of each new one.
        in_flight: Counts the calls; whoever shows the number reads it here.
        refusal_lines: Between the events and the log; while the process runs it tells what it left out.
        dispatcher: Behind `events`; while the process runs it hands them on.
    """

    source: ConfigurationSource
    snapshot: Snapshot
    strategy: Strategy
    master: MasterKey
    metrics_token: MasterKey | None
    database: Database
    keys: KeyStore
    spend: SpendStore
    settings: SettingsStore
    windows: WindowStore
    counters: Counters
    transport: HttpTransport
    journal: Journal
    events: EventSink
    exposition: Exposition
    counter: TokenCounter
    clock: Clock
    identifiers: Identifiers
    rng: Rng
    refusal_lines: RefusalLines
    followers: tuple[Follower, ...] = ()
    dispatcher: Dispatcher = field(default_factory=lambda: Dispatcher(()))
    in_flight: InFlight = field(default_factory=InFlight)


def build(outside: Outside) -> Container:
    """Return a container in which everything of this process can be resolved."""
    container = Container()
    _register_outside(container, outside)
    _register_null_ports(container)
    cooldown = Cooldown(outside.snapshot.config.router)
    cooldown.replace(outside.snapshot.config.router, outside.snapshot.config.deployments)
    container.register(Cooldown, instance=cooldown)
    container.register(SnapshotHolder, instance=SnapshotHolder(outside.snapshot, outside.followers))
    for use_case in (Settlement, Reserve, Admit, ListAllowedModels, FindAllowedModel, ProbeDeployments, keys.ReplaceQuickstartKey):
        container.register(use_case)
    for shared in (CallAdmission, Flusher, Reload, CheckReadiness, KeyBudgets, KeyCache, KeyWrites):
        container.register(shared, scope=Scope.singleton)
    container.register(MasterKey, instance=outside.master)
    for operation in KEY_OPERATIONS.values():
        container.register(operation)
    container.register(Authenticate, factory=_authenticate(container, outside), scope=Scope.singleton)
    container.register(Gateway, CallGateway, scope=Scope.singleton)
    return container


def _register_outside(container: Container, outside: Outside) -> None:
    instances: dict[Any, object] = {
        ConfigurationSource: outside.source,
        Strategy: outside.strategy,
        Database: outside.database,
        KeyStore: outside.keys,
        SpendStore: outside.spend,
        SettingsStore: outside.settings,
        WindowStore: outside.windows,
        Counters: outside.counters,
        HttpTransport: outside.transport,
        Journal: outside.journal,
        EventSink: outside.events,
        Exposition: outside.exposition,
        TokenCounter: outside.counter,
        Clock: outside.clock,
        Identifiers: outside.identifiers,
        Rng: outside.rng,
        InFlight: outside.in_flight,
    }
    for port, instance in instances.items():
        container.register(port, instance=instance)


def _register_null_ports(container: Container) -> None:
    container.register(Policies, NullPolicies)
    container.register(Guardrails, NullGuardrails)
    container.register(ResponseCache, NullResponseCache)


def _authenticate(container: Container, outside: Outside) -> Callable[[], AuthenticateCaller]:
    def make() -> AuthenticateCaller:
        return AuthenticateCaller(
            resolve(container, KeyCache),
            outside.master,
            resolve(container, Clock),  # type: ignore[type-abstract]
            outside.metrics_token,
        )

    return make


def resolve(container: Container, kind: type[T]) -> T:
    """Return the one thing of this kind; a missing registration is an error that names it."""
    return container.resolve(kind)
