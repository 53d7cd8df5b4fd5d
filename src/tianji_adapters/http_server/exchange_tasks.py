"""What runs beside one exchange: the watch on its client, and the keep-alive of a stream.

On asyncio these are tasks of the loop under one cancel scope, a third of the price of a task group; elsewhere they are a task group.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

import anyio
from anyio.abc import TaskGroup


class ExchangeTasks(Protocol):
    """Begins and ends with its block: at the end every task is cancelled. The first error of a task cancels the block and is raised."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None: ...

    def start_soon(self, run: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        """Begin a task."""
        ...

    def cancel(self) -> None:
        """Cancel the block and every task."""
        ...


def exchange_tasks() -> ExchangeTasks:
    """Return the tasks of one exchange."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _GroupTasks()
    return _LoopTasks()


@dataclass(slots=True)
class _LoopTasks:
    _scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _error: BaseException | None = None

    async def __aenter__(self) -> Self:
        self._scope.__enter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        for task in self._tasks:
            task.cancel()
        swallows = self._scope.__exit__(kind, error, trace)
        if self._error is not None and (error is None or swallows):
            raise self._error
        return swallows

    def start_soon(self, run: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        task = asyncio.get_running_loop().create_task(run(*args))
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def cancel(self) -> None:
        self._scope.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and self._error is None:
            self._error = error
            self._scope.cancel()


@dataclass(slots=True)
class _GroupTasks:
    _group: TaskGroup = field(default_factory=anyio.create_task_group)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        self._group.cancel_scope.cancel()
        return await self._group.__aexit__(kind, error, trace)

    def start_soon(self, run: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        self._group.start_soon(run, *args)

    def cancel(self) -> None:
        self._group.cancel_scope.cancel()
