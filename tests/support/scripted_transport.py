"""The upstream of the tests: the transport in memory, less forgiving."""

from dataclasses import dataclass

from tianji_adapters.memory.http_transport import HANG, MemoryHttpTransport, Script

__all__ = ["HANG", "Script", "ScriptedTransport"]


@dataclass(slots=True)
class ScriptedTransport(MemoryHttpTransport):
    """Leaves a connection open whose closing was cancelled: whoever leaves a call must shield it."""

    closes_when_cancelled: bool = False
