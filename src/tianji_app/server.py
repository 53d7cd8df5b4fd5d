"""Starting, serving and stopping one gateway."""

import signal
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import anyio
import structlog
from punq import Container

from tianji_adapters.http_server.app import Served, build_app, calls_first
from tianji_adapters.http_server.listener import Listener, listen
from tianji_adapters.http_server.uvicorn_server import make_server
from tianji_adapters.local_model.process import LocalModel, available
from tianji_adapters.sql.store import open_store
from tianji_adapters.system.clock import SystemClock
from tianji_adapters.system.identifiers import SystemIdentifiers
from tianji_adapters.system.journal_disk import file_system_of, is_passing_file_system
from tianji_adapters.telemetry.logs import set_up_logs
from tianji_app.banner import Started, banner
from tianji_app.catalog import all_providers, all_surfaces
from tianji_app.configuration import ConfigurationSource
from tianji_app.container import KEY_OPERATIONS, build, resolve
from tianji_app.database import database_url, prepare_data_dir, shown_store
from tianji_app.dispatcher import Dispatcher
from tianji_app.flusher import Flusher
from tianji_app.in_flight import InFlight
from tianji_app.options import DEFAULT_HOST, DEFAULT_PORT, Options, set_variables
from tianji_app.outside import outside_of
from tianji_app.refusal_lines import RefusalLines
from tianji_app.secrets import known_secrets
from tianji_app.shutdown import Shutdown, lock_wait, shutting_down
from tianji_app.snapshot import Snapshot, SnapshotHolder
from tianji_app.token_counts import warm_up
from tianji_app.use_cases.health import ProbeDeployments
from tianji_app.use_cases.keys import ReplaceQuickstartKey
from tianji_app.use_cases.master_key import ensure_master_key
from tianji_app.use_cases.models import FindAllowedModel, ListAllowedModels
from tianji_app.use_cases.readiness import CheckReadiness
from tianji_app.use_cases.reload import Reload
from tianji_app.version import VERSION
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.errors import ConfigurationError
from tianji_core.ports.admission import Counters
from tianji_core.ports.gateway import Gateway
from tianji_core.ports.http_transport import HttpTransport
from tianji_core.ports.journal import Journal
from tianji_core.ports.management import Authenticate
from tianji_core.ports.operations import Exposition
from tianji_core.ports.token_counter import TokenCounter

LOCAL_GROUP = "local/smollm2-135m"
_STORING_SECONDS = 30.0
_log = structlog.get_logger("tianji.server")


@dataclass(slots=True)
class Running:
    """A gateway that is about to serve."""

    options: Options
    container: Container
    snapshot: Snapshot
    refusal_lines: RefusalLines
    dispatcher: Dispatcher
    listener: Listener
    started: Started


async def serve(options: Options, say: Callable[[str], None]) -> None:
    """Serve until a signal asks for the end. `say` gets the banner.

    Raises:
        ConfigurationError: the start is refused, and why.
    """
    async with AsyncExitStack() as stack:
        running = await _start(options, stack)
        await _run(running, say)


async def _start(options: Options, stack: AsyncExitStack) -> Running:
    providers = all_providers()
    source = ConfigurationSource(options, providers)
    snapshot = source.load()
    secrets = set_up_logs(known_secrets(snapshot))
    for warning in snapshot.config.warnings:
        _log.warning("configuration", place=f"{warning.file}:{warning.line}", message=warning.message)
    set_variables({name: secret.reveal() for name, secret in snapshot.config.environment_to_set.items()})
    prepare_data_dir(options.data_dir)
    _warn_of_passing_disk(options.data_dir)
    general = snapshot.config.general
    configured = general.database_url.reveal() if general.database_url else None
    url = database_url(options, configured)
    store = open_store(url, str(options.data_dir))
    stack.push_async_callback(store.database.close)
    await stack.enter_async_context(store.database.only_process(wait_seconds=lock_wait(options, general)))
    # Not before: the process that owned the database may have listened here.
    listener = listen(options.host or general.host or DEFAULT_HOST, _port(options, general.port))
    stack.callback(listener.socket.close)
    await store.database.upgrade()
    notes: list[str] = []
    if options.config is None:
        source = ConfigurationSource(options, providers, await _local_model(options, stack, notes), source.packaged)
        snapshot = source.load()
    clock, identifiers = SystemClock(), SystemIdentifiers()
    master, new_master_key = await ensure_master_key(general.master_key, store.settings, identifiers, required=options.config is not None)
    outside = outside_of(source, snapshot, store, options.data_dir, master, clock, identifiers, secrets)
    stack.push_async_callback(outside.journal.close)
    container = build(outside)
    await _book_what_was_left(outside.journal, resolve(container, Flusher), outside.counters)
    stack.push_async_callback(resolve(container, HttpTransport).aclose)  # type: ignore[type-abstract]
    await warm_up(resolve(container, TokenCounter), snapshot)  # type: ignore[type-abstract]
    quickstart = await resolve(container, ReplaceQuickstartKey)() if options.config is None else None
    names = snapshot.index.names()
    started = Started(
        address=listener.url,
        data_dir=str(options.data_dir),
        store=shown_store(url),
        models=names,
        prices_date=snapshot.prices.date,
        example_model=names[0] if names else None,
        new_master_key=new_master_key if options.config is None else None,
        quickstart_key=quickstart,
        notes=tuple(notes),
    )
    return Running(options, container, snapshot, outside.refusal_lines, outside.dispatcher, listener, started)


