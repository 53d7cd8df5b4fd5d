"""The content blocks of a streamed answer while they grow: each kind turns its events into canonical deltas.

Source: Anthropic's Python SDK, `RawContentBlockStartEvent`, `RawContentBlockDelta`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from tianji_core.calls.chat import (
    AnnotationsDelta,
    CitationDelta,
    Delta,
    Json,
    OpaqueDelta,
    RedactedThinkingDelta,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolArgumentsDelta,
    ToolCallStart,
)
from tianji_core.dialects.anthropic_messages.parts import DIALECT, rest_of, web_annotations
from tianji_core.errors import InvalidRequestError
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import decode_object, encode


class Block(Protocol):
    """One block that is open."""

    def delta(self, fields: Fields) -> Iterator[Delta]:
        """Yield what one more event of the block says."""
        ...

    def stop(self) -> Iterator[Delta]:
        """Yield what is known only now that the block is complete."""
        ...


@dataclass(slots=True)
class TextBlock:
    """Text with its citations; `before` is where it begins in the whole answer's text."""

    number: int
    before: int
    length: int = 0
    citations: list[Json] = field(default_factory=list)
    _said: bool = False

    def start(self, fields: Fields) -> Iterator[Delta]:
        """Yield what the block already holds."""
        yield from self._text(fields.text("text") or "")
        for citation in fields.objects("citations"):
            yield self._cite(citation)

    def delta(self, fields: Fields) -> Iterator[Delta]:
        """Yield more text, or a citation."""
        kind = fields.text("type")
        if kind == "text_delta":
            yield from self._text(fields.required_text("text"))
        elif kind == "citations_delta":
            citation = fields.mapping("citation")
            fields.required("citation", citation)
            yield self._cite(citation or {})

    def stop(self) -> Iterator[Delta]:
        """Yield the web citations in OpenAI's form, whose positions are known now; a block that said nothing still was one."""
        annotations = web_annotations(self.citations, self.before, self.before + self.length)
        if annotations:
            yield AnnotationsDelta(annotations=tuple(annotations))
        if not self._said:
            yield OpaqueDelta(dialect=DIALECT, value={"type": "text", "text": ""}, block=self.number)

    def _text(self, text: str) -> Iterator[Delta]:
        if text:
            self.length += len(text)
            self._said = True
            yield TextDelta(text=text, block=self.number)

    def _cite(self, citation: Json) -> Delta:
        self.citations.append(citation)
        self._said = True
        return CitationDelta(citation=citation, block=self.number)


@dataclass(slots=True)
class ThinkingBlock:
    """Thinking with its signature."""

    number: int
    _said: bool = False

    def start(self, fields: Fields) -> Iterator[Delta]:
        """Yield what the block already holds."""
        yield from self._some(fields.text("thinking"), fields.text("signature"))

    def delta(self, fields: Fields) -> Iterator[Delta]:
        """Yield more thinking, or the signature."""
        kind = fields.text("type")
        if kind == "thinking_delta":
            yield from self._some(fields.required_text("thinking"), None)
        elif kind == "signature_delta":
            yield from self._some(None, fields.required_text("signature"))

    def stop(self) -> Iterator[Delta]:
        """Yield a block that said nothing as it was."""
        if not self._said:
            yield OpaqueDelta(dialect=DIALECT, value={"type": "thinking", "thinking": "", "signature": ""}, block=self.number)

    def _some(self, text: str | None, signature: str | None) -> Iterator[Delta]:
        self._said = self._said or bool(text or signature)
        if text:
            yield ThinkingDelta(text=text, block=self.number)
        if signature:
            yield SignatureDelta(signature=signature, block=self.number)


@dataclass(slots=True)
class ToolBlock:
    """A call of a tool of the client's; `index` counts those calls."""

    index: int
    given: Json = field(default_factory=dict)
    _said: bool = False

    def start(self, fields: Fields, name: str) -> Iterator[Delta]:
        """Yield the call's head; `name` is the caller's own."""
        self.given = fields.mapping("input") or {}
        yield ToolCallStart(index=self.index, id=fields.required_text("id"), name=name, rest=rest_of(fields.values))

    def delta(self, fields: Fields) -> Iterator[Delta]:
        """Yield more of the arguments."""
        if fields.text("type") == "input_json_delta":
            text = fields.required_text("partial_json")
            if text:
                self._said = True
                yield ToolArgumentsDelta(index=self.index, arguments=text)

    def stop(self) -> Iterator[Delta]:
        """Yield the arguments where no event brought any: usually an empty object."""
        if not self._said:
            yield ToolArgumentsDelta(index=self.index, arguments=encode(self.given).decode())


@dataclass(slots=True)
class JsonToolBlock:
    """The call of our own tool, whose arguments are the answer's text."""

    number: int
    _said: bool = False

    def delta(self, fields: Fields) -> Iterator[Delta]:
        """Yield more of the arguments, as text."""
        if fields.text("type") == "input_json_delta":
            text = fields.required_text("partial_json")
            if text:
                self._said = True
                yield TextDelta(text=text, block=self.number)

    def stop(self) -> Iterator[Delta]:
        """Yield an empty object where no event brought anything."""
        if not self._said:
            yield TextDelta(text="{}", block=self.number)


@dataclass(slots=True)
class RedactedBlock:
    """Thinking that only the vendor reads; it comes whole."""

    number: int

    def start(self, fields: Fields) -> Iterator[Delta]:
        """Yield the block."""
        yield RedactedThinkingDelta(data=fields.required_text("data"), block=self.number)

    def delta(self, fields: Fields) -> Iterator[Delta]:
        """Yield nothing: there are no deltas of this kind."""
        yield from ()

    def stop(self) -> Iterator[Delta]:
        """Yield nothing."""
        yield from ()


@dataclass(slots=True)
class OpaqueBlock:
    """A block of a kind that we do not translate: kept until it is complete, then handed out whole."""

    number: int
    value: dict[str, object]
    _input: list[str] = field(default_factory=list)

    def delta(self, fields: Fields) -> Iterator[Delta]:
        """Yield nothing, and grow."""
        kind = fields.text("type")
        if kind == "input_json_delta":
            self._input.append(fields.required_text("partial_json"))
        elif kind == "citations_delta":
            known = self.value.get("citations")
            self.value["citations"] = [*(known if isinstance(known, list) else []), fields.mapping("citation")]
        else:
            for name, more in fields.values.items():
                known = self.value.get(name)
                self.value[name] = known + more if isinstance(known, str) and isinstance(more, str) else more
        yield from ()

    def stop(self) -> Iterator[Delta]:
        """Yield the block, its input parsed."""
        text = "".join(self._input)
        if text:
            try:
                self.value["input"] = decode_object(text.encode())
            except InvalidRequestError:
                self.value["input"] = text
        yield OpaqueDelta(dialect=DIALECT, value=self.value, block=self.number)
