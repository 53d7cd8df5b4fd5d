from decimal import Decimal

import pytest

from tianji_core.pricing.adjustments import Adjustments, Margin


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-4", "0.1"),
        ("openai", "gpt-5", "0.2"),
        ("openai", "gpt-5-mini", "0.3"),
        ("openai", "gpt-5-mini-2025", "0.3"),
        ("openai", "a-big-model", "0.4"),
        ("groq", "gpt-5", "0"),
        ("bedrock", "eu.anthropic.claude-x", "0.5"),
        ("bedrock", "anthropic.titan", "0"),
    ],
)
def test_the_longest_matching_pattern_beats_the_provider(provider: str, model: str, expected: str) -> None:
    discounts = {
        "openai": "0.1",
        "openai/gpt-5*": "0.2",
        "openai/gpt-5-mini*": "0.3",
        "openai/*-big-*": "0.4",
        "bedrock/*anthropic*claude*": "0.5",
    }
    assert Adjustments(discounts={key: Decimal(value) for key, value in discounts.items()}).discount(provider, model) == Decimal(expected)


def test_a_pattern_without_a_star_is_the_whole_name() -> None:
    adjustments = Adjustments(discounts={"openai/gpt-5": Decimal("0.2")})
    assert adjustments.discount("openai", "gpt-5") == Decimal("0.2")
    assert adjustments.discount("openai", "gpt-5-mini") == 0


def test_the_two_ends_of_a_pattern_may_not_overlap() -> None:
    assert Adjustments(discounts={"a/xy*yz": Decimal("0.2")}).discount("a", "xyz") == 0


def test_a_providers_margin_beats_the_global_one() -> None:
    margins = {
        "global": Margin(fraction=Decimal("0.05")),
        "openai": Margin(fraction=Decimal("0.08"), fixed_usd=Decimal("0.0005")),
        "groq": Margin(fixed_usd=Decimal(1)),
    }
    adjustments = Adjustments(margins=margins)
    assert adjustments.margin("openai", "m") == Margin(fraction=Decimal("0.08"), fixed_usd=Decimal("0.0005"))
    assert adjustments.margin("groq", "m") == Margin(fixed_usd=Decimal(1))
    assert adjustments.margin("anthropic", "m") == Margin(fraction=Decimal("0.05"))


def test_global_is_no_discount() -> None:
    assert Adjustments(discounts={"global": Decimal("0.5")}).discount("openai", "m") == 0


def test_nothing_is_adjusted_by_default() -> None:
    assert Adjustments().discount("openai", "m") == 0
    assert Adjustments().margin("openai", "m") == Margin()
