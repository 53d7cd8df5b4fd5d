"""What a start prints on standard output: plain text, the same on a terminal and into a pipe."""

import msgspec


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say. Keys are shown only by a start without a configuration file."""

    address: str
    data_dir: str
    store: str
    models: tuple[str, ...]
    prices_date: str
    example_model: str | None = None
    new_master_key: str | None = None
    quickstart_key: str | None = None
    notes: tuple[str, ...] = ()


def banner(started: Started) -> str:
    """Return the text, with a newline at its end. The command to try begins a line of its own."""
    rows = [
        ("Address", started.address),
        ("Data", started.data_dir),
        ("Store", started.store),
        ("Models", _models(started.models)),
        ("Prices", f"of {started.prices_date}"),
    ]
    if started.new_master_key is not None:
        rows.append(("Master key", f"{started.new_master_key}   (shown this once: keep it)"))
    lines = ["TianJi is ready.", *(f"  {name:<11}{value}" for name, value in rows), *(f"  Note: {note}" for note in started.notes)]
    if started.quickstart_key is not None and started.example_model is not None:
        lines += ["", "Try it (this key is replaced at each start):", "", _curl(started), ""]
    return "\n".join(lines) + "\n"


def _models(names: tuple[str, ...]) -> str:
    if not names:
        return "none yet"
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown}, and {len(names) - 8} more"


def _curl(started: Started) -> str:
    body = (
        f'{{"model": "{started.example_model}", "stream": true, "messages": [{{"role": "user", "content": "Say hello in one sentence."}}]}}'
    )
    return (
        f"curl -N {started.address}/v1/chat/completions -H 'Authorization: Bearer {started.quickstart_key}' "
        f"-H 'Content-Type: application/json' -d '{body}'"
    )
