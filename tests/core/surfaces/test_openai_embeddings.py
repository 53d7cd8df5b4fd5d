"""What clients of embeddings send and get."""

import json

import pytest
from openai.types import CreateEmbeddingResponse

from tianji_core.calls.embeddings import Embedding, EmbeddingRequest, EmbeddingResponse
from tianji_core.calls.usage import Usage
from tianji_core.errors import InvalidRequestError
from tianji_core.shapes.codecs import Decoded
from tianji_core.surfaces.openai_embeddings import SURFACE

CODEC = SURFACE.codec
ANSWER = EmbeddingResponse(model="upstream", data=(Embedding(index=0, vector=(0.5, -1.0)),), usage=Usage(input_text=2))


def decode(body: dict[str, object], model: str | None = None) -> Decoded:
    return CODEC.decode({"model": "asked", "input": "hi", **body}, model, ())


def test_a_request_is_read_with_its_controls_apart() -> None:
    decoded = decode({"dimensions": 8, "timeout": 3, "input_type": "query"})
    request = decoded.request
    assert isinstance(request, EmbeddingRequest)
    assert (request.model, request.input, request.single, request.dimensions) == ("asked", ("hi",), True, 8)
    assert request.rest is not None
    assert request.rest.fields == {"input_type": "query"}
    assert decoded.controls.timeout_seconds == 3.0


def test_the_model_of_the_path_wins() -> None:
    assert decode({}, "path").request.model == "path"


@pytest.mark.parametrize("field", ["model", "input"])
def test_required_fields_are_missed_by_name(field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        decode({field: None})
    assert (caught.value.param, caught.value.code) == (field, "missing_required_parameter")


def test_embeddings_are_never_streamed() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        decode({"stream": True})
    assert caught.value.param == "stream"
    assert decode({"stream": False}).request.rest is None
    with pytest.raises(InvalidRequestError):
        CODEC.stream(decode({}).memo)


def test_an_answer_is_what_the_sdk_reads() -> None:
    data = CODEC.encode(ANSWER, decode({}).memo)
    assert json.loads(data) == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}],
        "model": "asked",
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }
    assert CreateEmbeddingResponse.model_validate_json(data).data[0].embedding == [0.5, -1.0]


def test_the_form_is_the_one_that_was_asked_for() -> None:
    data = json.loads(CODEC.encode(ANSWER, decode({"encoding_format": "base64"}).memo))
    assert data["data"][0]["embedding"] == "AAAAPwAAgL8="


def test_the_surface_names_its_routes() -> None:
    assert (SURFACE.operation, SURFACE.paths[0]) == ("embeddings", "/embeddings")
