"""What the reference pages of compatible gateways list is known here, so that no existing file warns of typing errors."""

import pytest

from tianji_core.config.schema import GENERAL, JOURNAL, MODEL, PARAMS, ROUTER, SETTINGS, TOP_LEVEL, Table
from tianji_core.config.schema.router import SHARED


@pytest.mark.parametrize(
    ("block", "names"),
    [
        (TOP_LEVEL, "model_list litellm_settings general_settings router_settings environment_variables guardrails policies include"),
        (GENERAL, "master_key database_url store_model_in_db alerting allowed_ips litellm_jwtauth proxy_batch_write_at allowed_routes"),
        (SETTINGS, "callbacks success_callback drop_params cache cache_params request_timeout num_retries max_budget fallbacks"),
        (ROUTER, "routing_strategy redis_host fallbacks model_group_alias allowed_fails cooldown_time timeout default_litellm_params"),
        (MODEL, "model_name litellm_params model_info"),
        (PARAMS, "model api_key api_base base_url api_version rpm tpm weight order timeout aws_region_name litellm_credential_name"),
    ],
)
def test_common_keys_are_known(block: Table, names: str) -> None:
    assert [name for name in names.split() if name not in block.by_spelling] == []


def test_what_the_router_shares_stands_in_both_blocks() -> None:
    assert [key.name for key in SHARED if key not in ROUTER.keys or key not in SETTINGS.keys] == []


def test_what_only_a_restart_changes_is_marked() -> None:
    marked = [key.name for key in GENERAL.keys if key.restart]
    assert marked == ["master_key", "database_url", "host", "port", "max_request_size_mb", "metrics_token"]
    assert all(key.restart for key in JOURNAL.keys)
