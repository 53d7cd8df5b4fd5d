"""The one way a call travels. Read it top to bottom; nothing else in the tree repeats it.

 1. authenticate: nobody unauthenticated makes us read a body
 2. read and decode the body
 3. admit: model access, candidates, limits and budgets in one step
 4. resolve policies
 5. guardrails before the call
 6. response cache
 7. route: the attempt plan
 8. per attempt: encode, journal OPEN, send, decode
 9. relay, in the caller's format
10. settle, before the last byte leaves
11. last byte; then one event
"""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType

import anyio

from tianji_app.call.account import Account, http_status_of
from tianji_app.call.attempts import Attempts
from tianji_app.call.settlement import Bill, Settlement, rows_of
from tianji_app.call.stream import AnswerStream
from tianji_app.snapshot import Snapshot, SnapshotHolder
from tianji_core.access.authorization import check_route
from tianji_core.access.credentials import credential_of
from tianji_core.access.models import check_access
from tianji_core.calls.cost import Cost
from tianji_core.calls.events import CallStatus
from tianji_core.calls.http import Headers
from tianji_core.calls.random import Rng
from tianji_core.calls.usage import Usage
from tianji_core.errors import ClientGoneError, GuardrailBlockedError, TianjiError
from tianji_core.ports.admission import Admission
from tianji_core.ports.clock import Clock
from tianji_core.ports.dispatcher import EventSink
from tianji_core.ports.gateway import CallStream, Inbound
from tianji_core.ports.governance import Guardrails, Policies, ResponseCache
from tianji_core.ports.http_transport import HttpTransport
from tianji_core.ports.identifiers import Identifiers
from tianji_core.ports.journal import Journal
from tianji_core.ports.management import Authenticate
from tianji_core.routing.cooldown import Cooldown
from tianji_core.routing.deadlines import call_deadline
from tianji_core.routing.fallbacks import requested_groups
from tianji_core.routing.plan import AttemptPlan
from tianji_core.shapes.codecs import Decoded
from tianji_core.shapes.strategies import Strategy
from tianji_core.translation.answer_headers import answer_headers
from tianji_core.wire.json import decode_object

_SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CallGateway:
    """Opens calls. Every field is a port or a machine that all calls share."""

    authenticate: Authenticate
    snapshots: SnapshotHolder
    admission: Admission
    policies: Policies
    guardrails: Guardrails
    cache: ResponseCache
    transport: HttpTransport
    journal: Journal
    settlement: Settlement
    events: EventSink
    cooldown: Cooldown
    strategy: Strategy
    clock: Clock
    identifiers: Identifiers
    rng: Rng

    def new_call_id(self) -> str:
        """Return the id of a new call."""
        return self.identifiers.uuid7(self.clock.now_ns())

    def open(self, inbound: Inbound, call_id: str) -> AbstractAsyncContextManager[CallStream]:
        """Return the call, to be entered."""
        return OpenedCall(self, Account(call_id=call_id, inbound=inbound, started_at_ns=self.clock.now_ns()))


