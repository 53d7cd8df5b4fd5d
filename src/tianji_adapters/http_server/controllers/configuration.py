"""Reading the configuration again."""

from typing import Any

from litestar import Controller, Response, post
from litestar.params import SkipValidation

from tianji_adapters.http_server.wire import json_response
from tianji_core.ports.operations import ReloadConfiguration


class ConfigurationController(Controller):
    """What operators do without a restart."""

    @post("/config/reload", status_code=200)
    async def reload(self, reload_configuration: SkipValidation[ReloadConfiguration]) -> Response[Any]:
        """Take over the files as they are now, or refuse them whole."""
        return json_response(await reload_configuration())
