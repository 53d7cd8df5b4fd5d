"""What the journal is told of a running call: everything that a row would need if the process died now."""

from dataclasses import dataclass

from tianji_app.call.account import Account
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.events import CallEvent
from tianji_core.limits.windows import BudgetWindow
from tianji_core.ports.clock import Clock
from tianji_core.ports.journal import Attempted, Journal, OpenCall, Progress
from tianji_core.spend.record import SpendRecord

_LEAST_BYTES = 1024
_LEAST_SECONDS = 1.0


@dataclass(slots=True)
class CallJournal:
    """One call's notes in the journal.

    Attributes:
        reserved_nano: What admission holds for the call, or None where nothing is held.
        windows: The budget windows to which it is booked.
    """

    journal: Journal
    account: Account
    clock: Clock
    reserved_nano: int | None = None
    windows: tuple[BudgetWindow, ...] = ()
    _opened: bool = False
    _is_refused: bool = False
    _noted_rows: int = 0
    _noted_bytes: int = 0
    _noted_at: float = 0.0

    async def before_attempt(self, deployment: Deployment, group: str, billed: list[CallEvent]) -> None:
        """Note that an attempt is about to be sent.

        Args:
            billed: The attempts before it that were billed.

        Raises:
            DependencyUnavailableError: (`journal_unavailable`) it cannot be noted, so it must not be sent.
        """
        if self._opened:
            await self.journal.attempt(self._attempted(deployment, group, billed))
        else:
            self._is_refused = True
            await self.journal.open(self._open(deployment, group))
            self._opened, self._is_refused = True, False
        self._noted_bytes = 0

    def progress(self) -> None:
        """Note how far the answer has come, now and then."""
        meter = self.account.meter
        if meter.characters - self._noted_bytes < _LEAST_BYTES:
            return
        now = self.clock.monotonic()
        if now - self._noted_at < _LEAST_SECONDS:
            return
        self._noted_at, self._noted_bytes = now, meter.characters
        self.journal.progress(
            Progress(call_id=self.account.call_id, at_ns=self.clock.now_ns(), output_bytes=meter.characters, usage=meter.usage)
        )

    async def settle(self, event: CallEvent, billed: list[CallEvent]) -> None:
        """Note the finished rows: the call itself, then the attempts before its last one that were billed.

        A call that the journal refused has none: it cost nothing, and such calls must not fill what is full already.
        """
        if self._is_refused:
            return
        rows = [SpendRecord(seq=number, event=row, windows=self.windows) for number, row in enumerate((event, *billed))]
        await self.journal.settle(self.account.call_id, rows)

    def _open(self, deployment: Deployment, group: str) -> OpenCall:
        account = self.account
        principal = account.principal
        key = principal.key if principal else None
        return OpenCall(
            call_id=account.call_id,
            started_at_ns=account.started_at_ns,
            client_call_id=account.client_call_id,
            session_id=account.controls.session_id,
            trace_id=account.controls.trace_id,
            key_id=principal.key_id if principal else None,
            key_hash=key.hash if key else None,
            key_alias=key.alias if key else None,
            user_id=key.user_id if key else None,
            team_id=key.team_id if key else None,
            organization_id=key.organization_id if key else None,
            end_user_id=account.end_user,
            tags=account.tags,
            operation=account.inbound.surface.operation,
            surface=account.inbound.surface.name,
            route=account.inbound.route,
            stream=account.stream,
            model_asked=account.asked,
            model_group=group,
            provider=deployment.provider,
            deployment_id=deployment.id,
            model=deployment.model,
            input_estimate=account.input_estimate,
            reserved_nano=self.reserved_nano,
            windows=self.windows,
            pricing_version=account.pricing_version or "",
        )

    def _attempted(self, deployment: Deployment, group: str, billed: list[CallEvent]) -> Attempted:
        new = [SpendRecord(seq=number, event=row, windows=self.windows) for number, row in enumerate(billed, start=1)]
        noted, self._noted_rows = self._noted_rows, len(new)
        return Attempted(
            call_id=self.account.call_id,
            at_ns=self.clock.now_ns(),
            model_group=group,
            provider=deployment.provider,
            deployment_id=deployment.id,
            model=deployment.model,
            pricing_version=self.account.pricing_version or "",
            billed=tuple(new[noted:]),
        )
