"""From configuration and price files to a snapshot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import msgspec

from tianji_adapters.system.config_files import load_config_file, read_source
from tianji_adapters.system.packaged_data import PackagedPrices, packaged_prices
from tianji_app.options import Options
from tianji_app.snapshot import Snapshot
from tianji_core.calls.deployment import Deployment
from tianji_core.config.gateway_config import GatewayConfig, PriceSettings
from tianji_core.config.load import config_without_file
from tianji_core.errors import ConfigurationError, InvalidRequestError
from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.entry import price_entry
from tianji_core.pricing.prices import PricesFile, PriceTable, price_table
from tianji_core.routing.groups import ModelIndex
from tianji_core.shapes.codecs import Provider
from tianji_core.wire.json import decode_object


@dataclass(frozen=True, slots=True)
class ConfigurationSource:
    """Everything a snapshot is made of. `extra` are deployments that stand in no file: the embedded model.

    The packaged price table is read once; the operator's own files are read at each load.
    """

    options: Options
    providers: Mapping[str, Provider]
    extra: tuple[Deployment, ...] = ()
    packaged: PackagedPrices = field(default_factory=packaged_prices)

    def load(self) -> Snapshot:
        """Return a snapshot of the files as they are now. Blocks on the disk.

        Raises:
            ConfigurationError: something in them is wrong; the message holds every file, line and reason.
        """
        table = self._prices(PriceSettings())
        config = self._config(table)
        if config.prices != PriceSettings():
            table = self._prices(config.prices)
            config = self._config(table)
        config = msgspec.structs.replace(config, deployments=(*config.deployments, *self.extra))
        _check_prices(config.deployments)
        return Snapshot(
            config=config,
            index=ModelIndex.build(config.deployments, config.router.aliases),
            prices=table,
            adjustments=Adjustments(discounts=config.prices.discounts, margins=config.prices.margins),
            providers=self.providers,
        )

    def _config(self, table: PriceTable) -> GatewayConfig:
        if self.options.config is None:
            return config_without_file(self.options.environment)
        return load_config_file(self.options.config, self.options.environment, self.providers, table.known)

    def _prices(self, settings: PriceSettings) -> PriceTable:
        make = partial(price_table, package=self.packaged.entries, date=self.packaged.date, corrections=self.packaged.corrections)
        file = None
        if settings.file is not None:
            path = settings.file.path
            source = read_source(path)
            if source.text is None:
                raise ConfigurationError(f"the price file cannot be read: {source.problem}", file=path)
            file = PricesFile(entries=_entries(source.text, path), mode=settings.file.mode)
        return make(file=file, overrides=settings.overrides)


def _check_prices(deployments: Iterable[Deployment]) -> None:
    """Refuse a custom price that could not be computed: after the call it would be too late.

    Raises:
        ConfigurationError: it names the deployment.
    """
    for deployment in deployments:
        try:
            price_entry(deployment.id, deployment.prices, custom=True)
        except ConfigurationError as error:
            raise ConfigurationError(f"the price of a deployment of `{deployment.group}`: {error.message}", hint=error.hint) from None


def _entries(text: str, path: str) -> dict[str, dict[str, object]]:
    try:
        entries = decode_object(text.encode())
    except InvalidRequestError:
        raise ConfigurationError("the price file is not a JSON object", file=path) from None
    wrong = [name for name, entry in entries.items() if not isinstance(entry, dict)]
    if wrong:
        raise ConfigurationError(f"the price of {wrong[0]!r} is not an object", file=path)
    return {name: entry for name, entry in entries.items() if isinstance(entry, dict)}
