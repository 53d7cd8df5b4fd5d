"""Tests stand where their code stands: every core module has a test file of its own.

A dialect that is a package is tested by direction instead: whole requests, whole answers, streams.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "tianji_core"


def _has_behaviour(module: Path) -> bool:
    """Whether a module decides anything: a function with a body that is no docstring, outside a protocol."""
    tree = ast.parse(module.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = [line for line in node.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
            if body:
                return True
    return False


def _candidates(module: Path) -> list[Path]:
    """Return where the tests of a module may be: its own file, or for a private one or a package's piece the package's."""
    relative = module.relative_to(CORE)
    folder = ROOT / "tests" / "core" / relative.parent
    stem = relative.stem.lstrip("_")
    if relative.parts[0] == "dialects" and len(relative.parts) > 2:
        return [folder / f"test_{direction}.py" for direction in ("request", "response", "stream")]
    return [folder / f"test_{stem}.py"]


@pytest.mark.parametrize(
    "module",
    sorted(path for path in CORE.rglob("*.py") if path.name != "__init__.py" and _has_behaviour(path)),
    ids=lambda path: str(path.relative_to(CORE)),
)
def test_core_module_has_its_own_test_file(module: Path) -> None:
    missing = [str(place.relative_to(ROOT)) for place in _candidates(module) if not place.exists()]
    assert missing == [], f"write {missing}"
