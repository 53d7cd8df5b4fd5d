"""A client's own Messages body as a server of this dialect takes it: top-level fields are replaced or left out, the rest stays."""

from tianji_core.calls.deployment import Deployment
from tianji_core.dialects.anthropic_messages.generations import generation_of
from tianji_core.dialects.anthropic_messages.parameters import SAMPLING, leaves_out_sampling, note_sampling
from tianji_core.dialects.anthropic_messages.prepare import CANONICAL_NAMES, CONFIGURED
from tianji_core.dialects.anthropic_messages.undecoded import Body, Thought
from tianji_core.shapes.raw_requests import RawRequest
from tianji_core.translation.parameters import Dropping


def encode_undecoded(raw: RawRequest, deployment: Deployment, dropping: Dropping, *, version: str) -> dict[str, object] | None:
    """Return the JSON body; None where the model or the operator wants something inside of a value otherwise than the client wrote it.

    `version` is the `anthropic-version` that is sent.
    """
    given: Body = raw.known
    if not (_takes_thinking(given.thinking, deployment) and _takes_configured(raw, deployment)):
        return None
    if not deployment.dropped_parameters.isdisjoint(CANONICAL_NAMES):
        return None
    body: dict[str, object] = {**raw.fields, "model": deployment.model}
    if given.stream is False:
        del body["stream"]
    for name in ("tools", "stop_sequences"):
        if getattr(given, name) == []:
            del body[name]
    if leaves_out_sampling(version, raw.forward_headers):
        for name in SAMPLING:
            value = getattr(given, name)
            if value is not None and dropping.keep(name):
                note_sampling(name, value, dropping)
                del body[name]
    if deployment.extra_body:
        body = {**deployment.extra_body, **body}
    if deployment.dropped_parameters:
        body = dropping.without(body, deployment.dropped_parameters)
    return {**body, **raw.extra_body} if raw.extra_body else body


def _takes_thinking(thinking: Thought | None, deployment: Deployment) -> bool:
    """Whether the model takes the client's words about thinking: some cannot have it switched off, some take no budget."""
    if thinking is None or thinking.type not in ("disabled", "enabled"):
        return True
    generation = generation_of(deployment)
    return not (generation.always_thinks if thinking.type == "disabled" else generation.is_only_adaptive)


def _takes_configured(raw: RawRequest, deployment: Deployment) -> bool:
    """Whether the operator's fields only stand beside the client's."""
    return deployment.extra_body.keys().isdisjoint(CONFIGURED) and deployment.extra_body.keys().isdisjoint(raw.fields)
