"""The packaged price table, read once for all tests of prices."""

import pytest

from tianji_adapters.system.packaged_data import PackagedPrices, packaged_prices
from tianji_core.pricing.prices import PriceTable, price_table


@pytest.fixture(scope="session")
def packaged() -> PackagedPrices:
    return packaged_prices()


@pytest.fixture(scope="session")
def packaged_table(packaged: PackagedPrices) -> PriceTable:
    return price_table(package=packaged.entries, corrections=packaged.corrections, date=packaged.date)
