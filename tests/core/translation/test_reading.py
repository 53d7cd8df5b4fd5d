"""What the meter sees of an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.chat import (
    AnnotationsDelta,
    ChatChunk,
    ChatResponse,
    Choice,
    ChoiceDelta,
    Image,
    Message,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolArgumentsDelta,
    ToolCall,
    ToolCallStart,
)
from tianji_core.calls.completions import CompletionChoice, CompletionResponse
from tianji_core.calls.embeddings import EmbeddingResponse
from tianji_core.calls.usage import Usage
from tianji_core.translation.reading import Reading, read

_PARTS = (Thinking(text="hm"), Text(text="a"), Refusal(refusal="no"), ToolCall(id="c", name="f", arguments="{}"))


def test_everything_that_is_billed_as_output_is_read() -> None:
    choice = Choice(index=0, message=Message(role="assistant", parts=_PARTS), finish_reason="stop")
    response = ChatResponse(id="i", created=1, model="m", choices=(choice,), usage=Usage(input_text=1))
    assert read(response) == Reading(response_id="i", model="m", usage=Usage(input_text=1), text="hmanof{}", finish_reasons=("stop",))


@given(st.lists(st.text(max_size=5), max_size=5))
def test_pieces_of_a_stream_read_as_the_whole(texts: list[str]) -> None:
    chunks = [ChatChunk(id="i", created=1, model="m", choices=(ChoiceDelta(deltas=(TextDelta(text=text),)),)) for text in texts]
    assert "".join(read(chunk).text for chunk in chunks) == "".join(texts)


def test_calls_and_reasoning_of_a_chunk_are_read() -> None:
    deltas = (ThinkingDelta(text="hm"), ToolCallStart(index=0, id="c", name="f"), ToolArgumentsDelta(index=0, arguments="{}"))
    assert read(ChatChunk(id="i", created=1, model="m", choices=(ChoiceDelta(deltas=deltas),))).text == "hmf{}"


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        (
            CompletionResponse(id="i", created=1, model="m", choices=(CompletionChoice(index=0, text="a", finish_reason="stop"),)),
            Reading(response_id="i", model="m", text="a", finish_reasons=("stop",)),
        ),
        (EmbeddingResponse(model="m", data=(), usage=Usage(input_text=2)), Reading(model="m", usage=Usage(input_text=2))),
        (17, Reading()),
    ],
)
def test_other_answers_are_read_too(answer: CompletionResponse | EmbeddingResponse | int, reading: Reading) -> None:
    assert read(answer) == reading


def test_refusals_are_output_and_what_costs_no_tokens_is_not_read() -> None:
    deltas = (RefusalDelta(refusal="no"), AnnotationsDelta(annotations=({"url": "u"},)))
    choice = ChoiceDelta(deltas=deltas, finish_reason="content_filter")
    reading = read(ChatChunk(id="i", created=1, model="m", choices=(choice,)))
    assert (reading.text, reading.finish_reasons) == ("no", ("content_filter",))
    message = Message(role="assistant", parts=(Image(url="u"),))
    assert read(ChatResponse(id="i", created=1, model="m", choices=(Choice(index=0, message=message, finish_reason=None),))).text == ""
