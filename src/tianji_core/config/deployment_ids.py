"""A deployment's id: stable across restarts and rotations of its key, new when its parameters change.

A secret counts as the text of its reference, so that two entries that differ only in `os.environ/KEY_1` and `os.environ/KEY_2` are two
deployments; a secret that stands in the file itself counts as the word `literal`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from tianji_core.calls.deployment import DeploymentId
from tianji_core.config.nodes import Entry, ListNode, MapNode, Node, Scalar, is_empty
from tianji_core.config.problems import Place, Problems
from tianji_core.config.schema import PARAMS

_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")


@dataclass(slots=True)
class DeploymentIds:
    """Gives out the ids of one configuration."""

    problems: Problems
    _taken: dict[str, Place] = field(default_factory=dict)

    def configured(self, given: str, place: Place) -> DeploymentId:
        """Return a `model_info.id`; the same id twice is an error."""
        before = self._taken.get(given)
        if before is not None:
            self.problems.error(place, f"the id `{given}` is taken: {before} has it too")
        self._taken[given] = place
        return DeploymentId(given)

    def derived(self, provider: str, model: str, params: Mapping[str, Entry], place: Place) -> DeploymentId:
        """Return 16 hexadecimal digits, with `-2`, `-3`, … where earlier entries have the same."""
        name = _digest(provider, model, params)
        candidate, count = name, 1
        while candidate in self._taken:
            count += 1
            candidate = f"{name}-{count}"
        self._taken[candidate] = place
        return DeploymentId(candidate)


def _digest(provider: str, model: str, params: Mapping[str, Entry]) -> str:
    values: dict[str, object] = {"provider": provider, "model": model}
    for name, entry in params.items():
        key = PARAMS.by_spelling.get(name)
        if is_empty(entry.node) or (key is not None and key.name in ("model", "custom_llm_provider")):
            continue
        own = key.name if key is not None else name
        values[f"params.{own}"] = _counted(entry.node, secret=key is not None and key.kind == "secret", known=key is not None)
    return sha256(_ENCODER.encode(values)).hexdigest()[:16]


def _counted(node: Node, *, secret: bool, known: bool) -> object:
    """Return what a value counts as. A parameter that we do not know may hold a secret, so its reference counts, too."""
    if isinstance(node, ListNode):
        return [_counted(item, secret=secret, known=known) for item in node.items]
    if isinstance(node, MapNode):
        return {name: _counted(entry.node, secret=secret, known=False) for name, entry in node.entries.items()}
    return _counted_scalar(node, secret=secret, known=known)


def _counted_scalar(node: Scalar, *, secret: bool, known: bool) -> object:
    if node.reference is not None and (secret or not known):
        return node.reference
    return "literal" if secret else node.value


__all__ = ["DeploymentIds"]
