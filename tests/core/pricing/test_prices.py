from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.errors import ConfigurationError
from tianji_core.pricing.prices import PricesFile, PriceTable, price_table

_INPUT, _OUTPUT = "input_cost_per_token", "output_cost_per_token"


def _table(**layers: Any) -> PriceTable:
    return price_table(**{"package": {}, "date": "2026-11-25", **layers})


def _deployment(model: str = "m", provider: str = "acme", **fields: Any) -> Deployment:
    return Deployment(id=DeploymentId("d"), group="g", provider=provider, model=model, **fields)


def _input_rate(table: PriceTable, deployment: Deployment, response_model: str | None = None) -> object:
    entry = table.resolve(deployment, response_model)
    return None if entry is None else entry.fields.get(_INPUT)


def _entries(*keys: str) -> dict[str, dict[str, object]]:
    return {key: {_INPUT: place, "litellm_provider": "other"} for place, key in enumerate(keys, start=1)}


@pytest.mark.parametrize(
    ("asked", "answered", "base_model", "expected"),
    [
        ("asked", "answered", "base", "base"),
        ("asked", "answered", "nowhere", "acme/answered"),
        ("asked", "answered-own", None, "answered-own"),
        ("asked", "unlisted", None, "acme/asked"),
        ("asked", None, None, "acme/asked"),
        ("asked-own", "answered-foreign", None, "asked-own"),
        ("asked-foreign", "answered-foreign", None, "answered-foreign"),
        ("asked-foreign", "unlisted", None, "asked-foreign"),
        ("asked-latest", None, None, "acme/asked"),
        ("unlisted", "answered-own-20260101", None, "answered-own"),
    ],
)
def test_the_nearest_name_of_the_model_that_served_decides(asked: str, answered: str | None, base_model: str | None, expected: str) -> None:
    package: dict[str, dict[str, object]] = {
        key: {_INPUT: 1, "litellm_provider": "acme" if key.endswith("-own") or key.startswith("acme/") else "other"}
        for key in (
            "base",
            "acme/answered",
            "answered",
            "answered-own",
            "answered-foreign",
            "acme/asked",
            "asked",
            "asked-own",
            "asked-foreign",
        )
    }
    entry = _table(package=package).resolve(_deployment(asked, model_info={"base_model": base_model}), answered)
    assert entry is not None
    assert entry.key == expected
    assert not entry.custom


def test_an_unlisted_model_has_no_price() -> None:
    assert _table(package=_entries("x")).resolve(_deployment("m"), "n") is None


def test_an_entry_without_a_price_is_unknown_and_no_other_provider_stands_in() -> None:
    package = {"acme/m": {"max_input_tokens": 5, "litellm_provider": "acme"}, "m": {_INPUT: 1, "litellm_provider": "other"}}
    assert _table(package=package).resolve(_deployment("m"), "m") is None


def test_a_price_of_zero_is_known() -> None:
    assert _input_rate(_table(package={"acme/m": {_INPUT: 0}}), _deployment()) == 0


def test_undecoded_entries_are_read_exactly_when_first_asked_for() -> None:
    package = {"acme/m": msgspec.Raw(b'{"input_cost_per_token": 3e-06}'), "broken": msgspec.Raw(b"{")}
    assert _input_rate(_table(package=package), _deployment()) == Decimal("0.000003")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ({}, (1, 1)),
        ({"corrections": {"acme/m": {_INPUT: 2}}}, (2, 1)),
        ({"corrections": {"acme/m": {_INPUT: 2}}, "file": PricesFile(entries={"acme/m": {_INPUT: 3}})}, (3, None)),
        ({"file": PricesFile(entries={"acme/m": {_INPUT: 3}}), "overrides": {"acme/m": {_OUTPUT: 4}}}, (3, 4)),
        ({"corrections": {"acme/m": {_INPUT: 2}}, "overrides": {"acme/m": {_OUTPUT: 4}}}, (2, 4)),
        ({"file": PricesFile(entries={"acme/n": {_INPUT: 3}})}, (1, 1)),
    ],
)
def test_overrides_beat_the_file_beats_corrections_beat_the_package(layers: dict[str, Any], expected: tuple[object, object]) -> None:
    entry = _table(package={"acme/m": {_INPUT: 1, _OUTPUT: 1}}, **layers).resolve(_deployment(), None)
    assert entry is not None
    assert (entry.fields.get(_INPUT), entry.fields.get(_OUTPUT)) == expected


