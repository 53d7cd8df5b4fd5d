"""What is wrong with a configuration: every error and warning is collected, with its file and line, and told at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tianji_core.errors import ConfigurationError


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where something stands. `line` counts from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class ConfigurationWarning(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not stop the start, but that its author should know."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class ConfigurationErrors(ConfigurationError):  # noqa: N818 - it is several errors
    """All that is wrong with a configuration.

    Attributes:
        errors: In the order of files and lines; never empty.
    """

    def __init__(self, errors: Sequence[ConfigurationError]) -> None:
        ordered = tuple(sorted(errors, key=lambda error: (error.file or "", error.line or 0)))
        count = "1 error" if len(ordered) == 1 else f"{len(ordered)} errors"
        super().__init__(f"the configuration has {count}", file=ordered[0].file, line=ordered[0].line)
        self.errors = ordered

    def __str__(self) -> str:
        return "\n".join([f"{self.message}:", *(f"  {error}" for error in self.errors)])


_MANY = 200
_LONGEST_MESSAGE = 500


def _shown(message: str) -> str:
    """Return a message that is one printable line, whatever the names in it hold."""
    line = "".join(character if character.isprintable() else "?" for character in message)
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


@dataclass(slots=True)
class Problems:
    """Collects while the configuration is read. Reading goes on after an error, so that one run shows all of them."""

    errors: list[ConfigurationError] = field(default_factory=list)
    warnings: list[ConfigurationWarning] = field(default_factory=list)
    told: set[str] = field(default_factory=set)

    @property
    def are_many(self) -> bool:
        """Whether so much is wrong that nobody reads suggestions, which cost time to find."""
        return len(self.errors) + len(self.warnings) > _MANY

    def error(self, place: Place, message: str, hint: str | None = None) -> None:
        """Note an error; reading goes on."""
        self.errors.append(ConfigurationError(_shown(message), file=place.file, line=place.line, hint=hint))

    def error_without_place(self, message: str, hint: str | None = None, file: str | None = None) -> None:
        """Note an error of the environment, or of a file that has no lines."""
        self.errors.append(ConfigurationError(_shown(message), file=file, hint=hint))

    def warn(self, place: Place, message: str) -> None:
        """Note something that does not stop the start."""
        self.warnings.append(ConfigurationWarning(file=place.file, line=place.line, message=_shown(message)))

    def warn_once(self, name: str, place: Place, message: str) -> None:
        """Warn unless something of this name was warned of before."""
        if name not in self.told:
            self.told.add(name)
            self.warn(place, message)

    def raise_if_any(self) -> None:
        """Raises ConfigurationErrors when there is at least one error."""
        if self.errors:
            raise ConfigurationErrors(self.errors)


__all__ = ["ConfigurationErrors", "ConfigurationWarning", "Place", "Problems"]
