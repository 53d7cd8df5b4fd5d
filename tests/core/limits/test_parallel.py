"""Places of running calls."""

from tianji_core.limits.parallel import Slots


def test_call_holds_one_place_however_often_it_takes_it() -> None:
    slots = Slots()
    slots.take("a", 1, 0)
    slots.take("a", 1, 0)
    slots.take("b", 1, 0)
    assert (slots.running(), slots.room(2, 0), slots.room(1, 0)) == (2, 0, -1)


def test_giving_back_twice_frees_one_place() -> None:
    slots = Slots()
    slots.take("a", 1, 0)
    slots.take("b", 1, 0)
    slots.give("a")
    slots.give("a")
    assert slots.running() == 1
