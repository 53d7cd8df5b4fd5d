"""Pages that are made from the code say what the code says now."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _generated() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "tools" / "generate_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages: dict[str, str] = module.pages()
    return pages


@pytest.mark.parametrize("name", ["providers.md", "errors.md", "endpoints.md"])
def test_generated_page_is_current(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text()
    assert written == _generated()[name], "run: .venv/bin/python tools/generate_reference.py"
