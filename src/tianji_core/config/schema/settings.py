"""`tianji_settings` (`litellm_settings`)."""

from tianji_core.config.schema.keys import Key, accepted, other, protecting, table
from tianji_core.config.schema.router import SHARED

_BUILT = (
    Key(name="callbacks", kind="names", meaning="Receivers of call events. Built: `prometheus`; other names are not called yet."),
    Key(name="success_callback", kind="names", meaning="As `callbacks`."),
    Key(name="failure_callback", kind="names", meaning="As `callbacks`."),
    Key(name="service_callback", kind="names", meaning="As `callbacks`."),
    Key(name="drop_params", kind="flag", default="false", meaning="Drop parameters that the provider cannot express, instead of 400."),
    Key(
        name="block_requests_for_models_without_pricing",
        kind="flag_or_text",
        default="when_budgeted",
        choices=("when_budgeted",),
        meaning="Refuse calls that could reach a deployment without a known price, fallbacks included: always, never (they cost 0), or "
        "where a budget applies to the caller. There are no budgets yet.",
    ),
    Key(name="cost_discount_config", kind="map", meaning="Provider (or `provider/model` with `*`) to the fraction taken off its prices."),
    Key(
        name="cost_margin_config",
        kind="map",
        meaning="Provider or `global` to a fraction put on its prices, or `{percentage, fixed_amount}`.",
    ),
    Key(
        name="model_prices_overrides", kind="map", meaning="Model to pricing fields that replace those of the price table, field by field."
    ),
    Key(
        name="model_prices_file",
        kind="any",
        meaning="A price table of your own: its path (relative to this file), or `{path, mode}` with `mode: extend` or `replace`.",
    ),
    Key(
        name="ssl_verify", kind="flag_or_text", default="true", meaning="For deployments that do not say: check certificates; or a CA file."
    ),
    Key(name="ssl_certificate", kind="text", meaning="For deployments that do not say: the client certificate's file."),
)

_PROTECTING = (
    protecting("number", "max_budget", "max_user_budget", "max_internal_user_budget", "max_end_user_budget", neutral=(0,)),
    protecting("number", "default_max_internal_user_budget", "max_ui_session_budget", neutral=(0,)),
    protecting("any", "max_end_user_budget_id", "tag_budget_config", "default_internal_user_params", "default_team_params"),
    protecting("any", "default_key_generate_params", "upperbound_key_generate_params", "key_generation_settings", "key_alias_pattern"),
    protecting("flag", "validate_end_user_id_in_db", "redact_user_api_key_info", "redact_messages_in_exceptions"),
    protecting("any", "standard_logging_payload_excluded_fields", "provider_url_destination_allowed_hosts", "priority_reservation"),
    protecting("any", "tianji_jwtauth", "guardrails"),
)

_OTHER = (
    Key(
        name="turn_off_message_logging",
        kind="flag",
        status="other",
        neutral=(True,),
        meaning="Nothing writes prompts and answers into logs or events yet, so `true` holds whatever stands here.",
    ),
    Key(
        name="require_auth_for_metrics_endpoint",
        kind="flag",
        status="other",
        neutral=(True,),
        meaning="`/metrics` always asks for a credential where there is a configuration file.",
    ),
    other("flag", "cache", "modify_params", "log_raw_request_response", "disable_end_user_cost_tracking", neutral=(False,)),
    other("flag", "include_cost_in_streaming_usage", "forward_traceparent_to_llm_provider", neutral=(False,)),
    other("flag", "add_user_information_to_llm_headers", "return_response_headers", "budget_rollover", neutral=(False,)),
    other("flag", "disable_add_user_agent_to_request_tags", neutral=(False,)),
    other("flag", "store_audit_logs", neutral=(False,)),
    other("flag", "user_url_validation", neutral=(True,)),
    other("any", "cache_params", "audit_log_callbacks", "budget_duration", "timezone", "budget_reset_time"),
    other("any", "budget_exceeded_status_code", "budget_exceeded_throttle_percentage", "internal_user_budget_duration"),
    other("any", "default_team_settings", "extra_spend_tag_headers", "cold_storage_custom_logger", "custom_provider_map"),
    other("any", "prometheus_latency_buckets", "prometheus_metrics_config", "prometheus_exclude_metrics", "prometheus_exclude_labels"),
    other("any", "prometheus_emit_stream_label", "prometheus_emit_input_sequence_length_label", "prometheus_emit_rate_limit_labels"),
    other("any", "prometheus_user_budget_label_include_email_alias", "prometheus_deployment_and_latency_caller_identity"),
    other("any", "prometheus_metrics_max_series_per_metric", "prometheus_metrics_ttl_seconds"),
    other("any", "prometheus_end_user_metrics_max_series_per_metric", "prometheus_end_user_metrics_ttl_seconds"),
    other("any", "prometheus_initialize_budget_metrics", "custom_prometheus_metadata_labels", "custom_prometheus_tags"),
    other("any", "s3_callback_params", "gcs_bucket_params", "datadog_params", "langfuse_default_tags", "langsmith_batch_size"),
    other("any", "argilla_transformation_object", "argilla_batch_size", "aws_sqs_callback_params", "generic_logger_headers"),
    other("any", "callback_configs", "ssl_security_level", "ssl_ecdh_curve", "user_url_allowed_hosts"),
    other("any", "priority_reservation_settings", "model_alias_map", "model_group_settings"),
)

_ACCEPTED = (
    accepted("any", "json_logs", "set_verbose", "request_correlation_in_logs", "telemetry"),
    accepted("any", "public_model_groups", "public_model_groups_links", "enable_preview_features"),
)

SETTINGS = table(
    "tianji_settings",
    "Callbacks, prices, parameters. Where `router_settings` has the same key, that one wins.",
    (*_BUILT, *SHARED, *_PROTECTING, *_OTHER, *_ACCEPTED),
)

__all__ = ["SETTINGS"]
