"""The resolved caller."""

from typing import Literal

import msgspec

from tianji_core.access.keys import VirtualKey

Role = Literal["proxy_admin", "key", "metrics"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls. `key` is None for the master key, whose role is `proxy_admin`, and for the metrics token, which reads `/metrics` only."""

    role: Role
    key: VirtualKey | None = None

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything."""
        return self.role == "proxy_admin"

    @property
    def key_id(self) -> str:
        """The id under which spend is booked: the key's, or `master`."""
        return self.key.id if self.key else "master"

    @property
    def actor(self) -> str:
        """Who did it, for `created_by` and the audit: the key's owner, else the key, else the installation's admin."""
        if self.key is None:
            return "default_user_id"
        return self.key.user_id or self.key.id
