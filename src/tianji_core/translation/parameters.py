"""What happens to a parameter that a provider cannot express: dropped by name, or refused; a short list goes silently."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tianji_core.calls.deployment import Deployment
from tianji_core.errors import UnsupportedParameterError

_SILENT = frozenset({"stream_options", "user", "store", "metadata", "max_retries"})
_SILENT_VALUES: dict[str, object] = {"n": 1, "parallel_tool_calls": True, "temperature": 1}


@dataclass(slots=True)
class Dropping:
    """Collects what one attempt leaves out, after the deployment's mode and lists."""

    deployment: Deployment
    names: list[str] = field(default_factory=list)

    def unsupported(self, name: str, value: object, why: str | None = None) -> None:
        """Leave a parameter out, or refuse the request.

        Raises:
            UnsupportedParameterError: the deployment's mode is `refuse` and the parameter matters.
        """
        if name in _SILENT or (name in _SILENT_VALUES and value == _SILENT_VALUES[name]):
            return
        if self.deployment.parameter_mode == "refuse":
            provider, model = self.deployment.provider, self.deployment.model
            raise UnsupportedParameterError(
                f"`{name}` is not supported by {provider}/{model}" + (f": {why}" if why else ""),
                hint="leave it out, or set `drop_params: true`",
                param=name,
            )
        self.note(name)

    def note(self, name: str) -> None:
        """Name a parameter that is left out in every mode."""
        if name not in self.names:
            self.names.append(name)

    def keep(self, name: str) -> bool:
        """Whether a parameter may go up: not one that the operator or the caller listed as dropped."""
        if name in self.deployment.dropped_parameters:
            self.note(name)
            return False
        return True

    def without(self, body: dict[str, object], names: Iterable[str]) -> dict[str, object]:
        """Return the body without the listed parameters, each of which is named."""
        return {name: value for name, value in body.items() if name not in names or self.keep(name)}
