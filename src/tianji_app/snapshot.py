"""One consistent configuration, replaced as a whole. A call holds the one it began with to its end."""

from collections.abc import Mapping
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


@dataclass(slots=True)
class SnapshotHolder:
    """Where the current snapshot is found. Replacing it is one assignment."""

    current: Snapshot
