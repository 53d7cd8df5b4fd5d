"""The result as text: every gateway beside nginx, then each target. Ratios only: figures are those of one machine on one day."""

from collections.abc import Mapping, Sequence

from benchmarks.peers.ratios import Ratio, Round, Spread, counts, figure, of, of_added, spread
from benchmarks.peers.targets import TARGETS

COLUMNS: tuple[tuple[str, str, bool], ...] = (
    ("answers/s", "json_rps", False),
    ("CPU/call", "json_cpu_us", False),
    ("added p50", "call_p50_us", True),
    ("first byte", "first_byte_us", True),
    ("CPU/stream", "stream_cpu_us", False),
    ("split/s", "split_rps", False),
    ("CPU/event", "paced_cpu_us", False),
    ("memory", "idle_mb", False),
    ("start", "start_s", False),
)
"""Heading, figure, and whether what the gateway adds is compared; each relative to nginx."""


def column(peer: str, name: str, *, is_added: bool) -> Ratio:
    """Return the ratio of a cell."""
    return of_added(name, peer, "nginx") if is_added else of(name, peer, "nginx")


def counted(rounds: Sequence[Round]) -> tuple[Sequence[Round], str]:
    """Return the rounds to judge by, and what must be said about the others. Where none counts, all are shown."""
    good = [one for one in rounds if counts(one)]
    if len(good) == len(rounds):
        return good, ""
    if not good:
        return (
            rounds,
            "THIS RUN DOES NOT COUNT: without a gateway the load was not 1.1 times as fast as through nginx, or nginx is missing.",
        )
    return good, f"{len(rounds) - len(good)} of {len(rounds)} rounds do not count: the load was the limit."


def comparison(rounds: Sequence[Round], notes: Mapping[str, str]) -> list[str]:
    """Return the lines of the first table: each gateway relative to nginx."""
    lines = ["relative to nginx" + " " * 3 + "".join(f"{heading:>12}" for heading, _, _ in COLUMNS)]
    for peer, note in notes.items():
        cells = [spread(rounds, column(peer, name, is_added=is_added)) for _, name, is_added in COLUMNS]
        lines.append(f"{peer:<20}" + "".join(f"{_number(cell.middle) if cell else '–':>12}" for cell in cells) + f"   {note}")
    return lines


def verdicts(rounds: Sequence[Round]) -> list[str]:
    """Return the lines of the second table: what was measured beside what must be reached."""
    lines = [f"{'row':>3}  {'target':<52}{'bound':>9}{'median':>10}   {'range':<19}"]
    for target in TARGETS:
        measured = spread(rounds, target.ratio)
        bound = f"{'≥' if target.at_least else '≤'} {_number(target.bound)}"
        start = f"{target.row:>3}  {target.words:<52}{bound:>9}"
        if measured is None:
            lines.append(f"{start}{'–':>10}   not measured")
            continue
        by = target.missed_by(measured)
        verdict = "pass" if target.is_met(measured) else f"MISS by {by:.0%}" if by < 1 else f"MISS, {by + 1:,.1f} times the bound"
        lines.append(f"{start}{_number(measured.middle):>10}   {_range(measured):<19}{verdict}")
    return lines


def foreign(rounds: Sequence[Round], peers: Sequence[str]) -> str:
    """Return the line that says how much of the machine others used."""
    cells = []
    for peer in peers:
        values = [value for one in rounds if (value := figure(one, peer, "foreign_cores")) is not None]
        if values:
            cells.append(f"{peer} {min(values):.2f}–{max(values):.2f}")
    return "cores that others kept busy: " + ", ".join(cells)


def _range(measured: Spread) -> str:
    return f"{_number(measured.low)} – {_number(measured.high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
