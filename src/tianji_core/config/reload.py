"""What a reload must not change.

Listening address, database, journal and master key belong to the process: a configuration that changes one of them is refused whole, and
the running one stays.
"""

from tianji_core.config.gateway_config import GatewayConfig
from tianji_core.errors import ConfigurationError

_HINT = "restart TianJi to change it; the running configuration stays as it is"


def restart_only_changes(old: GatewayConfig, new: GatewayConfig) -> list[ConfigurationError]:
    """Return one error for each setting that differs and that only a restart can change, with the line that has it."""
    errors: list[ConfigurationError] = []
    for name in sorted(old.restart_only.keys() | new.restart_only.keys()):
        before, after = old.restart_only.get(name), new.restart_only.get(name)
        if before is not None and after is not None and before.digest == after.digest:
            continue
        place = after or before
        if place is not None:
            verb = "changed" if before and after else "added" if after else "removed"
            message = f"`{name}` was {verb}, which a reload cannot do"
            errors.append(ConfigurationError(message, file=place.file, line=place.line, hint=_HINT))
    return errors


__all__ = ["restart_only_changes"]
