"""Whole configurations: golden files, and the law that nothing but our own errors comes out."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.configuration import MASTER_KEY, PROVIDERS, load, load_texts, nothing_known, warnings_of
from tianji_core.calls.secret import Secret
from tianji_core.config import ConfigurationErrors, GatewayConfig, NeedFiles, SourceFile, load_config
from tianji_core.config.schema import TABLES
from tianji_core.errors import ConfigurationError
from tianji_core.routing.settings import Alias

_GOLDEN = Path(__file__).parents[2] / "golden" / "config"
_ENVIRONMENT = {
    "OPENAI_API_KEY": "one",
    "OPENAI_API_KEY_2": "two",
    "GROQ_KEY": "three",
    "KEY": "four",
    "LITELLM_MASTER_KEY": "sk-abcdefghijklmnopqrs",
    "SECRET_IN_PROCESS": "five",
    "METRICS_TOKEN": "six",
}


def _golden(name: str) -> GatewayConfig:
    sources: dict[str, SourceFile] = {}
    while True:
        result = load_config(name, sources, _ENVIRONMENT, PROVIDERS, nothing_known)
        if not isinstance(result, NeedFiles):
            return result
        sources |= {path: SourceFile(text=(_GOLDEN / path).read_text()) for path in result.paths}


def test_a_litellm_file_loads_unchanged() -> None:
    config = _golden("good/litellm.yaml")
    assert [(d.group, d.provider, d.model, d.parameter_mode) for d in config.deployments] == [
        ("gpt-4o", "openai", "gpt-4o", "drop"),
        ("gpt-4o", "openai", "gpt-4o", "drop"),
        ("claude", "anthropic", "claude-sonnet-4-5", "refuse"),
        ("groq/*", "groq", "*", "drop"),
        ("local", "openai", "my/finetune", "drop"),
    ]
    assert [d.auth_secret for d in config.deployments] == [Secret(x) for x in ("one", "two", "sk-ant-from-file", "three", "one")]
    assert config.deployments[4].prices == {"input_cost_per_token": Decimal(0), "output_cost_per_token": Decimal("3e-7")}
    assert config.general.master_key == Secret("sk-abcdefghijklmnopqrs")
    assert config.general.database_url == Secret("postgresql://tianji:five@localhost:5432/tianji")
    assert config.router.fallbacks == {"gpt-4o": ("claude", "local")}
    assert config.router.aliases == {"gpt-4": Alias(group="gpt-4o"), "secret-model": Alias(group="claude", hidden=True)}
    assert (config.router.num_retries, config.router.timeout_seconds, config.router.cooldown_seconds) == (2, 900.0, 30.0)
    assert config.litellm_metric_names


def test_its_warnings_name_what_has_no_effect() -> None:
    expected = (_GOLDEN / "good" / "litellm.warnings.txt").read_text().splitlines()
    assert [str(warning) for warning in _golden("good/litellm.yaml").warnings] == expected


def test_a_tianji_file_with_includes_loads() -> None:
    config = _golden("good/tianji.yaml")
    assert [(d.group, d.provider, d.max_retries, d.timeout_seconds) for d in config.deployments] == [
        ("first", "anthropic", 1, 20.0),
        ("small", "openai", 1, 20.0),
        ("vault", "groq", 1, 20.0),
    ]
    assert config.deployments[1].transport.ca_file == "good/parts/ca/corporate.pem"
    assert config.deployments[1].transport.proxy == Secret("http://user:four@proxy:3128")
    assert config.deployments[2].base_url == "https://groq.example/v1"
    assert config.router.fallbacks == {"*": ("small",)}
    assert config.prices.unknown_price == "refuse"
    assert config.litellm_metric_names
    assert config.warnings == ()


@pytest.mark.parametrize("name", sorted(path.stem for path in (_GOLDEN / "bad").glob("*.yaml")))
def test_a_bad_file_tells_all_that_is_wrong_with_it(name: str) -> None:
    expected = (_GOLDEN / "bad" / f"{name}.txt").read_text().splitlines()
    text = (_GOLDEN / "bad" / f"{name}.yaml").read_text()
    with pytest.raises(ConfigurationErrors) as caught:
        load_texts({f"{name}.yaml": text})
    assert [str(error) for error in caught.value.errors] == expected


def test_callbacks_that_are_not_built_are_named_once() -> None:
    text = "litellm_settings:\n  callbacks: prometheus\n  success_callback: [langfuse, prometheus]\n  failure_callback: [langfuse]"
    assert load(text).litellm_metric_names
    assert warnings_of(text) == ["config.yaml:3: the callback `langfuse` is not built yet: nothing is sent to it"]


def test_who_wants_prompts_in_logs_is_told_that_none_are_written() -> None:
    assert warnings_of("litellm_settings: {turn_off_message_logging: true}") == []
    (warning,) = warnings_of("litellm_settings: {turn_off_message_logging: false}")
    assert warning.endswith("`turn_off_message_logging` in tianji_settings is not built yet and has no effect")


@pytest.mark.parametrize(
    ("asked", "neutral"), [("create_status: contract", "create_status: compatible"), ("error_style: litellm", "error_style: openai")]
)
def test_what_no_code_reads_is_warned_of_unless_it_asks_for_nothing(asked: str, neutral: str) -> None:
    assert warnings_of(f"general_settings: {{{neutral}}}") == []
    name = asked.partition(":")[0]
    assert warnings_of(f"general_settings: {{{asked}}}") == [
        f"config.yaml:1: `{name}` in general_settings is not built yet and has no effect"
    ]


def test_metrics_carry_the_other_projects_names_on_request() -> None:
    assert not load("").litellm_metric_names
    assert not load("prometheus: {naming: tianji}").litellm_metric_names
    assert load("prometheus: {naming: [tianji, litellm]}").litellm_metric_names


_KEYS = sorted({spelling for table in TABLES for spelling in table.by_spelling} | {"RateLimitErrorRetries", "hidden", "<<", "path", "a"})
_SCALARS = st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(allow_nan=True) | st.text("a/*$:.sk-{}", max_size=6)
_WORDS = st.sampled_from(["os.environ/A", "$A", "${A:-1}", "vault://x", "openai/gpt-4o", "gpt-4o", "simple-shuffle", "http://x", "true"])
_VALUES = st.recursive(
    _SCALARS | _WORDS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), children, max_size=4),
    max_leaves=12,
)


def _loads_or_refuses(text: str) -> None:
    """Load; the only exception that may come out is ours, with a place for each error that has one."""
    errors: tuple[ConfigurationError, ...] | None = None
    try:
        load_texts({"c.yaml": text}, {"TIANJI_MASTER_KEY": MASTER_KEY, "A": "x"})
    except ConfigurationErrors as refused:
        errors = refused.errors
    assert errors != ()
    assert all(isinstance(error, ConfigurationError) and str(error) for error in errors or ())


@given(st.text() | st.text("abc:-[]{}&*!|>'\"%@`#,?\n\t 0", max_size=60))
def test_any_text_loads_or_is_refused(text: str) -> None:
    _loads_or_refuses(text)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from([key for table in TABLES[:1] for key in table.by_spelling]), _VALUES, max_size=5))
def test_any_tree_of_known_keys_loads_or_is_refused(tree: dict[str, object]) -> None:
    _loads_or_refuses(_yaml(tree))


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from([*TABLES[6].by_spelling, "input_cost_per_token", "top_k"]), _VALUES, max_size=6), _VALUES)
def test_any_deployment_loads_or_is_refused(params: dict[str, object], info: object) -> None:
    entry = {"model_name": "a", "tianji_params": {"model": "gpt-4o", "api_key": "k", **params}, "model_info": info}
    _loads_or_refuses(_yaml({"model_list": [entry]}))


def _yaml(value: object) -> str:
    """Write flow YAML with quoted keys; texts stay plain where that is possible, so that they are typed by the reader."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{name}": {_yaml(item)}' for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    if isinstance(value, str):
        return '"' + value + '"'
    return "null" if value is None else str(value)
