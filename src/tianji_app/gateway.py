"""The one way a call travels. Read it top to bottom; nothing else in the tree repeats it.

 1. take a place, after what is refused whoever asks; then authenticate: nobody unauthenticated makes us read a body
 2. read and decode the body
 3. admit: model access, candidates, known prices, limits and budgets in one step
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
import msgspec
import structlog

from tianji_app.call.account import Account, http_status_of
from tianji_app.call.admit import Admit
from tianji_app.call.attempts import Attempts
from tianji_app.call.journaling import CallJournal
from tianji_app.call.key_spend import KeySpend
from tianji_app.call.reservation import Reservation
from tianji_app.call.scope import CallScope
from tianji_app.call.settlement import NOTHING, Bill, Settlement
from tianji_app.call.stream import AnswerStream
from tianji_app.in_flight import InFlight
from tianji_app.snapshot import Snapshot, SnapshotHolder
from tianji_app.version import VERSION
from tianji_core.access.authorization import check_route
from tianji_core.access.credentials import credential_of
from tianji_core.calls.controls import Controls
from tianji_core.calls.events import CallStatus
from tianji_core.calls.http import Headers
from tianji_core.errors import ClientGoneError, GuardrailBlockedError, TianjiError
from tianji_core.ports.clock import Clock
from tianji_core.ports.dispatcher import EventSink
from tianji_core.ports.gateway import CallStream, Inbound
from tianji_core.ports.governance import Guardrails, Policies, ResponseCache
from tianji_core.ports.http_transport import HttpTransport
from tianji_core.ports.identifiers import Identifiers
from tianji_core.ports.journal import Journal
from tianji_core.ports.management import Authenticate
from tianji_core.ports.spend_store import SpendStore
from tianji_core.routing.deadlines import call_deadline
from tianji_core.translation.answer_headers import AnswerFacts, answer_headers
from tianji_core.translation.controls import header_timeout
from tianji_core.translation.undecoded import read_body

_SETTLE_SECONDS = 5.0
_BYTES_PER_TOKEN = 4
_log = structlog.get_logger("tianji.gateway")


@dataclass(frozen=True, slots=True)
class CallGateway:
    """Opens calls. Every field is a port or a machine that all calls share."""

    authenticate: Authenticate
    snapshots: SnapshotHolder
    admit: Admit
    policies: Policies
    guardrails: Guardrails
    cache: ResponseCache
    transport: HttpTransport
    journal: Journal
    settlement: Settlement
    events: EventSink
    clock: Clock
    identifiers: Identifiers
    spend: SpendStore
    in_flight: InFlight = field(default_factory=InFlight)
    key_spend: KeySpend = field(default_factory=KeySpend)

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
    _scope: CallScope = field(default_factory=CallScope)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _stream: AnswerStream | None = None
    _cut: TianjiError | None = None
    _queued_seconds: float = 0.0
    _reservation: Reservation | None = None
    _journal: CallJournal | None = None
    _whole_bill: Bill | None = None
    _answering: bool = False
    _settled: bool = False

    async def __aenter__(self) -> CallStream:
        """Do everything up to the first content of the answer."""
        try:
            await self._take_place()
            self._stream = stream = await self._begin()
            if self._cut is not None:
                raise self._cut
        except BaseException as error:
            await self._end(self._cut or error)
            if self._cut is not None:
                raise self._cut from None
            raise
        self._answering = True
        return stream

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let the connection go, and settle what was cut short."""
        await self._end(None if isinstance(error, OSError) else error)  # a socket that takes no more is a client that left

    async def _end(self, error: BaseException | None) -> None:
        try:
            with _shielded():  # first of all: no provider works on for nobody
                await self._stack.aclose()
        finally:
            try:
                if not self._settled:
                    with _shielded():
                        await self._settle(*_ending(error))
            finally:
                self.gateway.in_flight.leave(self.account.call_id)
                await self._scope.leave()

    def cut(self, error: TianjiError) -> None:
        """End the call with this error: a stream after what was sent of it, anything else before its answer."""
        if self._answering and self._stream is not None:
            self._stream.cut(error)
            return
        self._cut = error
        self._scope.cancel()

    async def _take_place(self) -> None:
        """Enter the calls under way. Who has to wait for that is watched: a client that leaves gives up its wish."""
        gateway, account = self.gateway, self.account
        if account.inbound.refusal is not None:
            raise account.inbound.refusal
        if gateway.in_flight.enter(account.call_id, self.cut):
            return
        patience = Controls(timeout_seconds=header_timeout(account.inbound.headers))
        began = gateway.clock.monotonic()
        deadline = call_deadline(gateway.snapshots.current.config.router, patience, now=began)
        account.inbound.watch()
        await gateway.in_flight.wait(account.call_id, self.cut, seconds=deadline - began)
        self._queued_seconds = gateway.clock.monotonic() - began

    async def _begin(self) -> AnswerStream:
        gateway, account = self.gateway, self.account
        account.principal = await gateway.authenticate(credential_of(account.inbound.headers), address=account.inbound.client_ip)
        check_route(account.principal, account.inbound.method, account.inbound.route, account.inbound.path)
        self._snapshot = snapshot = gateway.snapshots.current
        account.pricing_version = snapshot.prices.version

        body = await account.inbound.read_body()
        surface = account.inbound.surface
        decoded = read_body(surface.codec, body, account.inbound.path_model, account.inbound.headers)
        account.body, account.controls = decoded, decoded.controls
        account.asked, account.stream = decoded.model, decoded.stream

        account.input_estimate = len(body) // _BYTES_PER_TOKEN

        plan, reservation = await gateway.admit(
            account, account.principal, decoded, snapshot, body_bytes=len(body), queued_seconds=self._queued_seconds
        )
        self._reservation = reservation
        decoded = account.body = reservation.body
        account.warnings = reservation.warnings
        names = gateway.policies.resolve(account.principal, decoded)
        await gateway.guardrails.before_call(decoded, names)
        await gateway.cache.get(account.principal, decoded)
        if account.principal.key is not None:
            await gateway.key_spend.learn(gateway.spend, account.principal.key, now=gateway.clock.monotonic())

        self._journal = journal = self._noted(reservation)
        await self._scope.enter(stream=account.stream)
        self._attempts = Attempts(
            account=account,
            decoded=decoded,
            snapshot=snapshot,
            plan=plan,
            clock=gateway.clock,
            journal=journal,
            reservation=reservation,
            transport=gateway.transport,
            settlement=gateway.settlement,
            tasks=self._scope.tasks,
        )
        answer = await self._attempts.first_answer()
        self._stack.push_async_exit(answer.stack)
        router = snapshot.config.router
        return AnswerStream(
            answer=answer,
            account=account,
            headers=await self._headers(snapshot, None if answer.path is not None else sum(len(event.data) for event in answer.events)),
            settle=self._settle,
            progress=journal.progress,
            clock=gateway.clock,
            idle_seconds=router.stream_idle_seconds,
            until=gateway.clock.monotonic() + router.max_stream_seconds,
        )

    async def _headers(self, snapshot: Snapshot, length: int | None) -> Headers:
        """Return the headers; `length` is that of a whole answer, whose cost is known by now."""
        bill = self._whole_bill = await self._bill(complete=True) if length is not None else None
        account, general = self.account, snapshot.config.general
        facts = AnswerFacts(
            call_id=account.call_id,
            deployment_id=account.deployment.id if account.deployment else None,
            model_group=account.group,
            model=account.deployment.model if account.deployment else None,
            retries=account.retries,
            fallbacks=account.fallbacks,
            cost=bill.cost if bill else None,
            key_spend_nano=self._key_spend_nano(bill),
            dropped_params=account.dropped,
            warnings=account.warnings,
            started_at_ns=account.started_at_ns,
            ended_at_ns=self.gateway.clock.now_ns(),
            attempts=account.attempts,
            api_base=account.deployment.base_url if account.deployment else None,
            version=VERSION,
        )
        headers = answer_headers(
            facts,
            envelope=account.inbound.surface.envelope,
            length=length,
            twins=general.compat_headers,
            names=general.answer_headers,
        )
        return (*headers, *self._reservation.grant.headers) if self._reservation is not None else headers

    def _key_spend_nano(self, bill: Bill | None) -> int | None:
        """Return what the key has spent, with a bill that is not settled yet."""
        key = self.account.principal.key if self.account.principal else None
        spent = None if key is None else self.gateway.key_spend.spent_nano(key)
        return None if spent is None else spent + (self._billed_nano(bill) if bill else 0)

    def _billed_nano(self, bill: Bill) -> int:
        earlier = self._attempts.billed if self._attempts else []
        return bill.cost.total_nano + sum(attempt.cost.total_nano for attempt in earlier)

    def _exceeded_nano(self, bill: Bill) -> int:
        """Return by how much the call costs more than it holds; 0 where it holds nothing."""
        return self._reservation.grant.exceeded_by(self._billed_nano(bill)) if self._reservation else 0

    async def _bill(self, *, complete: bool) -> Bill:
        if self._snapshot is None or self._attempts is None:
            return NOTHING
        return self._attempts.failed or await self.gateway.settlement.bill(self.account, self._snapshot, complete=complete)

    async def _final_bill(self, *, complete: bool) -> Bill:
        if complete and self._whole_bill is not None:
            return self._whole_bill
        with anyio.CancelScope(shield=True):  # counting and pricing touch nothing outside that could hang
            return await self._bill(complete=complete)
        return NOTHING  # for the type checker: a shielded scope that nobody cancels swallows nothing

    async def _settle(self, status: CallStatus, error: BaseException | None) -> None:
        """Write the account, once: journal, then what admission holds, then the event. A cancelled call is written like every other."""
        if self._settled:
            return
        self._settled = True
        gateway = self.gateway
        bill = await self._final_bill(complete=status == "ok")
        event = self.account.event(
            status=status,
            http_status=200 if error is None or self._answering else http_status_of(error),
            ended_at_ns=gateway.clock.now_ns(),
            error=error,
            usage=bill.usage,
            usage_source=bill.source,
            cost=bill.cost,
        )
        if exceeded := self._exceeded_nano(bill):
            event = msgspec.structs.replace(event, exceeded_nano=exceeded)
        billed = self._attempts.billed if self._attempts else []
        try:
            if self._reservation is not None:
                await self._noted(self._reservation).settle(event, billed)
        finally:
            self._report(error)
            gateway.events.call_finished(event)
            if self.account.principal is not None and self.account.principal.key is not None:
                gateway.key_spend.settled(self.account.principal.key, self._billed_nano(bill))
            if self._reservation is not None and self._reservation.holds:
                with _shielded():
                    await self._give_back(self._reservation, bill)

    def _noted(self, reservation: Reservation) -> CallJournal:
        if self._journal is None:  # it ended between its admission and its first attempt
            self._journal = CallJournal(
                self.gateway.journal, self.account, self.gateway.clock, reservation.reserved_nano, reservation.windows
            )
        return self._journal

    async def _give_back(self, reservation: Reservation, bill: Bill) -> None:
        whole = msgspec.structs.replace(bill.cost, total_nano=self._billed_nano(bill))
        excess = await reservation.settle(bill.usage, whole)
        if excess:
            _log.warning(
                "a call cost more than was held for it",
                call_id=self.account.call_id,
                model=self.account.deployment.model if self.account.deployment else None,
                held_nano=reservation.reserved_nano,
                excess_nano=excess,
            )

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


def _shielded() -> anyio.CancelScope:
    """Return a scope that no cancellation breaks into, and that does not hang for ever."""
    return anyio.CancelScope(deadline=anyio.current_time() + _SETTLE_SECONDS, shield=True)


def _ending(error: BaseException | None) -> tuple[CallStatus, BaseException]:
    """Return how a call ends that was cut short by an error, by a cancellation, or by a reader who stopped."""
    if isinstance(error, ClientGoneError):
        return "cancelled", error
    if isinstance(error, GuardrailBlockedError):
        return "blocked", error
    if isinstance(error, Exception):
        return "error", error
    return "cancelled", ClientGoneError("the client left before the end of the answer")
