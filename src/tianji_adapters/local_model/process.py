"""Starting and stopping the child process that serves the model."""

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from subprocess import DEVNULL, PIPE
from types import TracebackType
from typing import Self

import anyio
import anyio.abc
import msgspec
from anyio.streams.buffered import BufferedByteReceiveStream

from tianji_adapters.local_model.files import NAME, available
from tianji_core.errors import DependencyUnavailableError

START_SECONDS = 30.0
STOP_SECONDS = 5.0
_LONGEST_LINE = 64 * 1024
_HINT = "`python -m tianji_adapters.local_model.child` shows why; `tianji serve --no-local-model` starts without it"

__all__ = ["LocalModel", "available"]


@dataclass(slots=True)
class LocalModel:
    """The model's server while the block runs.

    Attributes:
        model: The name under which it answers.
        base_url: Where, without `/v1`; empty outside the block.
        process_id: Of the child; None outside the block.
    """

    model: str = NAME
    base_url: str = ""
    process_id: int | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            DependencyUnavailableError: it does not start.
        """
        process = await anyio.open_process(
            [sys.executable, "-P", "-m", "tianji_adapters.local_model.child"],
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is for the gateway, whose calls still need the model while they end
        )
        self.process_id = process.pid
        self._stack.push_async_callback(_stop, process)
        try:
            with anyio.fail_after(START_SECONDS):
                self.base_url = await _address(process)
        except BaseException as error:
            await self._stack.aclose()
            if isinstance(error, TimeoutError):
                message = f"the local model did not start within {START_SECONDS:.0f} seconds"
                raise DependencyUnavailableError(message, hint=_HINT) from None
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop it."""
        await self._stack.aclose()
        self.base_url, self.process_id = "", None


async def _address(process: anyio.abc.Process) -> str:
    """Return the address in the one line that the child says."""
    if process.stdout is None:
        raise DependencyUnavailableError("the local model has no output")
    try:
        line = await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", _LONGEST_LINE)
        said = msgspec.json.decode(line, type=dict[str, str])
    except (anyio.EndOfStream, anyio.IncompleteRead):
        raise DependencyUnavailableError("the local model ended before it was ready", hint=_HINT) from None
    except (anyio.DelimiterNotFound, msgspec.DecodeError):
        raise DependencyUnavailableError("the local model said something that is not an address", hint=_HINT) from None
    if "address" not in said:
        raise DependencyUnavailableError(f"the local model cannot start: {said.get('error', 'it gave no reason')}", hint=_HINT)
    return said["address"]


async def _stop(process: anyio.abc.Process) -> None:
    with anyio.CancelScope(shield=True):
        if process.stdin is not None:
            await process.stdin.aclose()
        with anyio.move_on_after(STOP_SECONDS):
            await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
        await process.aclose()
