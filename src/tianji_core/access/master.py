"""The master key: the installation's own credential, which may do everything."""

import hmac

import msgspec

from tianji_core.access.keys import hash_key
from tianji_core.calls.secret import Secret


class MasterKey(msgspec.Struct, frozen=True):
    """Only the hash is kept, so that no dump of memory or settings shows the key."""

    hash: str

    def matches(self, text: str) -> bool:
        """Whether the text is the master key; takes as long for a near miss as for a far one."""
        return hmac.compare_digest(hash_key(text), self.hash)


def master_key(secret: Secret) -> MasterKey:
    """Return what is kept of a master key."""
    return MasterKey(hash_key(secret.reveal()))
