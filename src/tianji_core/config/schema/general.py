"""`general_settings`."""

from tianji_core.config.schema.keys import Key, accepted, other, protecting, table

_BUILT = (
    Key(
        name="master_key",
        kind="secret",
        restart=True,
        meaning="The administrator's key: starts with `sk-`, at least 16 characters. Also `TIANJI_MASTER_KEY`.",
    ),
    Key(
        name="dangerously_permit_weak_or_unset_master_key",
        kind="flag",
        default="false",
        meaning="Start without a master key, or with one that anybody can guess.",
    ),
    Key(
        name="database_url",
        kind="secret",
        restart=True,
        meaning="`postgresql://…` or `sqlite:///…`; without it SQLite in the data directory. Also `TIANJI_DATABASE_URL`.",
    ),
    Key(name="host", kind="text", default="127.0.0.1", restart=True, meaning="Address to listen on. Also `TIANJI_HOST`."),
    Key(name="port", kind="whole", default="4000", at_least=0, at_most=65535, restart=True, meaning="Port. Also `TIANJI_PORT`."),
    Key(
        name="max_request_size_mb",
        kind="number",
        default="64",
        more_than=0,
        at_most=4096,
        restart=True,
        meaning="Largest request body in MiB.",
    ),
    Key(
        name="max_in_flight",
        kind="whole",
        default="1000",
        at_least=1,
        aliases=("max_in_flight_requests_per_worker",),
        meaning="Model calls at the same time; those beyond wait for a place.",
    ),
    Key(
        name="max_queued",
        kind="whole",
        default="100",
        at_least=0,
        aliases=("max_queued_requests_per_worker",),
        meaning="Model calls that wait for a place; those beyond are refused with 503 and `retry-after`.",
    ),
    Key(
        name="default_max_output_tokens",
        kind="whole",
        default="16384",
        at_least=1,
        meaning="How long an answer may be, in tokens, for what a call holds of its budgets, where neither the caller nor the price table "
        "says a limit.",
    ),
    Key(
        name="shutdown_delay",
        kind="seconds",
        default="5",
        at_least=0,
        meaning="Seconds after SIGTERM in which everything is served while readiness says 503, so that a balancer sends its traffic "
        "elsewhere. Also `TIANJI_SHUTDOWN_DELAY`.",
    ),
    Key(
        name="shutdown_grace",
        kind="seconds",
        default="30",
        at_least=0,
        meaning="Seconds that running calls have afterwards; what is left is told so and cut. Also `TIANJI_SHUTDOWN_GRACE`.",
    ),
    Key(
        name="answer_headers",
        kind="text",
        default="basic",
        choices=("none", "basic", "full"),
        meaning="Which `x-tianji-*` headers an answer has.",
    ),
    Key(name="compat_headers", kind="flag", default="true", meaning="Send each `x-tianji-*` header as `x-litellm-*` too."),
    Key(
        name="tokenizer",
        kind="text",
        default="lazy",
        choices=("lazy", "eager", "off"),
        meaning="Loads the tokenizer when it is first needed or at the start; `off`: tokens that have to be counted here are estimated "
        "from bytes.",
    ),
    Key(
        name="response_model",
        kind="text",
        default="requested",
        choices=("requested", "upstream"),
        meaning="`model` in answers: the name that the caller used, or the provider's.",
    ),
    Key(name="metrics_token", kind="secret", restart=True, meaning="A token that may read `/metrics` and nothing else."),
    Key(
        name="custom_keys",
        kind="text",
        default="admin",
        choices=("admin", "all", "none"),
        meaning="Who may choose the text of a new virtual key: administrators, everybody who may make one, or nobody.",
    ),
    Key(name="disable_custom_api_keys", kind="flag", default="false", meaning="`true` is `custom_keys: none`, and wins over it."),
    Key(
        name="compat_error_detail",
        kind="flag",
        default="true",
        meaning="Put the message of a management error into `detail.error` too, where older clients look for it.",
    ),
    Key(
        name="strict_management_fields",
        kind="flag",
        default="false",
        meaning="Refuse unknown fields of management requests with 422, instead of naming them in `x-tianji-ignored-fields`.",
    ),
    Key(name="strict_config", kind="flag", default="false", meaning="Unknown keys are errors, not warnings."),
    Key(name="allow_unsupported", kind="flag", default="false", meaning="Start although a key asks for a protection that is not built."),
)

