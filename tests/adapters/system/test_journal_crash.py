"""A process that is killed at any moment leaves every call known, and known once."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import anyio
import pytest

import support
from support.journals import file_journal, journal_folders
from support.stores import call_id_of
from tianji_core.spend.record import SpendRecord

SOURCE = Path(__file__).parents[3] / "src"
# Says `o` before and `O` after a call is opened, `s` and `S` around its settlement, and flushes now and then.
WRITER = """
import itertools, os, sys
from pathlib import Path
import anyio
from support.journals import file_journal
from support.stores import call_id_of, record
from tianji_core.ports.journal import OpenCall, Progress
from tianji_adapters.system.journal_disk import Disk

def say(word, number):
    os.write(1, f"{word}{number}\\n".encode())

async def main():
    first, journal = int(sys.argv[2]), file_journal(Path(sys.argv[1]), disk=Disk(), segment_bytes=20_000, memory_rows=50)
    await journal.recover()
    while journal.waiting():
        rows = await journal.pending(100)
        for row in rows:
            say("F" if row.event.status == "ok" else "I", row.call_id)
        await journal.flushed(len(rows))
    for number in itertools.count(first):
        say("o", number)
        await journal.open(OpenCall(call_id=call_id_of(number), started_at_ns=1, key_id=None, user_id=None, team_id=None, end_user_id=None,
            surface="s", model_group="g", deployment_id="d", model="m", input_estimate=1, pricing_version=""))
        say("O", number)
        journal.progress(Progress(call_id=call_id_of(number), at_ns=2, output_bytes=9))
        if number > first:
            say("s", number - 1)
            await journal.settle(call_id_of(number - 1), [record(number - 1)])
            say("S", number - 1)
        if number % 7 == 0 and journal.waiting():
            rows = await journal.pending(5)
            for row in rows:
                say("F", row.call_id)
            await journal.flushed(len(rows))

anyio.run(main)
"""


class Ledger:
    """What the killed processes said, and what an idempotent ledger made of it."""

    def __init__(self) -> None:
        self.words: dict[str, set[str]] = {word: set() for word in "oOsS"}
        self.rows: dict[str, str] = {}

    def hear(self, output: bytes) -> int:
        """Take what one process said; return the last number that it used."""
        last = 0
        for line in output.decode().splitlines(keepends=True):
            word, rest = line[0], line[1:].strip()
            if word.isdigit() or not line.endswith("\n"):
                continue  # a line of the log, or a torn one
            if word in "FI":
                self.rows.setdefault(rest, "ok" if word == "F" else "interrupted")
            else:
                self.words[word].add(call_id_of(int(rest)))
                last = max(last, int(rest))
        return last

    def book(self, rows: list[SpendRecord]) -> None:
        for row in rows:
            self.rows.setdefault(row.call_id, row.event.status)

    def check(self) -> None:
        booked_ok = {call for call, status in self.rows.items() if status == "ok"}
        interrupted = {call for call, status in self.rows.items() if status == "interrupted"}
        assert self.words["S"] <= booked_ok <= self.words["s"], "settled is settled, and what was not even begun is not"
        assert self.words["O"] <= booked_ok | interrupted <= self.words["o"], "opened is known, and nothing is invented"


def kill_after(root: Path, first: int, lines: int) -> bytes:
    """Run the writer, and kill it as soon as it has said so many lines."""
    paths = os.pathsep.join((str(SOURCE), str(Path(next(iter(support.__path__))).parent)))
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), str(first)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    )
    assert process.stdout is not None
    with process:
        said = b"".join(process.stdout.readline() for _ in range(lines))
        process.send_signal(signal.SIGKILL)
        return said + process.stdout.read()


async def take_over(root: Path) -> list[SpendRecord]:
    journal, rows = file_journal(root), list[SpendRecord]()
    await journal.recover()
    while journal.waiting():
        piece = await journal.pending(50)
        await journal.flushed(len(piece))
        rows += piece
    assert journal.degraded is None
    await journal.close()
    return rows


@pytest.mark.parametrize("kills", [10, pytest.param(50, marks=pytest.mark.long)])
def test_every_call_is_known_once_after_a_kill_at_any_moment(tmp_path: Path, kills: int) -> None:
    ledger, random, first = Ledger(), Random(kills), 1
    for _ in range(kills):
        first = 1 + max(first, ledger.hear(kill_after(tmp_path, first, random.randrange(1, 2_000))))
    rows = anyio.run(take_over, tmp_path)
    seen = [(row.call_id, row.seq) for row in rows]
    assert len(seen) == len(set(seen)), "nothing comes twice out of one replay"
    ledger.book(rows)
    ledger.check()
    assert len(ledger.words["S"]) > kills
    assert list(journal_folders(tmp_path)) == []
