"""Reasoning that a model prints at the very start of its content, between tags, taken apart from the answer that follows.

Open models write `<think>…</think>`; a few write `<budget:thinking>`. A tag further on in the text is the answer's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tianji_core.calls.chat import TextDelta, ThinkingDelta

_TAGS = ("<think>", "<budget:thinking>")


@dataclass(slots=True)
class ThinkTags:
    """Reads the content of one choice, whole or piece by piece: pieces in, what they say out. Not one character but the tags is lost."""

    _held: str = ""
    _closing: str | None = None
    _is_settled: bool = False

    def feed(self, text: str) -> Iterator[TextDelta | ThinkingDelta]:
        """Yield what is certain by now; what may become a tag is held back."""
        if self._is_settled:
            yield from _as_text(text)
            return
        self._held += text
        if self._closing is None and not self._open():
            return
        if self._closing is None:
            yield from self.close()
            return
        thought, closing, answer = self._held.partition(self._closing)
        if closing:
            self._held, self._is_settled = "", True
            yield from _as_thinking(thought)
            yield from _as_text(answer)
            return
        kept = _beginning_at_end(thought, self._closing)
        self._held = thought[len(thought) - kept :]
        yield from _as_thinking(thought[: len(thought) - kept])

    def close(self) -> Iterator[TextDelta | ThinkingDelta]:
        """Yield what is still held: there is no reasoning (any more). A thought that was cut off is a thought."""
        held, self._held, self._is_settled = self._held, "", True
        yield from _as_text(held) if self._closing is None else _as_thinking(held)

    def _open(self) -> bool:
        """Return whether the beginning is known: a tag, which is taken off, or none."""
        for tag in _TAGS:
            if self._held.startswith(tag):
                self._held, self._closing = self._held.removeprefix(tag), f"</{tag[1:]}"
                return True
        return not any(tag.startswith(self._held) for tag in _TAGS)


def _as_text(text: str) -> Iterator[TextDelta]:
    if text:
        yield TextDelta(text=text)


def _as_thinking(text: str) -> Iterator[ThinkingDelta]:
    if text:
        yield ThinkingDelta(text=text)


def _beginning_at_end(text: str, tag: str) -> int:
    """Return how many characters at the end of a text may be the beginning of a tag."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:size])), 0)
