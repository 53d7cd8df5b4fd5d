"""Providers that answer whole or in a stream, fail in every way that they have, and keep a book of what they reported."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self
from urllib.parse import urlsplit

import anyio
import msgspec

from support.provider_answers import DONE
from support.simulation.chance import Delay
from support.simulation.scenario import NANO_PER_TOKEN
from tianji_adapters.http_client.collecting import collected
from tianji_adapters.http_client.faults import body_error, body_timeout, broken, not_connected, phase_timeout
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import Headers, HttpRequest, HttpResponse
from tianji_core.ports.http_transport import TransportLimits, UpstreamAnswer

_LONGEST_ANSWER = 40
_BEFORE_THE_ANSWER = ("refuses", "hangs", "breaks before", "429", "500", "400")
_IN_THE_ANSWER = ("breaks inside", "stalls", "no usage", "no usage", "no content", "no content", "garbage")
_MISBEHAVIOURS = (*_BEFORE_THE_ANSWER, *_IN_THE_ANSWER)
Json = dict[str, Any]


@dataclass(slots=True, eq=False)
class Served:
    """One request in the provider's own book.

    Attributes:
        marker: By which the caller knows its call.
        given, produced: Tokens that it reports, if it comes to that.
        is_reported: Whether the gateway has read the usage.
        words: How many words of the answer the gateway has read.
    """

    marker: str
    model: str
    given: int
    produced: int
    is_reported: bool = False
    words: int = 0
    is_open: bool = True

    @property
    def nano(self) -> int:
        """What it costs."""
        given, produced = NANO_PER_TOKEN[self.model]
        return self.given * given + self.produced * produced


@dataclass(slots=True)
class Wire:
    """Implements `HttpTransport` for one process. `book` is the providers'."""

    book: list[Served]
    rng: Random
    delay: Delay
    faulty: float

    def send(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AbstractAsyncContextManager[UpstreamAnswer]:
        """Send, wait for the head, and hold the connection while the block runs."""
        return self._exchange(request, limits)

    async def aclose(self) -> None:
        """Have nothing to close."""

    @asynccontextmanager
    async def _exchange(self, request: HttpRequest, limits: TransportLimits) -> AsyncIterator[UpstreamAnswer]:
        host = urlsplit(request.url).hostname or ""
        manner = self._manner()
        await self.delay()
        if manner == "refuses":
            raise not_connected(host, "refused", sent=False)
        body: Json = msgspec.json.decode(request.body)
        served = self._note(body)
        try:
            with anyio.move_on_after(limits.first_byte_seconds) as waiting:
                await (anyio.sleep_forever() if manner == "hangs" else self.delay())
            if waiting.cancelled_caught:
                raise phase_timeout("answer", limits, host, sent=True)
            if manner == "breaks before":
                raise broken(host, "reset", sent=True)
            yield self._answer(served, body, manner, host, limits)
        finally:
            served.is_open = False

    def _manner(self) -> str:
        if self.rng.random() >= self.faulty:
            return "answers"
        return self.rng.choice(
            (
                "refuses",
                "hangs",
                "breaks before",
                "429",
                "500",
                "400",
                "breaks inside",
                "stalls",
                "no usage",
                "no usage",
                "no content",
                "no content",
                "garbage",
            )
        )

    def _note(self, body: Json) -> Served:
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or _LONGEST_ANSWER
        text = str(body["messages"][0]["content"])
        given = len(text.split()) + self.rng.randint(3, 9)
        served = Served(text.split(maxsplit=1)[0], body["model"], given, self.rng.randint(1, min(limit, _LONGEST_ANSWER)))
        self.book.append(served)
        return served

    def _answer(self, served: Served, body: Json, manner: str, host: str, limits: TransportLimits) -> "_Answer":
        answer = _Answer(served, self.rng, self.delay, host, limits)
        if manner in ("429", "500", "400"):
            answer.status = int(manner)
            answer.script([msgspec.json.encode({"error": {"message": "no", "type": "x"}})])
            return answer
        words = [] if manner == "no content" else [f"w{number} " for number in range(self.rng.randint(1, served.produced))]
        usage = None if manner == "no usage" else _usage(served)
        if body.get("stream"):
            answer.headers = (("content-type", "text/event-stream"),)
            answer.script(_streamed(served.model, words, usage, self.rng), words=words)
        else:
            answer.script([_whole(served.model, "".join(words), usage)], words=words)
        if manner == "garbage":
            answer.data = b"<html>" + answer.data[: len(answer.data) // 2]
            answer.usage_end = answer.ends = 0
        if manner in ("breaks inside", "stalls"):
            answer.ends, answer.stalls = self.rng.randrange(len(answer.data)), manner == "stalls"
        return answer


@dataclass(slots=True)
class _Answer:
    """One answer as it is read: `data`, in pieces that begin and end anywhere."""

    served: Served
    rng: Random
    delay: Delay
    host: str
    limits: TransportLimits
    status: int = 200
    headers: Headers = (("content-type", "application/json"),)
    data: bytes = b""
    at: int = 0
    usage_end: int = 0
    ends: int = 0
    stalls: bool = False
    word_ends: list[int] = field(default_factory=list)

    def script(self, parts: list[bytes], words: Sequence[str] = ()) -> None:
        self.data = b"".join(parts)
        mark = self.data.find(b'"usage":{')
        event_end = self.data.find(b"\n\n", mark)
        self.usage_end = 0 if mark < 0 else event_end + 2 if event_end >= 0 else len(self.data)
        place = 0
        for word in words:
            place = self.data.index(word.encode(), place) + len(word)
            self.word_ends.append(place)

    async def read(self) -> HttpResponse:
        return await collected(self, self.host, self.limits.body_bytes)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        with anyio.move_on_after(self.limits.idle_seconds):
            await self.delay()
            return await self._next()
        raise body_timeout(self.host, self.status, self.limits.idle_seconds)

    async def _next(self) -> bytes:
        end = self.ends or len(self.data)
        if self.at >= end:
            if self.stalls:
                await anyio.sleep_forever()
            if self.ends:
                raise body_error(self.host, self.status)
            raise StopAsyncIteration
        size = self.rng.choice((40, 200, 1_000))
        begin, self.at = self.at, min(end, self.at + self.rng.randint(1, size))
        if self.usage_end and self.at >= self.usage_end and self.status == 200:
            self.served.is_reported = True
        self.served.words = sum(place <= self.at for place in self.word_ends)
        return self.data[begin : self.at]


def _usage(served: Served) -> Json:
    return {"prompt_tokens": served.given, "completion_tokens": served.produced, "total_tokens": served.given + served.produced}


def _whole(model: str, text: str, usage: Json | None) -> bytes:
    message = {"role": "assistant", "content": text}
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": model}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return msgspec.json.encode({**answer, "choices": choices, **({"usage": usage} if usage else {})})


def _streamed(model: str, words: list[str], usage: Json | None, rng: Random) -> list[bytes]:
    parts = [_event(model, {"choices": [_choice({"role": "assistant", "content": ""})]})]
    left = list(words)
    while left:
        count = rng.randint(1, 4)
        parts.append(_event(model, {"choices": [_choice({"content": "".join(left[:count])})]}))
        left = left[count:]
    if words:
        parts.append(_event(model, {"choices": [{**_choice({}), "finish_reason": "stop"}]}))
    if usage:
        parts.append(_event(model, {"choices": [], "usage": usage}))
    return [*parts, DONE]


def _choice(delta: Mapping[str, str]) -> Json:
    return {"index": 0, "delta": delta, "finish_reason": None}


def _event(model: str, value: Json) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model}
    return b"data: " + msgspec.json.encode({**head, **value}) + b"\n\n"
