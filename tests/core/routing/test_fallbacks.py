"""Which list follows which error."""

import pytest

from tianji_core import errors
from tianji_core.calls.controls import Controls
from tianji_core.routing.fallbacks import FailureKind, failure_kind, requested_groups, targets_of
from tianji_core.routing.settings import RouterSettings

SETTINGS = RouterSettings(
    fallbacks={"g": ("general",), "*": ("default",), "openai/*": ("pattern",)},
    context_window_fallbacks={"g": ("long",)},
    content_policy_fallbacks={"h": ("mild",), "g": ()},
)


def targets(
    kind: FailureKind, controls: Controls | None = None, *, group: str = "g", configured: str = "g", depth: int = 0
) -> tuple[str, ...]:
    return targets_of(group, configured, kind, SETTINGS, controls or Controls(), depth=depth)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.UpstreamUnavailableError("x"), "general"),
        (errors.UpstreamRateLimitedError("x"), "general"),
        (errors.UpstreamModelMissingError("x"), "general"),
        (errors.UpstreamAuthenticationError("x"), "general"),
        (errors.AllCoolingDownError("x"), "general"),
        (errors.ContextWindowExceededError("x"), "context_window"),
        (errors.ContentPolicyError("x"), "content_policy"),
        (errors.InvalidRequestError("x"), None),
        (errors.UnsupportedParameterError("x"), None),
        (errors.DeadlineExceededError("x"), None),
        (errors.DependencyUnavailableError("x"), None),
        (errors.BudgetExceededError("x"), None),
    ],
)
def test_each_error_is_followed_up_by_one_list_or_none(error: errors.TianjiError, kind: str | None) -> None:
    assert failure_kind(error) == kind


def test_a_kind_without_an_entry_of_its_own_uses_the_general_list() -> None:
    assert targets("context_window") == ("long",)
    assert targets("content_policy", group="k", configured="k") == ("default",)


def test_an_empty_list_of_its_own_means_no_fallback() -> None:
    assert targets("content_policy") == ()


def test_a_group_is_looked_up_by_name_then_without_prefix_then_by_pattern_then_default() -> None:
    assert targets("general") == ("general",)
    assert targets("general", group="openai/g", configured="openai/*") == ("general",)
    assert targets("general", group="openai/x", configured="openai/*") == ("pattern",)
    assert targets("general", group="x", configured="x") == ("default",)


def test_lists_of_the_request_replace_the_configured_ones() -> None:
    controls = Controls(fallbacks=("mine",))
    assert targets("general", controls) == ("mine",)
    assert targets("context_window", controls) == ("mine",)
    assert targets("context_window", Controls(context_window_fallbacks=("wide",))) == ("wide",)
    assert targets("content_policy", Controls(content_policy_fallbacks=("soft",))) == ("soft",)


def test_the_targets_of_a_requests_list_have_no_fallbacks_of_their_own() -> None:
    assert targets("general", Controls(fallbacks=("mine",)), depth=1) == ()
    assert targets("context_window", Controls(context_window_fallbacks=("wide",)), depth=1) == ()


def test_disable_fallbacks_beats_everything() -> None:
    assert targets("general", Controls(fallbacks=("mine",), disable_fallbacks=True)) == ()


def test_fallbacks_of_fallbacks_end_at_the_depth() -> None:
    assert targets("general", depth=4) == ("general",)
    assert targets("general", depth=5) == ()


def test_groups_that_the_request_names_are_known_for_the_access_check() -> None:
    controls = Controls(fallbacks=("a", "b"), context_window_fallbacks=("b", "c"))
    assert requested_groups(controls) == ("a", "b", "c")
    assert requested_groups(Controls(fallbacks=("a",), disable_fallbacks=True)) == ()
    assert requested_groups(Controls()) == ()
