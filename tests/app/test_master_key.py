"""The installation's master key."""

import pytest

from tianji_adapters.memory.identifiers import CountingIdentifiers
from tianji_adapters.memory.settings_store import MemorySettingsStore
from tianji_app.use_cases.master_key import ensure_master_key
from tianji_core.access.keys import check_form
from tianji_core.calls.secret import Secret

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_configured_key_is_the_one_and_nothing_is_stored() -> None:
    settings = MemorySettingsStore()
    key, made = await ensure_master_key(Secret("sk-configured-0123456789"), settings, CountingIdentifiers(), required=True)
    assert key.matches("sk-configured-0123456789")
    assert (made, settings.values) == (None, {})


async def test_first_start_makes_a_key_shows_it_and_keeps_its_hash_only() -> None:
    settings = MemorySettingsStore()
    key, made = await ensure_master_key(None, settings, CountingIdentifiers(), required=False)
    assert made is not None
    assert key.matches(check_form(made))
    assert made not in str(settings.values)


async def test_second_start_knows_the_key_and_does_not_show_it() -> None:
    settings, identifiers = MemorySettingsStore(), CountingIdentifiers()
    _, first = await ensure_master_key(None, settings, identifiers, required=False)
    key, second = await ensure_master_key(None, settings, identifiers, required=False)
    assert second is None
    assert key.matches(first or "")


async def test_configuration_file_without_a_key_makes_nobody_the_master() -> None:
    settings, identifiers = MemorySettingsStore(), CountingIdentifiers()
    _, old = await ensure_master_key(None, settings, identifiers, required=False)
    key, made = await ensure_master_key(None, settings, identifiers, required=True)
    assert made is None
    assert not key.matches(old or "")
