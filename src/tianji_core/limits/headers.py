"""`x-ratelimit-*`: how much is left. Source: OpenAI's page on rate limits, which has the six names and the form of the durations."""

import math

from tianji_core.calls.http import Headers
from tianji_core.limits.answers import Admitted

_KINDS = ("requests", "tokens")


def limit_headers(admitted: Admitted) -> Headers:
    """Return the headers of requests and of tokens, each of the counter that has the fewest left; nothing for what is not limited."""
    found: dict[str, tuple[int, int]] = {}
    for hold, remaining in zip(admitted.holds, admitted.remaining, strict=True):
        if hold.kind in _KINDS and (hold.kind not in found or remaining < found[hold.kind][0]):
            found[hold.kind] = (remaining, hold.limit)
    headers: list[tuple[str, str]] = []
    for kind, (remaining, limit) in found.items():
        reset = admitted.reset_seconds if remaining < limit else 0.0
        headers += [
            (f"x-ratelimit-limit-{kind}", str(limit)),
            (f"x-ratelimit-remaining-{kind}", str(remaining)),
            (f"x-ratelimit-reset-{kind}", duration_text(reset)),
        ]
    return tuple(headers)


def duration_text(seconds: float) -> str:
    """Return a duration as OpenAI writes it, rounded up: `120ms`, `1s`, `6m0s`, `1h0m0s`."""
    milliseconds = math.ceil(seconds * 1000)
    if milliseconds < 1000:
        return f"{max(0, milliseconds)}ms"
    minutes, rest = divmod(math.ceil(milliseconds / 1000), 60)
    if minutes < 60:
        return f"{minutes}m{rest}s" if minutes else f"{rest}s"
    return f"{minutes // 60}h{minutes % 60}m{rest}s"
