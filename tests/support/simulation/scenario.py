"""What a seed stands for: who calls whom with how much money, what fails, and when the process ends."""

from random import Random
from typing import Literal

import msgspec

from support.gateway_parts import EPOCH_NS, deployment, virtual_key
from support.simulation.chance import stream_of
from tianji_core.access.keys import VirtualKey
from tianji_core.access.limits import Limits
from tianji_core.calls.deployment import Deployment
from tianji_core.config.gateway_config import GeneralSettings
from tianji_core.routing.settings import RouterSettings
from tianji_core.spend.journal_settings import JournalSettings

NS = 1_000_000_000
NANO_PER_TOKEN = {"gpt-4o": (2_500, 10_000), "gpt-4o-mini": (1_000, 4_000)}
"""What a model takes for a token of the prompt and of the answer."""

Ending = Literal["kill", "torn", "stop"]
"""A kill, a kill while bytes go to the journal, or a shutdown."""


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How often something fails, each as a share of its occasions.

    Attributes:
        lost: The store did what it was asked, and the answer is lost.
        twice: The store gets the same rows twice.
        refused: The store refuses rows for no reason that anybody foresaw.
        away: Simulated seconds between which the store is away, if it ever is.
        disk: The same, of the journal's disk.
        upstream: A provider does not answer as it should.
        leaves: A caller leaves.
    """

    lost: float = 0.0
    twice: float = 0.0
    refused: float = 0.0
    away: tuple[float, float] = (0.0, 0.0)
    disk: tuple[float, float] = (0.0, 0.0)
    upstream: float = 0.0
    leaves: float = 0.0


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One world.

    Attributes:
        callers: How many call at the same time; each makes `calls`, and tries a refused one again.
        pace: Seconds between two calls of one of them, on the average.
        endings: After which step the process ends, and how.
    """

    seed: int
    callers: int
    calls: int
    pace: float
    keys: tuple[tuple[str, VirtualKey], ...]
    deployments: tuple[Deployment, ...]
    router: RouterSettings
    general: GeneralSettings
    journal: JournalSettings
    faults: Faults
    endings: tuple[tuple[int, Ending], ...]


def scenario_of(seed: int) -> Scenario:
    """Return the world of a seed."""
    rng = stream_of(seed, "scenario")
    ends = rng.random() < 0.7
    return Scenario(
        seed=seed,
        callers=rng.randint(2, 8),
        calls=rng.randint(4, 9),
        pace=rng.choice((0.2, 1.0, 6.0)),
        keys=tuple(_key(number, rng) for number in range(rng.randint(1, 3))),
        deployments=(
            deployment("a"),
            deployment("b", model="gpt-4o-mini"),
            deployment("c", group="spare", model="gpt-4o-mini"),
        ),
        router=_router(rng),
        general=GeneralSettings(
            max_in_flight=rng.choice((2, 1000)), max_queued=rng.choice((1, 100)), default_max_output_tokens=rng.choice((64, 2_048))
        ),
        journal=JournalSettings(
            sync_interval_seconds=rng.choice((0.0, 0.5, None)),
            segment_bytes=rng.choice((2_048, 1 << 20)),
            copy_forward_seconds=rng.choice((3.0, 600.0)),
            memory_rows=rng.choice((2, 5_000)),
        ),
        faults=_faults(rng, ends=ends),
        endings=_endings(rng) if ends else (),
    )


def _key(number: int, rng: Random) -> tuple[str, VirtualKey]:
    text = f"sk-{number:06}-0123456789abcdef"
    duration = rng.choice((None, "5s", "20s", "1m"))
    limits = Limits(
        max_budget_nano=rng.choice((None, 1_400_000, 1_400_000, 3_000_000, 25_000_000)),
        budget_duration=duration,
        budget_started_at_ns=EPOCH_NS if duration else 0,
        rpm=rng.choice((None, None, 5, 30)),
        tpm=rng.choice((None, None, 4_000)),
        max_parallel=rng.choice((None, None, 1, 2)),
    )
    return text, virtual_key(text, limits=limits)


def _router(rng: Random) -> RouterSettings:
    return RouterSettings(
        num_retries=rng.randrange(3),
        timeout_seconds=rng.choice((6.0, 20.0)),
        stream_timeout_seconds=rng.choice((None, 4.0)),
        first_byte_hold_seconds=rng.choice((0.05, 2.0)),
        stream_idle_seconds=3.0,
        max_stream_seconds=rng.choice((2.0, 30.0)),
        cooldown_seconds=rng.choice((None, 1.0)),
        fallbacks={"fast": ("spare",)} if rng.random() < 0.6 else {},
    )


def _faults(rng: Random, *, ends: bool) -> Faults:
    """What a process keeps in memory for want of a disk, or of a store that takes it, is no longer bound when the process ends as well."""
    begins = rng.random() * 8
    return Faults(
        lost=rng.choice((0.0, 0.3)),
        twice=rng.choice((0.0, 0.3)),
        refused=0.0 if ends else rng.choice((0.0, 0.2)),
        away=(begins, begins + rng.random() * 12) if rng.random() < 0.4 else (0.0, 0.0),
        disk=(begins, begins + rng.random() * 5) if not ends and rng.random() < 0.5 else (0.0, 0.0),
        upstream=rng.choice((0.0, 0.2, 0.5)),
        leaves=rng.choice((0.0, 0.2, 0.5)),
    )


def _endings(rng: Random) -> tuple[tuple[int, Ending], ...]:
    kinds: tuple[Ending, ...] = ("kill", "kill", "torn", "stop")
    found: list[tuple[int, Ending]] = []
    step = 0
    for _ in range(rng.randint(1, 4)):
        step += rng.randint(1, 80) if rng.random() < 0.3 else rng.randint(100, 1_200)
        found.append((step, rng.choice(kinds)))
    return tuple(found)
