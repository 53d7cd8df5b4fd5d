"""`router_settings`, and the keys that it shares with `tianji_settings`."""

from tianji_core.config.schema.keys import Key, accepted, other, protecting, table

SHARED = (
    Key(name="num_retries", kind="whole", default="2", at_least=0, at_most=100, meaning="Further attempts inside a model group."),
    Key(
        name="timeout",
        kind="seconds",
        default="600",
        more_than=0,
        aliases=("request_timeout",),
        meaning="Seconds for the whole call, all attempts included.",
    ),
    Key(name="stream_timeout", kind="seconds", more_than=0, meaning="Seconds until a stream's first content."),
    Key(name="allowed_fails", kind="whole", default="3", at_least=0, meaning="Failures in a row that put a deployment to rest."),
    Key(name="cooldown_time", kind="seconds", at_least=0, meaning="Seconds of the first rest; 0 is none."),
    Key(name="fallbacks", kind="list", meaning="`[{group: [groups]}]`: where a call goes when a group's attempts are spent."),
    Key(name="context_window_fallbacks", kind="list", meaning="The same for inputs that are too long."),
    Key(name="content_policy_fallbacks", kind="list", meaning="The same for content that the provider refuses."),
    Key(name="default_fallbacks", kind="texts", meaning="Groups for all that have no list of their own."),
    Key(name="max_fallbacks", kind="whole", default="5", at_least=0, at_most=100, meaning="How deep fallbacks of fallbacks are followed."),
)

_BUILT = (
    Key(
        name="routing_strategy",
        kind="text",
        default="simple-shuffle",
        choices=(
            "simple-shuffle",
            "least-busy",
            "usage-based-routing",
            "usage-based-routing-v2",
            "latency-based-routing",
            "cost-based-routing",
        ),
        meaning="How a deployment is picked. Built: `simple-shuffle`; with another name it is used all the same, with a warning.",
    ),
    Key(name="retry_after", kind="seconds", default="0", at_least=0, meaning="Least seconds before a retry that has to wait."),
    Key(name="retry_policy", kind="map", meaning="Error class to further attempts (`RateLimitErrorRetries: 3`)."),
    Key(name="model_group_retry_policy", kind="map", meaning="The same by model group."),
    Key(name="allowed_fails_policy", kind="map", meaning="Error class to failures in a row (`TimeoutErrorAllowedFails: 2`)."),
    Key(name="disable_cooldowns", kind="flag", default="false", meaning="No deployment ever rests."),
    Key(name="model_group_alias", kind="map", meaning="Another name for a group: `alias: group` or `alias: {model: group, hidden: true}`."),
    Key(name="default_tianji_params", kind="map", meaning="Parameters for deployments that do not set them."),
    Key(
        name="max_request_timeout",
        kind="seconds",
        more_than=0,
        default="600, or `timeout` if that is more",
        meaning="The most seconds that a caller may ask for.",
    ),
    Key(name="first_byte_hold", kind="seconds", default="15", at_least=0, meaning="Seconds until a silent stream is begun all the same."),
    Key(name="stream_idle_timeout", kind="seconds", default="120", more_than=0, meaning="Seconds that a running stream may be silent."),
    Key(name="max_stream_duration", kind="seconds", default="3600", more_than=0, meaning="Seconds that a stream may last."),
    Key(name="ignore_invalid_deployments", kind="flag", default="false", meaning="Leave out deployments with errors, with a warning."),
)

_UNBUILT = (
    protecting("map", "provider_budget_config"),
    protecting("flag", "enable_tag_filtering"),
    protecting("whole", "default_max_parallel_requests"),
    Key(
        name="optional_pre_call_checks",
        kind="texts",
        status="other",
        meaning="`router_budget_limiting` and `enforce_model_rate_limits` protect, so they refuse the start.",
    ),
    other("flag", "enable_pre_call_checks", "enable_health_check_routing", "enable_weighted_failover", neutral=(False,)),
    other("flag", "cache_responses", neutral=(False,)),
    other("any", "routing_strategy_args", "routing_groups", "max_retries", "tag_filtering_match_any", "tag_routing_prefix"),
    other("any", "redis_host", "redis_port", "redis_password", "redis_url", "redis_db", "cache_kwargs", "caching_groups", "client_ttl"),
    other("any", "default_priority", "polling_interval", "alerting_config", "health_check_staleness_threshold"),
    other("any", "deployment_affinity_ttl_seconds"),
    accepted("any", "set_verbose", "debug_level"),
)

ROUTER = table("router_settings", "Retries, fallbacks, cooldown, time limits. It beats `tianji_settings`.", (*_BUILT, *SHARED, *_UNBUILT))

__all__ = ["ROUTER", "SHARED"]
