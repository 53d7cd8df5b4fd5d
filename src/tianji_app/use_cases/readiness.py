"""Whether this process should get traffic."""

from dataclasses import dataclass

import anyio

from tianji_app.flusher import Flusher
from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.reload import Reload
from tianji_core.errors import DependencyUnavailableError
from tianji_core.ports.clock import Clock
from tianji_core.ports.database import Database
from tianji_core.ports.operations import ReadinessState
from tianji_core.routing.cooldown import Cooldown

_PING_SECONDS = 2.0


@dataclass(slots=True)
class CheckReadiness:
    """Degraded while the database is away, or spend cannot be kept as it should be: known keys are served all the same.

    Not ready while the process ends, or the journal takes no calls: then none is served.
    """

    database: Database
    snapshots: SnapshotHolder
    cooldown: Cooldown
    clock: Clock
    flusher: Flusher
    reload: Reload
    is_draining: bool = False

    async def __call__(self) -> ReadinessState:
        """Return the state."""
        connected = await self._is_connected()
        spend = self.flusher.degraded or self.flusher.journal.degraded
        status = "shutting_down" if self.is_draining else "healthy" if connected and spend is None else "degraded"
        snapshot = self.snapshots.current
        return ReadinessState(
            ready=not self.is_draining and self.flusher.journal.takes_calls,
            status=status,
            database="connected" if connected else "disconnected",
            details={
                "configuration": {"digest": snapshot.config.digest, "last_reload_error": self.reload.last_error},
                "warnings": [str(warning) for warning in snapshot.config.warnings],
                "prices": {"version": snapshot.prices.version, "date": snapshot.prices.date},
                "resting_deployments": sorted(self.cooldown.resting(now=self.clock.monotonic())),
                "tokenizer": snapshot.config.general.tokenizer,
                "spend": spend or "ok",
                "unflushed_spend_rows": self.flusher.journal.waiting(),
            },
        )

    async def _is_connected(self) -> bool:
        with anyio.move_on_after(_PING_SECONDS):
            try:
                await self.database.ping()
            except DependencyUnavailableError:
                return False
            return True
        return False
