"""How a process is told to end."""

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.containers import container_of
from tianji_app.container import resolve
from tianji_app.options import Options, options_of
from tianji_app.shutdown import Shutdown, lock_wait
from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.readiness import CheckReadiness
from tianji_core.config.gateway_config import GeneralSettings

pytestmark = pytest.mark.anyio
GENERAL = GeneralSettings(shutdown_delay_seconds=1, shutdown_grace_seconds=2)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(slots=True)
class ToldServer:
    """Remembers what it was told."""

    told: list[Any] = field(default_factory=list)

    async def end(self, *, delay_seconds: float, grace_seconds: float) -> None:
        self.told.append((delay_seconds, grace_seconds))

    def hurry(self) -> None:
        self.told.append("hurry")


def _shutdown(data_dir: Path, options: Options) -> tuple[Shutdown, ToldServer]:
    container, server = container_of(data_dir), ToldServer()
    return Shutdown(server, resolve(container, CheckReadiness), resolve(container, SnapshotHolder), options), server  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "flags", "told"),
    [
        (signal.SIGTERM, {}, (5.0, 30.0)),
        (signal.SIGTERM, {"shutdown_delay": 0.5, "shutdown_grace": 0.0}, (0.5, 0.0)),
        (signal.SIGINT, {"shutdown_delay": 7.0}, (0.0, 30.0)),
    ],
)
async def test_first_signal_asks_for_the_end_in_its_time(number: int, flags: dict[str, float], told: object, tmp_path: Path) -> None:
    shutdown, server = _shutdown(tmp_path, options_of({}, **flags))  # type: ignore[arg-type]
    await shutdown(number)
    assert server.told == [told]
    assert not (await shutdown.readiness()).ready


async def test_second_signal_asks_for_the_end_at_once(tmp_path: Path) -> None:
    shutdown, server = _shutdown(tmp_path, options_of({}))
    await shutdown(signal.SIGTERM)
    await shutdown(signal.SIGTERM)
    assert server.told == [(5.0, 30.0), "hurry"]


@pytest.mark.parametrize(
    ("flags", "seconds"), [({}, 8.0), ({"shutdown_delay": 3.0, "shutdown_grace": 4.0}, 12.0), ({"lock_wait_seconds": 0.0}, 0.0)]
)
def test_start_waits_for_the_one_before_as_long_as_its_end_may_take(flags: dict[str, float], seconds: float) -> None:
    assert lock_wait(options_of({}, **flags), GENERAL) == seconds  # type: ignore[arg-type]
