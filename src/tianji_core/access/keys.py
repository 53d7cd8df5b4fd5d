"""Virtual keys: their form, their hash, what they allow.

A key is `sk-` and 43 characters of base64url (32 random bytes). Only its SHA-256 is ever stored. A 64-hex hash names a key on
management routes and never authenticates.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Literal, NewType

import msgspec

from tianji_core.access.limits import Limits
from tianji_core.errors import AuthenticationError

KeyHash = NewType("KeyHash", str)
KeyId = NewType("KeyId", str)

_FORM = re.compile(r"sk-[\x21-\x7e]{13,253}")
_HASH = re.compile(r"[0-9a-f]{64}")


class VirtualKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that we issued.

    Attributes:
        id: UUIDv7; survives a new secret.
        display: `sk-...` and the last four characters.
        models: Names it may use (exact, or with `*`); empty means every model.
        aliases: Requested name to served name.
        expires_at_ns: Valid while now is before it; None never expires.
        version: Bumped by every write.
    """

    id: KeyId
    hash: KeyHash
    display: str
    kind: Literal["default", "service_account"] = "default"
    alias: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    models: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}
    allowed_routes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = {}
    limits: Limits = Limits()
    blocked: bool = False
    expires_at_ns: int | None = None
    created_at_ns: int
    created_by: str
    updated_at_ns: int
    updated_by: str
    version: int = 1


def new_key(random_bytes: bytes) -> str:
    """Return the text of a new key from 32 random bytes."""
    return "sk-" + base64.urlsafe_b64encode(random_bytes).rstrip(b"=").decode()


def hash_key(text: str) -> KeyHash:
    """Return the lower-case hex SHA-256 of the UTF-8 text."""
    return KeyHash(hashlib.sha256(text.encode()).hexdigest())


def display_key(text: str) -> str:
    """Return what may be shown of a key."""
    return "sk-..." + text[-4:]


def is_hash(text: str) -> bool:
    """Whether the text is a key's hash, which names a key on management routes."""
    return _HASH.fullmatch(text) is not None


def check_form(text: str) -> str:
    """Return the credential if it has the form of a key; it is refused before any store is asked.

    Raises:
        AuthenticationError: it cannot be a key.
    """
    if _FORM.fullmatch(text) is None:
        raise AuthenticationError(
            "the API key is malformed: a key of this gateway begins with `sk-`",
            hint="send it as `Authorization: Bearer sk-…`",
        )
    return text
