"""`CallEvent`: everything one finished call tells the world. Logs, metrics and callbacks are made from it and from nothing else.

Times are integer nanoseconds since the epoch, money is integer nano-USD; a field is absent (None) where nothing is known. It never
carries a secret, a prompt or an answer unless `request` and `response` are set, which the redaction mode decides.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from tianji_core.calls.cost import Cost
from tianji_core.calls.usage import Usage

CallStatus = Literal["ok", "error", "cancelled", "blocked", "interrupted"]
UsageSource = Literal["provider", "estimated", "none"]
ErrorSource = Literal["upstream", "gateway", "guardrail", "client"]


class EventError(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong. `type` is a stable class name of low cardinality."""

    type: str
    code: str | None = None
    message: str | None = None
    source: ErrorSource = "gateway"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one deployment. `outcome` says whether the provider can have billed it."""

    number: int
    deployment_id: str
    provider: str
    model_group: str
    model: str
    started_at_ns: int
    ended_at_ns: int
    outcome: Literal["unbilled", "billed", "doubtful"]
    status: int | None = None
    error: EventError | None = None


class CallEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The final account of one client request.

    Attributes:
        model_asked: The client's text. `model_group`: after aliases. `model`: sent upstream. `model_response`: what upstream says.
        http_status: What the client got.
        client_call_id: The client's own correlation id, if it sent one.
        exceeded_nano: By how much the call cost more than was held for it of its caller's budgets.
        retries, fallbacks: Attempts beyond the first inside a group; groups beyond the first.
    """

    call_id: str
    revision: int = 0
    trace_id: str | None = None
    client_call_id: str | None = None
    session_id: str | None = None
    response_id: str | None = None
    provider_request_id: str | None = None

    operation: str
    surface: str
    route: str
    stream: bool = False

    model_asked: str
    model_group: str | None = None
    model: str | None = None
    model_response: str | None = None
    provider: str | None = None
    deployment_id: str | None = None
    server_address: str | None = None

    started_at_ns: int
    ended_at_ns: int
    upstream_started_at_ns: int | None = None
    first_chunk_at_ns: int | None = None
    upstream_ended_at_ns: int | None = None

    key_id: str | None = None
    key_hash: str | None = None
    key_alias: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    end_user_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = {}
    client_ip: str | None = None
    user_agent: str | None = None

    usage: Usage = Usage()
    usage_source: UsageSource = "none"
    cost: Cost = Cost()
    pricing_version: str | None = None
    exceeded_nano: int = 0

    status: CallStatus
    http_status: int
    finish_reasons: tuple[str, ...] = ()
    error: EventError | None = None
    attempts: tuple[Attempt, ...] = ()
    retries: int = 0
    fallbacks: int = 0
    dropped_params: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cache_hit: bool = False

    @property
    def went_upstream(self) -> bool:
        """Whether any attempt was sent."""
        return self.upstream_started_at_ns is not None
