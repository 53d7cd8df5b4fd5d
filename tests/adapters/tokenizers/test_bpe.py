"""The offline tokenizer. Figures from OpenAI's `tiktoken` examples."""

import sys

import anyio
import pytest

from tianji_adapters.tokenizers.bpe import BpeTokenCounter

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning:bpe_openai")]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", "o200k_base", 0),
        ("tiktoken is great!", "cl100k_base", 6),
        ("tiktoken is great!", "o200k_base", 6),
        ("antidisestablishmentarianism", "cl100k_base", 6),
        ("2 + 2 = 4", "cl100k_base", 7),
        ("お誕生日おめでとう", "cl100k_base", 9),
    ],
)
async def test_text_has_the_tokens_that_its_vendor_counts(text: str, encoding: str, count: int) -> None:
    assert await BpeTokenCounter().count(text, encoding) == count


async def test_special_tokens_in_a_text_are_text() -> None:
    assert await BpeTokenCounter().count("<|endoftext|>", "o200k_base") > 1


async def test_voyages_encoding_is_there() -> None:
    assert await BpeTokenCounter().count("hello world", "voyage3_base") > 0


async def test_long_text_is_counted_in_a_thread_and_the_same() -> None:
    counter = BpeTokenCounter()
    text = "hello world " * 5_000
    assert len(text) > 16_384
    assert await counter.count(text, "o200k_base") == pytest.approx(10_000, abs=5)


async def test_text_beyond_what_the_library_takes_is_counted_all_the_same() -> None:
    assert await BpeTokenCounter().count("hello " * 400_000, "o200k_base") == pytest.approx(400_000, abs=10)


async def test_encoding_is_loaded_once_however_many_need_it_first() -> None:
    counter, loaded = BpeTokenCounter(), list[int]()

    async def count() -> None:
        await counter.count("hello", "o200k_base")
        loaded.append(id(counter._encodings["o200k_base"]))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(count)
    assert len(set(loaded)) == 1


def test_library_is_not_imported_before_somebody_counts() -> None:
    import subprocess

    code = "import sys, tianji_adapters.tokenizers.bpe as b; b.BpeTokenCounter(); sys.exit('bpe_openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode == 0
