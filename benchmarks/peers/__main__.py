"""`make bench-peers`: TianJi beside other gateways, in one run on this machine."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers.exchange import BrokenExchangeError
from benchmarks.peers.installing import MissingProgramError, mock_provider, need
from benchmarks.peers.machine import described
from benchmarks.peers.measuring import Settings, measure
from benchmarks.peers.others import LiteLLM, Portkey
from benchmarks.peers.ours import TianJi, TianJiByHttpx
from benchmarks.peers.peer import Peer
from benchmarks.peers.picture import picture
from benchmarks.peers.plain import Direct, Nginx
from benchmarks.peers.table import comparison, counted, foreign, verdicts

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "build" / "bench-peers.json"
_PICTURE = _ROOT / "docs" / "assets" / "peers.svg"
_NAMES = ("direct", "nginx", "tianji", "tianji-httpx", "portkey", "litellm")
_FAILED = "FAILED in a round, see above"
_ALWAYS = ("direct", "nginx")


def main() -> int:
    """Run, print, draw. The exit status is 1 where a gateway could not be measured or no round counts."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that the servers are ended too
    try:
        if asked.show:
            kept = json.loads(_RESULTS.read_text())
            return _show(kept, draw=asked.draw)
        need("wrk", "gcc", "taskset")
        peers = _peers(asked)
        versions = {peer.name: peer.install() for peer in peers}
        rounds, remarks = _rounds(peers, asked)
    except (MissingProgramError, BrokenExchangeError) as problem:
        sys.stderr.write(f"\nbench-peers: {problem}\n")
        return 1
    notes = {peer.name: "; ".join([peer.note, *remarks.get(peer.name, [])]) for peer in peers}
    kept = {"machine": described(), "versions": versions, "notes": notes, "quick": asked.quick, "rounds": rounds}
    _RESULTS.parent.mkdir(exist_ok=True)
    _RESULTS.write_text(json.dumps(kept, indent=1))
    return _show(kept, draw=asked.draw)


def _peers(asked: argparse.Namespace) -> list[Peer]:
    all_of_them = (Direct(), Nginx(), TianJi(asked.source), TianJiByHttpx(asked.source), Portkey(), LiteLLM())
    return [peer for peer in all_of_them if peer.name in asked.only or peer.name in _ALWAYS]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two seconds a load instead of ten: to see that all works, not to judge")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; each measures every gateway once (default 3)")
    parser.add_argument("--seconds", type=int, help="seconds of each load")
    parser.add_argument("--only", default=",".join(_NAMES), help=f"a list out of {','.join(_NAMES)}; direct and nginx always take part")
    parser.add_argument("--source", type=Path, default=_ROOT / "src", help="the folder of another state of TianJi's code, to compare two")
    parser.add_argument("--gateway-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--draw", action=argparse.BooleanOptionalAction, help="draw the picture; a quick run does not unless asked")
    parser.add_argument("--show", action="store_true", help="measure nothing; print and draw the results of the last run")
    asked = parser.parse_args()
    asked.only = asked.only.split(",")
    asked.draw = not asked.quick if asked.draw is None else asked.draw
    if unknown := set(asked.only) - set(_NAMES):
        parser.error(f"no gateway is named {', '.join(sorted(unknown))}")
    if asked.gateway_core == asked.load_core or not {asked.gateway_core, asked.load_core} <= os.sched_getaffinity(0):
        parser.error("the gateway and the load need a core each; see --gateway-core and --load-core")
    return asked


def _rounds(peers: Sequence[Peer], asked: argparse.Namespace) -> tuple[list[dict[str, dict[str, float]]], Mapping[str, list[str]]]:
    settings = Settings(
        seconds=asked.seconds or (2 if asked.quick else 10),
        paced_repeats=1 if asked.quick else 3,
        gateway_core=asked.gateway_core,
        load_core=asked.load_core,
        provider=mock_provider(),
    )
    os.sched_setaffinity(0, {asked.load_core})
    rounds: list[dict[str, dict[str, float]]] = []
    remarks: dict[str, list[str]] = {}
    place = Path(tempfile.mkdtemp(prefix="tianji-bench-peers-"))
    for number in range(1, asked.rounds + 1):
        rounds.append({})
        for peer in peers:
            sys.stderr.write(f"round {number} of {asked.rounds}: {peer.name} ...\n")
            folder = place / f"{number}-{peer.name}"
            try:
                rounds[-1][peer.name], remarks[peer.name] = measure(peer, folder, settings)
            except BrokenExchangeError as problem:
                sys.stderr.write(f"bench-peers: {peer.name}: {problem} (its folder: {folder})\n")
                remarks[peer.name] = [_FAILED]
                continue
            shutil.rmtree(folder)
    return rounds, remarks


def _show(kept: Mapping[str, object], *, draw: bool) -> int:
    rounds, versions, notes = kept["rounds"], kept["versions"], kept["notes"]
    if not isinstance(rounds, list) or not isinstance(versions, dict) or not isinstance(notes, dict):
        raise BrokenExchangeError(f"{_RESULTS} holds no results")
    good, warning = counted(rounds)
    lines = [
        f"machine: {kept['machine']}",
        "versions: " + ", ".join(f"{name} {version}" for name, version in versions.items() if name != "direct"),
        foreign(rounds, list(notes)),
        *(["a quick run: to see that all works, not to judge by"] if kept["quick"] else []),
        *([warning] if warning else []),
        "",
        *comparison(good, notes),
        "",
        *verdicts(good),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    does_not_count = warning.startswith("THIS RUN") or any(_FAILED in note for note in notes.values())
    if draw:
        remark = "This run does not count." if does_not_count else "A trial, not to judge by." if kept["quick"] else ""
        _PICTURE.write_text(picture(good, versions, remark))
        sys.stdout.write(f"\ndrawn: {_PICTURE.relative_to(_ROOT)}; figures: {_RESULTS.relative_to(_ROOT)}\n")
    return 1 if does_not_count else 0


if __name__ == "__main__":
    sys.exit(main())
