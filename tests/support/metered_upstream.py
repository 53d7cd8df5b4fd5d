"""A provider that reports what a prompt can really have, answers no longer than it is allowed to, and keeps its own bill."""

import json
import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from support import faulty_upstream as up

WORD = " hello"
"""One token in every encoding that we have."""

FRAME_TOKENS = 7
"""What a provider adds to a message of one part."""

INPUT_NANO, OUTPUT_NANO = 1_000, 2_000
PRICES = {"input_cost_per_token": INPUT_NANO / 1e9, "output_cost_per_token": OUTPUT_NANO / 1e9}


def prompt_of(words: int) -> str:
    """Return a text of so many tokens."""
    return WORD * words


def cost_nano(prompt_tokens: int, completion_tokens: int) -> int:
    """Return what an answer costs."""
    return prompt_tokens * INPUT_NANO + completion_tokens * OUTPUT_NANO


@dataclass(slots=True)
class Meter:
    """What this provider bills.

    Attributes:
        at_most: How many tokens an answer has, where the request allows that.
        bills: The cost of each answer, in nano-USD.
    """

    at_most: int
    seconds: float = 0.02
    bills: list[int] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(9))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self, asked: up.Asked) -> None:
        """Answer a chat request, whole or streaming, and bill it."""
        body = json.loads(asked.body)
        usage = self._usage(body)
        time.sleep(self.seconds)
        send = self._stream if body.get("stream") else self._whole
        with self._lock:
            self.bills.append(cost_nano(usage["prompt_tokens"], usage["completion_tokens"]))
        send(asked, usage)

    def _usage(self, body: dict[str, Any]) -> dict[str, int]:
        given = sum(_text(message["content"]).count(WORD) + FRAME_TOKENS for message in body["messages"])
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or self.at_most
        with self._lock:
            produced = min(limit, self.random.randint(self.at_most * 4 // 5, self.at_most))
        return {"prompt_tokens": given, "completion_tokens": produced, "total_tokens": given + produced}

    def _whole(self, asked: up.Asked, usage: dict[str, int]) -> None:
        asked.send(up.json_answer({**up.COMPLETION, "usage": usage}))

    def _stream(self, asked: up.Asked, usage: dict[str, int]) -> None:
        last = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}
        asked.send(up.CHUNKED, up.piece("Hel"))
        time.sleep(self.seconds)
        asked.send(up.piece("lo."), up.STOP, up.sse(last), up.DONE)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
