"""Cheap checks of files that are about to be committed: `python tools/tidy.py FILE…`.

Texts end with one newline and have no trailing blanks, TOML and YAML can be read, nothing is large, nothing looks like a secret.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import yaml

LARGEST_BYTES = 1_000_000
_LARGE_ON_PURPOSE = {"prices.json"}
_AS_IT_CAME = {".sse", ".json", ".jsonl", ".txt", ".svg"}
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\n[A-Za-z0-9+/=]{20}"),
    re.compile(r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]{38,}\b"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
)


def faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with a file."""
    data = path.read_bytes()
    if len(data) > LARGEST_BYTES and path.name not in _LARGE_ON_PURPOSE:
        yield f"has {len(data)} bytes; above {LARGEST_BYTES} it needs a reason in tools/tidy.py"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if any(pattern.search(text) for pattern in _SECRETS):
        yield "holds what looks like a secret"
    if path.suffix not in _AS_IT_CAME:
        yield from _untidy(text)
    yield from _unreadable(path, text)


def _untidy(text: str) -> Iterator[str]:
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield "does not end with one newline"
    if "\r" in text:
        yield "has carriage returns"
    for number, line in enumerate(text.splitlines(), start=1):
        if line != line.rstrip():
            yield f"line {number} ends with blanks"


def _unreadable(path: Path, text: str) -> Iterator[str]:
    bad_on_purpose = "bad" in path.parts
    try:
        if path.suffix == ".toml":
            tomllib.loads(text)
        elif path.suffix in {".yaml", ".yml"} and not bad_on_purpose:
            yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        yield f"cannot be read: {error}"


def main(names: list[str]) -> int:
    """Check the named files; return the exit status."""
    found = [f"{name}: {fault}" for name in names if Path(name).is_file() for fault in faults(Path(name))]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
