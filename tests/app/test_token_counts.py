"""The setting `tokenizer`."""

from typing import Literal

import pytest

from support.gateway_parts import WordCounter, deployment, fetch, make_parts, snapshot_of
from support.provider_answers import whole
from tianji_app.call.settlement import Settlement
from tianji_app.snapshot import Snapshot
from tianji_app.token_counts import ConfiguredCounter, warm_up
from tianji_core.config.gateway_config import GeneralSettings

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _snapshot(tokenizer: Literal["lazy", "eager", "off"]) -> Snapshot:
    models = ("gpt-4o", "gpt-4-turbo", "gpt-5")
    return snapshot_of([deployment(model, model=model) for model in models], general=GeneralSettings(tokenizer=tokenizer))


@pytest.mark.parametrize(("text", "count"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("日本", 2), ("\ud800", 1)])
async def test_without_a_tokenizer_a_token_is_four_bytes(text: str, count: int) -> None:
    counter = ConfiguredCounter(WordCounter())
    counter.follow(_snapshot("off"))
    assert await counter.count(text, "o200k_base") == count


async def test_tokenizer_is_not_touched_while_it_is_off_and_used_again_after() -> None:
    words = WordCounter()
    counter = ConfiguredCounter(words)
    counter.follow(_snapshot("off"))
    await counter.count("one two", "o200k_base")
    assert words.encodings == []
    counter.follow(_snapshot("lazy"))
    assert await counter.count("one two", "o200k_base") == 2


async def test_eager_start_loads_the_encodings_of_the_deployments_once_each() -> None:
    words = WordCounter()
    await warm_up(words, _snapshot("eager"))
    assert words.encodings == ["cl100k_base", "o200k_base"]


@pytest.mark.parametrize("tokenizer", ["lazy", "off"])
async def test_other_starts_load_nothing(tokenizer: Literal["lazy", "off"]) -> None:
    words = WordCounter()
    await warm_up(words, _snapshot(tokenizer))
    assert words.encodings == []


async def test_answer_without_usage_is_billed_by_its_bytes_where_the_tokenizer_is_off() -> None:
    parts = make_parts()
    counter = ConfiguredCounter(parts.counter)
    counter.follow(_snapshot("off"))
    object.__setattr__(parts.gateway, "settlement", Settlement(counter))
    parts.answer("a", whole("x" * 400, usage=None))
    await fetch(parts)
    row = await parts.row()
    assert (row.usage.output_total, row.usage_source) == (100, "estimated")
    assert parts.counter.encodings == []
