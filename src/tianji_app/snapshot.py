"""One consistent configuration, replaced as a whole. A call holds the one it began with to its end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tianji_core.config.gateway_config import GatewayConfig
from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.prices import PriceTable
from tianji_core.routing.groups import ModelIndex
from tianji_core.shapes.codecs import Provider


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a call reads of the configuration."""

    config: GatewayConfig
    index: ModelIndex
    prices: PriceTable
    adjustments: Adjustments
    providers: Mapping[str, Provider]


Follower = Callable[[Snapshot], None]


@dataclass(slots=True)
class SnapshotHolder:
    """Where the current snapshot is found.

    Attributes:
        followers: What keeps a copy of something in the snapshot and must hear of a new one. None of them waits or fails.
    """

    current: Snapshot
    followers: Sequence[Follower] = ()

    def replace(self, snapshot: Snapshot) -> None:
        """Put a new snapshot into force: the followers know it before any call does."""
        for follow in self.followers:
            follow(snapshot)
        self.current = snapshot
