"""Models without a price, on the way of a call."""

import msgspec
import pytest

from support.gateway_parts import Parts, chat_body, deployment, fetch, inbound, make_parts, refused
from support.provider_answers import whole
from tianji_core.calls.deployment import Deployment
from tianji_core.errors import PermissionDeniedError
from tianji_core.pricing.unknown import UnknownPrice
from tianji_core.routing.settings import RouterSettings
from tianji_core.surfaces.anthropic_count_tokens import SURFACE as COUNT_TOKENS

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _parts(setting: UnknownPrice, *deployments: Deployment, router: RouterSettings | None = None) -> Parts:
    parts = make_parts(*deployments, router=router)
    current = parts.snapshots.current
    prices = msgspec.structs.replace(current.config.prices, unknown_price=setting)
    parts.snapshots.current = msgspec.structs.replace(current, config=msgspec.structs.replace(current.config, prices=prices))
    return parts


async def test_model_without_a_price_is_refused_before_anything_is_sent() -> None:
    parts = _parts("refuse", deployment("a", model="brand-new"))
    error = await refused(parts, inbound(), PermissionDeniedError)
    assert error.code == "model_cost_map_missing"
    assert (parts.event.http_status, parts.event.cost.total_nano) == (403, 0)
    assert parts.transport.sent == []
    assert await parts.rows() == []


async def test_fallback_without_a_price_refuses_the_call_too() -> None:
    router = RouterSettings(fallbacks={"fast": ("slow",)})
    parts = _parts("refuse", deployment("a"), deployment("b", group="slow", model="brand-new"), router=router)
    error = await refused(parts, inbound(), PermissionDeniedError)
    assert "`openai/brand-new`" in error.message


async def test_model_with_a_price_is_served() -> None:
    parts = _parts("refuse", deployment("a"), deployment("b", group="slow", model="brand-new"))
    parts.answer("a", whole())
    assert (await fetch(parts)).text == "Hello!"


@pytest.mark.parametrize("setting", ["allow", "when_budgeted"])
async def test_model_without_a_price_costs_nothing_where_it_is_allowed(setting: UnknownPrice) -> None:
    parts = _parts(setting, deployment("a", model="brand-new"))
    parts.answer("a", whole(model="brand-new"))
    await fetch(parts)
    assert (parts.event.cost.source, parts.event.cost.total_nano) == ("zero_unpriced", 0)


async def test_counting_tokens_needs_no_price() -> None:
    parts = _parts("refuse", deployment("a", model="brand-new"))
    assert (await fetch(parts, inbound({**chat_body(), "max_tokens": 5}, surface=COUNT_TOKENS))).json["input_tokens"] > 0
