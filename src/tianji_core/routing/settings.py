"""How a model name becomes a deployment, as configured."""

from collections.abc import Mapping

import msgspec


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """Another name for a model group; a hidden one is not listed."""

    group: str
    hidden: bool = False


class RouterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`router_settings`, with `tianji_settings` behind it.

    Attributes:
        num_retries: Further attempts inside one group.
        retries_by_class: From `retry_policy`: error class (`rate_limit`, `timeout`, `authentication`, `bad_request`,
            `content_policy`, `internal_server`) to further attempts.
        group_retries_by_class: The same per model group (`model_group_retry_policy`).
        retry_after_seconds: The least pause before a retry that has to wait.
        allowed_fails: Consecutive failures that open the cooldown; by class in `allowed_fails_by_class`.
        cooldown_seconds: First length of a cooldown; None is the machine's own, 0 is no cooldown.
        timeout_seconds, stream_timeout_seconds: Of the whole call; until the first content.
        max_timeout_seconds: The most that a caller may ask for.
        fallbacks: Group to groups, in order; `*` is the default list.
        max_fallbacks: How deep fallbacks of fallbacks are followed.
    """

    strategy: str = "simple-shuffle"
    num_retries: int = 2
    retries_by_class: Mapping[str, int] = {}
    group_retries_by_class: Mapping[str, Mapping[str, int]] = {}
    retry_after_seconds: float = 0.0
    allowed_fails: int = 3
    allowed_fails_by_class: Mapping[str, int] = {}
    cooldown_seconds: float | None = None
    timeout_seconds: float = 600.0
    stream_timeout_seconds: float | None = None
    max_timeout_seconds: float = 600.0
    first_byte_hold_seconds: float = 15.0
    stream_idle_seconds: float = 120.0
    max_stream_seconds: float = 3600.0
    fallbacks: Mapping[str, tuple[str, ...]] = {}
    context_window_fallbacks: Mapping[str, tuple[str, ...]] = {}
    content_policy_fallbacks: Mapping[str, tuple[str, ...]] = {}
    max_fallbacks: int = 5
    aliases: Mapping[str, Alias] = {}
