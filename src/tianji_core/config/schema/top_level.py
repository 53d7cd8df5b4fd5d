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
        protecting("any", "guardrails", "policies", "policy_attachments"),
        other("any", "pass_through_endpoints", "assistant_settings", "files_settings", "finetune_settings", "prompts"),
        other("any", "callback_settings", "vector_store_registry", "default_vertex_config", "scheduler", "journal", "redis"),
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

CREDENTIAL = table(
    "credential_list[]",
    "One named set of parameters.",
    (
        Key(name="credential_name", kind="text", meaning="The name that deployments use."),
        Key(name="credential_values", kind="map", meaning="Parameters (`api_key`, `api_base`, …) for deployments that do not set them."),
        accepted("map", "credential_info"),
    ),
)

__all__ = ["CREDENTIAL", "PROMETHEUS", "TOP_LEVEL"]
