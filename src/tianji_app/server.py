"""Starting, serving and stopping one gateway."""

import signal
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import anyio
import structlog
from punq import Container

from tianji_adapters.http_server.app import Served, build_app
from tianji_adapters.http_server.uvicorn_server import Listener, listen, make_server
from tianji_adapters.local_model.process import LocalModel, available
from tianji_adapters.sql.store import open_store
from tianji_adapters.system.clock import SystemClock
from tianji_adapters.system.identifiers import SystemIdentifiers
from tianji_adapters.telemetry.logs import set_up_logs
from tianji_app.banner import Started, banner
from tianji_app.catalog import all_providers, all_surfaces
from tianji_app.configuration import ConfigurationSource
from tianji_app.container import KEY_OPERATIONS, build, resolve
from tianji_app.database import database_url, prepare_data_dir, shown_store
from tianji_app.flusher import Flusher
from tianji_app.options import DEFAULT_HOST, DEFAULT_PORT, SHUTDOWN_GRACE_SECONDS, Options, set_variables
from tianji_app.outside import outside_of
from tianji_app.secrets import known_secrets
from tianji_app.snapshot import Snapshot
from tianji_app.use_cases.health import ProbeDeployments
from tianji_app.use_cases.keys import ReplaceQuickstartKey
from tianji_app.use_cases.master_key import ensure_master_key
from tianji_app.use_cases.models import FindAllowedModel, ListAllowedModels
from tianji_app.use_cases.readiness import CheckReadiness
from tianji_app.use_cases.reload import Reload
from tianji_app.version import VERSION
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.errors import ConfigurationError
from tianji_core.ports.gateway import Gateway
from tianji_core.ports.http_transport import HttpTransport
from tianji_core.ports.management import Authenticate
from tianji_core.ports.operations import Exposition

LOCAL_GROUP = "local/smollm2-135m"
_log = structlog.get_logger("tianji.server")


@dataclass(slots=True)
class Running:
    """A gateway that is about to serve."""

    container: Container
    snapshot: Snapshot
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
    set_up_logs(known_secrets(snapshot))
    for warning in snapshot.config.warnings:
        _log.warning("configuration", place=f"{warning.file}:{warning.line}", message=warning.message)
    set_variables({name: secret.reveal() for name, secret in snapshot.config.environment_to_set.items()})
    prepare_data_dir(options.data_dir)
    general = snapshot.config.general
    listener = listen(options.host or general.host or DEFAULT_HOST, _port(options, general.port))
    stack.callback(listener.socket.close)
    configured = general.database_url.reveal() if general.database_url else None
    url = database_url(options, configured)
    store = open_store(url, str(options.data_dir))
    stack.push_async_callback(store.database.close)
    await stack.enter_async_context(store.database.only_process(wait_seconds=options.lock_wait_seconds))
    await store.database.upgrade()
    notes: list[str] = []
    if options.config is None:
        source = ConfigurationSource(options, providers, await _local_model(options, stack, notes), source.packaged)
        snapshot = source.load()
    clock, identifiers = SystemClock(), SystemIdentifiers()
    master, new_master_key = await ensure_master_key(general.master_key, store.settings, identifiers, required=options.config is not None)
    container = build(outside_of(source, snapshot, store, master, clock, identifiers))
    stack.push_async_callback(resolve(container, HttpTransport).aclose)  # type: ignore[type-abstract]
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
    return Running(container, snapshot, listener, started)


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
    app = build_app(
        Served(
            gateway=resolve(container, Gateway),  # type: ignore[type-abstract]
            authenticate=resolve(container, Authenticate),  # type: ignore[type-abstract]
            surfaces=all_surfaces(),
            ports=driving_ports(container),
            version=VERSION,
            max_body_bytes=running.snapshot.config.general.max_request_bytes,
        )
    )
    server = make_server(app, grace_seconds=SHUTDOWN_GRACE_SECONDS, on_started=lambda: say(banner(running.started)))

    async def on_signals() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for number in signals:
                if number == signal.SIGHUP:
                    await _reload(reload)
                    continue
                server.force_exit = server.should_exit  # a second signal ends it
                server.should_exit = True
                readiness.is_draining = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(on_signals)
        tasks.start_soon(flusher.run)
        await server.serve(sockets=[running.listener.socket])
        tasks.cancel_scope.cancel()
    left = await flusher.drain(SHUTDOWN_GRACE_SECONDS)
    if left:
        _log.error("spend was not stored before the end", rows=left)


async def _reload(reload: Reload) -> None:
    try:
        await reload()
    except ConfigurationError:
        return  # it is in the log and in the readiness details; the running configuration stays


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
