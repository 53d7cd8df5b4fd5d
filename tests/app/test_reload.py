"""Reading the configuration again: all of it or nothing, and no call notices."""

from pathlib import Path

import anyio
import pytest

from support.gateway_parts import PROVIDERS
from tianji_adapters.system.packaged_data import PackagedPrices
from tianji_app.configuration import ConfigurationSource
from tianji_app.options import options_of
from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.reload import Reload
from tianji_core.errors import ConfigurationError, UpstreamAuthenticationError
from tianji_core.routing.classes import failure_class
from tianji_core.routing.cooldown import Cooldown

pytestmark = pytest.mark.anyio
HEAD = "general_settings:\n  master_key: sk-master-0123456789abcdef\n  port: {port}\nmodel_list:\n"
MODEL = "  - model_name: {name}\n    litellm_params: {{model: openai/gpt-4o, api_key: sk-up, rpm: {rpm}}}\n    model_info: {{id: {name}}}\n"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def write(file: Path, *names: str, port: int = 4000, rpm: int = 1, more: str = "") -> None:
    file.write_text(HEAD.format(port=port) + "".join(MODEL.format(name=name, rpm=rpm) for name in names) + more)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    write(path, "fast")
    return path


@pytest.fixture
def reload(file: Path, tmp_path: Path) -> Reload:
    packaged = PackagedPrices(entries={}, date="2026-01-01", corrections={})
    source = ConfigurationSource(options_of({}, config=str(file), data_dir=str(tmp_path)), PROVIDERS, (), packaged)
    snapshot = source.load()
    cooldown = Cooldown(snapshot.config.router)
    cooldown.replace(snapshot.config.router, snapshot.config.deployments)
    return Reload(source, SnapshotHolder(snapshot), cooldown)


async def test_new_configuration_replaces_the_old_one_as_a_whole(reload: Reload, file: Path) -> None:
    before = reload.snapshots.current
    write(file, "fast", "slow", more="unknown_block: {}\n")
    told = await reload()
    after = reload.snapshots.current
    assert (before.index.names(), after.index.names()) == (("fast",), ("fast", "slow"))
    assert told["digest"] == after.config.digest != before.config.digest
    assert told["deployments"] == 2
    assert "unknown_block" in str(told["warnings"])
    assert reload.last_error is None


@pytest.mark.parametrize("text", ["model_list: [", "model_list: 3\n", "general_settings: {master_key: os.environ/NOT_SET}\n"])
async def test_broken_configuration_changes_nothing_and_says_where(reload: Reload, file: Path, text: str) -> None:
    before = reload.snapshots.current
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"config\.yaml:[12]: "):
        await reload()
    assert reload.snapshots.current is before
    assert reload.last_error is not None
    assert "config.yaml:" in reload.last_error


async def test_file_that_is_gone_changes_nothing(reload: Reload, file: Path) -> None:
    before = reload.snapshots.current
    file.unlink()
    with pytest.raises(ConfigurationError):
        await reload()
    assert reload.snapshots.current is before


async def test_what_only_a_restart_can_change_is_refused_whole(reload: Reload, file: Path) -> None:
    before = reload.snapshots.current
    write(file, "fast", "slow", port=5000)
    with pytest.raises(ConfigurationError, match="port"):
        await reload()
    assert reload.snapshots.current is before


async def test_followers_hear_of_what_came_into_force_and_of_nothing_else(reload: Reload, file: Path) -> None:
    heard: list[tuple[str, ...]] = []
    reload.snapshots.followers = (lambda snapshot: heard.append(snapshot.index.names()),)
    write(file, "fast", "slow")
    await reload()
    write(file, "fast", port=5000)
    with pytest.raises(ConfigurationError):
        await reload()
    assert heard == [("fast", "slow")]


async def test_good_reload_forgets_the_error_of_the_bad_one(reload: Reload, file: Path) -> None:
    file.write_text("model_list: [")
    with pytest.raises(ConfigurationError):
        await reload()
    write(file, "fast")
    await reload()
    assert reload.last_error is None


async def test_resting_deployment_goes_on_resting_unless_it_was_changed(reload: Reload, file: Path) -> None:
    write(file, "fast", "slow")
    await reload()
    refused = failure_class(UpstreamAuthenticationError("no"))
    for deployment in reload.snapshots.current.config.deployments:
        ticket = reload.cooldown.begin(deployment, now=0)
        assert ticket is not None
        reload.cooldown.failed(ticket, refused, retry_after=None, now=0)
    assert reload.cooldown.resting(now=1) == {"fast", "slow"}
    await reload()
    assert reload.cooldown.resting(now=1) == {"fast", "slow"}
    write(file, "fast", "slow", rpm=2)
    await reload()
    assert reload.cooldown.resting(now=1) == frozenset()


async def test_reloads_at_the_same_time_take_turns(reload: Reload, file: Path) -> None:
    write(file, "fast", "slow")
    seen: list[object] = []

    async def once() -> None:
        seen.append((await reload())["digest"])

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(once)
    assert seen == [reload.snapshots.current.config.digest] * 5
