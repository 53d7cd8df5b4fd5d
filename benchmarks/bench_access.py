"""From a caller's header to its key."""

from collections.abc import Coroutine
from typing import Any

import anyio
from pytest_benchmark.fixture import BenchmarkFixture

from support.gateway_parts import KEY, MASTER_KEY, virtual_key
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.memory.key_store import MemoryKeyStore
from tianji_app.use_cases.authenticate import Authenticate
from tianji_app.use_cases.key_cache import KeyCache
from tianji_core.access.credentials import credential_of
from tianji_core.access.keys import hash_key
from tianji_core.access.master import master_key
from tianji_core.access.principal import Principal
from tianji_core.calls.secret import Secret

HEADERS = (("host", "localhost:4000"), ("content-type", "application/json"), ("accept", "*/*"), ("authorization", f"Bearer {KEY}"))


def _run(asked: Coroutine[Any, Any, Principal]) -> Principal:
    """Run what has nothing to wait for: a known key is found without the store."""
    try:
        asked.send(None)
    except StopIteration as done:
        principal: Principal = done.value
        return principal
    raise AssertionError("it waited")


def bench_hash_of_a_credential(benchmark: BenchmarkFixture) -> None:
    assert benchmark(hash_key, KEY) == virtual_key().hash


def bench_look_up_of_a_known_key(benchmark: BenchmarkFixture) -> None:
    key, clock = virtual_key(), FixedClock()
    cache = KeyCache(MemoryKeyStore(living={key.id: key}), clock)
    anyio.run(cache.find, key.hash)
    authenticate = Authenticate(cache, master_key(Secret(MASTER_KEY)), clock)
    assert benchmark(lambda: _run(authenticate(credential_of(HEADERS)))).key == key
