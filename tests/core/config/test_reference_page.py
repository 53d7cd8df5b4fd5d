"""The reference page says what the tables say."""

import runpy
from pathlib import Path

from tianji_core.config.schema import TABLES

_ROOT = Path(__file__).parents[3]


def test_the_page_is_current() -> None:
    render = runpy.run_path(str(_ROOT / "tools" / "generate_config_reference.py"))["render"]
    page = (_ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    assert page == render(), "run python tools/generate_config_reference.py"


def test_the_page_names_every_key() -> None:
    page = (_ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    assert [key.name for table in TABLES for key in table.keys if f"`{key.name}`" not in page] == []
