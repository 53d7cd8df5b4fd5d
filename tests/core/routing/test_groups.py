"""From a model name to its deployments."""

import pytest

from support.routing import deployment
from tianji_core.calls.controls import Controls
from tianji_core.errors import InvalidRequestError, NotFoundError
from tianji_core.routing.groups import ModelIndex
from tianji_core.routing.settings import Alias, RouterSettings


def index(*members: object, **aliases: Alias) -> ModelIndex:
    return ModelIndex.build(members, aliases)  # type: ignore[arg-type]


def ids(found_index: ModelIndex, name: str) -> list[str]:
    return [member.id for member in found_index.find(name).deployments]


def test_a_group_has_all_its_deployments_in_configuration_order() -> None:
    assert ids(index(deployment("b"), deployment("a"), deployment("c", "other")), "gpt-4o") == ["b", "a"]


def test_an_alias_comes_before_a_group_of_the_same_name() -> None:
    models = index(deployment("a"), deployment("b", "other"), **{"gpt-4o": Alias(group="other")})
    found = models.find("gpt-4o")
    assert (found.asked, found.group, found.deployments[0].id) == ("gpt-4o", "other", "b")


def test_aliases_are_followed_one_step_only() -> None:
    models = index(deployment("a", "real"), first=Alias(group="second"), second=Alias(group="real"))
    assert models.lookup("first") is None
    assert models.find("second").group == "real"


def test_an_exact_name_comes_before_a_wildcard() -> None:
    assert ids(index(deployment("w", "gpt-*"), deployment("e")), "gpt-4o") == ["e"]


def test_a_wildcard_comes_before_a_provider_prefix() -> None:
    assert ids(index(deployment("e"), deployment("w", "openai/*", model="*")), "openai/gpt-4o") == ["w"]


def test_a_provider_prefix_narrows_the_group_to_that_provider() -> None:
    models = index(deployment("a"), deployment("b", provider="azure"))
    found = models.find("azure/gpt-4o")
    assert [member.id for member in found.deployments] == ["b"]
    assert found.group == "gpt-4o"
    assert models.lookup("groq/gpt-4o") is None


def test_the_default_group_serves_what_nothing_else_does_and_comes_last() -> None:
    models = index(deployment("d", "*", model="*"), deployment("a"))
    assert ids(models, "azure/gpt-4o") == ["d"]
    assert ids(models, "openai/gpt-4o") == ["a"]
    assert models.find("anything").deployments[0].model == "anything"
    assert models.find("anything").configured == "*"


def test_a_wildcard_fills_the_model_and_keeps_the_name_that_was_asked_for() -> None:
    found = index(deployment("w", "eu/*/v*", model="*-x-*")).find("eu/gpt/v4")
    assert found.deployments[0].model == "gpt-x-4"
    assert (found.group, found.configured) == ("eu/gpt/v4", "eu/*/v*")


def test_an_alias_may_lead_to_a_wildcard() -> None:
    found = index(deployment("w", "openai/*", model="*"), smart=Alias(group="openai/gpt-4o")).find("smart")
    assert (found.asked, found.group, found.deployments[0].model) == ("smart", "openai/gpt-4o", "gpt-4o")


def test_the_most_specific_wildcard_wins_whatever_the_order() -> None:
    for members in ([deployment("s", "a/*-mini"), deployment("l", "a/*")], [deployment("l", "a/*"), deployment("s", "a/*-mini")]):
        assert ids(index(*members), "a/x-mini") == ["s"]


def test_equally_specific_wildcards_go_by_configuration_order() -> None:
    assert ids(index(deployment("first", "*ab"), deployment("second", "ab*")), "ab") == ["first"]


def test_a_star_in_the_callers_name_is_not_the_name_of_a_wildcard_group() -> None:
    assert index(deployment("w", "openai/x-*")).lookup("openai/*") is None


def test_an_unknown_model_is_not_found() -> None:
    with pytest.raises(NotFoundError) as caught:
        index(deployment("a")).find("nope")
    assert (caught.value.param, caught.value.code) == ("model", "model_not_found")


def test_an_impossible_name_is_refused_before_the_default_group_is_asked() -> None:
    with pytest.raises(InvalidRequestError):
        index(deployment("d", "*", model="*")).find("gpt\n4o")


def test_the_list_shows_groups_and_aliases_but_not_hidden_ones_nor_wildcards() -> None:
    models = index(
        deployment("a"),
        deployment("w", "openai/*"),
        deployment("d", "*"),
        deployment("h", "secret"),
        shown=Alias(group="gpt-4o"),
        secret=Alias(group="gpt-4o", hidden=True),
        hidden=Alias(group="gpt-4o", hidden=True),
    )
    assert models.names() == ("gpt-4o", "shown")
    assert models.names(wildcards=True) == ("gpt-4o", "openai/*", "shown")


SETTINGS = RouterSettings(
    fallbacks={"a": ("b",), "b": ("c",), "c": ("a", "missing")},
    context_window_fallbacks={"a": ("long",)},
    content_policy_fallbacks={"long": ("mild",)},
)
MEMBERS = [deployment(name, name) for name in ("a", "b", "c", "long", "mild", "other")]


def reach(settings: RouterSettings, controls: Controls) -> list[str]:
    return [member.id for member in index(*MEMBERS).candidates("a", settings, controls)]


def test_candidates_are_all_that_any_kind_of_fallback_can_reach() -> None:
    assert reach(SETTINGS, Controls()) == ["a", "b", "long", "c", "mild"]


def test_candidates_end_where_fallbacks_end() -> None:
    assert reach(RouterSettings(fallbacks=SETTINGS.fallbacks, max_fallbacks=1), Controls()) == ["a", "b"]
    assert reach(SETTINGS, Controls(disable_fallbacks=True)) == ["a"]


def test_candidates_follow_the_requests_own_lists() -> None:
    assert reach(SETTINGS, Controls(fallbacks=("other",))) == ["a", "other"]


def test_candidates_of_an_unknown_model_are_not_found() -> None:
    with pytest.raises(NotFoundError):
        index().candidates("a", SETTINGS, Controls())