_PROTECTING = (
    Key(
        name="allowed_ips",
        kind="any",
        status="protecting",
        empty_counts=True,
        meaning="An empty list would shut everybody out, so it is no absent key.",
    ),
    Key(name="trusted_proxy_ranges", kind="any", status="protecting", aliases=("trusted_proxies",)),
    Key(name="tianji_key_header_name", kind="text", status="protecting", aliases=("auth_header_name",)),
    Key(name="ip_access", kind="text", status="protecting", neutral=("when_listed",)),
    Key(name="self_serve_budget_policy", kind="text", status="protecting", neutral=("disabled",)),
    protecting("flag", "use_x_forwarded_for", "ip_check_health", "enable_jwt_auth", "enable_oauth2_auth", "enable_oauth2_proxy_auth"),
    protecting("flag", "fail_closed_rate_limit_enforcement", "fail_closed_budget_enforcement", "apply_user_budget_to_team_keys"),
    protecting("flag", "enforce_user_param", "reject_clientside_metadata_tags", "disable_requester_ip_address_logging"),
    protecting("flag", "disable_key_generate_for_org_admin", "enforce_fallback_model_access"),
    protecting("flag", "custom_auth_run_common_checks", "cut_streams_on_revoke"),
    protecting("whole", "max_parallel_requests", "global_max_parallel_requests"),
    protecting("number", "max_response_size_mb"),
    protecting("any", "enforced_params", "allowed_routes", "admin_only_routes", "tianji_jwtauth", "role_permissions"),
    protecting("any", "custom_auth", "custom_auth_settings", "custom_key_generate", "custom_key_update", "custom_sso"),
    protecting("any", "sso_client_id", "sso_client_secret", "sso_issuer_url", "sso_redirect_uri", "sso_scopes", "sso_role_mapping"),
    protecting("any", "service_account_settings", "key_management_system", "key_management_settings", "secret_manager"),
)

_OTHER = (
    other("any", "database_connection_pool_limit", "database_connection_timeout", "database_connect_timeout"),
    other("any", "database_socket_timeout", "database_max_idle_connection_lifetime", "database_extra_connection_params"),
    Key(name="disable_schema_update", kind="flag", status="other", aliases=("disable_prisma_schema_update",), neutral=(False,)),
    other("flag", "database_disable_prepared_statements", "allow_requests_on_db_unavailable", "store_model_in_db", neutral=(False,)),
    other("flag", "disable_spend_logs", "disable_spend_updates", "disable_reset_budget", "disable_error_logs", neutral=(False,)),
    other("flag", "store_prompts_in_spend_logs", "disable_retry_on_max_parallel_request_limit_error", neutral=(False,)),
    other("flag", "disable_budget_reservation", "disable_auto_add_proxy_admin_to_teams", neutral=(False,)),
    other("flag", "disable_responses_id_security", "infer_model_from_keys", "return_wildcard_routes", neutral=(False,)),
    other("flag", "forward_client_headers_to_llm_api", "include_call_id_in_error_body", neutral=(False,)),
    other("flag", "unique_team_alias", neutral=(False,)),
    other("text", "create_status", neutral=("compatible",)),
    other("text", "error_style", neutral=("openai",)),
    other("flag", "cancel_on_disconnect", "scim_upsert_user", neutral=(True,)),
    other("flag", "background_health_checks", "use_shared_health_check", "enable_health_check_routing", neutral=(False,)),
    other("any", "supported_db_objects", "proxy_config_reload_interval_seconds", "spend_logs_metadata_fields"),
    other("any", "maximum_spend_logs_retention_period", "maximum_spend_logs_retention_days", "maximum_spend_logs_retention_interval"),
    other("any", "maximum_spend_logs_cleanup_cron", "maximum_spend_logs_cleanup_batch_size", "maximum_spend_logs_cleanup_max_batches"),
    other("any", "maximum_spend_logs_cleanup_run_budget", "maximum_spend_logs_cleanup_batch_timeout", "maximum_spend_logs_size"),
    other("any", "use_spend_logs_partitioning", "maximum_health_check_retention_period", "maximum_daily_tag_spend_retention_period"),
    other("any", "health_check_interval", "health_check_concurrency", "health_check_details", "health_check_staleness_threshold"),
    other("any", "model_list_healthy_only", "alerting", "alerting_threshold", "alert_types", "alert_to_webhook_url", "alerting_args"),
    other("any", "spend_report_frequency", "management_webhook_url", "admission_queue_timeout_seconds", "max_file_size_mb"),
    other("any", "max_batch_file_size_mb", "max_batch_file_records", "allowed_file_extensions", "blocked_file_extensions"),
    other("any", "token_rate_limit_type", "request_tag_mappings", "missing_session_id", "user_header_mappings", "user_header_name"),
    other("any", "user_api_key_cache_ttl", "user_api_key_cache_max_size", "subject_cache_size", "public_routes"),
    other("any", "prompt_management", "completion_model", "pass_through_request_timeout", "pass_through_endpoints"),
    other("any", "coordination_redis", "on_disconnect", "max_end_users"),
    other("any", "proxy_batch_polling_interval", "scim_settings"),
)

_ACCEPTED = (
    accepted("any", "proxy_budget_rescheduler_min_time", "proxy_budget_rescheduler_max_time", "proxy_batch_write_at"),
    accepted("any", "use_redis_transaction_buffer", "ui_access_mode", "control_plane_url", "plugins", "mcp_internal_ip_ranges"),
    accepted("any", "enable_claude_code_gateway", "legacy_create_status"),
)

GENERAL = table("general_settings", "Keys, storage, server.", (*_BUILT, *_PROTECTING, *_OTHER, *_ACCEPTED))

__all__ = ["GENERAL"]
