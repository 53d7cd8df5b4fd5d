"""Virtual keys for tests of what is decided about them."""

from typing import Any

import msgspec

from tianji_core.access.keys import KeyId, VirtualKey, display_key, hash_key

KEY_TEXT = "sk-abcdefghijklmnop"


def virtual_key(text: str = KEY_TEXT, **changes: Any) -> VirtualKey:
    """Return a key that allows everything and never expires, but for the changes."""
    key = VirtualKey(
        id=KeyId("00000000-0000-7000-8000-000000000001"),
        hash=hash_key(text),
        display=display_key(text),
        created_at_ns=0,
        created_by="admin",
        updated_at_ns=0,
        updated_by="admin",
    )
    return msgspec.structs.replace(key, **changes)
