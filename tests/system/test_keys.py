"""Virtual keys through the real process, on both databases: what they open, what closes them, and what no text of theirs can do."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import anyio
import httpx
import pytest

from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.ledger import eventually
from support.postgres import PostgresServer

ADMIN = {"Authorization": f"Bearer {MASTER_KEY}"}
INJECTIONS = (
    "x'; DROP TABLE api_keys; --",
    "' OR '1'='1",
    '" OR ""="',
    "%' OR alias LIKE '%",
    "$1",
    ":hash",
    "{alias}",
    "\\'; SELECT pg_sleep(9); --",
    "a%00b",
    "ключ 钥匙 🔑",
)


@dataclass(slots=True)
class House:
    """A gateway and its administrator."""

    gateway: GatewayProcess
    client: httpx.Client

    def make(self, **fields: object) -> str:
        """Return the text of a new key."""
        made = self.client.post("/key/generate", json=fields)
        assert made.status_code == 200, made.text
        key: str = made.json()["key"]
        return key

    def call(self, key: str, model: str = "fine", path: str = "/v1/chat/completions") -> httpx.Response:
        """Make a call with a key."""
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}
        return self.client.post(path, headers={"Authorization": f"Bearer {key}"}, json=body)

    def count(self) -> int:
        """Return how many keys there are."""
        total: int = self.client.get("/key/list").json()["total_count"]
        return total


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Return the flags that choose the database."""
    if request.param == "sqlite":
        yield []
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = anyio.run(server.create_database)
    yield ["--database-url", server.url_of(name)]
    anyio.run(server.drop_database, name)


@pytest.fixture(scope="module")
def house(upstream: FaultyUpstream, database: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    entries = [
        {
            "model_name": name,
            "litellm_params": {"model": "openai/m", "api_base": f"{upstream.url}/{name}/v1", "api_key": "sk-upstream-key-0001"},
        }
        for name in ("fine", "other")
    ]
    config = json.dumps({"model_list": entries, "general_settings": {"master_key": MASTER_KEY}})
    with (
        running_gateway(tmp_path_factory.mktemp("keys") / "data", *database, config=config) as gateway,
        httpx.Client(base_url=gateway.base_url, headers=ADMIN, timeout=30) as client,
    ):
        yield House(gateway, client)


def _refusal(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["type"], error["code"]


@pytest.mark.promise("own-words")
@pytest.mark.parametrize(
    ("fields", "model", "expected"),
    [
        ({"models": ["other"]}, "fine", (403, "invalid_request_error", "model_not_found")),
        ({"models": ["other"]}, "absent", (403, "invalid_request_error", "model_not_found")),
        ({}, "absent", (404, "invalid_request_error", "model_not_found")),
        ({"duration": "1s"}, "fine", (401, "invalid_request_error", "expired_key")),
        ({"blocked": True}, "fine", (403, "permission_error", "key_blocked")),
        ({"allowed_routes": ["/v1/models"]}, "fine", (403, "permission_error", "route_not_allowed")),
    ],
)
def test_what_a_key_may_not_do_is_told_in_openais_words(
    fields: dict[str, object], model: str, expected: tuple[int, str, str], house: House
) -> None:
    key = house.make(**fields)
    assert eventually(lambda: house.call(key, model).status_code == expected[0])
    assert _refusal(house.call(key, model)) == expected


@pytest.mark.promise("own-words")
def test_what_a_key_may_not_do_is_told_in_anthropics_words_on_its_routes(house: House) -> None:
    answer = house.call(house.make(models=["other"]), path="/v1/messages")
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "permission_error")
    answer = house.call("sk-nobody-has-this-key-00", path="/v1/messages")
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key", "x-tianji-api-key"])
def test_key_is_taken_from_the_header_of_each_vendor(header: str, house: House) -> None:
    key = house.make()
    with httpx.Client(base_url=house.gateway.base_url) as caller:
        sent = {header: f"Bearer {key}" if header == "Authorization" else key}
        assert caller.get("/v1/models", headers=sent).status_code == 200


def test_every_change_of_a_key_holds_for_its_next_call(house: House) -> None:
    key = house.make(models=["fine"])
    steps: list[tuple[str, dict[str, object], int]] = [
        ("/key/update", {"key": key, "models": ["other"]}, 403),
        ("/key/update", {"key": key, "models": ["*"]}, 200),
        ("/key/block", {"key": key}, 403),
        ("/key/unblock", {"key": key}, 200),
        ("/key/delete", {"keys": [key]}, 401),
    ]
    assert house.call(key).status_code == 200
    for path, body, status in steps:
        assert house.client.post(path, json=body).status_code == 200
        assert house.call(key).status_code == status, path


@pytest.mark.promise("keys-are-data")
@pytest.mark.parametrize("text", [*INJECTIONS, "sk-", "sk-x", "sk-" + "a" * 5000, "Bearer sk-double-0123456789"])
def test_credential_that_cannot_be_a_key_is_refused(text: str, house: House) -> None:
    before = house.count()
    answer = house.client.get("/v1/models", headers=[(b"authorization", f"Bearer {text}".encode())])
    assert _refusal(answer) == (401, "invalid_request_error", "invalid_api_key")
    assert house.count() == before


@pytest.mark.promise("keys-are-data")
@pytest.mark.parametrize("text", INJECTIONS)
def test_odd_texts_are_kept_as_they_are(text: str, house: House) -> None:
    before = house.count()
    key = house.make(user_id="odd", metadata={text: [text]}, models=["*"])
    row = house.client.get("/key/info", params={"key": key}).json()["info"]
    assert row["metadata"] == {text: [text]}
    for path, query in (("/key/list", {"key_alias": text}), ("/key/list", {"user_id": text}), ("/key/info", {"key": text})):
        answer = house.client.get(path, params=query)
        assert answer.status_code in (200, 404, 422), answer.text
        assert answer.json().get("keys", []) == []
    assert house.client.post("/key/delete", json={"keys": [text]}).status_code >= 400
    assert house.count() == before + 1


@pytest.mark.promise("keys-are-data")
def test_many_wrong_keys_at_once_leave_right_ones_alone(house: House) -> None:
    key = house.make()
    assert house.call(key).status_code == 200

    def guess(number: int) -> int:
        return house.client.get("/v1/models", headers={"Authorization": f"Bearer sk-guess-number-{number:08}"}).status_code

    with ThreadPoolExecutor(8) as threads:
        guesses = threads.map(guess, range(80))
        rights = [house.call(key).status_code for _ in range(5)]
        assert set(guesses) <= {401, 429}
    assert rights == [200] * 5
    new = house.make()
    assert eventually(lambda: house.call(new).status_code == 200), "keys that were not seen before wait for a moment"


def test_of_simultaneous_keys_with_one_alias_one_is_made(house: House) -> None:
    def make(_: int) -> int:
        return house.client.post("/key/generate", json={"key_alias": "only-one"}).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(make, range(8)))
    assert statuses[0] == 200
    assert statuses[1:] == [409] * 7


