"""Which model groups stand in for one that failed.

The operator's lists are looked up by the group's name, then without its provider prefix, then by the pattern it was configured as,
then under `*`. Lists in the request replace them for the group that was asked for; the targets of such a list have none of their own.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from tianji_core.calls.controls import Controls
from tianji_core.errors import AllCoolingDownError, ContentPolicyError, ContextWindowExceededError, TianjiError, UpstreamError
from tianji_core.routing.settings import RouterSettings

FailureKind = Literal["general", "context_window", "content_policy"]
FAILURE_KINDS: tuple[FailureKind, ...] = get_args(FailureKind)

_Lists = Mapping[str, tuple[str, ...]]


def failure_kind(error: TianjiError) -> FailureKind | None:
    """Return which list follows this error up, or None where another group cannot help: the caller has to change something."""
    match error:
        case ContextWindowExceededError():
            return "context_window"
        case ContentPolicyError():
            return "content_policy"
        case UpstreamError() | AllCoolingDownError():
            return "general"
        case _:
            return None


def targets_of(
    group: str, configured: str, kind: FailureKind, settings: RouterSettings, controls: Controls, *, depth: int
) -> tuple[str, ...]:
    """Return the names that stand in for a group, in order.

    Args:
        group: The concrete name; `configured` is the pattern it came by, or the same.
        depth: 0 for the group that was asked for, 1 for its fallbacks, …
    """
    if controls.disable_fallbacks or depth >= settings.max_fallbacks:
        return ()
    if kind == "general":
        return _general(group, configured, settings, controls, depth)
    requested, lists = (
        (controls.context_window_fallbacks, settings.context_window_fallbacks)
        if kind == "context_window"
        else (controls.content_policy_fallbacks, settings.content_policy_fallbacks)
    )
    if requested is not None:
        return requested if depth == 0 else ()
    own = _listed(lists, group, configured) if controls.fallbacks is None else None
    return own if own is not None else _general(group, configured, settings, controls, depth)


def requested_groups(controls: Controls) -> tuple[str, ...]:
    """Return the groups that the request itself names as fallbacks; the caller must be allowed to use each of them."""
    if controls.disable_fallbacks:
        return ()
    lists = (controls.fallbacks, controls.context_window_fallbacks, controls.content_policy_fallbacks)
    return tuple(dict.fromkeys(name for names in lists for name in names or ()))


def _general(group: str, configured: str, settings: RouterSettings, controls: Controls, depth: int) -> tuple[str, ...]:
    if controls.fallbacks is not None:
        return controls.fallbacks if depth == 0 else ()
    return _listed(settings.fallbacks, group, configured) or ()


def _listed(lists: _Lists, group: str, configured: str) -> tuple[str, ...] | None:
    for name in (group, group.partition("/")[2], configured, "*"):
        if name in lists:
            return lists[name]
    return None
