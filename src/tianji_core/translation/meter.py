"""The meter: adds up readings, so that a call can be priced wherever it ends."""

from dataclasses import dataclass, field

from tianji_core.calls.usage import Usage
from tianji_core.translation.reading import KEPT_TEXT_CHARACTERS, Reading


@dataclass(slots=True)
class Meter:
    """The running account of one answer. Text is kept up to a bound, for the answers that are cut before their usage came.

    Attributes:
        usage: Cumulative: the last value that was reported per field.
        characters: Of all output seen.
    """

    response_id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    finish_reasons: tuple[str, ...] = ()
    characters: int = 0
    _pieces: list[str] = field(default_factory=list)

    def add(self, reading: Reading) -> None:
        """Take one reading into the account."""
        self.response_id = self.response_id or reading.response_id
        self.model = reading.model or self.model
        self.finish_reasons += reading.finish_reasons
        if reading.usage is not None:
            self.usage = reading.usage if self.usage is None else self.usage.replaced_by(reading.usage)
        if reading.text:
            if self.characters < KEPT_TEXT_CHARACTERS:
                self._pieces.append(reading.text)
            self.characters += len(reading.text)

    @property
    def text(self) -> str:
        """The output seen, at most `KEPT_TEXT_CHARACTERS` and one piece more."""
        return "".join(self._pieces)
