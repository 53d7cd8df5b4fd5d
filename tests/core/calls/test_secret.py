"""A secret shows itself to nobody by accident."""

import copy
import pickle

import pytest

from tianji_core.calls.http import Bearer
from tianji_core.calls.secret import Secret


def test_no_way_of_printing_shows_the_text() -> None:
    secret = Secret("sk-very-secret")
    shown = f"{secret} {secret!r} {[secret]} {Bearer(secret)} {secret.__str__()}"
    assert "very" not in shown
    assert secret.reveal() == "sk-very-secret"


@pytest.mark.parametrize("way", [pickle.dumps, copy.deepcopy])
def test_secret_is_not_copied_into_anything(way: object) -> None:
    with pytest.raises(TypeError):
        way(Secret("x"))  # type: ignore[operator]


def test_secrets_are_equal_by_text_and_empty_ones_are_false() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
