"""The running account of one call: what is known so far, and the one event that is made of it at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tianji_core.access.principal import Principal
from tianji_core.calls.controls import Controls
from tianji_core.calls.cost import Cost
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.events import Attempt, CallEvent, CallStatus, ErrorSource, EventError, UsageSource
from tianji_core.calls.http import header
from tianji_core.calls.usage import Usage
from tianji_core.error_table import code_of, words_of
from tianji_core.errors import CallerError, GuardrailBlockedError, TianjiError
from tianji_core.ports.gateway import Inbound
from tianji_core.shapes.raw_requests import ReadBody
from tianji_core.translation.controls import gateway_header
from tianji_core.translation.meter import Meter
from tianji_core.translation.path import RelayEvent

_CLIENT_ID_CHARACTERS = 128


@dataclass(slots=True)
class Account:
    """Filled in as the call goes on; times in nanoseconds since the epoch."""

    call_id: str
    inbound: Inbound
    started_at_ns: int
    principal: Principal | None = None
    asked: str = ""
    group: str | None = None
    body: ReadBody | None = None
    controls: Controls = field(default_factory=Controls)
    stream: bool = False
    deployment: Deployment | None = None
    server_address: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    retries: int = 0
    fallbacks: int = 0
    dropped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    meter: Meter = field(default_factory=Meter)
    provider_request_id: str | None = None
    upstream_started_at_ns: int | None = None
    first_chunk_at_ns: int | None = None
    upstream_ended_at_ns: int | None = None
    pricing_version: str | None = None
    input_estimate: int = 0

    @property
    def went_upstream(self) -> bool:
        """Whether any attempt was begun."""
        return self.upstream_started_at_ns is not None

    @property
    def is_in_flight(self) -> bool:
        """Whether an attempt was sent that has not ended."""
        return self.upstream_started_at_ns is not None and self.upstream_ended_at_ns is None

    @property
    def client_call_id(self) -> str | None:
        """The caller's own correlation id, if it is short and printable."""
        given = gateway_header(self.inbound.headers, "call-id")
        return given if given and len(given) <= _CLIENT_ID_CHARACTERS and given.isprintable() else None

    @property
    def tags(self) -> tuple[str, ...]:
        """The key's tags and the call's own."""
        key = self.principal.key if self.principal else None
        return tuple(dict.fromkeys((*(key.tags if key else ()), *self.controls.tags)))

    @property
    def end_user(self) -> str | None:
        """For whom the caller calls."""
        return self.body.end_user if self.body is not None else None

    def begin_attempt(self, deployment: Deployment, group: str, url: str, dropped: Sequence[str], now_ns: int) -> None:
        """Note an attempt that is about to be sent; the meter begins anew."""
        self.deployment, self.group, self.dropped = deployment, group, tuple(dropped)
        self.server_address = urlsplit(url).hostname
        self.upstream_started_at_ns = now_ns
        self.first_chunk_at_ns = self.upstream_ended_at_ns = None
        self.meter = Meter()

    def saw(self, events: Sequence[RelayEvent], now_ns: int) -> None:
        """Note what came of the running attempt's answer."""
        if events and self.first_chunk_at_ns is None:
            self.first_chunk_at_ns = now_ns
        for event in events:
            if event.reading is not None:
                self.meter.add(event.reading)

    def fail_attempt(self, now_ns: int) -> None:
        """Note that the attempt failed before its answer began: from here on it costs nothing."""
        self.upstream_ended_at_ns = now_ns
        self.first_chunk_at_ns = None

    def event(
        self,
        *,
        status: CallStatus,
        http_status: int,
        ended_at_ns: int,
        error: BaseException | None = None,
        usage: Usage | None = None,
        usage_source: UsageSource = "none",
        cost: Cost | None = None,
    ) -> CallEvent:
        """Return the final account."""
        key = self.principal.key if self.principal else None
        deployment = self.deployment
        headers = self.inbound.headers
        return CallEvent(
            call_id=self.call_id,
            trace_id=self.controls.trace_id,
            client_call_id=self.client_call_id,
            session_id=self.controls.session_id,
            response_id=self.meter.response_id,
            provider_request_id=self.provider_request_id,
            operation=self.inbound.surface.operation,
            surface=self.inbound.surface.name,
            route=self.inbound.route,
            stream=self.stream,
            model_asked=self.asked,
            model_group=self.group,
            model=deployment.model if deployment else None,
            model_response=self.meter.model,
            provider=deployment.provider if deployment else None,
            deployment_id=deployment.id if deployment else None,
            server_address=self.server_address,
            started_at_ns=self.started_at_ns,
            ended_at_ns=ended_at_ns,
            upstream_started_at_ns=self.upstream_started_at_ns,
            first_chunk_at_ns=self.first_chunk_at_ns,
            upstream_ended_at_ns=self.upstream_ended_at_ns,
            key_id=self.principal.key_id if self.principal else None,
            key_hash=key.hash if key else None,
            key_alias=key.alias if key else None,
            user_id=key.user_id if key else None,
            team_id=key.team_id if key else None,
            organization_id=key.organization_id if key else None,
            end_user_id=self.end_user,
            tags=self.tags,
            metadata=self.controls.metadata,
            client_ip=self.inbound.client_ip,
            user_agent=header(headers, "user-agent"),
            usage=usage or Usage(),
            usage_source=usage_source,
            cost=cost or Cost(),
            pricing_version=self.pricing_version,
            status=status,
            http_status=http_status,
            finish_reasons=self.meter.finish_reasons,
            error=event_error(error) if error is not None else None,
            attempts=tuple(self.attempts),
            retries=self.retries,
            fallbacks=self.fallbacks,
            dropped_params=self.dropped,
            warnings=self.warnings,
        )


def event_error(error: BaseException) -> EventError:
    """Return what an event says of an error: class and code always, its text only where it is one of ours."""
    if not isinstance(error, TianjiError):
        return EventError(type="internal_error", code="internal_error", message=type(error).__name__)
    name = "".join("_" + letter.lower() if letter.isupper() else letter for letter in type(error).__name__).strip("_")
    return EventError(type=name.removesuffix("_error"), code=code_of(error), message=error.message, source=_source(error))


def _source(error: TianjiError) -> ErrorSource:
    if error.provider:
        return "upstream"
    if isinstance(error, GuardrailBlockedError):
        return "guardrail"
    return "client" if isinstance(error, CallerError) else "gateway"


def http_status_of(error: BaseException) -> int:
    """Return the status that the caller gets for an error."""
    return words_of(error).status
