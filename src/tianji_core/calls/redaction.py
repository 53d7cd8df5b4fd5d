"""Taking secrets out of text that people or machines will read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

HIDDEN = "***"
_SHORTEST = 6
"""Shorter texts are no secrets, and taking them out would garble every line."""

_PATTERNS = (
    re.compile(r"(?i)(\bbearer\s+)[^\s'\",;}]+"),
    re.compile(r"(?i)((?:x-|x-goog-)?api[-_]?key['\"]?\s*[:=]\s*['\"]?)[^\s'\",;&}]+"),
    re.compile(r"(?i)([?&](?:key|token|access_token|sig|signature)=)[^\s&'\"]+"),
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@'\"]*:)[^\s/@'\"]+(?=@)"),
    re.compile(r"()\bsk-[A-Za-z0-9_-]{8,}"),
    re.compile(r"()\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
)
# One of these is in every text in which a pattern finds something, as JSON writes the text.
_SIGNS = ("=", "@", "sk-", "AKIA", "eyJ")
_LOWER_SIGNS = ("bearer", "apikey", "api_key", "api-key")
# Letters that a pattern takes for an `s`, an `i` or a `k` where it does not look at case.
_CASELESS = frozenset("\u017f\u0130\u0131\u212a")


@dataclass(frozen=True, slots=True)
class Scrubber:
    """Replaces known secrets, and whatever looks like one, by `***`. Made by `scrubber`."""

    known: re.Pattern[str] | None
    _written: tuple[str, ...] = field(default=(), repr=False)

    def suspects(self, written: str) -> bool:
        """Whether there may be something to replace in the texts of this JSON. It is quick, and wrong only with a yes."""
        for sign in _SIGNS:
            if sign in written:
                return True
        lower = written.lower()
        for sign in _LOWER_SIGNS:
            if sign in lower:
                return True
        for secret in self._written:
            if secret in written:
                return True
        return not written.isascii() and not _CASELESS.isdisjoint(written)

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        if self.known is not None:
            text = self.known.sub(HIDDEN, text)
        for pattern in _PATTERNS:
            text = pattern.sub(lambda match: match[1] + HIDDEN, text)
        return text

    def value(self, value: object) -> object:
        """Return the same for any value of a log line, containers included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))


def scrubber(secrets: Iterable[str]) -> Scrubber:
    """Return a scrubber that knows these texts; longer ones are taken first."""
    texts = sorted({text for text in secrets if len(text) >= _SHORTEST}, key=len, reverse=True)
    written = tuple(msgspec.json.encode(text)[1:-1].decode() for text in texts if _is_utf8(text))
    return Scrubber(re.compile("|".join(map(re.escape, texts))) if texts else None, written)


def _is_utf8(text: str) -> bool:
    """Whether a text can stand in JSON at all: environment variables can hold anything."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
