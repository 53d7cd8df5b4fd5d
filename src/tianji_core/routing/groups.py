"""From a model name to the deployments that can serve it.

Order: alias (one step, no chains), exact group name, wildcard, provider prefix (`openai/gpt-4o` where a deployment of `gpt-4o` is
OpenAI's), the default group `*`. Among wildcards the most specific pattern wins, then configuration order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment
from tianji_core.errors import NotFoundError
from tianji_core.routing.fallbacks import FAILURE_KINDS, targets_of
from tianji_core.routing.settings import Alias, RouterSettings
from tianji_core.routing.wildcard import Pattern, check_name, compile_pattern, fill

DEFAULT_GROUP = "*"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A model group as one call sees it.

    Attributes:
        asked: The name that was looked up.
        group: The name after alias and provider prefix; of a wildcard the concrete name.
        configured: The group as it stands in the configuration; differs from `group` where that is a pattern. Of few values.
        deployments: In configuration order, at least one; `model` has no `*` left.
    """

    asked: str
    group: str
    configured: str
    deployments: tuple[Deployment, ...]


Lookup = Callable[[str], Found | None]


@dataclass(frozen=True, slots=True)
class ModelIndex:
    """Every model name of one snapshot. Made once by `build`, never changed."""

    groups: Mapping[str, tuple[Deployment, ...]]
    wildcards: tuple[tuple[str, Pattern], ...]
    aliases: Mapping[str, Alias]

    @classmethod
    def build(cls, deployments: Iterable[Deployment], aliases: Mapping[str, Alias]) -> "ModelIndex":
        """Return the index of these deployments, given in configuration order."""
        groups: dict[str, list[Deployment]] = {}
        for deployment in deployments:
            groups.setdefault(deployment.group, []).append(deployment)
        patterns = [(name, pattern) for name in groups if name != DEFAULT_GROUP and (pattern := compile_pattern(name)) is not None]
        patterns.sort(key=lambda entry: entry[1].rank, reverse=True)
        return cls({name: tuple(members) for name, members in groups.items()}, tuple(patterns), dict(aliases))

    def find(self, name: str) -> Found:
        """Return the group that serves this name.

        Raises:
            InvalidRequestError: the name itself cannot be one.
            NotFoundError: (`model_not_found`) no group serves it.
        """
        found = self.lookup(check_name(name))
        if found is None:
            raise NotFoundError(f"The model `{name}` does not exist.", param="model", code="model_not_found")
        return found

    def lookup(self, name: str) -> Found | None:
        """Return the group that serves this name, or None."""
        alias = self.aliases.get(name)
        group = alias.group if alias is not None else name
        return self._exact(name, group) or self._wildcard(name, group) or self._prefixed(name, group) or self._default(name, group)

    def names(self, *, wildcards: bool = False) -> tuple[str, ...]:
        """Return the names to list: groups in configuration order, then aliases that are not hidden.

        A wildcard group is listed only on demand, as it was configured; the default group `*` is no model's name and never is.
        """
        groups = [name for name in self.groups if name != DEFAULT_GROUP and (wildcards or "*" not in name)]
        shown = [name for name, alias in self.aliases.items() if not alias.hidden and name not in self.groups]
        hidden = {name for name, alias in self.aliases.items() if alias.hidden}
        return tuple(name for name in [*groups, *shown] if name not in hidden)

    def candidates(self, name: str, settings: RouterSettings, controls: Controls) -> tuple[Deployment, ...]:
        """Return every deployment that the call could reach, fallbacks of every kind included, each once, nearest first.

        Cooldown and strategy are ignored: a budget has to hold for the dearest of them.

        Raises:
            InvalidRequestError, NotFoundError: as `find`.
        """
        layer: Sequence[Found] = (self.find(name),)
        seen = {layer[0].group}
        reachable: dict[tuple[str, str], Deployment] = {}
        for depth in range(settings.max_fallbacks + 1):
            reachable.update({(member.id, member.model): member for found in layer for member in found.deployments})
            layer = self._below(layer, seen, settings, controls, depth)
        return tuple(reachable.values())

    def _below(self, layer: Sequence[Found], seen: set[str], settings: RouterSettings, controls: Controls, depth: int) -> tuple[Found, ...]:
        below: list[Found] = []
        for found in layer:
            for kind in FAILURE_KINDS:
                for target in targets_of(found.group, found.configured, kind, settings, controls, depth=depth):
                    reached = self.lookup(target)
                    if reached is not None and reached.group not in seen:
                        seen.add(reached.group)
                        below.append(reached)
        return tuple(below)

    def _exact(self, asked: str, group: str) -> Found | None:
        members = self.groups.get(group)
        if members is None or "*" in group:
            return None
        return Found(asked=asked, group=group, configured=group, deployments=members)

    def _wildcard(self, asked: str, group: str) -> Found | None:
        for configured, pattern in self.wildcards:
            captures = pattern.match(group)
            if captures is not None:
                return self._filled(asked, group, configured, captures)
        return None

    def _prefixed(self, asked: str, group: str) -> Found | None:
        provider, slash, rest = group.partition("/")
        members = tuple(member for member in self.groups.get(rest, ()) if member.provider == provider) if slash else ()
        if not members or "*" in rest:
            return None
        return Found(asked=asked, group=rest, configured=rest, deployments=members)

    def _default(self, asked: str, group: str) -> Found | None:
        return self._filled(asked, group, DEFAULT_GROUP, (group,)) if DEFAULT_GROUP in self.groups else None

    def _filled(self, asked: str, group: str, configured: str, captures: Sequence[str]) -> Found:
        members = tuple(
            msgspec.structs.replace(member, model=fill(member.model, captures, asked=group, provider=member.provider))
            for member in self.groups[configured]
        )
        return Found(asked=asked, group=group, configured=configured, deployments=members)
