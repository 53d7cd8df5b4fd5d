"""Every module of `tianji_core.routing.strategies` is a strategy."""

import importlib
import pkgutil
from random import Random

import pytest

from support.routing import deployment
from tianji_core.routing import strategies
from tianji_core.shapes.strategies import Strategy

MODULES = [module.name for module in pkgutil.iter_modules(strategies.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_each_module_exports_a_strategy_of_its_own_name_that_picks_one_of_the_given(name: str) -> None:
    strategy = importlib.import_module(f"{strategies.__name__}.{name}").STRATEGY
    assert isinstance(strategy, Strategy)
    assert strategy.name == name.replace("_", "-")
    members = [deployment("a"), deployment("b")]
    assert strategy.pick(members, Random(1)) in members
    assert strategy.pick(members[:1], Random(1)) is members[0]


def test_there_is_a_strategy() -> None:
    assert MODULES
