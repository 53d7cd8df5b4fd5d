"""Which models a caller may use."""

from dataclasses import dataclass

from tianji_app.snapshot import SnapshotHolder
from tianji_core.access.models import may_use
from tianji_core.access.principal import Principal
from tianji_core.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class ListAllowedModels:
    """The names of the snapshot, as far as the key's list allows them."""

    snapshots: SnapshotHolder

    def __call__(self, principal: Principal, *, wildcards: bool = False) -> tuple[str, ...]:
        """Return the names: groups in configuration order, then aliases."""
        names = self.snapshots.current.index.names(wildcards=wildcards)
        return tuple(name for name in names if may_use(principal, name))


@dataclass(frozen=True, slots=True)
class FindAllowedModel:
    """One model by name."""

    snapshots: SnapshotHolder

    def __call__(self, principal: Principal, name: str) -> str:
        """Return the name; a model that the key may not use does not exist for it."""
        found = self.snapshots.current.index.lookup(name)
        if found is None or not may_use(principal, name, found.group):
            raise NotFoundError(f"The model `{name}` does not exist.", param="model", code="model_not_found")
        return name
