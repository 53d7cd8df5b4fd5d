"""The weighted random choice."""

from collections import Counter
from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.routing import deployment, weighted
from tianji_core.calls.deployment import Deployment
from tianji_core.routing.strategies.simple_shuffle import STRATEGY, pick

DRAWS = 10_000


def counts(members: list[Deployment], seed: int = 7) -> Counter[str]:
    rng = Random(seed)
    return Counter(pick(members, rng).id for _ in range(DRAWS))


class Fixed:
    """A source that always says the same."""

    def __init__(self, value: float) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


def test_weights_three_to_one_show_in_ten_thousand_draws() -> None:
    # Four standard deviations of a binomial with p = 3/4: 173.
    assert abs(counts([weighted("a", "3"), weighted("b", "1")])["a"] - 7500) < 173


@given(weights=st.lists(st.integers(0, 20), min_size=2, max_size=5).filter(any), seed=st.integers(0, 2**32))
def test_frequency_follows_the_weights(weights: list[int], seed: int) -> None:
    members = [weighted(str(position), str(weight)) for position, weight in enumerate(weights)]
    rng = Random(seed)
    drawn = Counter(str(pick(members, rng).id) for _ in range(2000))
    for position, weight in enumerate(weights):
        share = weight / sum(weights)
        # Six standard deviations, so that no honest draw fails in the life of this suite.
        assert abs(drawn[str(position)] - 2000 * share) <= 6 * (2000 * share * (1 - share)) ** 0.5


def test_a_weight_of_zero_or_none_is_never_picked_while_another_is_above_zero() -> None:
    assert counts([weighted("a", "1"), weighted("b", "0"), weighted("c", None)]) == {"a": DRAWS}


def test_all_zero_is_uniform() -> None:
    assert abs(counts([weighted("a", "0"), weighted("b", "0")])["a"] - 5000) < 200


def test_removing_one_leaves_the_proportions_of_the_others() -> None:
    drawn = counts([weighted("a", "6"), weighted("b", "2")])
    assert abs(drawn["a"] - 7500) < 173
    drawn = counts([weighted("a", "6"), weighted("b", "2"), weighted("c", "4")])
    assert abs(drawn["a"] / (drawn["a"] + drawn["b"]) - 0.75) < 0.03


def numbered(name: str, field: str, number: int) -> Deployment:
    return msgspec.structs.replace(deployment(name), **{field: number})


@pytest.mark.parametrize("field", ["rpm", "tpm"])
def test_rpm_then_tpm_stand_in_for_weights(field: str) -> None:
    assert abs(counts([numbered("a", field, 300), numbered("b", field, 100)])["a"] - 7500) < 173


def test_rpm_beats_tpm_and_weight_beats_rpm() -> None:
    assert counts([deployment("a", tpm=100), deployment("b", rpm=1)]) == {"b": DRAWS}
    assert counts([deployment("a", rpm=100), deployment("b", weight=Decimal(1))]) == {"b": DRAWS}


def test_without_numbers_the_choice_is_uniform() -> None:
    assert abs(counts([deployment("a"), deployment("b")])["a"] - 5000) < 200


@pytest.mark.parametrize("members", [[weighted("a", "0.1"), weighted("b", "0.2")], [deployment("a"), deployment("b")]])
def test_the_ends_of_the_random_range_pick_the_ends_of_the_list(members: list[Deployment]) -> None:
    assert pick(members, Fixed(0.0)).id == "a"
    assert pick(members, Fixed(1.0 - 2**-53)).id == "b"
    assert pick(members, Fixed(1.0)).id == "b"


def test_it_is_the_strategy_of_its_name() -> None:
    assert (STRATEGY.name, STRATEGY.pick) == ("simple-shuffle", pick)
