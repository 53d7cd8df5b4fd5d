"""What is asked of every gateway: the same question, about 850 bytes, whole or streamed, in two dialects."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

Way = Literal["burst", "split", "paced"]

_QUESTION = (
    "The invoice of the third quarter lists two shipments that never reached the warehouse in Rotterdam, and the carrier asks whether "
    "it shall send them again or credit them. Please read the correspondence below, say what was agreed, and draft a polite answer. "
)


@dataclass(frozen=True, slots=True)
class Request:
    """One call.

    Attributes:
        whole: What the answer must hold, so that a refusal or a cut answer is not taken for a fast one.
    """

    url: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    whole: bytes = b""

    @property
    def address(self) -> tuple[str, int]:
        """Return where to connect."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def raw(self) -> bytes:
        """Return the bytes of the call."""
        parts, body = urlsplit(self.url), self.body.encode()
        lines = [f"POST {parts.path} HTTP/1.1", f"host: {parts.netloc}", "content-type: application/json", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


def openai_request(url: str, model: str, headers: Mapping[str, str], *, streamed: bool) -> Request:
    """Return the question in OpenAI's dialect."""
    messages = [{"role": "system", "content": _QUESTION}, {"role": "user", "content": _QUESTION + _QUESTION[:190]}]
    body: dict[str, object] = {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 256}
    if streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Request(url, json.dumps(body), headers, b"data: [DONE]" if streamed else b"a new pallet leaves on Monday")


def anthropic_stream(url: str, model: str, headers: Mapping[str, str]) -> Request:
    """Return the question in Anthropic's dialect, streamed."""
    messages = [{"role": "user", "content": _QUESTION + _QUESTION[:190]}]
    body = {"model": model, "system": _QUESTION, "messages": messages, "temperature": 0.2, "max_tokens": 256, "stream": True}
    return Request(url, json.dumps(body), {**headers, "anthropic-version": "2023-06-01"}, b"message_stop")
