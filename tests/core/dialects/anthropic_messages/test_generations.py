"""What a model accepts, read from its name."""

import pytest

from support.chat import deployment
from tianji_core.dialects.anthropic_messages.generations import Generation, generation_of, parse_generation


@pytest.mark.parametrize(
    ("model", "family", "version"),
    [
        ("claude-3-opus-20240229", "opus", (3, 0)),
        ("claude-3-5-haiku-latest", "haiku", (3, 5)),
        ("claude-3-7-sonnet-20250219", "sonnet", (3, 7)),
        ("claude-2.1", "", (2, 1)),
        ("claude-instant-1.2", "instant", (1, 2)),
        ("claude-sonnet-4-20250514", "sonnet", (4, 0)),
        ("claude-sonnet-4-0", "sonnet", (4, 0)),
        ("claude-sonnet-4-5-20250929", "sonnet", (4, 5)),
        ("anthropic/claude-opus-4.6", "opus", (4, 6)),
        ("us.anthropic.claude-opus-4-7-v1:0", "opus", (4, 7)),
        ("claude-opus-5@20260101", "opus", (5, 0)),
        ("claude-fable-5-1", "fable", (5, 1)),
        ("claude-mythos-preview", "mythos", (99, 0)),
        ("minimax-m2", "", (3, 7)),
    ],
)
def test_name_tells_family_and_version(model: str, family: str, version: tuple[int, int]) -> None:
    assert parse_generation(model) == Generation(family, version)


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("claude-3-5-sonnet-20241022", ""),
        ("claude-sonnet-4-0", "thinks"),
        ("claude-haiku-4-5", "thinks structured"),
        ("claude-opus-4-6", "thinks structured adaptive"),
        ("claude-opus-4-7", "thinks structured adaptive only xhigh nosampling"),
        ("claude-opus-5-5", "thinks structured adaptive only xhigh nosampling noforce"),
        ("claude-haiku-5-5", "thinks structured adaptive only xhigh nosampling"),
        ("claude-fable-5", "thinks structured adaptive only xhigh nosampling always"),
        ("claude-mythos-5-1", "thinks structured adaptive only xhigh nosampling always noforce"),
    ],
)
def test_each_generation_accepts_what_its_documentation_says(model: str, facts: str) -> None:
    found = parse_generation(model)
    told = {
        "thinks": found.thinks,
        "structured": found.has_structured_output,
        "adaptive": found.is_adaptive,
        "only": found.is_only_adaptive,
        "xhigh": found.takes_xhigh,
        "nosampling": found.refuses_sampling,
        "always": found.always_thinks,
        "noforce": found.refuses_forced_tools,
    }
    assert {name for name, value in told.items() if value} == set(facts.split())


def test_base_model_stands_for_a_deployments_own_name() -> None:
    named = deployment("anthropic", "house-model", model_info={"base_model": "claude-opus-4-7"})
    assert generation_of(named).version == (4, 7)
