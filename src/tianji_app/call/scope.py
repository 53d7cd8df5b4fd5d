"""Where a call runs: it can be cancelled from outside, and its streamed answer is read by a task of its own."""

from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup


@dataclass(slots=True)
class CallScope:
    """Entered before anything goes upstream, left last. A whole answer needs no task, and so no group of them.

    Attributes:
        tasks: Of a streamed call, while it runs.
    """

    tasks: TaskGroup | None = None
    _scope: anyio.CancelScope | None = None

    async def enter(self, *, stream: bool) -> None:
        """Begin."""
        if stream:
            self.tasks = await anyio.create_task_group().__aenter__()
            return
        self._scope = anyio.CancelScope()
        self._scope.__enter__()

    def cancel(self) -> None:
        """End what runs; before it began there is nothing to end."""
        if self.tasks is not None:
            self.tasks.cancel_scope.cancel()
        if self._scope is not None:
            self._scope.cancel()

    async def leave(self) -> None:
        """End. Every task has ended by then."""
        tasks, scope = self.tasks, self._scope
        self.tasks = self._scope = None
        if scope is not None:
            scope.__exit__(None, None, None)
        if tasks is not None:
            await tasks.__aexit__(None, None, None)
