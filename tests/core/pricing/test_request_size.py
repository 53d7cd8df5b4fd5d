from typing import Any

import msgspec
import pytest

from tianji_core.calls.chat import Audio, ChatRequest, File, FunctionTool, Image, Message, OpaqueTool, Part, Rest, Text
from tianji_core.calls.completions import CompletionRequest
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.calls.embeddings import EmbeddingRequest
from tianji_core.pricing.request_size import DEFAULT_OUTPUT_TOKENS, RequestSize, input_tokens, output_tokens, raw_size, request_size
from tianji_core.shapes.raw_requests import RawRequest

_DEPLOYMENT = Deployment(id=DeploymentId("d"), group="g", provider="acme", model="m", model_info={"max_input_tokens": 9_000})


def _chat(*parts: Part, **more: object) -> ChatRequest:
    return ChatRequest(dialect="openai_chat", model="m", messages=(Message(role="user", parts=parts),), **more)  # type: ignore[arg-type]


def test_bytes_stand_for_tokens_and_payloads_do_not() -> None:
    size = request_size(_chat(Text(text="hi"), Image(data="x" * 4_000, media_type="image/png")), 4_100)
    assert size.text_bytes == 100
    assert input_tokens(size, _DEPLOYMENT) == 100 + 256 + 5_000


def test_a_count_lowers_the_bound_and_never_raises_it() -> None:
    size = request_size(_chat(Text(text="hi")), 1_000)
    assert input_tokens(size, _DEPLOYMENT, counted=100) == 150 + 256
    assert input_tokens(size, _DEPLOYMENT, counted=5_000) == 1_000 + 256


def test_tools_and_structured_output_add_an_allowance() -> None:
    size = request_size(_chat(Text(text="hi"), tools=(FunctionTool(name="f"),)), 100)
    assert input_tokens(size, _DEPLOYMENT) == 100 + 256 + 1_024


def test_sound_counts_by_its_decoded_bytes() -> None:
    size = request_size(_chat(Audio(data="A" * 4_000, format="wav")), 4_100)
    assert input_tokens(size, _DEPLOYMENT) == 100 + 256 + 96


def test_a_document_counts_at_most_what_the_model_reads() -> None:
    assert input_tokens(request_size(_chat(File(data="A" * 40_000)), 40_100), _DEPLOYMENT) == 100 + 256 + 9_000
    assert input_tokens(request_size(_chat(File(url="https://x.example/a.pdf")), 100), _DEPLOYMENT) == 100 + 256 + 9_000


def test_hosted_tools_count_the_whole_context_and_their_calls() -> None:
    tool = OpaqueTool(dialect="anthropic_messages", value={"type": "web_search_20250305", "name": "web_search", "max_uses": 3})
    size = request_size(_chat(Text(text="hi"), tools=(tool,)), 200)
    assert size.hosted_calls == 3
    assert input_tokens(size, _DEPLOYMENT) == 9_000


def test_hosted_tools_without_a_limit_count_ten_calls_each() -> None:
    tool = OpaqueTool(dialect="anthropic_messages", value={"type": "web_search_20250305", "name": "web_search"})
    assert request_size(_chat(Text(text="hi"), tools=(tool, tool)), 200).hosted_calls == 20


def test_the_callers_limit_counts_for_each_answer() -> None:
    size = request_size(_chat(Text(text="hi"), max_output_tokens=7, parameters={"n": 3}), 100)
    assert output_tokens(size, _DEPLOYMENT) == 21


def test_merged_fields_can_raise_the_limit_or_lift_it() -> None:
    raised = request_size(_chat(max_output_tokens=7, extra_body={"max_completion_tokens": 70, "n": 2}), 100)
    assert output_tokens(raised, _DEPLOYMENT) == 140
    lifted = request_size(_chat(max_output_tokens=7, rest=Rest("openai_chat", {"max_output_tokens": None})), 100)
    assert output_tokens(lifted, _DEPLOYMENT) == DEFAULT_OUTPUT_TOKENS


def test_without_a_limit_the_models_own_counts() -> None:
    limited = Deployment(id=DeploymentId("d"), group="g", provider="acme", model="m", model_info={"max_output_tokens": 50})
    assert output_tokens(request_size(_chat(), 100), limited) == 50


def test_completions_count_every_prompt_and_every_try() -> None:
    request = CompletionRequest(
        dialect="openai_completions", model="m", prompt=("a", "b"), max_output_tokens=5, parameters={"n": 1, "best_of": 4}
    )
    assert output_tokens(request_size(request, 100), _DEPLOYMENT) == 2 * 4 * 5


def test_embeddings_answer_no_tokens() -> None:
    size = request_size(EmbeddingRequest(dialect="openai_embeddings", model="m", input=("a",)), 50)
    assert output_tokens(size, _DEPLOYMENT) == 0


def _raw(*fields: str, **changes: Any) -> RawRequest:
    given = {name: msgspec.Raw(b"1") for name in fields}
    return RawRequest(dialect="openai_chat", model="m", fields=given, known=None, **{"is_plain": True, **changes})


def test_undecoded_text_is_as_large_as_its_body() -> None:
    size = raw_size(_raw("temperature", output=20, choices=2, has_tools=True), 500)
    assert size == RequestSize(text_bytes=500, output=20, prompts=2, has_tools=True)


@pytest.mark.parametrize(
    "raw", [_raw(is_plain=False), _raw("service_tier"), _raw("previous_response_id"), _raw(extra_body={"n": msgspec.Raw(b"2")})]
)
def test_size_that_the_top_level_does_not_tell_is_left_to_the_canonical_request(raw: RawRequest) -> None:
    assert raw_size(raw, 500) is None
