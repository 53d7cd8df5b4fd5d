"""Which models a caller sees."""

import pytest

from support.gateway_parts import deployment, snapshot_of, virtual_key
from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.models import FindAllowedModel, ListAllowedModels
from tianji_core.access.principal import Principal
from tianji_core.errors import NotFoundError
from tianji_core.routing.settings import Alias, RouterSettings

ADMIN = Principal(role="proxy_admin")
HOLDER = SnapshotHolder(
    snapshot_of(
        [deployment("a"), deployment("b", "slow"), deployment("w", "groq/*", model="*")],
        router=RouterSettings(aliases={"nick": Alias(group="fast"), "ghost": Alias(group="fast", hidden=True)}),
    )
)


def caller(*models: str) -> Principal:
    return Principal(role="key", key=virtual_key(models=models))


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (ADMIN, ("fast", "slow", "nick")),
        (caller(), ("fast", "slow", "nick")),
        (caller("slow", "nope"), ("slow",)),
        (caller("no-default-models"), ()),
        (Principal(role="metrics"), ()),
    ],
    ids=["admin", "no list", "list", "nothing", "metrics"],
)
def test_list_holds_what_the_caller_may_use(principal: Principal, expected: tuple[str, ...]) -> None:
    assert ListAllowedModels(HOLDER)(principal) == expected


def test_wildcards_are_listed_on_demand() -> None:
    assert "groq/*" in ListAllowedModels(HOLDER)(ADMIN, wildcards=True)
    assert "groq/*" not in ListAllowedModels(HOLDER)(ADMIN)


@pytest.mark.parametrize("name", ["fast", "nick", "ghost", "groq/llama"])
def test_model_is_found_by_every_name_that_a_call_could_use(name: str) -> None:
    assert FindAllowedModel(HOLDER)(ADMIN, name) == name


def test_model_behind_an_alias_is_found_by_who_may_use_its_group() -> None:
    assert FindAllowedModel(HOLDER)(caller("fast"), "nick") == "nick"


def test_forbidden_and_missing_models_are_refused_in_the_same_words() -> None:
    texts = []
    for name in ("slow", "nope"):
        with pytest.raises(NotFoundError) as raised:
            FindAllowedModel(HOLDER)(caller("fast"), name)
        texts.append((str(raised.value).replace(name, "NAME"), raised.value.code, raised.value.param))
    assert texts[0] == texts[1]


def test_list_follows_the_snapshot() -> None:
    holder = SnapshotHolder(snapshot_of([deployment("a")]))
    list_models = ListAllowedModels(holder)
    holder.current = snapshot_of([deployment("b", "new")])
    assert list_models(ADMIN) == ("new",)
