"""Who calls."""

import pytest

from support.keys import virtual_key
from tianji_core.access.principal import Principal, Role


@pytest.mark.parametrize(("role", "expected"), [("proxy_admin", True), ("key", False), ("metrics", False)])
def test_only_the_admin_may_do_everything(role: Role, expected: bool) -> None:
    assert Principal(role=role).is_admin is expected


def test_master_key_books_and_acts_under_its_own_names() -> None:
    master = Principal(role="proxy_admin")
    assert (master.key_id, master.actor) == ("master", "default_user_id")


@pytest.mark.parametrize("owner", [None, "", "alice"])
def test_key_books_under_its_id_and_acts_as_its_owner(owner: str | None) -> None:
    key = virtual_key(user_id=owner)
    caller = Principal(role="key", key=key)
    assert (caller.key_id, caller.actor) == (key.id, owner or key.id)
