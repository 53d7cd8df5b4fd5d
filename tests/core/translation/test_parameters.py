"""What happens to a parameter that a provider cannot express."""

import pytest

from support.chat import deployment
from tianji_core.errors import UnsupportedParameterError
from tianji_core.translation.parameters import Dropping


@pytest.mark.parametrize(
    ("name", "value"), [("user", "u"), ("store", True), ("n", 1), ("parallel_tool_calls", True), ("temperature", 1), ("metadata", {})]
)
def test_harmless_parameters_go_silently_in_every_mode(name: str, value: object) -> None:
    for mode in ("refuse", "drop"):
        dropping = Dropping(deployment(parameter_mode=mode))
        dropping.unsupported(name, value)
        assert dropping.names == []


def test_others_are_refused_with_their_name_or_dropped_by_it() -> None:
    with pytest.raises(UnsupportedParameterError, match="`logprobs` is not supported by openai/gpt-4o: no reason") as caught:
        Dropping(deployment()).unsupported("logprobs", value=True, why="no reason")
    assert caught.value.param == "logprobs"
    dropping = Dropping(deployment(parameter_mode="drop"))
    dropping.unsupported("n", 2)
    dropping.unsupported("n", 3)
    assert dropping.names == ["n"]


def test_listed_parameters_are_taken_out_of_a_body_and_named() -> None:
    dropping = Dropping(deployment(dropped_parameters=frozenset({"seed"})))
    assert dropping.without({"seed": 1, "top_p": 1}, {"seed", "top_p"}) == {"top_p": 1}
    assert dropping.names == ["seed"]
