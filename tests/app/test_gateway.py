"""The one way a call travels: what goes up, what comes back, and that every call leaves exactly one event."""

from typing import Any

import anyio
import msgspec
import pytest

from support.gateway_parts import (
    KEY,
    MASTER_KEY,
    Answer,
    chat_body,
    deployment,
    fetch,
    inbound,
    leave_when,
    make_parts,
    opened,
    refused,
    snapshot_of,
    virtual_key,
)
from support.provider_answers import COST_NANO, completion, refusal, whole
from support.scripted_transport import HANG, Script
from tianji_core.calls.deployment import Deployment
from tianji_core.config.gateway_config import GeneralSettings
from tianji_core.errors import (
    InvalidRequestError,
    NotBuiltError,
    TianjiError,
    UpstreamAuthenticationError,
)
from tianji_core.routing.settings import Alias, RouterSettings
from tianji_core.shapes.raw_requests import ReadBody
from tianji_core.surfaces.anthropic_count_tokens import SURFACE as COUNT_TOKENS
from tianji_core.surfaces.anthropic_messages import SURFACE as MESSAGES
from tianji_core.surfaces.openai_embeddings import SURFACE as EMBEDDINGS

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_whole_answer_is_returned_under_the_callers_model_and_settled_before_it_is_handed_out() -> None:
    parts = make_parts()
    parts.answer("a", whole("Good morning"))
    async with opened(parts, inbound()) as stream:
        assert (stream.status, stream.keep_alive()) == (200, None)
        assert parts.events == []
        answer = Answer(stream.headers, [await anext(stream)])
        assert (await parts.row()).event is parts.event
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert answer.text == "Good morning"
    assert answer.json["model"] == "fast"
    assert answer.header("content-length") == str(len(answer.data))
    assert answer.header("x-tianji-response-cost") == answer.header("x-litellm-response-cost") == "0.000075"
    assert answer.header("x-request-id") == parts.event.call_id
    assert parts.log == ["opened", "sent a", "settled", "closed a"]


async def test_event_tells_the_whole_call() -> None:
    parts = make_parts(keys=[virtual_key(alias="ci", user_id="u", team_id="t", tags=("from-key",))])
    parts.answer("a", Script((completion(),), headers=(("x-request-id", "up-1"),)))
    headers = (("x-tianji-call-id", "mine"), ("user-agent", "curl"))
    await fetch(parts, inbound(chat_body(user="end", tags=["one", "from-key"]), headers=headers))
    event = parts.event
    assert (event.status, event.http_status, event.error, event.operation, event.surface) == ("ok", 200, None, "chat", "openai_chat")
    assert (event.model_asked, event.model_group, event.model, event.model_response) == ("fast", "fast", "gpt-4o", "gpt-4o-2024-08-06")
    assert (event.provider, event.deployment_id, event.server_address) == ("openai", "a", "a")
    assert (event.key_id, event.key_alias, event.user_id, event.team_id, event.end_user_id) == ("id-of-caller", "ci", "u", "t", "end")
    assert (event.tags, event.client_call_id, event.user_agent) == (("from-key", "one"), "mine", "curl")
    assert (event.provider_request_id, event.response_id, event.finish_reasons) == ("up-1", "chatcmpl-1", ("stop",))
    assert (event.usage.input_total, event.usage.output_total, event.usage_source) == (10, 5, "provider")
    assert (event.cost.total_nano, event.cost.source) == (COST_NANO, "computed")
    assert event.started_at_ns <= (event.upstream_started_at_ns or 0) <= (event.first_chunk_at_ns or 0) <= event.ended_at_ns
    assert [(attempt.number, attempt.outcome, attempt.error) for attempt in event.attempts] == [(1, "billed", None)]
    assert event.pricing_version == parts.snapshots.current.prices.version


async def test_master_key_may_call_and_is_booked_as_master() -> None:
    parts = make_parts()
    parts.answer("a", whole())
    await fetch(parts, inbound(key=MASTER_KEY))
    assert (parts.event.key_id, parts.event.key_hash) == ("master", None)


