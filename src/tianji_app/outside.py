"""The adapters that a serving process uses."""

from pathlib import Path
from secrets import SystemRandom

from tianji_adapters.http_client.choosing import choosing_transport
from tianji_adapters.memory.counters import MemoryCounters
from tianji_adapters.sql.store import SqlStore
from tianji_adapters.system.journal_files import open_journal
from tianji_adapters.telemetry.call_log import call_log
from tianji_adapters.telemetry.logs import KnownSecrets
from tianji_adapters.telemetry.prometheus import CallMetrics
from tianji_adapters.tokenizers.bpe import BpeTokenCounter
from tianji_app.call.interrupted import InterruptedPrices
from tianji_app.catalog import all_strategies
from tianji_app.configuration import ConfigurationSource
from tianji_app.container import Outside
from tianji_app.dispatcher import Dispatcher, SettledMetrics
from tianji_app.in_flight import InFlight
from tianji_app.refusal_lines import RefusalLines
from tianji_app.secrets import known_secrets
from tianji_app.snapshot import Snapshot
from tianji_app.token_counts import ConfiguredCounter
from tianji_app.version import VERSION
from tianji_core.access.master import MasterKey, master_key
from tianji_core.ports.clock import Clock
from tianji_core.ports.identifiers import Identifiers


def outside_of(
    source: ConfigurationSource,
    snapshot: Snapshot,
    store: SqlStore,
    data_dir: Path,
    master: MasterKey,
    clock: Clock,
    identifiers: Identifiers,
    secrets: KnownSecrets,
) -> Outside:
    """Return the adapters for this configuration; the journal in the data directory is opened. `secrets` are what the logs leave out.

    Raises:
        ConfigurationError: the journal cannot be written there.
    """
    metrics, counter, in_flight, prices = CallMetrics(clock), ConfiguredCounter(BpeTokenCounter()), InFlight(), InterruptedPrices(snapshot)
    journal = open_journal(data_dir / "journal", clock=clock, identifiers=identifiers, price=prices, settings=snapshot.config.journal)
    log = call_log(secrets)
    refusal_lines = RefusalLines(log, clock)
    dispatcher = Dispatcher((refusal_lines, metrics), log.flush)
    metrics.gauge("tianji_calls_in_flight", "Calls that were opened and have not ended", lambda: in_flight.count)
    metrics.gauge("tianji_calls_queued", "Calls that wait for a place among them", lambda: in_flight.queued)
    metrics.gauge("tianji_journal_waiting_rows", "Rows of spend that are not in the ledger yet", journal.waiting)
    metrics.gauge("tianji_journal_bytes", "Bytes of the journal that cannot be deleted yet", journal.size_bytes)
    metrics.count("tianji_journal_corrupt", "Damaged places that were found in journals", lambda: journal.damages)
    followers = (
        lambda new: secrets.add(known_secrets(new)),
        lambda new: metrics.follow(litellm_names=new.config.litellm_metric_names, known_models=frozenset(new.index.names())),
        counter.follow,
        prices.follow,
        lambda new: in_flight.follow(new.config.general),
    )
    for follow in followers:
        follow(snapshot)
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
        windows=store.windows,
        counters=MemoryCounters(clock),
        transport=choosing_transport(version=VERSION),
        journal=journal,
        events=dispatcher,
        exposition=SettledMetrics(metrics, dispatcher),
        counter=counter,
        clock=clock,
        identifiers=identifiers,
        rng=SystemRandom(),
        followers=followers,
        in_flight=in_flight,
        refusal_lines=refusal_lines,
        dispatcher=dispatcher,
    )
