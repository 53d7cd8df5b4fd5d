"""What a call is billed: the provider's figures, or what can be counted, at the prices of its snapshot."""

from decimal import Decimal

import msgspec
import pytest

from support.gateway_parts import chat_body, deployment, fetch, inbound, make_parts
from support.provider_answers import END, ROLE, chunk, event, good_stream, stream, whole
from support.scripted_transport import Script
from tianji_core.errors import UpstreamError
from tianji_core.pricing.adjustments import Adjustments, Margin

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_model_without_a_price_costs_nothing_and_says_why() -> None:
    parts = make_parts(deployment("a", model="brand-new"))
    parts.answer("a", whole(model="brand-new"))
    answer = await fetch(parts)
    row = await parts.row()
    assert (row.cost.total_nano, row.cost.source, row.usage.input_total) == (0, "zero_unpriced", 10)
    assert answer.header("x-tianji-response-cost") == "0.0"


async def test_local_model_is_priced_at_zero_which_is_a_price() -> None:
    prices = {"input_cost_per_token": 0, "output_cost_per_token": 0}
    parts = make_parts(deployment("a", provider="local", model="smollm2", prices=prices))
    parts.answer("a", whole())
    await fetch(parts)
    cost = (await parts.row()).cost
    assert (cost.total_nano, cost.source) == (0, "custom")


async def test_deployments_own_price_wins() -> None:
    parts = make_parts(deployment("a", prices={"input_cost_per_token": Decimal("0.001"), "output_cost_per_token": 0}))
    parts.answer("a", whole())
    await fetch(parts)
    assert (await parts.row()).cost.total_nano == 10 * 1_000_000


async def test_discount_of_one_model_is_taken_off() -> None:
    parts = make_parts(deployment("a", model="ours", model_info={"base_model": "gpt-4o"}))
    adjustments = Adjustments(discounts={"openai/ours": Decimal("0.5")}, margins={"openai": Margin(fixed_usd=Decimal("0.000001"))})
    parts.snapshots.current = msgspec.structs.replace(parts.snapshots.current, adjustments=adjustments)
    parts.answer("a", whole())
    await fetch(parts)
    cost = (await parts.row()).cost
    assert (cost.list_nano, cost.total_nano) == (75_000, 37_500 + 1_000)


async def test_advisor_is_paid_at_its_own_price() -> None:
    prices = {
        "claude-sonnet-4-5": {"input_cost_per_token": "0.000001", "output_cost_per_token": "0.000002", "litellm_provider": "anthropic"},
        "claude-opus-4-8": {"input_cost_per_token": "0.00001", "output_cost_per_token": "0.00002", "litellm_provider": "anthropic"},
    }
    advice = {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 100, "output_tokens": 10}
    own = {"input_tokens": 10, "output_tokens": 5}
    usage = {**own, "iterations": [{"type": "message", **own}, advice]}
    answer = {"id": "msg_1", "type": "message", "model": "claude-sonnet-4-5", "content": [], "stop_reason": "end_turn", "usage": usage}
    parts = make_parts(deployment("a", provider="anthropic", model="claude-sonnet-4-5", base_url="http://a"), prices=prices)
    parts.answer("a", Script((msgspec.json.encode(answer),)))
    await fetch(parts)
    row = await parts.row()
    assert (row.usage.input_total, row.usage.output_total) == (10, 5)
    assert row.cost.total_nano == 20_000 + 1_200_000
    assert [other.model for other in row.usage.others] == ["claude-opus-4-8"]


async def test_whole_answer_without_usage_is_counted() -> None:
    parts = make_parts(deployment("a", model="gpt-4-turbo"), prices={})
    parts.answer("a", whole("one two three", usage=None))
    await fetch(parts)
    row = await parts.row()
    assert (row.usage.input_total, row.usage.output_total, row.usage_source) == (9, 3, "estimated")
    assert set(parts.counter.encodings) == {"cl100k_base"}


async def test_reasoning_and_tool_arguments_are_output_too() -> None:
    parts = make_parts()
    call = {"index": 0, "id": "call_1", "function": {"name": "look", "arguments": "up this"}}
    thinking = event({"choices": [{"index": 0, "delta": {"reasoning_content": "let me "}}]})
    tool = event({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    parts.answer("a", stream(ROLE, thinking, chunk("see "), tool, UpstreamError("gone")))
    await fetch(parts, inbound(chat_body(stream=True)))
    assert (await parts.row()).usage.output_total == len(["let", "me", "see", "lookup", "this"])


async def test_tools_of_the_request_are_input() -> None:
    parts = make_parts()
    tool = {"type": "function", "function": {"name": "find", "description": "finds all things", "parameters": {"type": "object"}}}
    parts.answer("a", good_stream("Hi", usage=None))
    await fetch(parts, inbound(chat_body(stream=True, tools=[tool])))
    assert (await parts.row()).usage.input_total == 9 + len(["find", "finds", "all", "things", "type", "object"])


async def test_usage_that_lacks_the_input_is_completed_by_counting() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("one"), END, event({"choices": [], "usage": {"completion_tokens": 7}})))
    await fetch(parts, inbound(chat_body(stream=True)))
    row = await parts.row()
    assert (row.usage.input_total, row.usage.output_total, row.usage_source) == (9, 7, "estimated")


async def test_counting_is_not_done_where_the_provider_counted() -> None:
    parts = make_parts()
    parts.answer("a", whole())
    await fetch(parts)
    assert parts.counter.encodings == []


async def test_prompt_of_token_ids_is_counted_by_their_number() -> None:
    from tianji_core.surfaces.openai_completions import SURFACE

    parts = make_parts(deployment("a", model="gpt-3.5-turbo-instruct"), prices={})
    choice = {"index": 0, "text": "one two", "finish_reason": "stop", "logprobs": None}
    body = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "x", "choices": [choice]}
    parts.answer("a", Script((msgspec.json.encode(body),)))
    await fetch(parts, inbound({"model": "fast", "prompt": [[1, 2, 3], [4]]}, surface=SURFACE))
    row = await parts.row()
    assert (row.usage.input_total, row.usage.output_total) == (4, 2)
