"""Request fields that are ours: they steer the gateway and never go up."""

from collections.abc import Mapping

import msgspec

CONTROL_FIELDS = frozenset(
    {
        "additional_drop_params",
        "allowed_openai_params",
        "cache",
        "caching",
        "content_policy_fallbacks",
        "context_window_fallbacks",
        "disable_fallbacks",
        "drop_params",
        "fallbacks",
        "guardrails",
        "litellm_metadata",
        "litellm_session_id",
        "litellm_trace_id",
        "mock_response",
        "namespace",
        "no-cache",
        "no-log",
        "no-store",
        "num_retries",
        "policies",
        "prompt_id",
        "prompt_label",
        "prompt_variables",
        "prompt_version",
        "s-maxage",
        "stream_timeout",
        "tags",
        "timeout",
        "ttl",
    }
)

CREDENTIAL_FIELDS = frozenset({"api_key", "api_base", "base_url", "api_version", "extra_headers", "organization"})
"""Refused in a body, unless the deployment lists them in `configurable_clientside_auth_params`."""


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller asks of the gateway for this one call.

    Attributes:
        fallbacks: Model groups that replace the configured lists; None when the request names none.
        drop_params: Overrides the deployment's parameter mode.
        tags, session_id, trace_id, metadata: For attribution only.
        client_credentials: Of `CREDENTIAL_FIELDS`, what the body held.
    """

    num_retries: int | None = None
    timeout_seconds: float | None = None
    stream_timeout_seconds: float | None = None
    fallbacks: tuple[str, ...] | None = None
    context_window_fallbacks: tuple[str, ...] | None = None
    content_policy_fallbacks: tuple[str, ...] | None = None
    disable_fallbacks: bool = False
    drop_params: bool | None = None
    dropped_parameters: frozenset[str] = frozenset()
    allowed_parameters: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    session_id: str | None = None
    trace_id: str | None = None
    metadata: Mapping[str, object] = {}
    client_credentials: Mapping[str, object] = {}
