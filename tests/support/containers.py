"""A whole gateway whose every adapter is memory: its container, and its server."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from litestar import Litestar
from punq import Container

from support.gateway_parts import MASTER_KEY, EventList, WordCounter, deployment, snapshot_of
from support.scripted_transport import ScriptedTransport
from tianji_adapters.http_server.app import Served, build_app
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.memory.counters import MemoryCounters
from tianji_adapters.memory.database import MemoryDatabase
from tianji_adapters.memory.identifiers import CountingIdentifiers
from tianji_adapters.memory.journal import MemoryJournal
from tianji_adapters.memory.key_store import MemoryKeyStore
from tianji_adapters.memory.settings_store import MemorySettingsStore
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_app.catalog import all_surfaces
from tianji_app.configuration import ConfigurationSource
from tianji_app.container import Outside, build, resolve
from tianji_app.options import options_of
from tianji_app.refusal_lines import RefusalLines
from tianji_app.server import driving_ports, error_detail
from tianji_core.access.keys import VirtualKey
from tianji_core.access.master import master_key
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.secret import Secret
from tianji_core.ports.gateway import Gateway
from tianji_core.ports.http_transport import HttpTransport
from tianji_core.ports.management import Authenticate
from tianji_core.routing.strategies.simple_shuffle import STRATEGY


class EchoedMetrics:
    """An exposition that repeats what it is asked for."""

    def render(self, accept: str | None) -> tuple[str, bytes]:
        return "text/plain; version=0.0.4", f"accept: {accept}\n".encode()


def container_of(
    data_dir: Path,
    *deployments: Deployment,
    keys: Sequence[VirtualKey] = (),
    metrics_token: str | None = None,
    transport: HttpTransport | None = None,
) -> Container:
    """Return the container of a gateway whose every adapter is memory; it serves one deployment, `a`, where none is given."""
    spend = MemorySpendStore()
    return build(
        Outside(
            source=ConfigurationSource(options_of({}, data_dir=str(data_dir)), {}),
            snapshot=snapshot_of(deployments or [deployment("a")]),
            strategy=STRATEGY,
            master=master_key(Secret(MASTER_KEY)),
            metrics_token=master_key(Secret(metrics_token)) if metrics_token else None,
            database=MemoryDatabase(),
            keys=MemoryKeyStore(living={key.id: key for key in keys}),
            spend=spend,
            windows=spend.windows,
            counters=MemoryCounters(FixedClock()),
            settings=MemorySettingsStore(),
            transport=transport or ScriptedTransport(),
            journal=MemoryJournal(),
            events=EventList(),
            exposition=EchoedMetrics(),
            counter=WordCounter(),
            clock=FixedClock(),
            identifiers=CountingIdentifiers(),
            rng=Random(1),
            refusal_lines=RefusalLines(EventList(), FixedClock()),
        )
    )


def served_of(container: Container) -> Served:
    """Return what a server of this gateway serves."""
    return Served(
        gateway=resolve(container, Gateway),  # type: ignore[type-abstract]
        authenticate=resolve(container, Authenticate),  # type: ignore[type-abstract]
        surfaces=all_surfaces(),
        ports=driving_ports(container),
        version="1.2.3",
        max_body_bytes=1_000_000,
        with_error_detail=error_detail(container),
    )


def app_of(container: Container) -> Litestar:
    """Return the server of a gateway."""
    return build_app(served_of(container))