@dataclass(slots=True)
class OpenedCall:
    """One call, from its first check to its one event."""

    gateway: CallGateway
    account: Account
    _snapshot: Snapshot | None = None
    _attempts: Attempts | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _admitted: bool = False
    _answering: bool = False
    _settled: bool = False

    async def __aenter__(self) -> CallStream:
        """Do everything up to the first content of the answer."""
        try:
            stream = await self._begin()
        except BaseException as error:
            await self._end(error)
            raise
        self._answering = True
        return stream

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let the connection go, and settle what was cut short."""
        await self._end(None if isinstance(error, OSError) else error)  # a socket that takes no more is a client that left

    async def _end(self, error: BaseException | None) -> None:
        try:
            with anyio.move_on_after(_SETTLE_SECONDS, shield=True):  # first of all: no provider works on for nobody
                await self._stack.aclose()
        finally:
            with anyio.move_on_after(_SETTLE_SECONDS, shield=True):
                await self._settle(*_ending(error))

    async def _begin(self) -> CallStream:
        gateway, account = self.gateway, self.account
        account.principal = await gateway.authenticate(credential_of(account.inbound.headers), address=account.inbound.client_ip)
        check_route(account.principal, account.inbound.method, account.inbound.route, account.inbound.path)
        self._snapshot = snapshot = gateway.snapshots.current
        account.pricing_version = snapshot.prices.version

        body = await account.inbound.read_body()
        surface = account.inbound.surface
        decoded = surface.codec.decode(decode_object(body), account.inbound.path_model, account.inbound.headers)
        account.request, account.controls = decoded.request, decoded.controls
        account.asked, account.stream = decoded.request.model, getattr(decoded.request, "stream", False)

        plan = await self._admit(snapshot, decoded)
        names = gateway.policies.resolve(account.principal, decoded.request)
        await gateway.guardrails.before_call(decoded.request, names)
        await gateway.cache.get(account.principal, decoded.request)

        self._attempts = Attempts(account, decoded, snapshot, plan, gateway.clock, gateway.journal, gateway.transport, gateway.settlement)
        answer = await self._attempts.first_answer()
        self._stack.push_async_exit(answer.stack)
        router = snapshot.config.router
        return AnswerStream(
            answer=answer,
            account=account,
            headers=await self._headers(snapshot, None if answer.path is not None else sum(len(event.data) for event in answer.events)),
            settle=self._settle,
            clock=gateway.clock,
            idle_seconds=router.stream_idle_seconds,
            until=gateway.clock.monotonic() + router.max_stream_seconds,
        )

    async def _admit(self, snapshot: Snapshot, decoded: Decoded) -> AttemptPlan:
        gateway, account, controls = self.gateway, self.account, decoded.controls
        principal = account.principal
        if principal is None:
            raise ClientGoneError("the call has no principal")
        asked = principal.key.aliases.get(account.asked, account.asked) if principal.key else account.asked
        known = snapshot.index.lookup(asked)
        check_access(principal, [account.asked] if known is None else [account.asked, known.group])
        found = snapshot.index.find(asked)
        account.group = found.group
        for name in requested_groups(controls):
            check_access(principal, [name])
        router = snapshot.config.router
        candidates = snapshot.index.candidates(asked, router, controls)
        await gateway.admission.admit(account.call_id, principal, decoded.request, candidates)
        self._admitted = True
        return AttemptPlan(
            found=found,
            lookup=snapshot.index.lookup,
            settings=router,
            controls=controls,
            cooldown=gateway.cooldown,
            pick=gateway.strategy.pick,
            rng=gateway.rng,
            deadline=call_deadline(router, controls, now=gateway.clock.monotonic()),
            stream=account.stream,
            own_credentials=bool(controls.client_credentials),
        )

    async def _headers(self, snapshot: Snapshot, length: int | None) -> Headers:
        """Return the headers; `length` is that of a whole answer, whose cost is known by now."""
        bill = await self._bill(complete=True) if length is not None else None
        return answer_headers(
            self.account.event(
                status="ok",
                http_status=200,
                ended_at_ns=self.gateway.clock.now_ns(),
                cost=bill.cost if bill else None,
            ),
            envelope=self.account.inbound.surface.envelope,
            length=length,
            twins=snapshot.config.general.compat_headers,
        )

    async def _bill(self, *, complete: bool) -> Bill:
        if self._snapshot is None or self._attempts is None:
            return Bill(Usage(), "none", Cost())
        return await self.gateway.settlement.bill(self.account, self._snapshot, complete=complete)

    async def _settle(self, status: CallStatus, error: BaseException | None) -> None:
        """Write the account, once: journal, then what admission holds, then the event. A cancelled call is written like every other."""
        if self._settled:
            return
        self._settled = True
        gateway = self.gateway
        with anyio.CancelScope(shield=True):  # counting and pricing touch nothing outside that could hang
            bill = await self._bill(complete=status == "ok")
        event = self.account.event(
            status=status,
            http_status=200 if error is None or self._answering else http_status_of(error),
            ended_at_ns=gateway.clock.now_ns(),
            error=error,
            usage=bill.usage,
            usage_source=bill.source,
            cost=bill.cost,
        )
        try:
            if self._admitted:
                billed = self._attempts.billed if self._attempts else []
                await gateway.journal.settle(self.account.call_id, rows_of(event, billed))
        finally:
            self._report(error)
            gateway.events.call_finished(event)
            if self._admitted:
                with anyio.move_on_after(_SETTLE_SECONDS, shield=True):
                    await gateway.admission.settle(self.account.call_id, bill.usage, bill.cost)

    def _report(self, error: BaseException | None) -> None:
        """Tell the plan how its running attempt ended; without one nothing happens."""
        plan = self._attempts.plan if self._attempts else None
        if plan is None or not plan.is_running:
            return
        now = self.gateway.clock.monotonic()
        if error is None:
            plan.succeeded(now=now)
        elif isinstance(error, ClientGoneError) or not isinstance(error, TianjiError):
            plan.cancelled()
        else:
            plan.failed(error, now=now)


def _ending(error: BaseException | None) -> tuple[CallStatus, BaseException]:
    """Return how a call ends that was cut short by an error, by a cancellation, or by a reader who stopped."""
    if isinstance(error, ClientGoneError):
        return "cancelled", error
    if isinstance(error, GuardrailBlockedError):
        return "blocked", error
    if isinstance(error, Exception):
        return "error", error
    return "cancelled", ClientGoneError("the client left before the end of the answer")
