"""What is committed names no machine, no registry and nothing outside the project."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_HOSTS = "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "npm" + r"js\.(?:org|com)", "deb\\." + r"debian\.org"])
_RULES = {
    "a package registry": re.compile(_HOSTS),
    "a folder of some machine": re.compile(r"(?<![\w.~}])/(?:work|home|root|Users)/\w"),
    "a page outside the project": re.compile(r"\.\./shared/"),
}
_MOST_BYTES = 5_000_000


def _tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = [name for name in done.stdout.decode().split("\0") if name]
    assert len(names) > 100, "git lists the project's files"
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@pytest.mark.parametrize("what", sorted(_RULES))
def test_no_tracked_file_names(what: str) -> None:
    found = []
    for file in _tracked():
        if file == Path(__file__) or file.stat().st_size > _MOST_BYTES:
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        if match := _RULES[what].search(text):
            found.append(f"{file.relative_to(ROOT)}: {match[0]}")
    assert found == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("https://py" + "pi.org/simple", "a package registry"),
        ("see /ro" + "ot/tools/bin", "a folder of some machine"),
        ("open('/wo" + "rk/main/x')", "a folder of some machine"),
        ("as ../sha" + "red/design says", "a page outside the project"),
    ],
)
def test_planted_text_is_found(text: str, what: str) -> None:
    assert _RULES[what].search(text)


def test_requirement_files_name_hashes_and_no_index() -> None:
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        text = file.read_text()
        assert "--hash=sha256:" in text
        assert "index-url" not in text
        assert "://" not in text
