"""Putting a new configuration into force."""

from support.gateway_parts import deployment, snapshot_of
from tianji_app.snapshot import Snapshot, SnapshotHolder


def test_followers_know_a_snapshot_before_any_call_does() -> None:
    old, new = snapshot_of([deployment("a")]), snapshot_of([deployment("b")])
    seen: list[tuple[Snapshot, Snapshot]] = []
    holder = SnapshotHolder(old, (lambda snapshot: seen.append((snapshot, holder.current)),))
    holder.replace(new)
    assert seen == [(new, old)]
    assert holder.current is new
