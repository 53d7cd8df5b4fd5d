"""One attempt after another, as the plan says, until an answer begins or the plan gives up."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
import msgspec
from anyio.abc import TaskGroup

from tianji_app.call.account import Account, event_error
from tianji_app.call.hold import Hold
from tianji_app.call.journaling import CallJournal
from tianji_app.call.reservation import Reservation
from tianji_app.call.settlement import Bill, Settlement
from tianji_app.snapshot import Snapshot
from tianji_core.calls.completions import CompletionRequest
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.embeddings import EmbeddingRequest
from tianji_core.calls.events import Attempt, CallEvent
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import HttpResponse, header
from tianji_core.dialects.completions_over_chat import completions_codec
from tianji_core.errors import (
    ClientGoneError,
    DeadlineExceededError,
    DependencyUnavailableError,
    LimitExceededError,
    NotBuiltError,
    TianjiError,
    UpstreamError,
    UpstreamTimeoutError,
)
from tianji_core.ports.clock import Clock
from tianji_core.ports.http_transport import HttpTransport, TransportLimits, UpstreamAnswer
from tianji_core.routing.plan import AttemptPlan, Stop, Try, Wait
from tianji_core.shapes.codecs import Encoded, Provider
from tianji_core.shapes.raw_requests import RawProviderCodec, ReadBody
from tianji_core.translation.overrides import for_call
from tianji_core.translation.passing import Passing, PassingCodec
from tianji_core.translation.path import CanonicalStream, RelayEvent, StreamPath, whole_answer
from tianji_core.translation.provider_words import without_secrets

_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-ms-request-id", "cf-ray")
_CLEANUP_SECONDS = 5.0


@dataclass(slots=True)
class Answer:
    """An answer that has begun. `events` are those held until there was content; a whole answer is one of them and has no path.

    Attributes:
        stack: Holds the connection.
        hold: Where the answer was begun without content: it still reads.
    """

    events: list[RelayEvent]
    stack: AsyncExitStack
    upstream: UpstreamAnswer | None
    path: StreamPath | None
    hold: Hold | None = None


@dataclass(slots=True)
class Attempts:
    """The attempts of one call. `tasks` runs what reads a streamed answer while its content is awaited.

    Attributes:
        billed: The accounts of attempts that were billed and failed, as far as another attempt followed them.
        failed: The bill of such an attempt while none has followed: if none does, it is the call's.
    """

    account: Account
    decoded: ReadBody
    snapshot: Snapshot
    plan: AttemptPlan
    clock: Clock
    journal: CallJournal
    reservation: Reservation
    transport: HttpTransport
    settlement: Settlement
    tasks: TaskGroup | None
    billed: list[CallEvent] = field(default_factory=list)
    failed: Bill | None = None
    _failed_event: CallEvent | None = None
    _first_error: TianjiError | None = None

    async def first_answer(self) -> Answer:
        """Return the first answer that begins.

        Raises:
            TianjiError: the plan gave up; it is the error of the group that was asked for.
        """
        while True:
            match self.plan.next(now=self.clock.monotonic()):
                case Stop(error=error):
                    raise error
                case Wait(until=until):
                    await anyio.sleep(max(0.0, until - self.clock.monotonic()))
                case Try() as step:
                    await self._make_room()
                    answer = await self._try(step)
                    if answer is not None:
                        return answer

    async def _try(self, step: Try) -> Answer | None:
        started = self.clock.now_ns()
        try:
            answer = await self._attempt(step)
        except DependencyUnavailableError:  # the journal: what cannot be noted must not be sent, and no provider is to blame
            self.plan.cancelled()
            raise
        except TianjiError as error:
            without_secrets(error, self.account.deployment or step.deployment)
            self._note(step, started, error)
            await self._keep_bill(error)
            self.account.fail_attempt(self.clock.now_ns())
            self.plan.failed(error, now=self.clock.monotonic())
            return None
        except BaseException as error:
            is_bug = isinstance(error, Exception)
            self._note(step, started, error if is_bug else ClientGoneError("the client left before the answer began"))
            self.plan.cancelled()
            raise
        finally:
            self.account.retries, self.account.fallbacks = self.plan.retries, self.plan.fallbacks
        self.plan.answered(now=self.clock.monotonic())
        self._note(step, started, None)
        return answer

    async def _attempt(self, step: Try) -> Answer:
        deployment = for_call(step.deployment, self.decoded.controls)
        codec = self._codec(deployment)
        if codec is None:
            return await self._count_here(step, deployment)
        facts = CallFacts(call_id=self.account.call_id, created=self.account.started_at_ns // 1_000_000_000)
        encoded = self._encoded(codec, deployment, facts)
        await self.journal.before_attempt(deployment, step.group, self._billed_so_far())
        self._give_failed_its_row()
        self.account.begin_attempt(deployment, step.group, encoded.http.url, encoded.dropped, self.clock.now_ns())
        until = step.first_content_at if step.first_content_at is not None else step.deadline_at
        seconds = max(0.0, until - self.clock.monotonic())
        stack = AsyncExitStack()
        try:
            with anyio.CancelScope(deadline=anyio.current_time() + seconds):
                upstream = await stack.enter_async_context(self.transport.send(encoded.http, self._limits(seconds), deployment.transport))
                return await self._begin_answer(upstream, stack, codec, encoded, self._memo(step, deployment))
        except BaseException:
            await _close(stack)
            raise
        await _close(stack)
        raise self._timed_out(deployment, seconds, is_deadline=until >= self.plan.deadline)

    async def _begin_answer(self, upstream: UpstreamAnswer, stack: AsyncExitStack, codec: Any, encoded: Encoded, memo: Any) -> Answer:
        for name in _REQUEST_ID_HEADERS:
            self.account.provider_request_id = header(upstream.headers, name) or self.account.provider_request_id
            if self.account.provider_request_id:
                break
        if not 200 <= upstream.status < 300:
            raise codec.error(await upstream.read())
        surface = self.account.inbound.surface.codec
        passing = self._passing(codec, encoded.memo, memo)
        if self.tasks is None:
            response: HttpResponse = await upstream.read()
            now_ns = self.account.first_chunk_at_ns = self.account.upstream_ended_at_ns = self.clock.now_ns()
            event = (passing.whole(response) if passing else None) or whole_answer(response, codec, encoded.memo, surface, memo)
            self.account.saw([event], now_ns)
            return Answer(events=[event], stack=stack, upstream=upstream, path=None)
        canonical = CanonicalStream(codec.stream(encoded.memo), surface.stream(memo))
        hold = Hold(upstream, passing.stream(canonical) if passing else canonical, self.account, self.clock)
        self.tasks.start_soon(hold.run)
        stack.push_async_callback(hold.stop)
        has_content = await hold.has_content(self.snapshot.config.router.first_byte_hold_seconds)
        return Answer(events=hold.events, stack=stack, upstream=upstream, path=hold.path, hold=None if has_content else hold)

    async def _count_here(self, step: Try, deployment: Deployment) -> Answer:
        """Count with the offline tokenizer: the provider cannot be asked."""
        self.account.deployment, self.account.group = deployment, step.group
        count = await self.settlement.count_input(self.decoded.request, deployment)
        data = self.account.inbound.surface.codec.encode(count, self._memo(step, deployment))
        return Answer(events=[RelayEvent(data=data)], stack=AsyncExitStack(), upstream=None, path=None)

    def _codec(self, deployment: Deployment) -> Any:
        """Return the codec of this call's capability; None only for a token count that the provider does not offer.

        Raises:
            NotBuiltError: the provider cannot do what is asked.
        """
        provider: Provider = self.snapshot.providers[deployment.provider]
        if self.account.inbound.surface.operation == "count_tokens":
            return provider.count_tokens
        request = None if self.decoded.raw is not None else self.decoded.request  # only chat is read no further than its top level
        codec = (
            provider.embeddings
            if isinstance(request, EmbeddingRequest)
            else completions_codec(provider, deployment)
            if isinstance(request, CompletionRequest)
            else provider.chat
        )
        if codec is None:
            operation = self.account.inbound.surface.operation.replace("_", " ")
            raise NotBuiltError(f"{deployment.provider} has no {operation} for model `{deployment.model}`", param="model")
        return codec

    def _encoded(self, codec: Any, deployment: Deployment, facts: CallFacts) -> Encoded:
        """Return the request in the client's own bytes where its dialect is the provider's and nothing inside must be changed."""
        raw = self.decoded.raw
        if raw is not None and raw.dialect == self.snapshot.providers[deployment.provider].dialect and hasattr(codec, "encode_raw"):
            narrow: RawProviderCodec = codec
            sent = narrow.encode_raw(raw, deployment, facts)
            if sent is not None:
                return sent
        encoded: Encoded = codec.encode(self.decoded.request, deployment, facts)
        return encoded

    def _passing(self, codec: Any, memo: Any, shown: Any) -> Passing | None:
        """Return the way of an answer in the caller's own dialect, or None where it must be translated."""
        surface, deployment = self.account.inbound.surface, self.account.deployment
        if deployment is None or surface.operation != "chat" or surface.dialect != self.snapshot.providers[deployment.provider].dialect:
            return None
        passing: PassingCodec | None = codec if hasattr(codec, "passing") else None
        return passing.passing(memo, shown) if passing is not None else None

    def _memo(self, step: Try, deployment: Deployment) -> Any:
        """Return the surface's memo with the model name that the answer shows: the caller's, or of the group that stood in for it."""
        memo = self.decoded.memo
        if self.snapshot.config.general.response_model == "upstream":
            return msgspec.structs.replace(memo, model=deployment.model)
        return msgspec.structs.replace(memo, model=step.group) if step.group != self.plan.found.group else memo

    def _limits(self, seconds: float) -> TransportLimits:
        return TransportLimits(first_byte_seconds=seconds, idle_seconds=max(seconds, self.snapshot.config.router.stream_idle_seconds))

    def _timed_out(self, deployment: Deployment, seconds: float, *, is_deadline: bool) -> TianjiError:
        if is_deadline:
            return DeadlineExceededError("the deadline of the call ran out before the provider answered")
        return UpstreamTimeoutError(f"{deployment.provider} did not answer within {seconds:.1f} seconds", provider=deployment.provider)

    async def _keep_bill(self, error: TianjiError) -> None:
        """Keep the bill of an attempt that was billed and failed all the same."""
        if not self._has_bill:
            return
        self._first_error = self._first_error or error
        bill = self.failed = await self.settlement.bill(self.account, self.snapshot, complete=True)
        self._failed_event = self.account.event(
            status="error",
            http_status=502,
            ended_at_ns=self.clock.now_ns(),
            error=error,
            usage=bill.usage,
            usage_source=bill.source,
            cost=bill.cost,
        )

    async def _make_room(self) -> None:
        """Hold another bound after a billed attempt; where there is no room for it, the error of that attempt is the call's."""
        if self.failed is None or self._first_error is None:
            return
        try:
            await self.reservation.for_another()
        except LimitExceededError:
            self.plan.cancelled()
            raise self._first_error from None

    def _billed_so_far(self) -> list[CallEvent]:
        return self.billed if self._failed_event is None else [*self.billed, self._failed_event]

    def _give_failed_its_row(self) -> None:
        """Make a billed attempt a row of its own: it is not the call's last one."""
        if self._failed_event is not None:
            self.billed.append(self._failed_event)
        self.failed = self._failed_event = None

    @property
    def _has_bill(self) -> bool:
        """Whether the running attempt brought usage; the meter may still be that of an attempt before."""
        return self.account.first_chunk_at_ns is not None and self.account.meter.usage is not None

    def _outcome(self, error: BaseException | None) -> Literal["unbilled", "billed", "doubtful"]:
        if error is None or self._has_bill:
            return "billed"
        if isinstance(error, UpstreamError):
            return "doubtful" if error.sent and error.status is None else "unbilled"
        if not self.account.is_in_flight:
            return "unbilled"
        if isinstance(error, ClientGoneError):
            return "billed"
        return "doubtful" if isinstance(error, DeadlineExceededError) else "unbilled"

    def _note(self, step: Try, started: int, error: BaseException | None) -> None:
        self.account.attempts.append(
            Attempt(
                number=step.number,
                deployment_id=step.deployment.id,
                provider=step.deployment.provider,
                model_group=step.group,
                model=step.deployment.model,
                started_at_ns=started,
                ended_at_ns=self.clock.now_ns(),
                outcome=self._outcome(error),
                status=error.status if isinstance(error, UpstreamError) else None,
                error=event_error(error) if error is not None else None,
            )
        )


async def _close(stack: AsyncExitStack) -> None:
    """Close the connection even while the call is being cancelled, and do not hang on it."""
    with anyio.move_on_after(_CLEANUP_SECONDS, shield=True):
        await stack.aclose()
