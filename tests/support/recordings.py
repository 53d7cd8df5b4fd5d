"""The recorded provider exchanges: real requests and answers, one JSON object a line.

They lie outside the project; `TIANJI_RECORDINGS` names their folder. Where there are none, the files of tests that stand on them
(named `TESTS`) are not collected, and one line at the end of the run says so: `conftest.py`.
"""

import base64
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(os.environ.get("TIANJI_RECORDINGS") or Path(__file__).parents[3] / "shared" / "recordings")
TESTS = "test_recordings.py"


class Exchange(msgspec.Struct, frozen=True):
    """One request and its answer."""

    id: str
    provider: str
    method: str
    uri: str
    request: Any
    status: int
    response_headers: dict[str, Any]
    body: bytes

    @property
    def is_stream(self) -> bool:
        """Whether the answer is an event stream."""
        return "event-stream" in str(self.response_headers.get("content-type", self.response_headers.get("Content-Type", "")))


def available() -> bool:
    """Whether there are any."""
    return any(FOLDER.glob("*.jsonl"))


@cache
def exchanges(provider: str, path: str) -> tuple[Exchange, ...]:
    """Return a provider's POST exchanges whose URI's path ends in `path`."""
    file = FOLDER / f"{provider}.jsonl"
    return tuple(exchange for exchange in _read(file) if exchange.method == "POST" and exchange.uri.partition("?")[0].endswith(path))


def _read(file: Path) -> Iterator[Exchange]:
    for line in file.read_text().splitlines():
        value = json.loads(line)
        yield Exchange(
            id=value["id"],
            provider=value["provider"],
            method=value["method"].upper(),
            uri=value["uri"],
            request=(value.get("request") or {}).get("json"),
            status=value["status"],
            response_headers={name.lower(): text for name, text in value["response_headers"].items()},
            body=_body(value.get("response")),
        )


def _body(response: dict[str, Any] | None) -> bytes:
    if not response:
        return b""
    if "json" in response:
        return json.dumps(response["json"], ensure_ascii=False).encode()
    if "base64" in response:
        return base64.b64decode(response["base64"])
    return str(response.get("text", "")).encode()


def short_id(exchange: Exchange) -> str:
    """Return a name for a test's parameter."""
    return f"{exchange.provider}-{exchange.id}"
