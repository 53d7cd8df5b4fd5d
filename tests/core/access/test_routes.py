"""A key's `allowed_routes`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.access.roles import TABLE, has_template
from tianji_core.access.routes import ROUTE_GROUPS, is_route_allowed, is_route_entry

TEMPLATES = st.sampled_from(sorted({template for _, template in TABLE}))
ENTRIES = st.sampled_from(["/*", "/v1/*", "/key/info", "/v1/models", "/models/{model}", *ROUTE_GROUPS])


@pytest.mark.parametrize("entry", ["openai_routes", "/key/info", "/models/{model}", "/v1/*", "/*", "/"])
def test_entry_has_a_meaning(entry: str) -> None:
    assert is_route_entry(entry)


@pytest.mark.parametrize("entry", ["", "*", "other_routes", "v1/models", "/v1/*/x", "/v1*", "/*/*", "OPENAI_ROUTES"])
def test_entry_has_no_meaning(entry: str) -> None:
    assert not is_route_entry(entry)


@pytest.mark.parametrize("group", sorted(ROUTE_GROUPS))
def test_members_of_a_group_are_routes_that_exist(group: str) -> None:
    assert all(has_template(member) for member in ROUTE_GROUPS[group])


def test_group_of_model_routes_holds_all_that_keys_may_call_but_information_on_keys() -> None:
    for_keys = {template for (_, template), rights in TABLE.items() if "key" in rights}
    assert set(ROUTE_GROUPS["llm_api_routes"]) == for_keys - {"/key/info"}


@pytest.mark.parametrize(
    ("entry", "template", "path", "expected"),
    [
        ("anthropic_routes", "/v1/messages", "/v1/messages", True),
        ("anthropic_routes", "/v1/embeddings", "/v1/embeddings", False),
        ("openai_routes", "/v1/models/{name:path}", "/v1/models/a/b", True),
        ("/v1/*", "/v1/chat/completions", "/v1/chat/completions", True),
        ("/v1/*", "/chat/completions", "/chat/completions", False),
        ("/v1/*", "/v1", "/v1", False),
        ("/v1/m/*", "/v1/models", "/v1/models", False),
        ("/*", "/key/info", "/key/info", True),
        ("/v1/models", "/v1/models", "/v1/models/", True),
        ("/v1/models", "/v1/models/{model}", "/v1/models/a", False),
        ("/v1/models/a", "/v1/models/{model}", "/v1/models/a", True),
        ("/v1/models/a", "/v1/models/{model}", "/v1/models/b", False),
        ("/v1/models/{id}", "/v1/models/{model}", "/v1/models/b", True),
        ("/V1/models", "/v1/models", "/v1/models", False),
    ],
)
def test_entry_covers_a_route(entry: str, template: str, path: str, expected: bool) -> None:
    assert is_route_allowed([entry], template, path) is expected


def test_prefix_is_compared_with_the_matched_template_and_not_with_the_path() -> None:
    assert not is_route_allowed(["/v1/*"], "/key/info", "/v1/../key/info")


@given(TEMPLATES)
def test_no_entry_allows_everything(template: str) -> None:
    assert is_route_allowed([], template, template)


@given(st.lists(ENTRIES, min_size=1), TEMPLATES)
def test_list_allows_what_one_of_its_entries_allows(entries: list[str], template: str) -> None:
    assert is_route_allowed(entries, template, template) is any(is_route_allowed([entry], template, template) for entry in entries)
