"""`journal`."""

from typing import Any

from tianji_core.config.compatibility import Block
from tianji_core.spend.journal_settings import JournalSettings

_SAME = ("max_bytes", "min_free_bytes", "interrupted_billing", "allow_network_fs")


def read_journal(block: Block) -> JournalSettings:
    """Return the settings; what the block does not say keeps its default."""
    given: dict[str, Any] = {name: block.values[name].value for name in _SAME if name in block.values}
    interval = block.values.get("sync_interval")
    if interval is not None:
        given["sync_interval_seconds"] = None if interval.value is False else interval.value
    return JournalSettings(**given)


__all__ = ["read_journal"]
