"""The child outlives nobody: its standard input ends with its parent, however the parent ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.processes import must_end

pytestmark = pytest.mark.xdist_group("local_model")
_PARENT = """
import anyio
from tianji_adapters.local_model.process import LocalModel

async def main():
    async with LocalModel() as model:
        print(model.process_id, flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A process that runs the model."""
    process = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _child_of(parent: subprocess.Popen[str]) -> int:
    assert parent.stdout is not None
    return int(parent.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_child_dies_with_its_parent(parent: subprocess.Popen[str], number: signal.Signals) -> None:
    with must_end(_child_of(parent)):
        parent.send_signal(number)


def test_interrupt_from_the_terminal_does_not_reach_the_child(parent: subprocess.Popen[str]) -> None:
    child = _child_of(parent)
    assert os.getsid(child) == child
    with must_end(child):
        parent.kill()