async def test_control_fields_never_go_up() -> None:
    parts = make_parts()
    parts.answer("a", whole())
    controls: dict[str, Any] = {
        "num_retries": 1,
        "timeout": 30,
        "stream_timeout": 5,
        "fallbacks": [],
        "tags": ["x"],
        "cache": {"no-cache": True},
        "litellm_session_id": "s",
        "litellm_trace_id": "t",
        "drop_params": True,
        "no-log": True,
        "metadata": {"secret_note": "mine"},
    }
    await fetch(parts, inbound(chat_body(seed=7, **controls)))
    (sent,) = parts.transport.sent
    assert sent.body == {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello there"}], "seed": 7}
    assert (parts.event.session_id, parts.event.trace_id) == ("s", "t")


async def test_callers_credential_never_goes_up() -> None:
    parts = make_parts()
    parts.answer("a", whole())
    await fetch(parts, inbound(headers=(("cookie", "c"), ("x-forwarded-for", "1.2.3.4"))))
    (sent,) = parts.transport.sent
    assert KEY not in str(msgspec.to_builtins(sent.request.headers))
    assert [name for name, _ in sent.request.headers] == ["content-type"]


async def test_dropped_parameters_are_named_in_the_header_and_the_event() -> None:
    parts = make_parts(deployment("a", provider="anthropic", model="claude-sonnet-4-5", base_url="http://a"))
    body = {"type": "message", "id": "msg_1", "role": "assistant", "model": "claude", "stop_reason": "end_turn"}
    usage = {"input_tokens": 3, "output_tokens": 2}
    parts.answer("a", Script((msgspec.json.encode({**body, "content": [{"type": "text", "text": "Hi"}], "usage": usage}),)))
    answer = await fetch(parts, inbound(chat_body(seed=1, drop_params=True, max_tokens=10)))
    assert answer.text == "Hi"
    assert answer.header("x-tianji-dropped-params") == "seed"
    assert answer.header("x-litellm-dropped-params") is None
    assert parts.event.dropped_params == ("seed",)


async def test_unsupported_parameter_is_refused_where_nobody_allows_dropping_it() -> None:
    parts = make_parts(deployment("a", provider="anthropic", model="claude-sonnet-4-5", base_url="http://a"))
    with pytest.raises(InvalidRequestError) as raised:
        await fetch(parts, inbound(chat_body(seed=1, max_tokens=10)))
    assert (raised.value.param, raised.value.code) == ("seed", "unsupported_parameter")
    assert parts.transport.sent == []
    assert [attempt.outcome for attempt in parts.event.attempts] == ["unbilled"]


async def test_alias_of_a_key_leads_to_another_group_and_the_caller_still_sees_its_own_name() -> None:
    parts = make_parts(deployment("a", "real"), keys=[virtual_key(aliases={"mine": "real"}, models=("mine",))])
    parts.answer("a", whole())
    answer = await fetch(parts, inbound(chat_body("mine")))
    assert answer.json["model"] == "mine"
    assert (parts.event.model_asked, parts.event.model_group) == ("mine", "real")


async def test_alias_of_the_router_is_allowed_by_either_name() -> None:
    router = RouterSettings(aliases={"nick": Alias(group="fast")})
    for models in (("nick",), ("fast",)):
        parts = make_parts(router=router, keys=[virtual_key(models=models)])
        parts.answer("a", whole())
        assert (await fetch(parts, inbound(chat_body("nick")))).json["model"] == "nick"


async def test_model_in_the_path_wins() -> None:
    parts = make_parts()
    parts.answer("a", whole())
    request = inbound(chat_body("nope"), route="/engines/{model}/chat/completions", path_model="fast")
    assert (await fetch(parts, request)).json["model"] == "fast"


async def test_upstream_model_name_is_shown_where_the_operator_wants_it() -> None:
    parts = make_parts(general=GeneralSettings(response_model="upstream", compat_headers=False))
    parts.answer("a", whole())
    answer = await fetch(parts)
    assert answer.json["model"] == "gpt-4o"
    assert answer.header("x-litellm-call-id") is None


async def test_credentials_in_a_body_are_refused_unless_the_deployment_takes_them() -> None:
    parts = make_parts()
    error = await refused(parts, inbound(chat_body(api_key="sk-mine")), InvalidRequestError)
    assert error.param == "api_key"
    assert "sk-mine" not in str(error)
    assert parts.transport.sent == []


async def test_callers_own_credentials_are_used_where_they_are_allowed() -> None:
    parts = make_parts(deployment("a", client_credentials=frozenset({"api_key", "api_base"})))
    parts.answer("b", whole())
    await fetch(parts, inbound(chat_body(api_key="sk-mine", api_base="http://b/v1")))
    (sent,) = parts.transport.sent
    assert parts.transport.hosts == ["b"]
    assert "api_key" not in sent.body
    assert "sk-mine" not in repr(sent.request)
    assert sent.request.auth.secret.reveal() == "sk-mine"  # type: ignore[union-attr]


async def test_capability_that_a_provider_lacks_is_not_built() -> None:
    parts = make_parts(deployment("a", provider="local", model="m"))
    await refused(parts, inbound({"model": "fast", "input": "hi"}, surface=EMBEDDINGS), NotBuiltError)
    assert parts.event.http_status == 501


async def test_embeddings_travel_the_same_way() -> None:
    parts = make_parts(deployment("a", model="text-embedding-3-small"))
    body = {"object": "list", "model": "text-embedding-3-small", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}
    parts.answer("a", Script((msgspec.json.encode({**body, "usage": {"prompt_tokens": 2, "total_tokens": 2}}),)))
    answer = await fetch(parts, inbound({"model": "fast", "input": "hi"}, surface=EMBEDDINGS))
    assert (answer.json["model"], answer.json["data"][0]["embedding"]) == ("fast", [0.5])
    assert (parts.event.operation, parts.event.usage.input_total) == ("embeddings", 2)


async def test_messages_surface_answers_in_its_own_words() -> None:
    parts = make_parts()
    parts.answer("a", whole("Hi"))
    body = {"model": "fast", "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}]}
    answer = await fetch(parts, inbound(body, surface=MESSAGES))
    assert answer.json["content"][0] == {"type": "text", "text": "Hi"}
    assert answer.header("request-id") == parts.event.call_id
    assert answer.header("x-request-id") is None


async def test_count_of_tokens_is_made_here_where_the_provider_cannot_be_asked() -> None:
    parts = make_parts()
    body = {"model": "fast", "messages": [{"role": "user", "content": "one two three"}]}
    answer = await fetch(parts, inbound(body, surface=COUNT_TOKENS))
    assert answer.json == {"input_tokens": 3 + 4 + 3}
    assert parts.transport.sent == []
    assert (parts.event.cost.total_nano, parts.event.usage_source) == (0, "none")


async def test_upstream_refusal_becomes_the_callers_error_and_costs_nothing() -> None:
    parts = make_parts()
    parts.answer("a", refusal(400, "bad temperature", param="temperature"))
    with pytest.raises(InvalidRequestError) as raised:
        await fetch(parts)
    assert raised.value.param == "temperature"
    row = await parts.row()
    assert (row.event.status, row.event.http_status, row.cost.total_nano, row.usage_source) == ("error", 400, 0, "none")
    assert parts.event.error is not None
    assert (parts.event.error.source, parts.event.attempts[0].outcome) == ("upstream", "unbilled")
    assert parts.transport.open_connections == 0


async def test_refused_credential_of_ours_is_no_401_for_the_caller() -> None:
    parts = make_parts()
    parts.answer("a", refusal(401, "invalid key"))
    with pytest.raises(UpstreamAuthenticationError):
        await fetch(parts)
    assert parts.event.http_status == 502


async def test_bug_leaves_one_event_and_no_connection() -> None:
    class Broken:
        async def before_call(self, body: ReadBody, names: tuple[str, ...]) -> None:
            raise KeyError("a prompt text")

    parts = make_parts(guardrails=Broken())
    with pytest.raises(KeyError):
        await fetch(parts)
    assert (parts.event.status, parts.event.http_status) == ("error", 500)
    assert parts.event.error is not None
    assert parts.event.error.message == "KeyError"


# --- one consistent configuration ---------------------------------------------------------------------------------------


async def test_call_keeps_the_snapshot_it_began_with() -> None:
    parts = make_parts(deployment("a"), deployment("b"), router=RouterSettings(num_retries=1))
    gate = anyio.Event()
    first, second = refusal(500), whole("from the old configuration")
    parts.answer("a", Script(first.body, status=500, before=(gate,)))
    parts.answer("b", Script(first.body, status=500, before=(gate,)))
    answers: list[Answer] = []

    async def call() -> None:
        answers.append(await fetch(parts))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await anyio.wait_all_tasks_blocked()
        parts.snapshots.current = snapshot_of([deployment("c")], prices={})
        other = "b" if parts.transport.hosts == ["a"] else "a"
        parts.answer(other, second)
        gate.set()
    parts.answer("c", whole("from the new one"))
    assert answers[0].text == "from the old configuration"
    assert parts.event.cost.total_nano == COST_NANO
    assert (await fetch(parts)).text == "from the new one"
    assert parts.events[1].cost.source == "zero_unpriced"
    assert parts.events[0].pricing_version != parts.events[1].pricing_version


async def test_every_outcome_has_exactly_one_event_and_at_most_one_call_row() -> None:
    parts = make_parts()
    parts.answer("a", whole(), refusal(400), whole())
    bodies: list[Deployment | object] = [None, None, b"{", chat_body("nope"), None]
    for body in bodies:
        try:
            await fetch(parts, inbound(body))
        except TianjiError:
            continue
    parts.answer("a", Script(before=(HANG,)))
    await leave_when(parts, inbound(), lambda: parts.transport.open_connections == 1)
    ids = [event.call_id for event in parts.events]
    assert len(ids) == len(set(ids)) == 6
    assert [row.call_id for row in await parts.rows()] == [ids[0], ids[1], ids[4], ids[5]]
