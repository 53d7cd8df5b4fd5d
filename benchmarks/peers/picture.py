"""The result as a picture: four panels of bars, each gateway relative to nginx, on a scale of powers of ten."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from benchmarks.peers.ratios import Round, spread
from benchmarks.peers.table import column

_PANELS: tuple[tuple[str, str, str, bool], ...] = (
    ("Answers per second", "longer is better", "json_rps", False),
    ("Processor time per call", "shorter is better", "json_cpu_us", False),
    ("Latency added to a call", "shorter is better", "call_p50_us", True),
    ("Processor time per streamed answer", "shorter is better", "stream_cpu_us", False),
)
_WIDTH, _LEFT, _BAR, _GAP, _TOP = 760, 120, 20, 8, 66
_OURS, _OTHER = "#6366f1", "#94a3b8"


def picture(rounds: Sequence[Round], versions: Mapping[str, str], remark: str) -> str:
    """Return the SVG. `versions` names the gateways in the order of their bars."""
    names = [name for name in versions if name != "direct"]
    parts, y = [], _TOP
    for title, meaning, figure, is_added in _PANELS:
        measured = {name: found.middle for name in names if (found := spread(rounds, column(name, figure, is_added=is_added)))}
        if len(measured) > 1:
            parts.append(_panel(title, meaning, measured, y))
            y += 44 + len(measured) * (_BAR + _GAP) + 14
    shown = ", ".join(f"{name} {versions[name]}" for name in names)
    return _frame(parts, f"{shown}. {remark}".strip(), y)


def _panel(title: str, meaning: str, measured: Mapping[str, float], y: int) -> str:
    low = min(math.floor(math.log10(value)) for value in measured.values())
    high = max(low + 1, *(math.ceil(math.log10(value)) for value in measured.values()))
    scale = (_WIDTH - _LEFT - 100) / (high - low)
    lines = [_text(20, y + 16, title, "head"), _text(_WIDTH - 20, y + 16, meaning, "small right")]
    bottom = y + 32 + len(measured) * (_BAR + _GAP)
    for power in range(low, high + 1):
        x = _LEFT + (power - low) * scale
        lines += [f'<path d="M{x:.0f} {y + 26}V{bottom - 4}" class="grid"/>', _text(x, bottom + 8, f"{10.0**power:g}", "tick")]
    for place, (name, value) in enumerate(measured.items()):
        top, length = y + 30 + place * (_BAR + _GAP), max(2.0, (math.log10(value) - low) * scale)
        colour = _OURS if name.startswith("tianji") else _OTHER
        lines += [
            _text(_LEFT - 8, top + 15, name, "right"),
            f'<rect x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="3" fill="{colour}"/>',
            _text(_LEFT + length + 6, top + 15, f"{_number(value)} ×", "small"),
        ]
    return "\n  ".join(lines)


def _text(x: float, y: int, words: str, kind: str) -> str:
    return f'<text x="{x:.0f}" y="{y}" class="{kind}">{escape(words)}</text>'


def _frame(parts: Sequence[str], below: str, y: int) -> str:
    height = y + 40
    style = (
        "text { fill: #0f172a } .head { font-weight: bold } .small { font-size: 12px; fill: #475569 } .right { text-anchor: end }"
        " .tick { font-size: 10px; fill: #475569; text-anchor: middle } .grid { stroke: #cbd5e1; stroke-dasharray: 2 3 }"
    )
    body = "\n  ".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="title desc"
     font-family="Helvetica, Arial, sans-serif" font-size="13">
  <title id="title">TianJi beside other gateways, relative to nginx</title>
  <desc id="desc">Bars on a logarithmic scale, drawn by make bench-peers from one run on one machine; nginx is 1.</desc>
  <style>{style}</style>
  <rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>
  <text x="20" y="30" font-size="17" class="head">One core, one worker, the same provider; nginx is 1</text>
  <text x="20" y="50" class="small">Medians of alternating rounds within one run; each scale is logarithmic</text>
  {body}
  {_text(20, y + 20, below, "small")}
</svg>
"""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
