"""A provider that begins an answer and falls silent, behind the real gateway: the caller sees the beginning, and that somebody is here."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support import faulty_upstream as up
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.ledger import eventually

HOLD_SECONDS = 0.5


@pytest.fixture
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        server.script("silent", up.silent(up.CHUNKED))
        yield server


@pytest.fixture
def gateway(upstream: FaultyUpstream, tmp_path: Path) -> Iterator[GatewayProcess]:
    parameters = {"model": "openai/m", "api_base": f"{upstream.url}/silent/v1", "api_key": "sk-upstream-key-0001"}
    config = {
        "model_list": [{"model_name": "silent", "litellm_params": parameters}],
        "general_settings": {"master_key": MASTER_KEY},
        "router_settings": {"first_byte_hold": HOLD_SECONDS},
    }
    with running_gateway(tmp_path / "data", config=json.dumps(config)) as running:
        yield running


def test_stream_that_is_silent_after_its_head_is_begun_after_the_hold(gateway: GatewayProcess) -> None:
    body = {"model": "silent", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    began = time.monotonic()
    with httpx.stream("POST", f"{gateway.base_url}/v1/chat/completions", json=body, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        assert HOLD_SECONDS <= time.monotonic() - began < 15
        assert next(answer.iter_raw()) == b": keep-alive\n\n"
    assert eventually(lambda: '"status":"cancelled"' in gateway.output), gateway.output
