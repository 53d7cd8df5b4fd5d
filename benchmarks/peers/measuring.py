"""Everything that is measured of one gateway in one round, its process fresh."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.peers.exchange import BrokenExchangeError, durations, exchange, expect_answer
from benchmarks.peers.exchange import connect as connect_to
from benchmarks.peers.load import Load, load
from benchmarks.peers.machine import Moment, resident_mb
from benchmarks.peers.paced import paced
from benchmarks.peers.peer import Peer, Site
from benchmarks.peers.question import Request
from benchmarks.peers.servers import Command, Server, free_port, running

Figures = dict[str, float]
_WRONG_KEY = "sk-benchmark-wrong-9876543210"


@dataclass(frozen=True, slots=True)
class Settings:
    """How long is measured, and where.

    Attributes:
        seconds: Length of each load.
        paced_repeats: How often each paced stream is read.
    """

    seconds: int
    paced_repeats: int
    gateway_core: int
    load_core: int
    provider: Path


def measure(peer: Peer, folder: Path, settings: Settings) -> tuple[Figures, list[str]]:
    """Return the figures of one round, and what is to be said beside them.

    Raises:
        BrokenExchangeError: the gateway does not do what is measured.
    """
    provider_port = free_port()
    site = Site(folder, port=free_port(), provider=provider_port)
    folder.mkdir(parents=True, exist_ok=True)
    command, log = peer.command(site), folder / "output.log"
    figures: Figures = {}
    with _provider(provider_port, settings, log):
        if command is not None:
            with running(command, peer.first(site), core=settings.gateway_core, log=log) as server:
                figures["start_empty_s"] = server.start_seconds
                peer.set_up(site)
        started, before = perf_counter(), Moment.now()
        with _gateway(command, peer.first(site), settings, log) as running_server:
            watched = running_server.pid if running_server else None
            if running_server:
                figures["start_s"], figures["idle_mb"] = running_server.start_seconds, resident_mb(running_server.pid)
            _check_before(peer, site)
            figures |= _measured(peer, site, settings, watched)
            if running_server:
                figures["after_mb"] = resident_mb(running_server.pid)
            figures["foreign_cores"] = before.foreign_cores(perf_counter() - started)
            peer.check(site)
    return figures, site.remarks


@contextmanager
def _provider(port: int, settings: Settings, log: Path) -> Iterator[Server]:
    command = Command([str(settings.provider), str(port)], settings.provider.parent, {})
    first = Request(f"http://127.0.0.1:{port}/burst/v1/chat/completions", "{}")
    with running(command, first, core=settings.load_core, log=log) as server:
        yield server


@contextmanager
def _gateway(command: Command | None, first: Request, settings: Settings, log: Path) -> Iterator[Server | None]:
    if command is None:
        yield None
        return
    with running(command, first, core=settings.gateway_core, log=log) as server:
        yield server


def _check_before(peer: Peer, site: Site) -> None:
    """Hold that the gateway answers everything that will be measured as a whole, and refuses who has no key."""
    expect_answer(peer.question(site, "burst", streamed=False))
    if peer.streams:
        for request in (peer.question(site, "burst", streamed=True), peer.question(site, "split", streamed=True), peer.translated(site)):
            if request is not None:
                expect_answer(request)
    if peer.checks_key:
        stranger = peer.question(site, "burst", streamed=False, key=_WRONG_KEY)
        with connect_to(stranger.address) as connection:
            status = exchange(connection, stranger.raw()).status
        if status not in {400, 401, 403}:
            raise BrokenExchangeError(f"{peer.name} answered {status} to a wrong key")


def _measured(peer: Peer, site: Site, settings: Settings, watched: int | None) -> Figures:
    def loaded(request: Request) -> tuple[Load, dict[int, Load]]:
        def run(connections: int) -> Load:
            return _load(request, connections, settings.seconds * peer.patience, settings, watched)

        return _best(run, peer.connections)

    whole = peer.question(site, "burst", streamed=False)
    _load(whole, max(peer.connections), max(1, settings.seconds * peer.patience // 4), settings, watched)
    best, by_connections = loaded(whole)
    figures: Figures = {"json_rps": best.per_second, "json_p99_us": by_connections[64].p99_us, "json_p50_us": by_connections[64].p50_us}
    _keep(figures, "json_cpu_us", best.cpu_us)
    for connections, one in by_connections.items():
        _keep(figures, f"json_cpu_us_{connections}", one.cpu_us)
    taken = durations(whole, settings.seconds, to_first_byte=False)
    figures["call_p50_us"], figures["call_p99_us"] = quantile(taken, 0.5) * 1e6, quantile(taken, 0.99) * 1e6
    return figures | _of_streams(peer, site, settings, watched, loaded) if peer.streams else figures


def _of_streams(
    peer: Peer, site: Site, settings: Settings, watched: int | None, loaded: Callable[[Request], tuple[Load, dict[int, Load]]]
) -> Figures:
    burst = peer.question(site, "burst", streamed=True)
    figures: Figures = {"first_byte_us": quantile(durations(burst, settings.seconds, to_first_byte=True), 0.5) * 1e6}
    asked = {"stream": burst, "split": peer.question(site, "split", streamed=True), "translated": peer.translated(site)}
    for name, request in asked.items():
        if request is None:
            continue
        best, _ = loaded(request)
        figures[f"{name}_rps"] = best.per_second
        _keep(figures, f"{name}_cpu_us", best.cpu_us)
    steady = paced(peer.question(site, "paced", streamed=True), streams=peer.paced_streams, repeats=settings.paced_repeats, watched=watched)
    figures["paced_p50_us"], figures["paced_p99_us"] = quantile(steady.delays, 0.5) * 1e6, quantile(steady.delays, 0.99) * 1e6
    _keep(figures, "paced_cpu_us", steady.cpu_us)
    return figures


def _load(request: Request, connections: int, seconds: int, settings: Settings, watched: int | None) -> Load:
    return load(request, connections=connections, seconds=seconds, core=settings.load_core, watched=watched)


def _best(run: Callable[[int], Load], connections: tuple[int, ...]) -> tuple[Load, dict[int, Load]]:
    """Return the setting with the most whole answers, and all of them. In one of them none may have become whole in the time."""
    each = {number: run(number) for number in connections}
    best = max(each.values(), key=lambda one: one.per_second)
    if not best.per_second:
        raise BrokenExchangeError(f"no answer became whole in the time, with {connections} connections")
    return best, each


def _keep(figures: Figures, name: str, value: float | None) -> None:
    if value is not None:
        figures[name] = value


def quantile(ordered: list[float], part: float) -> float:
    """Return the value below which this part of the sorted values lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