def test_a_replacing_file_hides_the_package_and_its_corrections() -> None:
    file = PricesFile(entries={"acme/n": {_INPUT: 3}}, mode="replace")
    table = _table(package={"acme/m": {_INPUT: 1}}, corrections={"acme/k": {_INPUT: 1}}, file=file)
    assert ["acme/m" in table, "acme/k" in table, "acme/n" in table] == [False, False, True]


def test_an_override_may_price_a_model_that_the_table_does_not_know() -> None:
    assert _input_rate(_table(overrides={"m": {_INPUT: "1e-6"}}), _deployment()) == "1e-6"


@pytest.mark.parametrize("layers", [{"overrides": {"m": {_INPUT: "much"}}}, {"file": PricesFile(entries={"m": {_INPUT: -1}})}])
def test_a_wrong_price_of_the_operator_is_found_when_the_table_is_made(layers: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="price of 'm': input_cost_per_token"):
        _table(**layers)


def test_own_prices_make_a_deployment_custom_and_the_rest_comes_from_base_model_then_model() -> None:
    table = _table(package={"base": {_OUTPUT: 5}, "acme/m": {_OUTPUT: 6}, "acme/answered": {_OUTPUT: 7}})
    by_base = table.resolve(_deployment(prices={_INPUT: 1}, model_info={"base_model": "base"}), "answered")
    by_model = table.resolve(_deployment(prices={_INPUT: 1}), "answered")
    assert by_base is not None
    assert by_model is not None
    assert [(entry.custom, entry.fields[_INPUT], entry.fields[_OUTPUT]) for entry in (by_base, by_model)] == [(True, 1, 5), (True, 1, 6)]


def test_an_explicit_zero_is_custom_also_where_the_model_is_unknown() -> None:
    entry = _table().resolve(_deployment(prices={_INPUT: 0, _OUTPUT: 0}), None)
    assert entry is not None
    assert (entry.custom, entry.key, entry.has_prices) == (True, "d", True)


def test_a_custom_entry_is_made_once_and_again_when_the_deployments_prices_change() -> None:
    table = _table(package={"acme/m": {_OUTPUT: 6}})
    first, second = _deployment(prices={_INPUT: 1}), _deployment(prices={_INPUT: 2})
    assert table.resolve(first, None) is table.resolve(first, "other")
    assert [_input_rate(table, deployment) for deployment in (first, second, first)] == [1, 2, 1]


def test_one_deployment_with_a_wildcard_keeps_its_models_apart() -> None:
    table = _table(package={"acme/m": {_OUTPUT: 6}, "acme/n": {_OUTPUT: 7}})
    prices = {_INPUT: 1}
    entries = [table.resolve(_deployment(model, prices=prices), None) for model in ("m", "n", "m")]
    assert [entry.fields[_OUTPUT] for entry in entries if entry] == [6, 7, 6]


def test_known_facts_are_limits_and_capabilities_without_prices() -> None:
    fields = {"max_output_tokens": 8, "supports_vision": True, "mode": "chat", _INPUT: 1, "litellm_provider": "acme", "source": "page"}
    table = _table(package={"acme/m": fields})
    assert table.known("acme", "m") == {"max_output_tokens": 8, "supports_vision": True, "mode": "chat"}
    assert table.known("azure", "my-name", "acme/m") == table.known("acme", "m")
    assert table.known("acme", "unlisted") == {}


def test_the_version_changes_with_any_layer_and_not_with_the_order_of_names() -> None:
    entries = {"a": {_INPUT: 1}, "b": {_INPUT: 2}}
    same = _table(package=dict(reversed(entries.items())))
    others = [
        _table(package={"a": {_INPUT: 1}}),
        _table(package=entries, corrections={"a": {_INPUT: 3}}),
        _table(package=entries, overrides={"a": {_INPUT: 3}}),
        _table(package=entries, file=PricesFile(entries={"a": {_INPUT: 3}})),
    ]
    version = _table(package=entries).version
    assert version == same.version
    assert len({version, *(table.version for table in others)}) == 5


def test_an_entry_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        _table().entry("m")


def test_look_ups_are_remembered_up_to_a_bound_and_stay_right() -> None:
    table = _table(package={"acme/m": {_INPUT: 1}})
    for number in range(5000):
        assert table.resolve(_deployment(), f"unlisted-{number}") is not None
        assert table.resolve(_deployment("n"), f"unlisted-{number}") is None
    assert len(table._found) <= 4096
