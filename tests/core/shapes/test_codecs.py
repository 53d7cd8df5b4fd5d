"""Lists of names in messages."""

import pytest

from tianji_core.shapes.codecs import names


@pytest.mark.parametrize(("given", "text"), [(["a"], "`a`"), (["a", "b"], "`a` and `b`"), (["a", "b", "c"], "`a`, `b` and `c`")])
def test_names_read_as_a_sentence_does(given: list[str], text: str) -> None:
    assert names(given) == text