def test_simultaneous_changes_of_different_fields_all_survive(house: House) -> None:
    key = house.make(key_alias="shared")
    changes: list[dict[str, object]] = [{"tags": ["a"]}, {"models": ["fine"]}, {"user_id": "u"}, {"metadata": {"a": 1}}]

    def change(fields: dict[str, object]) -> int:
        return house.client.post("/key/update", json={"key": key, **fields}).status_code

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(change, changes)) == [200] * 4
    row = house.client.get("/key/info", params={"key": key}).json()["info"]
    assert (row["tags"], row["models"], row["user_id"], row["metadata"], row["version"]) == (["a"], ["fine"], "u", {"a": 1}, 5)


def test_key_sees_only_itself(house: House) -> None:
    own, other = house.make(key_alias="own"), house.make(key_alias="not-own")
    as_own = {"Authorization": f"Bearer {own}"}
    assert house.client.get("/key/info", headers=as_own).json()["info"]["key_alias"] == "own"
    assert house.client.get("/key/info", headers=as_own, params={"key": other}).status_code == 404
    forbidden: list[Callable[[], httpx.Response]] = [
        lambda: house.client.get("/key/list", headers=as_own),
        lambda: house.client.post("/key/generate", headers=as_own, json={}),
        lambda: house.client.post("/key/update", headers=as_own, json={"key": own, "models": ["*"]}),
        lambda: house.client.post("/key/delete", headers=as_own, json={"keys": [own]}),
        lambda: house.client.post("/config/reload", headers=as_own),
        lambda: house.client.get("/metrics", headers=as_own),
        lambda: house.client.get("/health", headers=as_own),
    ]
    assert [ask().status_code for ask in forbidden] == [403] * len(forbidden)


def test_models_that_a_key_may_use_are_the_ones_it_is_shown(house: House) -> None:
    key = {"Authorization": f"Bearer {house.make(models=['oth*'])}"}
    assert [model["id"] for model in house.client.get("/v1/models", headers=key).json()["data"]] == ["other"]
    assert house.client.get("/v1/models/fine", headers=key).status_code == 404


def test_nothing_of_this_was_a_bug_of_the_gateway(house: House) -> None:
    assert house.gateway.process.poll() is None
    assert "Traceback" not in house.gateway.output
