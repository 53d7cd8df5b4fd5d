"""What the tests of this dialect share: the golden streams, and the vendor's own SDK as the reader to agree with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic

_GOLDEN = Path(__file__).parents[3] / "golden" / "anthropic_messages"


@pytest.fixture
def golden() -> Callable[[str], bytes]:
    """Reads a golden stream by name."""
    return lambda name: (_GOLDEN / f"{name}.sse").read_bytes()


@pytest.fixture
def sdk_reads() -> Callable[[bytes], Any]:
    """Reads a stream as the vendor's SDK does and returns the final message as JSON, nulls left out; raises as the SDK does."""
    return _read


def _read(stream: bytes) -> Any:
    head = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=head, content=stream))
    with httpx2.Client(transport=transport) as client:
        sdk = Anthropic(api_key="k", http_client=client, max_retries=0)
        with sdk.beta.messages.stream(model="m", max_tokens=1, messages=[{"role": "user", "content": "hi"}]) as messages:
            return _without_nulls(json.loads(messages.get_final_message().to_json()))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
