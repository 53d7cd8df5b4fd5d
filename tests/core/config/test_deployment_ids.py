"""Ids of deployments."""

from support.configuration import errors_of, load


def _ids(*params: str, environment: dict[str, str] | None = None) -> list[str]:
    entries = "\n".join(f"  - {{model_name: a, tianji_params: {{{part}}}}}" for part in params)
    return [deployment.id for deployment in load(f"model_list:\n{entries}", environment).deployments]


_KEYS = {"K1": "one", "K2": "two", "P": "secret-parameter"}


def test_an_id_is_sixteen_hexadecimal_digits_and_stable() -> None:
    (first,) = _ids("model: gpt-4o, api_key: $K1", environment=_KEYS)
    assert len(first) == 16
    assert int(first, 16) >= 0
    assert _ids("model: gpt-4o, api_key: $K1", environment=_KEYS) == [first]


def test_rotating_the_key_behind_a_reference_keeps_the_id() -> None:
    assert _ids("model: gpt-4o, api_key: $K1", environment=_KEYS) == _ids("model: gpt-4o, api_key: $K1", environment={"K1": "other"})


def test_two_references_are_two_deployments() -> None:
    first, second = _ids("model: gpt-4o, api_key: $K1", "model: gpt-4o, api_key: $K2", environment=_KEYS)
    assert first != second
    assert "-" not in second


def test_a_literal_key_counts_as_a_word_and_equal_entries_are_numbered() -> None:
    first, second, third = _ids("model: gpt-4o, api_key: a", "model: gpt-4o, api_key: b", "model: gpt-4o, api_key: c")
    assert (second, third) == (f"{first}-2", f"{first}-3")


def test_changed_parameters_give_another_id() -> None:
    ids = _ids("model: gpt-4o, api_key: a", "model: gpt-4o, api_key: a, timeout: 3", "model: gpt-4o, api_key: a, temperature: 0")
    assert len(set(ids)) == 3


def test_the_value_of_a_reference_counts_where_it_is_no_secret() -> None:
    one = _ids("model: gpt-4o, api_key: a, api_base: $U", environment={"U": "http://one"})
    assert one != _ids("model: gpt-4o, api_key: a, api_base: $U", environment={"U": "http://two"})


def test_the_reference_counts_for_parameters_that_nobody_knows() -> None:
    one = _ids("model: gpt-4o, api_key: a, token: $P", environment=_KEYS)
    assert one == _ids("model: gpt-4o, api_key: a, token: $P", environment={"P": "rotated"})


def test_spelling_order_and_empty_values_do_not_count() -> None:
    one = _ids("model: openai/gpt-4o, api_base: http://x, api_key: a")
    assert one == _ids("api_key: a, base_url: http://x, model: gpt-4o, custom_llm_provider: openai, weight: null")


def test_a_configured_id_is_kept_and_must_be_unique() -> None:
    entry = "  - {model_name: a, tianji_params: {model: gpt-4o, api_key: a}, model_info: {id: mine}}\n"
    assert load("model_list:\n" + entry).deployments[0].id == "mine"
    assert errors_of("model_list:\n" + entry * 2) == ["config.yaml:3: the id `mine` is taken: config.yaml:2 has it too"]
