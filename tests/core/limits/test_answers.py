"""What the counters answer."""

from support.limits import WINDOW, budget, requests
from tianji_core.limits.answers import Admitted, Refused, WindowSpend


def test_remaining_is_what_fits_beside_the_call_and_never_negative() -> None:
    assert Admitted(holds=(requests(5), budget(10, 4), budget(10, 0)), rooms=(5, 4, -3)).remaining == (4, 0, 0)


def test_left_is_what_would_have_fitted() -> None:
    assert Refused(hold=budget(10, 8), reason="reserved", used=3, reserved=2).left == 5
    assert Refused(hold=budget(10, 8), reason="spent", used=13).left == 0


def test_shown_spend_of_a_window_is_with_its_adjustments() -> None:
    assert WindowSpend(window=WINDOW, spent_nano=7, adjusted_nano=-3).shown_nano == 4
