"""`model_list[]`: a deployment's entry, its parameters and its facts."""

from tianji_core.config.schema.keys import Key, accepted, other, protecting, table

MODEL = table(
    "model_list[]",
    "One deployment. Entries of one `model_name` form a model group.",
    (
        Key(name="model_name", kind="text", meaning="The public name; `*` stands for any text. Required."),
        Key(name="tianji_params", kind="map", meaning="Provider, model, credential, limits. Required."),
        Key(name="model_info", kind="map", meaning="Facts about the model."),
        protecting("map", "access_control"),
        other("any", "tags"),
    ),
)

_BUILT = (
    Key(name="model", kind="text", meaning="`provider/model`, split at the first slash. Required."),
    Key(name="custom_llm_provider", kind="text", meaning="The provider, where `model` does not begin with it."),
    Key(name="tianji_credential_name", kind="text", meaning="An entry of `credential_list` that fills what is not set here."),
    Key(name="api_key", kind="secret", meaning="The provider's key; otherwise the provider's own environment variable."),
    Key(name="api_base", kind="text", aliases=("base_url",), meaning="The provider's base URL, with or without `/v1`."),
    Key(name="organization", kind="text", meaning="OpenAI's organization."),
    Key(name="anthropic_version", kind="text", meaning="Anthropic's API version."),
    Key(name="timeout", kind="seconds", more_than=0, aliases=("request_timeout",), meaning="Seconds of one attempt."),
    Key(name="stream_timeout", kind="seconds", more_than=0, meaning="Seconds until the first content."),
    Key(name="max_retries", kind="whole", at_least=0, at_most=100, aliases=("num_retries",), meaning="Further attempts."),
    Key(name="cooldown_time", kind="seconds", at_least=0, meaning="Seconds of the first rest; 0 is none."),
    Key(name="weight", kind="number", at_least=0, meaning="Share in the shuffle, relative to the other deployments of the group."),
    Key(name="rpm", kind="whole", status="weights", at_least=0, meaning="Weight in the shuffle where no `weight` is set."),
    Key(name="tpm", kind="whole", status="weights", at_least=0, meaning="Weight in the shuffle where no `weight` and no `rpm` is set."),
    Key(name="order", kind="whole", default="1", meaning="Only the lowest order that is up is used; higher ones are fallbacks."),
    Key(name="drop_params", kind="flag", meaning="Overrides `tianji_settings.drop_params`."),
    Key(name="additional_drop_params", kind="texts", meaning="Parameters that are never sent to it."),
    Key(name="allowed_openai_params", kind="texts", meaning="Parameters that are sent although the provider is not known to have them."),
    Key(name="extra_headers", kind="map", aliases=("headers",), meaning="Headers of every request to it."),
    Key(name="extra_body", kind="map", meaning="Fields of every request's body."),
    Key(
        name="configurable_clientside_auth_params",
        kind="texts",
        meaning="What a caller may bring: `api_key`, `api_base`, `base_url`, `api_version`, `organization`, `extra_headers`.",
    ),
    Key(name="http2", kind="flag", default="false", meaning="Speak HTTP/2 to it."),
    Key(name="proxy", kind="secret", meaning="`http://…` or `socks5://…` proxy on the way to it."),
    Key(name="ssl_verify", kind="flag_or_text", default="true", meaning="Check its certificate; or the file of the CA that it has."),
    Key(name="ca_file", kind="text", meaning="CA file, relative to this file."),
    Key(name="client_certificate", kind="text", aliases=("ssl_certificate",), meaning="Client certificate, relative to this file."),
    Key(name="client_key", kind="text", meaning="Its key, where the certificate's file does not hold it."),
)

_UNBUILT = (
    other("text", "api_version"),
    protecting("whole", "max_parallel_requests", "itpm", "otpm", "tpd", "rpd", "max_file_size_mb"),
    protecting("number", "max_budget", neutral=(0,)),
    other("any", "budget_duration", "daily_reset_time", "tags", "tag_regex", "mock_response", "region_name", "forward_headers"),
    other("any", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region_name", "aws_profile_name"),
    other("any", "aws_role_name", "aws_session_name", "aws_web_identity_token", "aws_bedrock_runtime_endpoint", "aws_sts_endpoint"),
    other("any", "vertex_project", "vertex_location", "vertex_credentials", "azure_ad_token", "tenant_id", "client_id"),
    other("any", "client_secret", "azure_username", "azure_password", "watsonx_region_name", "max_service_tier"),
    other("flag", "use_in_pass_through", "use_chat_completions_api", "merge_reasoning_content_in_choices", neutral=(False,)),
    other("any", "keepalive_seconds"),
    accepted("any", "auto_router_config", "auto_router_config_path", "auto_router_default_model", "auto_router_embedding_model"),
    accepted("any", "complexity_router_config", "complexity_router_default_model", "quality_router_config", "adaptive_router_config"),
)

PARAMS = table(
    "tianji_params",
    "How to call it. Pricing fields (`input_cost_per_token`, …) make the price of this deployment; "
    "any other key is a parameter of the provider and is sent with every request that does not set it.",
    (*_BUILT, *_UNBUILT),
)

INFO = table(
    "model_info",
    "Facts. Limits (`max_input_tokens`, …), `supports_*` and pricing fields override the price table; other keys are kept and shown.",
    (
        Key(name="id", kind="text", meaning="The deployment's id; otherwise a hash of its parameters, without secrets."),
        Key(name="base_model", kind="text", meaning="The model whose price and limits hold."),
        Key(name="mode", kind="text", default="chat", meaning="`chat`, `completion` or `embedding`; others are kept for later."),
        protecting("text", "team_id"),
        other("any", "team_public_model_name", "access_groups", "health_check_model", "health_check_timeout", "health_check_params"),
        other("flag", "disable_background_health_check", neutral=(False,)),
    ),
)

__all__ = ["INFO", "MODEL", "PARAMS"]
