"""References to the environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.configuration import errors_of, load, warnings_of
from tianji_core.calls.secret import Secret
from tianji_core.config.nodes import Entry, MapNode, Scalar
from tianji_core.config.problems import Place, Problems
from tianji_core.config.references import read_environment, resolve
from tianji_core.config.yaml_source import read_yaml

_PLACE = Place(file="a.yaml", line=1)


def _resolved(text: str, environment: dict[str, str]) -> tuple[object, list[str]]:
    problems = Problems()
    node = Scalar(place=_PLACE, value=text, text=text)
    tree = resolve(MapNode(place=_PLACE, entries={"k": Entry(place=_PLACE, name="k", node=node)}), environment, problems)
    found = tree.entries["k"].node
    assert isinstance(found, Scalar)
    return found.value, [str(error) for error in problems.errors]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("os.environ/A", "1"),
        ("$A", "1"),
        ("${A}", "1"),
        ("x${A}y${B}z", "x1y2z"),
        ("${NO:-d}", "d"),
        ("${NO:-}", ""),
        ("${EMPTY:-d}", "d"),
        ("os.environ/EMPTY", ""),
        ("${NO:-postgresql://h:1/x}", "postgresql://h:1/x"),
        ("$A$B", "$A$B"),
        ("a$A", "a$A"),
        ("$1", "$1"),
        ("${}", "${}"),
        ("${user.name}", "${user.name}"),
        ("os.environ", "os.environ"),
    ],
)
def test_references_give_the_environments_text(text: str, value: str) -> None:
    assert _resolved(text, {"A": "1", "B": "2", "EMPTY": ""}) == (value, [])


def test_what_a_variable_holds_is_not_resolved_again() -> None:
    assert _resolved("${A}", {"A": "${B} os.environ/C", "B": "x"})[0] == "${B} os.environ/C"


@pytest.mark.parametrize("text", ["os.environ/GONE", "$GONE", "${GONE}", "a${A}b${GONE}"])
def test_an_unset_variable_is_an_error(text: str) -> None:
    value, errors = _resolved(text, {"A": "1"})
    assert value is None
    assert errors == ["a.yaml:1: the environment variable `GONE` is not set (set it, or write ${GONE:-default})"]


def test_all_unset_variables_are_listed_with_their_lines() -> None:
    text = "environment_variables: {X: $ONE}\ngeneral_settings:\n  database_url: os.environ/TWO\n  metrics_token: ${THREE}\n"
    assert [error.partition(": the environment variable ")[::2] for error in errors_of(text)] == [
        ("config.yaml:1", "`ONE` is not set (set it, or write ${ONE:-default})"),
        ("config.yaml:3", "`TWO` is not set (set it, or write ${TWO:-default})"),
        ("config.yaml:4", "`THREE` is not set (set it, or write ${THREE:-default})"),
    ]


def test_a_missing_value_is_reported_once_and_not_also_by_what_lacks_it() -> None:
    text = "general_settings: {master_key: os.environ/GONE}\nmodel_list: [{model_name: a, tianji_params: {model: $GONE, api_key: $GONE}}]"
    assert len(errors_of(text, {"TIANJI_MASTER_KEY": ""})) == 3


@pytest.mark.parametrize(
    "text",
    [
        "secret://vault/name#field",
        "vault://kv/openai#key",
        "aws-sm://name",
        "gcp-sm://name",
        "azure-kv://name",
        "conjur://path/to/secret",
        "oidc/google/audience",
        "oidc/file/token",
    ],
)
def test_references_to_secret_stores_are_refused_with_their_line(text: str) -> None:
    errors = errors_of(f"general_settings:\n  metrics_token: {text}")
    assert len(errors) == 1
    assert errors[0].startswith("config.yaml:2: ")
    assert "not built yet" in errors[0]
    assert text not in errors[0]


def test_a_bad_name_after_os_environ_is_an_error() -> None:
    assert "must be followed by the name" in _resolved("os.environ/a b", {})[1][0]


def test_text_from_a_reference_is_read_as_what_its_key_wants() -> None:
    config = load("general_settings: {port: $PORT, compat_headers: $FLAG, host: $HOST}", {"PORT": "8080", "FLAG": "false", "HOST": "12"})
    assert (config.general.port, config.general.compat_headers, config.general.host) == (8080, False, "12")


def test_environment_variables_fill_references_and_are_handed_on() -> None:
    config = load(
        "environment_variables: {TOKEN: $OUTER, SECOND: '${TOKEN}-2', NUMBER: 007, NOTHING: null}\n"
        "general_settings: {metrics_token: $SECOND}",
        {"OUTER": "o"},
    )
    assert config.general.metrics_token == Secret("o-2")
    assert config.environment_to_set == {"TOKEN": Secret("o"), "SECOND": Secret("o-2"), "NUMBER": Secret("007")}


def test_a_variable_of_the_process_wins_with_a_warning_that_shows_no_value() -> None:
    text = "environment_variables:\n  TOKEN: from-file\n  SAME: same\ngeneral_settings: {metrics_token: $TOKEN}"
    environment = {"TOKEN": "from-process", "SAME": "same"}
    config = load(text, environment)
    assert config.general.metrics_token == Secret("from-process")
    assert config.environment_to_set == {}
    assert warnings_of(text, environment) == ["config.yaml:2: the environment variable `TOKEN` is already set and keeps its value"]


@pytest.mark.parametrize("block", ["[a]", "{A: [1]}", "{'a b': 1}", "{A: {b: 1}}"])
def test_a_malformed_environment_block_is_an_error(block: str) -> None:
    problems = Problems()
    tree = read_yaml("a.yaml", f"environment_variables: {block}", problems)
    assert tree is not None
    assert read_environment(tree, {}, problems).to_set == {}
    assert len(problems.errors) == 1


@given(st.text(), st.dictionaries(st.sampled_from(["A", "B"]), st.text()))
def test_text_without_a_reference_stays_as_it_is(text: str, environment: dict[str, str]) -> None:
    value, errors = _resolved(text, environment)
    if "$" not in text and not text.startswith("os.environ/") and "://" not in text and not text.startswith("oidc/"):
        assert (value, errors) == (text, [])