def _warn_of_passing_disk(data_dir: Path) -> None:
    kind = file_system_of(data_dir)
    if is_passing_file_system(kind):
        _log.warning(
            "the data directory does not outlive the machine or the container",
            data_dir=str(data_dir),
            file_system=kind,
            hint="give it a disk or a volume of its own",
        )


async def _book_what_was_left(journal: Journal, flusher: Flusher, counters: Counters) -> None:
    """Bring what dead processes left in the journal into the ledger, before anybody asks how much of a budget is left.

    Where that cannot be done now, calls without a budget are served meanwhile, and those with one are told to come again.
    """
    await journal.recover()
    left = await flusher.drain(_STORING_SECONDS)
    if left:
        counters.lacks_spend()
        _log.error("spend of an earlier process is not stored yet; calls with a budget wait for it", rows=left)


def _port(options: Options, configured: int | None) -> int:
    if options.port is not None:
        return options.port
    return DEFAULT_PORT if configured is None else configured


async def _local_model(options: Options, stack: AsyncExitStack, notes: list[str]) -> tuple[Deployment, ...]:
    if not options.local_model:
        return ()
    if not available():
        notes.append("no local model: install it with `make install`, or give a configuration with --config")
        return ()
    model = await stack.enter_async_context(LocalModel())
    zero = {"input_cost_per_token": 0, "output_cost_per_token": 0}
    return (
        Deployment(
            id=DeploymentId("local-smollm2-135m"),
            group=LOCAL_GROUP,
            provider="local",
            model=model.model,
            base_url=model.base_url,
            prices=zero,
            model_info={"max_output_tokens": 2048, "max_input_tokens": 2048},
        ),
    )


async def _run(running: Running, say: Callable[[str], None]) -> None:
    container = running.container
    flusher, readiness, reload = resolve(container, Flusher), resolve(container, CheckReadiness), resolve(container, Reload)
    served = Served(
        gateway=resolve(container, Gateway),  # type: ignore[type-abstract]
        authenticate=resolve(container, Authenticate),  # type: ignore[type-abstract]
        surfaces=all_surfaces(),
        ports=driving_ports(container),
        version=VERSION,
        max_body_bytes=running.snapshot.config.general.max_request_bytes,
        with_error_detail=error_detail(container),
    )
    app = calls_first(build_app(served), served)
    in_flight = resolve(container, InFlight)
    server = make_server(app, on_started=lambda: say(banner(running.started)), cut=lambda: in_flight.cut(shutting_down))
    shutdown = Shutdown(server, readiness, resolve(container, SnapshotHolder), running.options)

    async def on_signals() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for number in signals:
                if number == signal.SIGHUP:
                    await _reload(reload)
                else:
                    tasks.start_soon(shutdown, number)

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(on_signals)
            tasks.start_soon(flusher.run)
            tasks.start_soon(resolve(container, Journal).run)  # type: ignore[type-abstract]
            tasks.start_soon(running.refusal_lines.run)
            tasks.start_soon(running.dispatcher.run)
            await server.serve(sockets=[running.listener.socket])
            tasks.cancel_scope.cancel()
    finally:
        running.dispatcher.drain()
        running.refusal_lines.tell()
        left = await flusher.drain(_STORING_SECONDS)
        if left:
            _log.error("spend was not stored before the end; it waits in the journal for the next process", rows=left)


async def _reload(reload: Reload) -> None:
    try:
        await reload()
    except ConfigurationError:
        return  # it is in the log and in the readiness details; the running configuration stays


def error_detail(container: Container) -> Callable[[], bool]:
    """Return what tells whether the running configuration wants `detail.error` in management errors."""
    snapshots = resolve(container, SnapshotHolder)
    return lambda: snapshots.current.config.general.compat_error_detail


def driving_ports(container: Container) -> Mapping[str, object]:
    """Return the driving ports by the names under which the server's handlers ask for them."""
    return {
        "exposition": resolve(container, Exposition),  # type: ignore[type-abstract]
        "readiness": resolve(container, CheckReadiness),
        "reload_configuration": resolve(container, Reload),
        "check_health": resolve(container, ProbeDeployments),
        "list_models": resolve(container, ListAllowedModels),
        "find_model": resolve(container, FindAllowedModel),
        **{name: container.resolve(operation) for name, operation in KEY_OPERATIONS.items()},
    }
