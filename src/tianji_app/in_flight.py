"""The calls under way: how many there may be, and who waits for a place."""

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from tianji_core.config.gateway_config import GeneralSettings
from tianji_core.errors import DeadlineExceededError, OverloadedError, TianjiError

Cut = Callable[[TianjiError], None]
"""Ends one call early, with this error."""

Why = Callable[[], TianjiError]
"""Makes the error with which a call is ended: each gets its own."""

_RETRY_AFTER_SECONDS = 1.0
_NO_LIMITS = GeneralSettings()


@dataclass(slots=True)
class _Waiting:
    """A call without a place. Once `turn` is set it has one, or was refused it."""

    cut: Cut
    turn: anyio.Event = field(default_factory=anyio.Event)
    refusal: TianjiError | None = None


@dataclass(slots=True)
class InFlight:
    """Places for calls, first come, first served.

    Attributes:
        max_in_flight: How many calls have a place at the same time.
        max_queued: How many wait for one; who comes then is refused.
    """

    max_in_flight: int = _NO_LIMITS.max_in_flight
    max_queued: int = _NO_LIMITS.max_queued
    _running: dict[str, Cut] = field(default_factory=dict)
    _queue: dict[str, _Waiting] = field(default_factory=dict)
    _ended: Why | None = None

    @property
    def count(self) -> int:
        """How many calls have a place."""
        return len(self._running)

    @property
    def queued(self) -> int:
        """How many calls wait for one."""
        return len(self._queue)

    def follow(self, general: GeneralSettings) -> None:
        """Take over what the configuration says. Calls that have a place keep it; who waits beyond a smaller queue waits on."""
        self.max_in_flight, self.max_queued = general.max_in_flight, general.max_queued
        self._call_up()

    def enter(self, call_id: str, cut: Cut) -> bool:
        """Take a place, if one is free: then nobody waits.

        Raises:
            TianjiError: everything was cut, and nothing begins any more.
        """
        if self._ended is not None:
            raise self._ended()
        if len(self._running) >= self.max_in_flight:
            return False
        self._running[call_id] = cut
        return True

    async def wait(self, call_id: str, cut: Cut, *, seconds: float) -> None:
        """Wait for a place and take it.

        Raises:
            OverloadedError: too many wait already.
            DeadlineExceededError: none became free in time.
        """
        if len(self._queue) >= self.max_queued:
            raise OverloadedError(
                f"the gateway carries {self.count} calls and {self.queued} wait", hint="try again", retry_after_seconds=_RETRY_AFTER_SECONDS
            )
        waiting = self._queue[call_id] = _Waiting(cut)
        try:
            with anyio.move_on_after(seconds):
                await waiting.turn.wait()
        except BaseException:
            self.leave(call_id)
            raise
        if waiting.refusal is not None:
            raise waiting.refusal
        if not waiting.turn.is_set():
            self.leave(call_id)
            raise DeadlineExceededError(
                "the call's time ran out while it waited for a place in the gateway", retry_after_seconds=_RETRY_AFTER_SECONDS
            )

    def leave(self, call_id: str) -> None:
        """Give up the place, or the wish for one; without either nothing happens."""
        self._queue.pop(call_id, None)
        if self._running.pop(call_id, None) is not None:
            self._call_up()

    def cut(self, why: Why) -> None:
        """End every call with an error, and let none begin any more."""
        self._ended = why
        for waiting in self._queue.values():
            waiting.refusal = why()
            waiting.turn.set()
        self._queue.clear()
        for cut in tuple(self._running.values()):
            cut(why())

    def _call_up(self) -> None:
        while self._queue and len(self._running) < self.max_in_flight:
            call_id = next(iter(self._queue))
            waiting = self._queue.pop(call_id)
            self._running[call_id] = waiting.cut
            waiting.turn.set()
