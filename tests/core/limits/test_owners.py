"""Who is limited."""

from support.keys import virtual_key
from tianji_core.access.limits import Limits
from tianji_core.access.principal import Principal
from tianji_core.limits.owners import lifetime_window, owners_of
from tianji_core.limits.windows import BudgetWindow


def test_key_is_limited_under_its_own_id() -> None:
    key = virtual_key(limits=Limits(rpm=3), alias="ci")
    (owner,) = owners_of(Principal(role="key", key=key))
    assert (owner.level, owner.pk, owner.scope, owner.limits, owner.shown) == ("key", key.id, f"k:{key.id}", Limits(rpm=3), 'key "ci"')


def test_key_without_an_alias_is_shown_by_its_last_letters() -> None:
    key = virtual_key()
    (owner,) = owners_of(Principal(role="key", key=key))
    assert owner.shown == f"key {key.display}"


def test_key_is_unlimited_unless_told_otherwise() -> None:
    assert virtual_key().limits == Limits()


def test_master_key_is_not_limited() -> None:
    assert owners_of(Principal(role="proxy_admin")) == ()


def test_lifetime_of_a_key_is_a_window_without_an_end_under_its_scope() -> None:
    (owner,) = owners_of(Principal(role="key", key=virtual_key()))
    assert lifetime_window(owner.pk) == BudgetWindow(scope=owner.scope, limit_key="total", starts_at_ns=0, ends_at_ns=None)
