"""What an offline tokenizer counts."""

import pytest

from support.chat import chat_request
from tianji_core.calls.chat import File, FunctionTool, Image, Message, Opaque, OpaqueTool, Refusal, Text, Thinking, ToolCall
from tianji_core.calls.completions import CompletionRequest
from tianji_core.calls.embeddings import EmbeddingRequest
from tianji_core.translation.token_text import encoding_of, fixed_tokens, request_text


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", "o200k_base"),
        ("gpt-5-mini", "o200k_base"),
        ("o3", "o200k_base"),
        ("openai/gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("ft:gpt-3.5-turbo:acme::x", "cl100k_base"),
        ("ft:gpt-4o-mini:acme::x", "o200k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("voyage-3", "voyage3_base"),
        ("claude-opus-5", "o200k_base"),
    ],
)
def test_encoding_follows_the_family(model: str, encoding: str) -> None:
    assert encoding_of(model) == encoding


def test_texts_schemas_and_calls_are_counted_and_pictures_are_not() -> None:
    request = chat_request(
        messages=(
            Message(role="user", parts=(Text(text="look"), Image(data="QUJDREVG", media_type="image/png"))),
            Message(role="assistant", parts=(Thinking(text="hm"), ToolCall(id="c", name="f", arguments='{"a":1}'))),
        ),
        tools=(FunctionTool(name="f", description="does", parameters={"properties": {"city": {"type": "string"}}}),),
    )
    text = request_text(request)
    assert all(word in text for word in ("look", "hm", '{"a":1}', "does", "city", "string"))
    assert "QUJD" not in text
    assert fixed_tokens(request) == 11


def test_token_ids_are_counted_as_they_are() -> None:
    completion = CompletionRequest(dialect="openai_completions", model="m", prompt=((1, 2, 3), (4,)))
    embedding = EmbeddingRequest(dialect="openai_embeddings", model="m", input=("a", "b"))
    assert (fixed_tokens(completion), request_text(completion)) == (4, "")
    assert (fixed_tokens(embedding), request_text(embedding)) == (0, "a\nb")


def test_documents_refusals_and_tools_of_one_vendor_are_counted() -> None:
    search = {"type": "search_result", "content": [{"text": "found"}], "score": 5}
    request = chat_request(
        messages=(
            Message(role="user", parts=(File(text="document"), File(data="QUJD"), Opaque(dialect="anthropic_messages", value=search))),
            Message(role="assistant", parts=(Refusal(refusal="sorry"),)),
        ),
        tools=(OpaqueTool(dialect="anthropic_messages", value={"type": "computer", "display": 1}),),
    )
    text = request_text(request)
    assert all(word in text for word in ("document", "found", "sorry", "computer", "display"))
    assert "QUJD" not in text
