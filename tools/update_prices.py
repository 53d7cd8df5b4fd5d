"""Make the packaged price table from the pinned release of the LiteLLM package.

The release is opened as an archive and never imported. What comes out is `prices.json` (one entry a line, sorted), `prices_source.json`
(where it came from) and `NOTICE-prices` (the licence that goes with it). Verified fixes belong into `prices_corrections.json`, which this
tool never touches.

Usage: python tools/update_prices.py [--archive WHEEL] [--date YYYY-MM-DD]
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from pathlib import Path

import msgspec

PACKAGE = "litellm"
VERSION = "1.109.1"
SHA256 = "1c8b4dd671fa0cd0850aa751678704ff77e595fb1e6085b2dc3be39ee19bdaaf"
PLATFORM = "manylinux_2_28_x86_64"
TABLE = "litellm/model_prices_and_context_window_backup.json"
LICENSE = f"litellm-{VERSION}.dist-info/licenses/LICENSE"
MAX_DIGITS = 10

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "src" / "tianji_core" / "pricing" / "data"
NOTICE = ROOT / "NOTICE-prices"

_KEPT = frozenset(
    {
        *("deprecation_date", "litellm_provider", "max_input_tokens", "max_output_tokens", "max_tokens", "mode", "off_peak_pricing"),
        *("output_vector_size", "prompt_cache_min_tokens", "provider_specific_entry", "rpm", "search_free_requests", "source"),
        *("tiered_pricing", "tpm", "web_search_billing_unit"),
    }
)
_ROUND = Context(prec=MAX_DIGITS)


@dataclass(frozen=True, slots=True)
class Change:
    """A number that had more digits than a price has."""

    entry: str
    field: str
    before: str
    after: str


def main() -> None:
    """Read the arguments, fetch the release where no archive is given, and write the three files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, help="the release's wheel, when it is already here")
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date(), help="the day to write into the notice")
    arguments = parser.parse_args()
    if arguments.archive is not None:
        update(arguments.archive, arguments.date)
        return
    with tempfile.TemporaryDirectory() as folder:
        update(download(Path(folder)), arguments.date)


def download(folder: Path) -> Path:
    """Fetch the pinned wheel, the same file on every machine, with the ordinary client."""
    command = [sys.executable, "-m", "pip", "download", f"{PACKAGE}=={VERSION}", "--no-deps", "--quiet", "--dest", str(folder)]
    subprocess.run([*command, "--only-binary=:all:", "--python-version=3.11", f"--platform={PLATFORM}"], check=True)
    return next(folder.glob("*.whl"))


def update(archive: Path, day: date) -> None:
    """Write the table, its origin and its notice from one archive; print what was changed on the way."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != SHA256:
        sys.exit(f"{archive.name} has SHA-256 {digest}, pinned is {SHA256}: set VERSION and SHA256 in this file together")
    with zipfile.ZipFile(archive) as wheel:
        table = msgspec.json.Decoder(float_hook=Decimal).decode(wheel.read(TABLE))
        license_text = wheel.read(LICENSE).decode()
    entries, changes = convert(table)
    (DATA / "prices.json").write_text(render(entries), encoding="utf-8")
    origin = {"package": PACKAGE, "version": VERSION, "date": day.isoformat(), "archive": archive.name, "sha256": digest}
    (DATA / "prices_source.json").write_bytes(msgspec.json.format(msgspec.json.encode(origin), indent=2) + b"\n")
    NOTICE.write_text(notice(origin, license_text), encoding="utf-8")
    for change in changes:
        print(f"{change.entry}: {change.field}: {change.before} -> {change.after}")
    print(f"{len(entries)} entries kept, {len(table) - len(entries)} left out, {len(changes)} numbers cut to {MAX_DIGITS} digits")


def convert(table: Mapping[str, Mapping[str, object]]) -> tuple[dict[str, dict[str, object]], list[Change]]:
    """Keep what prices and limits are made of; entries without a provider are documentation or rules, not models."""
    changes: list[Change] = []
    entries: dict[str, dict[str, object]] = {}
    for name, entry in sorted(table.items()):
        if name == "sample_spec" or "litellm_provider" not in entry:
            continue
        entries[name] = {field: _plain(name, field, value, changes) for field, value in sorted(entry.items()) if is_kept(field)}
    return entries, changes


def is_kept(field: str) -> bool:
    """Whether a field is a price, a modifier of prices, a limit or a capability."""
    return field in _KEPT or field.startswith("supports_") or "cost_per_" in field or "_cost" in field or "uplift_multiplier" in field


def render(entries: Mapping[str, Mapping[str, object]]) -> str:
    """Return the table as JSON with one entry a line, so that a price change is a one-line difference."""
    return "{\n" + ",\n".join(_lines(entries)) + "\n}\n"


def notice(origin: Mapping[str, str], license_text: str) -> str:
    """Return the notice that accompanies the table."""
    head = (
        "The model prices and limits in src/tianji_core/pricing/data/prices.json are taken from the data file\n"
        f"{TABLE}\n"
        f"of the package {origin['package']} {origin['version']} ({origin['archive']}, SHA-256\n"
        f"{origin['sha256']}), read on {origin['date']}.\n"
        "Fields that are neither prices nor limits nor capabilities were left out, and numbers were cut to\n"
        f"{MAX_DIGITS} significant digits. The package's licence:\n"
    )
    return f"{head}\n{'-' * 100}\n\n{license_text.strip()}\n"


def _lines(entries: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    encoder = msgspec.json.Encoder(decimal_format="number")
    for name, entry in entries.items():
        yield f"{encoder.encode(name).decode()}:{encoder.encode(entry).decode()}"


def _plain(entry: str, field: str, value: object, changes: list[Change]) -> object:
    if isinstance(value, Decimal):
        number = _ROUND.plus(value)
        if number != value:
            changes.append(Change(entry, field, str(value), str(number)))
        return int(number) if number == number.to_integral_value() else number.normalize()
    if isinstance(value, Mapping):
        return {name: _plain(entry, f"{field}.{name}", item, changes) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return [_plain(entry, f"{field}[{place}]", item, changes) for place, item in enumerate(value)]
    return value


if __name__ == "__main__":
    main()
