"""Driving ports of the management plane: what the server adapter may ask, and who is asking.

Every operation takes one `ManagementCall` and returns one `ManagementAnswer`, so that a route is a line in a table. All of them raise
our errors only: UnprocessableError and InvalidRequestError for what the caller sent, PermissionDeniedError where the caller may not do
it, NotFoundError where the object is missing or outside the caller's scope, ConflictError and PreconditionFailedError for its state,
DependencyUnavailableError when the store is away.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from tianji_core.access.principal import Principal


class ManagementCall(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the management plane.

    Attributes:
        caller: Resolved and allowed on the route.
        body: As it came; empty where the method has none.
        query: Decoded names and values, in order.
        if_match: The header's text.
        money_as_text: Whether the caller asked for amounts as exact text (`accept-money: decimal`).
    """

    caller: Principal
    body: bytes = b""
    query: tuple[tuple[str, str], ...] = ()
    if_match: str | None = None
    money_as_text: bool = False


class ManagementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back.

    Attributes:
        document: JSON-encodable.
        version: Of the one object that the document shows, for its `ETag`.
        ignored_fields: Names in the request that nobody knows.
    """

    document: Mapping[str, object]
    version: int | None = None
    ignored_fields: tuple[str, ...] = ()


class Authenticate(Protocol):
    """Resolves a credential."""

    async def __call__(self, credential: str | None, *, address: str | None = None) -> Principal:
        """Return the caller.

        Raises AuthenticationError when there is no valid credential, PermissionDeniedError (`key_blocked`), RateLimitedError when the
        address guessed too often, DependencyUnavailableError (`auth_unavailable`) when nobody can tell.
        """
        ...


class ManagementOperation(Protocol):
    """One thing that an operator can ask for."""

    async def __call__(self, call: ManagementCall) -> ManagementAnswer: ...


class GenerateKey(ManagementOperation, Protocol):
    """`POST /key/generate`."""


class KeyInfo(ManagementOperation, Protocol):
    """`GET /key/info`."""


class ListKeys(ManagementOperation, Protocol):
    """`GET /key/list`."""


class UpdateKey(ManagementOperation, Protocol):
    """`POST /key/update`."""


class DeleteKeys(ManagementOperation, Protocol):
    """`POST /key/delete`: all or none."""


class BlockKey(ManagementOperation, Protocol):
    """`POST /key/block`: the next call of the key is refused."""


class UnblockKey(ManagementOperation, Protocol):
    """`POST /key/unblock`."""


class ReconcileSpend(ManagementOperation, Protocol):
    """`GET /spend/reconcile`: whether the totals of spend agree with the ledger and with each other."""
