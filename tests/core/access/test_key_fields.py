"""Bodies of `/key/generate` and `/key/update`."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from tianji_core.access.key_fields import NOT_BUILT, PROTECTING_METADATA, KeyFields, read_key_fields
from tianji_core.errors import Fault, UnprocessableError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _faults(body: dict[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(UnprocessableError) as caught:
        read_key_fields(body)
    assert caught.value.param == caught.value.faults[0].field
    return [(fault.field, fault.code) for fault in caught.value.faults]


def test_what_is_not_mentioned_is_unset() -> None:
    assert read_key_fields({}).fields == KeyFields()


def test_null_clears_what_can_be_cleared_and_says_nothing_elsewhere() -> None:
    names: tuple[str, ...] = (
        "key_alias",
        "duration",
        "user_id",
        "team_id",
        "organization_id",
        "models",
        "aliases",
        "allowed_routes",
        "tags",
        "metadata",
    )
    names += ("max_budget", "soft_budget", "budget_duration", "rpm_limit", "tpm_limit", "max_parallel_requests", "token_rate_limit_type")
    fields = read_key_fields(dict.fromkeys((*names, "key", "key_type", "blocked", "spend", "expected_version"))).fields
    assert all(getattr(fields, name) is None for name in names)
    assert fields.key is fields.key_type is fields.blocked is fields.spend is fields.expected_version is UNSET


def test_empty_lists_and_objects_are_values() -> None:
    fields = read_key_fields({"models": [], "aliases": {}, "tags": [], "metadata": {}}).fields
    assert (fields.models, fields.aliases, fields.tags, fields.metadata) == ((), {}, (), {})


@pytest.mark.parametrize("name", sorted(NOT_BUILT))
def test_unbuilt_field_is_refused_when_it_says_something(name: str) -> None:
    empty: tuple[object, ...] = (None, "", [], {}, False)
    for nothing in empty:
        assert read_key_fields({name: nothing}).ignored == ()
    for something in (0, 1, True, "x", ["x"], {"x": 1}, Decimal("0.0")):
        assert _faults({name: something}) == [(name, "unsupported_field")]


@pytest.mark.parametrize("name", sorted(PROTECTING_METADATA))
def test_protection_hidden_in_metadata_is_refused(name: str) -> None:
    assert read_key_fields({"metadata": {name: []}}).fields.metadata == {name: []}
    assert _faults({"metadata": {name: ["x"]}}) == [(f"metadata.{name}", "unsupported_field")]


def test_error_says_unsupported_only_when_nothing_else_is_wrong() -> None:
    with pytest.raises(UnprocessableError) as only:
        read_key_fields({"budget_id": 1, "tpd_limit": 1})
    with pytest.raises(UnprocessableError) as mixed:
        read_key_fields({"budget_id": 1, "blocked": 1})
    assert (only.value.code, mixed.value.code) == ("unsupported_field", "validation_error")


@pytest.mark.parametrize(
    ("name", "value", "path", "code"),
    [
        ("key", 1, "key", "invalid_type"),
        ("key_alias", ["a"], "key_alias", "invalid_type"),
        ("key_alias", "a" * 257, "key_alias", "invalid_value"),
        ("key_alias", " a", "key_alias", "invalid_value"),
        ("key_alias", "a\0", "key_alias", "invalid_value"),
        ("user_id", "..", "user_id", "invalid_value"),
        ("team_id", "a\n", "team_id", "invalid_value"),
        ("organization_id", {}, "organization_id", "invalid_type"),
        ("key_type", "other", "key_type", "invalid_value"),
        ("key_type", "management", "key_type", "unsupported_field"),
        ("key_type", "read_only", "key_type", "unsupported_field"),
        ("models", "gpt-5", "models", "invalid_type"),
        ("models", ["a", None], "models.1", "invalid_type"),
        ("models", [""], "models", "invalid_value"),
        ("models", ["m"] * 1001, "models", "invalid_value"),
        ("aliases", {"a": 1}, "aliases", "invalid_type"),
        ("allowed_routes", ["management_routes"], "allowed_routes", "invalid_value"),
        ("tags", [1], "tags.0", "invalid_type"),
        ("metadata", [], "metadata", "invalid_type"),
        ("metadata", {"a": "x" * 65_536}, "metadata", "invalid_value"),
        ("metadata", {"a": [{"b\0": 1}]}, "metadata", "invalid_value"),
        ("metadata", {"a": ["\0"]}, "metadata", "invalid_value"),
        ("blocked", 1, "blocked", "invalid_type"),
        ("spend", True, "spend", "invalid_type"),
        ("spend", "much", "spend", "invalid_value"),
        ("spend", "NaN", "spend", "invalid_value"),
        ("spend", -1, "spend", "invalid_value"),
        ("spend", Decimal("1e999999"), "spend", "invalid_value"),
        ("spend", Decimal("0.0000000001"), "spend", "invalid_value"),
        ("duration", "1y", "duration", "invalid_value"),
        ("duration", 60, "duration", "invalid_type"),
        ("max_budget", "NaN", "max_budget", "invalid_value"),
        ("max_budget", -1, "max_budget", "invalid_value"),
        ("max_budget", Decimal("9000000000.1"), "max_budget", "invalid_value"),
        ("max_budget", Decimal("0.0000000001"), "max_budget", "invalid_value"),
        ("max_budget", True, "max_budget", "invalid_type"),
        ("soft_budget", Decimal("Infinity"), "soft_budget", "invalid_value"),
        ("budget_duration", "-1", "budget_duration", "invalid_value"),
        ("budget_duration", "0d", "budget_duration", "invalid_value"),
        ("budget_duration", "1y", "budget_duration", "invalid_value"),
        ("budget_duration", "1D", "budget_duration", "invalid_value"),
        ("budget_duration", "1201mo", "budget_duration", "invalid_value"),
        ("rpm_limit", -1, "rpm_limit", "invalid_value"),
        ("rpm_limit", Decimal("1.5"), "rpm_limit", "invalid_type"),
        ("tpm_limit", 2**64, "tpm_limit", "invalid_value"),
        ("max_parallel_requests", "5", "max_parallel_requests", "invalid_type"),
        ("token_rate_limit_type", "all", "token_rate_limit_type", "invalid_value"),
        ("tpm_limit_type", "guaranteed_throughput", "tpm_limit_type", "unsupported_field"),
        ("expected_version", 0, "expected_version", "invalid_value"),
    ],
)
def test_bad_value_is_named_by_its_path(name: str, value: object, path: str, code: str) -> None:
    assert _faults({name: value}) == [(path, code)]


def test_ids_are_kept_in_their_composed_form() -> None:
    assert read_key_fields({"user_id": "e\u0301"}).fields.user_id == "\u00e9"


def test_tags_inside_metadata_are_tags_unless_there_are_others() -> None:
    assert read_key_fields({"metadata": {"tags": ["a"]}}).fields.tags == ("a",)
    assert read_key_fields({"metadata": {"tags": ["a"]}, "tags": ["b"]}).fields.tags == ("b",)
    assert read_key_fields({"metadata": {"tags": "a"}}).fields.tags is UNSET


def test_echoed_computed_fields_are_no_news() -> None:
    assert read_key_fields({"created_at": "2026", "version": 3, "token": "x", "colour": 1}).ignored == ("colour",)


def test_strict_reading_says_what_was_meant() -> None:
    with pytest.raises(UnprocessableError, match="did you mean `tags`"):
        read_key_fields({"tag": ["a"]}, strict=True)


@given(st.dictionaries(st.sampled_from(sorted({*KeyFields.__struct_fields__, *NOT_BUILT, "other"})), _JSON))
def test_any_body_is_read_or_its_faults_are_named(body: dict[str, object]) -> None:
    faults: tuple[Fault, ...] = ()
    try:
        read_key_fields(body)
    except UnprocessableError as error:
        faults = error.faults
    assert {fault.field.split(".")[0] for fault in faults} <= set(body)


def test_amounts_are_numbers_or_exact_texts() -> None:
    fields = read_key_fields({"max_budget": "0.000000001", "soft_budget": 9_000_000_000}).fields
    assert (fields.max_budget, fields.soft_budget) == (Decimal("0.000000001"), Decimal(9_000_000_000))


def test_zero_is_a_limit() -> None:
    fields = read_key_fields({"max_budget": 0, "rpm_limit": 0, "tpm_limit": 0, "max_parallel_requests": 0}).fields
    assert all(getattr(fields, name) == 0 for name in ("max_budget", "rpm_limit", "tpm_limit", "max_parallel_requests"))


@pytest.mark.parametrize("text", ["30s", "24h", "1200mo", "9999w", "monthly"])
def test_durations_of_budgets_are_kept_as_they_are_written(text: str) -> None:
    assert read_key_fields({"budget_duration": text}).fields.budget_duration == text


def test_blank_duration_of_a_budget_says_nothing() -> None:
    assert read_key_fields({"budget_duration": ""}).fields.budget_duration is UNSET


def test_limit_that_promises_nothing_is_what_limits_are_anyway() -> None:
    assert read_key_fields(dict.fromkeys(("rpm_limit_type", "tpm_limit_type"), "best_effort_throughput")).ignored == ()
