"""What an identity may use."""

from tianji_core.access.limits import Limits


def test_spend_is_counted_in_windows_where_there_is_a_maximum_or_a_duration() -> None:
    assert Limits(max_budget_nano=0).has_budget
    assert Limits(budget_duration="1d", budget_started_at_ns=1).has_budget
    assert not Limits(soft_budget_nano=1, rpm=1, tpm=1, max_parallel=1).has_budget
