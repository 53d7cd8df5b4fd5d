"""The finished configuration."""

from support.configuration import load
from tianji_core.config import GatewayConfig

_TEXT = """
environment_variables: {PLANTED: planted-1}
general_settings: {master_key: sk-planted-0123456789, database_url: 'postgresql://u:planted-2@h', metrics_token: planted-3}
model_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: planted-4}}]
"""


def test_printing_a_configuration_shows_no_secret() -> None:
    config = load(_TEXT, {"TIANJI_MASTER_KEY": ""})
    assert "planted" not in str(config)
    assert "planted" not in repr(config)


def test_the_digest_tells_texts_apart() -> None:
    assert load("a: 1").digest == load("a: 1").digest
    assert load("a: 1").digest != load("a: 2").digest
    assert GatewayConfig().digest == ""
