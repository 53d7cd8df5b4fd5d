"""The keys at the top of a configuration file."""

from tianji_core.config.schema.keys import Key, accepted, other, protecting, table

TOP_LEVEL = table(
    "the top level",
    "The blocks of the file. `include` adds the blocks of other files.",
    (
        Key(name="include", kind="texts", meaning="Other files, relative to this one: lists are joined, maps merged, later values win."),
        Key(name="environment_variables", kind="map", meaning="Variables for references and, once at the start, for the process."),
        Key(name="model_list", kind="list", meaning="Deployments: which provider and model serve which public name."),
        Key(name="credential_list", kind="list", meaning="Named sets of parameters, used by `tianji_credential_name`."),
        Key(name="general_settings", kind="map", meaning="Keys, storage, server."),
        Key(name="router_settings", kind="map", meaning="Retries, fallbacks, cooldown, time limits."),
        Key(name="tianji_settings", kind="map", meaning="Callbacks, prices, parameters; `router_settings` wins where both speak."),
        Key(name="prometheus", kind="map", meaning="Names of the metrics at `/metrics`."),
        Key(name="journal", kind="map", meaning="The spend journal on the local disk."),
        protecting("any", "guardrails", "policies", "policy_attachments"),
        other("any", "pass_through_endpoints", "assistant_settings", "files_settings", "finetune_settings", "prompts"),
        other("any", "callback_settings", "vector_store_registry", "default_vertex_config", "scheduler", "redis"),
        accepted("any", "search_tools", "mcp_servers", "mcp_tools", "agents", "agent_list", "worker_registry", "plugins"),
        accepted("any", "sandbox_tools", "discord_webhook_url", "ratelimit_alert_threshold"),
    ),
)

PROMETHEUS = table(
    "prometheus",
    "Only TianJi has this block: an unknown key in it is an error.",
    (
        Key(
            name="naming",
            kind="names",
            default="tianji",
            choices=("tianji", "litellm"),
            meaning="Whose names per-call metrics carry; `litellm` adds that project's, as does the callback `prometheus`.",
        ),
    ),
    ours=True,
)

JOURNAL = table(
    "journal",
    "The spend journal lies in `journal/` of the data directory. Only TianJi has this block: an unknown key in it is an error.",
    (
        Key(
            name="sync_interval",
            kind="seconds_or_off",
            default="0.1",
            at_least=0,
            at_most=60,
            restart=True,
            meaning="How often what was written is brought to the disk itself, in case of a loss of power; the end of the process loses "
            "nothing in any case. `0`: the last byte of an answer waits for that. `off`: never.",
        ),
        Key(
            name="max_bytes",
            kind="whole",
            default="1073741824",
            at_least=1 << 20,
            restart=True,
            meaning="New calls are refused with 503 while the journal holds more than this that the database does not have.",
        ),
        Key(
            name="min_free_bytes",
            kind="whole",
            default="67108864",
            at_least=0,
            restart=True,
            meaning="With less space than this on its disk readiness says `degraded`.",
        ),
        Key(
            name="interrupted_billing",
            kind="text",
            default="received",
            choices=("received", "bound", "zero"),
            restart=True,
            meaning="What a call costs whose process ended before it: its input and what was received of its answer, at most its "
            "reservation; its whole reservation; or nothing.",
        ),
        Key(
            name="allow_network_fs",
            kind="flag",
            default="false",
            restart=True,
            meaning="Write to a network file system all the same. Nobody takes over there what a dead process left.",
        ),
    ),
    ours=True,
)

CREDENTIAL = table(
    "credential_list[]",
    "One named set of parameters.",
    (
        Key(name="credential_name", kind="text", meaning="The name that deployments use."),
        Key(name="credential_values", kind="map", meaning="Parameters (`api_key`, `api_base`, …) for deployments that do not set them."),
        accepted("map", "credential_info"),
    ),
)

__all__ = ["CREDENTIAL", "JOURNAL", "PROMETHEUS", "TOP_LEVEL"]
