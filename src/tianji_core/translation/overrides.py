"""A deployment as one call uses it: what the caller may override is overridden, what it may not is refused."""

import msgspec

from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.secret import Secret
from tianji_core.errors import InvalidRequestError


def for_call(deployment: Deployment, controls: Controls) -> Deployment:
    """Return the deployment with the caller's parameter mode, lists and (where it allows them) credentials.

    Raises:
        InvalidRequestError: the body holds a credential or an address that the deployment does not take from callers.
    """
    changes: dict[str, object] = {}
    if controls.drop_params is not None:
        changes["parameter_mode"] = "drop" if controls.drop_params else "refuse"
    if controls.dropped_parameters:
        changes["dropped_parameters"] = deployment.dropped_parameters | controls.dropped_parameters
    if controls.allowed_parameters:
        changes["allowed_parameters"] = deployment.allowed_parameters | controls.allowed_parameters
    if controls.client_credentials:
        changes.update(_credentials(deployment, controls))
    return msgspec.structs.replace(deployment, **changes) if changes else deployment


def _credentials(deployment: Deployment, controls: Controls) -> dict[str, object]:
    given = dict(controls.client_credentials)
    for name, value in given.items():
        if name not in deployment.client_credentials:
            raise InvalidRequestError(
                f"`{name}` is not accepted in a request to this model",
                hint="the operator can allow it with `configurable_clientside_auth_params`",
                param=name,
            )
        if not isinstance(value, str):
            raise InvalidRequestError(f"`{name}` must be a string", param=name, code="invalid_type")
    base_url = given.get("api_base", given.get("base_url"))
    if base_url is not None and "api_key" not in given:
        raise InvalidRequestError(
            "an address in a request needs the caller's own `api_key`: the gateway's key goes to its own provider only", param="api_base"
        )
    changes: dict[str, object] = {}
    if "api_key" in given:
        changes["auth_secret"] = Secret(str(given["api_key"]))
    if base_url is not None:
        changes["base_url"] = base_url
    options: dict[str, object] = {name: given[name] for name in ("organization", "api_version") if name in given}
    if options:
        changes["options"] = {**deployment.options, **options}
    return changes
