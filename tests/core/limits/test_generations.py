"""A mapping that forgets."""

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.limits.generations import Generations


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 15)), max_size=60))
def test_entry_lives_as_long_as_promised_and_at_most_twice_as_long_of_turns(steps: list[tuple[str, bool, float]]) -> None:
    names, now, touched = Generations[str](10.0), 0.0, dict[str, float]()
    for name, put, gap in steps:
        now += gap
        names.turn(now=now)
        if put:
            names.put(name, name)
            touched[name] = now
            continue
        found = names.get(name)
        if name in touched and now - touched[name] < 10:
            assert found == name
        if name not in touched or now - touched[name] >= 40:
            assert found is None
        if found is not None:
            touched[name] = now


def test_what_nobody_touches_is_gone() -> None:
    names = Generations[int](10.0)
    for now in range(0, 1000, 3):
        names.turn(now=float(now))
        names.put(str(now), now)
    assert len(names) <= 8
