"""What callers are told their key has spent: the store's sum, and what was settled here since."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import pytest

from support.gateway_parts import MASTER_KEY, Parts, chat_body, deployment, fetch, inbound, leave_when, make_parts, opened, virtual_key
from support.provider_answers import COST_NANO, good_stream, refusal, usage_chunk, whole
from support.provider_answers import stream as streamed
from support.scripted_transport import HANG, Script
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_app.call.key_spend import RETRY_SECONDS, KeySpend
from tianji_core.access.keys import KeyId
from tianji_core.errors import DependencyUnavailableError, TianjiError
from tianji_core.translation.answer_headers import usd

pytestmark = pytest.mark.anyio
ID = virtual_key().id
SPENT_NANO = 2_000_000_000


@dataclass(slots=True)
class CountedStore(MemorySpendStore):
    """Counts how often it is asked; it can be away."""

    asked: int = 0
    is_away: bool = False
    spent: dict[KeyId, int] = field(default_factory=lambda: {ID: SPENT_NANO})

    async def key_spend_nano(self, key_ids: Sequence[KeyId]) -> dict[KeyId, int]:
        self.asked += 1
        await anyio.lowlevel.checkpoint()
        if self.is_away:
            raise DependencyUnavailableError("away")
        return await MemorySpendStore.key_spend_nano(self, key_ids)


async def told(parts: Parts, *, stream: bool = False, key: str | None = None) -> str | None:
    """Make a call and return what its headers say of the key's spend."""
    body = chat_body(stream=stream)
    answer = await fetch(parts, inbound(body) if key is None else inbound(body, key=key))
    assert answer.header("x-tianji-key-spend") == answer.header("x-litellm-key-spend")
    return answer.header("x-tianji-key-spend")


async def test_whole_answer_tells_the_spend_with_itself_and_a_stream_without() -> None:
    store = CountedStore()
    parts = make_parts(spend=store)
    parts.answer("a", whole(), good_stream("Hi"), whole())
    assert await told(parts) == usd(SPENT_NANO + COST_NANO)
    assert await told(parts, stream=True) == usd(SPENT_NANO + COST_NANO)
    assert await told(parts) == usd(SPENT_NANO + 3 * COST_NANO)
    assert store.asked == 1


async def test_billed_attempts_that_failed_and_calls_that_were_cut_are_counted() -> None:
    parts = make_parts(deployment("a", order=1), deployment("b", order=2), spend=CountedStore())
    parts.answer("a", streamed(usage_chunk()))
    parts.answer("b", good_stream("Hi"))
    await told(parts, stream=True)
    before = SPENT_NANO + 2 * COST_NANO
    assert sum(row.cost.total_nano for row in await parts.rows()) == 2 * COST_NANO
    parts.answer("a", Script(before=(HANG,)))
    await leave_when(parts, inbound(), lambda: parts.transport.open_connections == 1)
    cut = parts.events[-1].cost.total_nano
    assert cut > 0
    parts.answer("a", whole())
    assert await told(parts) == usd(before + cut + COST_NANO)


async def test_key_that_was_changed_is_read_again() -> None:
    store = CountedStore()
    parts = make_parts(spend=store)
    parts.answer("a", whole())
    await told(parts)
    await store.adjust_key_spend(ID, to_nano=5)
    parts.keys.living[ID] = changed = virtual_key(version=2)
    parts.key_cache.invalidate(changed.hash)
    assert await told(parts) == usd(5 + COST_NANO)


async def test_nobody_is_told_a_number_that_is_not_known() -> None:
    store = CountedStore(is_away=True)
    parts = make_parts(spend=store)
    parts.answer("a", whole())
    assert [await told(parts), await told(parts)] == [None, None]
    assert store.asked == 1
    assert await told(parts, key=MASTER_KEY) is None


async def test_store_that_was_away_is_asked_again_later() -> None:
    store, spend, key = CountedStore(is_away=True), KeySpend(), virtual_key()
    await spend.learn(store, key, now=0.0)
    spend.settled(key, 7)
    store.is_away = False
    await spend.learn(store, key, now=RETRY_SECONDS - 1)
    assert spend.spent_nano(key) is None
    await spend.learn(store, key, now=RETRY_SECONDS)
    assert spend.spent_nano(key) == SPENT_NANO, "what was settled meanwhile is in the store's sum"
    spend.settled(key, 7)
    assert spend.spent_nano(key) == SPENT_NANO + 7


async def test_keys_that_were_not_seen_for_long_are_forgotten() -> None:
    store, spend = CountedStore(), KeySpend(most_keys=2)
    keys = [virtual_key(id=KeyId(f"k{number}")) for number in range(3)]
    for key in (*keys[:2], keys[0], keys[2]):
        await spend.learn(store, key, now=0.0)
    assert [spend.spent_nano(key) is None for key in keys] == [False, True, False]


async def test_refused_call_changes_nothing() -> None:
    parts = make_parts(spend=CountedStore())
    parts.answer("a", refusal(400), whole())
    with pytest.raises(TianjiError):
        await fetch(parts)
    async with opened(parts, inbound()) as answer:
        assert dict(answer.headers)["x-tianji-key-spend"] == usd(SPENT_NANO + COST_NANO)


async def test_store_that_hangs_costs_a_call_half_a_second_and_no_number() -> None:
    class Hanging(MemorySpendStore):
        async def key_spend_nano(self, key_ids: Sequence[KeyId]) -> dict[KeyId, int]:
            await anyio.sleep_forever()
            return {}

    spend, began = KeySpend(), anyio.current_time()
    await spend.learn(Hanging(), virtual_key(), now=0.0)
    assert spend.spent_nano(virtual_key()) is None
    assert anyio.current_time() - began < 5
