"""How this process ends, and how long that may take."""

import signal
from dataclasses import dataclass

import structlog

from tianji_adapters.http_server.uvicorn_server import Server
from tianji_app.options import Options
from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.readiness import CheckReadiness
from tianji_core.config.gateway_config import GeneralSettings
from tianji_core.errors import ShuttingDownError

_LOCK_SPARE_SECONDS = 5.0
_log = structlog.get_logger("tianji.shutdown")


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Ends the server: in its own time at the first request, at once at the second."""

    server: Server
    readiness: CheckReadiness
    snapshots: SnapshotHolder
    options: Options

    async def __call__(self, number: int) -> None:
        """Obey a signal. Whoever presses Ctrl-C has no balancer that would need the delay."""
        if self.readiness.is_draining:
            _log.warning("the end was asked for again: nothing is waited for")
            self.server.hurry()
            return
        self.readiness.is_draining = True
        general = self.snapshots.current.config.general
        delay = 0.0 if number == signal.SIGINT else shutdown_delay(self.options, general)
        grace = shutdown_grace(self.options, general)
        _log.info("the end was asked for", signal=signal.Signals(number).name, shutdown_delay=delay, shutdown_grace=grace)
        await self.server.end(delay_seconds=delay, grace_seconds=grace)


def shutdown_delay(options: Options, general: GeneralSettings) -> float:
    """Return for how many seconds everything is served after SIGTERM."""
    return general.shutdown_delay_seconds if options.shutdown_delay is None else options.shutdown_delay


def shutdown_grace(options: Options, general: GeneralSettings) -> float:
    """Return how many seconds running calls have after that."""
    return general.shutdown_grace_seconds if options.shutdown_grace is None else options.shutdown_grace


def lock_wait(options: Options, general: GeneralSettings) -> float:
    """Return for how many seconds a start waits for the process before it: as long as that may take to end."""
    if options.lock_wait_seconds is not None:
        return options.lock_wait_seconds
    return shutdown_delay(options, general) + shutdown_grace(options, general) + _LOCK_SPARE_SECONDS


def shutting_down() -> ShuttingDownError:
    """Return with what a call is ended for which there is no more time."""
    return ShuttingDownError("the gateway is shutting down", hint="try again", retry_after_seconds=1.0)
