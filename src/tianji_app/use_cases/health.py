"""Asking every deployment for a few tokens. The probes go straight to the provider: they are no calls, and the operator pays them."""

from dataclasses import dataclass

import anyio

from tianji_app.snapshot import Snapshot, SnapshotHolder
from tianji_core.calls.chat import ChatRequest, Message, Text
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.embeddings import EmbeddingRequest
from tianji_core.calls.facts import CallFacts
from tianji_core.errors import NotFoundError, TianjiError
from tianji_core.ports.clock import Clock
from tianji_core.ports.http_transport import HttpTransport, TransportLimits
from tianji_core.ports.identifiers import Identifiers
from tianji_core.ports.operations import DeploymentHealth
from tianji_core.translation.provider_words import without_secrets

PROBE_SECONDS = 30.0
_AT_ONCE = 8
_PROBE_TOKENS = 16


@dataclass(frozen=True, slots=True)
class ProbeDeployments:
    """Probe deployments at the same time, a few at once."""

    snapshots: SnapshotHolder
    transport: HttpTransport
    clock: Clock
    identifiers: Identifiers

    async def __call__(self, *, model: str | None, model_id: str | None) -> tuple[DeploymentHealth, ...]:
        """Return what each probe found, in configuration order.

        Raises:
            NotFoundError: no deployment is asked for.
        """
        snapshot = self.snapshots.current
        chosen = [
            deployment
            for deployment in snapshot.config.deployments
            if (model is None or deployment.group == model) and (model_id is None or deployment.id == model_id)
        ]
        if not chosen and (model or model_id):
            raise NotFoundError("no such deployment", param="model" if model else "model_id")
        found: dict[int, DeploymentHealth] = {}
        slots = anyio.CapacityLimiter(_AT_ONCE)
        async with anyio.create_task_group() as tasks:
            for position, deployment in enumerate(chosen):
                tasks.start_soon(self._note, snapshot, deployment, slots, found, position)
        return tuple(found[position] for position in sorted(found))

    async def _note(
        self, snapshot: Snapshot, deployment: Deployment, slots: anyio.CapacityLimiter, found: dict[int, DeploymentHealth], position: int
    ) -> None:
        async with slots:
            error = await self._probe(snapshot, deployment)
        found[position] = DeploymentHealth(
            model_group=deployment.group, model=f"{deployment.provider}/{deployment.model}", deployment_id=deployment.id, error=error
        )

    async def _probe(self, snapshot: Snapshot, deployment: Deployment) -> str | None:
        """Return what is wrong, or None."""
        if "*" in deployment.model:
            return "a wildcard deployment cannot be probed: it names no model"
        provider = snapshot.providers[deployment.provider]
        embeds = deployment.info("mode") == "embedding"
        codec = provider.embeddings if embeds else provider.chat
        if codec is None:
            return f"{provider.name} has no {'embeddings' if embeds else 'chat'}"
        now = self.clock.now_ns()
        facts = CallFacts(call_id=self.identifiers.uuid7(now), created=now // 1_000_000_000)
        try:
            with anyio.fail_after(PROBE_SECONDS):
                encoded = codec.encode(_embedding(deployment) if embeds else _chat(deployment), deployment, facts)
                limits = TransportLimits(first_byte_seconds=PROBE_SECONDS, idle_seconds=PROBE_SECONDS)
                async with self.transport.send(encoded.http, limits, deployment.transport) as answer:
                    response = await answer.read()
                if not 200 <= response.status < 300:
                    raise codec.error(response)
                codec.decode(response, encoded.memo)
        except TianjiError as error:
            without_secrets(error, deployment)
            return error.message
        except TimeoutError:
            return f"no answer within {PROBE_SECONDS:.0f} seconds"
        return None


def _chat(deployment: Deployment) -> ChatRequest:
    hello = Message(role="user", parts=(Text(text="Hi"),), plain=True)
    return ChatRequest(dialect="openai_chat", model=deployment.group, messages=(hello,), max_output_tokens=_PROBE_TOKENS)


def _embedding(deployment: Deployment) -> EmbeddingRequest:
    return EmbeddingRequest(dialect="openai_embeddings", model=deployment.group, input=("Hi",), single=True)
