"""The installation's master key: configured, or made once and remembered as a hash."""

from tianji_core.access.keys import hash_key, new_key
from tianji_core.access.master import MasterKey, master_key
from tianji_core.calls.secret import Secret
from tianji_core.ports.identifiers import Identifiers
from tianji_core.ports.settings_store import SettingsStore

_SETTING = "master_key_hash"
_KEY_BYTES = 32


async def ensure_master_key(
    configured: Secret | None, settings: SettingsStore, identifiers: Identifiers, *, required: bool
) -> tuple[MasterKey, str | None]:
    """Return the master key, and its text if it was made just now: it is kept as a hash only, so this is the one time to show it.

    Args:
        required: A configuration file is in force: without a configured key nobody is the master, and none is made.
    """
    if configured is not None:
        return master_key(configured), None
    made = new_key(identifiers.secret_bytes(_KEY_BYTES))
    if required:
        return MasterKey(hash_key(made)), None
    stored = await settings.put_if_absent(_SETTING, hash_key(made))
    return MasterKey(stored), made if stored == hash_key(made) else None
