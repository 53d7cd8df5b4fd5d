"""`GET /v1/models`: in OpenAI's shape, or in Anthropic's when the client speaks its version header."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.params import FromPath, SkipValidation

from tianji_adapters.http_server.wire import json_response
from tianji_core.ports.operations import FindModel, ListModels
from tianji_core.surfaces._models import model_list, one_model

AnyRequest = Request[Any, Any, Any]


class ModelsController(Controller):
    """What the caller may use."""

    @get(["/models", "/v1/models"])
    async def list_models(self, request: AnyRequest, list_models: SkipValidation[ListModels]) -> Response[Any]:
        """Return every model that the key may use."""
        wildcards = request.query_params.get("return_wildcard_routes") == "true"
        names = list_models(request.state["principal"], wildcards=wildcards)
        return json_response(model_list(names, anthropic=_is_anthropic(request)))

    @get(["/models/{model:path}", "/v1/models/{model:path}"])
    async def find_model(self, request: AnyRequest, model: FromPath[str], find_model: SkipValidation[FindModel]) -> Response[Any]:
        """Return one model."""
        name = find_model(request.state["principal"], str(model).removeprefix("/"))
        return json_response(one_model(name, anthropic=_is_anthropic(request)))


def _is_anthropic(request: AnyRequest) -> bool:
    return "anthropic-version" in request.headers
