"""Reading the configuration again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
import structlog

from tianji_app.configuration import ConfigurationSource
from tianji_app.snapshot import SnapshotHolder
from tianji_core.config.problems import ConfigurationErrors
from tianji_core.config.reload import restart_only_changes
from tianji_core.errors import ConfigurationError
from tianji_core.routing.cooldown import Cooldown

_log = structlog.get_logger("tianji.reload")


@dataclass(slots=True)
class Reload:
    """Build a new snapshot beside the running one, check it, and swap it in. Calls in flight keep theirs."""

    source: ConfigurationSource
    snapshots: SnapshotHolder
    cooldown: Cooldown
    last_error: str | None = None
    _one_at_a_time: anyio.Lock = field(default_factory=anyio.Lock)

    async def __call__(self) -> Mapping[str, object]:
        """Return the digest and the warnings of the configuration that is in force now.

        Raises:
            ConfigurationError: the files are wrong or change what only a restart can; the running configuration stays.
        """
        async with self._one_at_a_time:
            try:
                snapshot = await anyio.to_thread.run_sync(self.source.load)
                changes = restart_only_changes(self.snapshots.current.config, snapshot.config)
                if changes:
                    raise ConfigurationErrors(changes)
            except ConfigurationError as error:
                self.last_error = str(error)
                _log.warning("the configuration was not reloaded; the running one stays", reason=str(error))
                raise
            self.last_error = None
            self.snapshots.replace(snapshot)
            self.cooldown.replace(snapshot.config.router, snapshot.config.deployments)
            _log.info("the configuration was reloaded", digest=snapshot.config.digest, deployments=len(snapshot.config.deployments))
            return {
                "digest": snapshot.config.digest,
                "deployments": len(snapshot.config.deployments),
                "warnings": [str(warning) for warning in snapshot.config.warnings],
            }
