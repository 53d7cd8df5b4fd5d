"""Probes of deployments, which are no calls."""

import anyio
import pytest
import trio.testing

from support.gateway_parts import deployment, snapshot_of
from support.provider_answers import completion, refusal, whole
from support.scripted_transport import HANG, Script, ScriptedTransport
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.memory.identifiers import CountingIdentifiers
from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.health import PROBE_SECONDS, ProbeDeployments
from tianji_core.calls.deployment import Deployment
from tianji_core.errors import NotFoundError, UpstreamUnavailableError

pytestmark = pytest.mark.anyio
EMBEDDING = (
    b'{"object":"list","model":"e","data":[{"object":"embedding","index":0,"embedding":[0.5]}],'
    b'"usage":{"prompt_tokens":1,"total_tokens":1}}'
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


def probe_of(*deployments: Deployment) -> tuple[ProbeDeployments, ScriptedTransport]:
    transport = ScriptedTransport()
    return ProbeDeployments(SnapshotHolder(snapshot_of(deployments)), transport, FixedClock(), CountingIdentifiers()), transport


async def test_every_deployment_is_asked_for_a_few_tokens_and_told_in_order() -> None:
    probe, transport = probe_of(deployment("a"), deployment("b"), deployment("c", "slow"))
    transport.answer("a", Script((completion(),), before=(5.0,)))
    transport.answer("b", refusal(401, "bad key"))
    transport.answer("c", whole())
    found = await probe(model=None, model_id=None)
    assert [(state.deployment_id, state.model_group, state.model) for state in found] == [
        ("a", "fast", "openai/gpt-4o"),
        ("b", "fast", "openai/gpt-4o"),
        ("c", "slow", "openai/gpt-4o"),
    ]
    assert [state.error is None for state in found] == [True, False, True]
    assert "bad key" in (found[1].error or "")
    assert all(sent.body["max_tokens"] == 16 for sent in transport.sent)
    assert transport.open_connections == 0


@pytest.mark.parametrize(("model", "model_id", "hosts"), [("slow", None, ["c"]), (None, "b", ["b"]), ("fast", "b", ["b"])])
async def test_one_group_or_one_deployment_can_be_asked(model: str | None, model_id: str | None, hosts: list[str]) -> None:
    probe, transport = probe_of(deployment("a"), deployment("b"), deployment("c", "slow"))
    for host in "abc":
        transport.answer(host, whole())
    await probe(model=model, model_id=model_id)
    assert transport.hosts == hosts


async def test_deployment_that_does_not_exist_cannot_be_asked() -> None:
    probe, _ = probe_of(deployment("a"))
    for model, model_id, param in (("nope", None, "model"), (None, "nope", "model_id"), ("fast", "nope", "model")):
        with pytest.raises(NotFoundError) as raised:
            await probe(model=model, model_id=model_id)
        assert raised.value.param == param


async def test_gateway_without_deployments_has_nothing_to_tell() -> None:
    probe, _ = probe_of()
    assert await probe(model=None, model_id=None) == ()


async def test_silent_deployment_is_waited_for_thirty_seconds_whatever_the_number_of_others() -> None:
    deployments = [deployment(f"d{number}") for number in range(8)]
    probe, transport = probe_of(*deployments)
    for member in deployments:
        transport.answer(member.id, Script(before=(HANG,)))
    began = anyio.current_time()
    found = await probe(model=None, model_id=None)
    assert anyio.current_time() - began == pytest.approx(PROBE_SECONDS)
    assert {state.error for state in found} == {"no answer within 30 seconds"}


async def test_no_more_than_eight_are_asked_at_once() -> None:
    deployments = [deployment(f"d{number}") for number in range(20)]
    probe, transport = probe_of(*deployments)
    gate = anyio.Event()
    for member in deployments:
        transport.answer(member.id, Script((completion(),), before=(gate,)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: probe(model=None, model_id=None))
        await anyio.wait_all_tasks_blocked()
        assert transport.open_connections == 8
        gate.set()
    assert len(transport.sent) == 20


async def test_kinds_of_deployments_are_asked_in_their_own_way() -> None:
    wildcard = deployment("w", "openai/*", model="*")
    embedding = deployment("e", model="text-embedding-3-small", model_info={"mode": "embedding"})
    lacking = deployment("l", provider="local", model="m", model_info={"mode": "embedding"})
    probe, transport = probe_of(wildcard, embedding, lacking)
    transport.answer("e", Script((EMBEDDING,)))
    found = await probe(model=None, model_id=None)
    assert [state.error for state in found] == [
        "a wildcard deployment cannot be probed: it names no model",
        None,
        "local has no embeddings",
    ]
    assert [sent.request.url for sent in transport.sent] == ["http://e/v1/embeddings"]


async def test_what_goes_wrong_is_told_and_never_raised() -> None:
    probe, transport = probe_of(deployment("a"), deployment("b"))
    transport.answer("a", Script(before=(UpstreamUnavailableError("connection refused", sent=False),)))
    transport.answer("b", Script((b"<html>",)))
    found = await probe(model=None, model_id=None)
    assert found[0].error == "connection refused"
    assert found[1].error is not None
