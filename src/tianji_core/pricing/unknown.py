"""What happens to a call that could reach a model whose price nobody knows."""

from collections.abc import Iterable
from typing import Literal

from tianji_core.calls.deployment import Deployment
from tianji_core.errors import PermissionDeniedError
from tianji_core.pricing.prices import PriceTable

UnknownPrice = Literal["when_budgeted", "refuse", "allow"]
"""When such a call is refused: where a budget applies to its caller, always, or never (it then costs 0). A price of zero is known."""

_HINT = (
    "set `input_cost_per_token` and `output_cost_per_token` in the `tianji_params` of its deployment (0 is a price) or its entry of "
    "`tianji_settings.model_prices_overrides`; or set `tianji_settings.block_requests_for_models_without_pricing: false`"
)


def check_prices(candidates: Iterable[Deployment], table: PriceTable, setting: UnknownPrice, *, has_budget: bool) -> None:
    """Refuse a call one of whose candidates has no known price.

    Args:
        candidates: Every deployment that the call could reach, fallbacks included: a retry must not end where nothing is counted.
        has_budget: Whether a finite budget applies to the caller.

    Raises:
        PermissionDeniedError: (`model_cost_map_missing`) it names the model and the field to set.
    """
    if setting == "allow" or (setting == "when_budgeted" and not has_budget):
        return
    for deployment in candidates:
        entry = table.resolve(deployment, None)
        if entry is None or not entry.has_prices:
            name = f"{deployment.provider}/{deployment.model}"
            message = f"nobody knows what `{name}` costs, which serves the model group `{deployment.group}`"
            raise PermissionDeniedError(message, hint=_HINT, code="model_cost_map_missing", param="model")
