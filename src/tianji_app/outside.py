"""The adapters that a serving process uses."""

from secrets import SystemRandom

from tianji_adapters.http_client.transport import HttpxTransport
from tianji_adapters.memory.journal import MemoryJournal
from tianji_adapters.sql.store import SqlStore
from tianji_adapters.telemetry.logs import CallLog
from tianji_adapters.telemetry.prometheus import CallMetrics
from tianji_adapters.tokenizers.bpe import BpeTokenCounter
from tianji_app.catalog import all_strategies
from tianji_app.configuration import ConfigurationSource
from tianji_app.container import Outside
from tianji_app.dispatcher import Dispatcher
from tianji_app.snapshot import Snapshot
from tianji_app.version import VERSION
from tianji_core.access.master import MasterKey, master_key
from tianji_core.ports.clock import Clock
from tianji_core.ports.identifiers import Identifiers


def outside_of(
    source: ConfigurationSource, snapshot: Snapshot, store: SqlStore, master: MasterKey, clock: Clock, identifiers: Identifiers
) -> Outside:
    """Return the adapters for this configuration."""
    metrics = CallMetrics(litellm_names=snapshot.config.litellm_metric_names, known_models=frozenset(snapshot.index.names()))
    token = snapshot.config.general.metrics_token
    return Outside(
        source=source,
        snapshot=snapshot,
        strategy=all_strategies()[snapshot.config.router.strategy],
        master=master,
        metrics_token=master_key(token) if token is not None else None,
        database=store.database,
        keys=store.keys,
        spend=store.spend,
        settings=store.settings,
        transport=HttpxTransport(version=VERSION),
        journal=MemoryJournal(),
        events=Dispatcher((CallLog(), metrics)),
        exposition=metrics,
        counter=BpeTokenCounter(),
        clock=clock,
        identifiers=identifiers,
        rng=SystemRandom(),
    )
