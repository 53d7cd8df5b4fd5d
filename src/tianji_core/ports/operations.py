"""Driving ports of what operators and clients ask besides calls and keys."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from tianji_core.access.principal import Principal


class ListModels(Protocol):
    """Which models a caller may use."""

    def __call__(self, principal: Principal, *, wildcards: bool = False) -> tuple[str, ...]: ...


class FindModel(Protocol):
    """Whether a caller may use one model; raises NotFoundError (`model_not_found`) where it may not, or there is none."""

    def __call__(self, principal: Principal, name: str) -> str: ...


class ReadinessState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether calls are served. `details` are for administrators only."""

    ready: bool
    status: str
    database: str
    details: Mapping[str, object] = {}


class Readiness(Protocol):
    """Whether this process should get traffic."""

    async def __call__(self) -> ReadinessState: ...


class DeploymentHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe found; `error` is None for a healthy deployment."""

    model_group: str
    model: str
    deployment_id: str
    error: str | None = None


class CheckHealth(Protocol):
    """Asks every deployment (of a group, or one by id) for a few tokens."""

    async def __call__(self, *, model: str | None, model_id: str | None) -> tuple[DeploymentHealth, ...]: ...


class ReloadConfiguration(Protocol):
    """Reads the configuration again: all of it takes effect, or nothing; no call waits. Raises ConfigurationError."""

    async def __call__(self) -> Mapping[str, object]: ...


class Exposition(Protocol):
    """The metrics in the format that the scraper asks for: content type and bytes."""

    def render(self, accept: str | None) -> tuple[str, bytes]: ...
