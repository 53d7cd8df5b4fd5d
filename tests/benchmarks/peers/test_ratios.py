import pytest
from benchmarks.peers.ratios import Round, Spread, added, counts, of, of_added, spread, within


def _round(**peers: dict[str, float]) -> Round:
    return peers


def test_ratio_is_taken_within_each_round_before_the_median() -> None:
    rounds = [
        _round(tianji={"rps": 1.0}, nginx={"rps": 10.0}),
        _round(tianji={"rps": 30.0}, nginx={"rps": 100.0}),
        _round(tianji={"rps": 2.0}, nginx={"rps": 1.0}),
    ]
    assert spread(rounds, of("rps", "tianji", "nginx")) == Spread(0.3, 0.1, 2.0)


def test_round_without_one_of_the_figures_is_left_out() -> None:
    rounds = [_round(tianji={"rps": 1.0}, nginx={"rps": 4.0}), _round(tianji={"rps": 1.0})]
    assert spread(rounds, of("rps", "tianji", "nginx")) == Spread(0.25, 0.25, 0.25)
    assert spread(rounds, of("rps", "tianji", "litellm")) is None


def test_added_time_is_what_is_above_the_way_without_a_gateway() -> None:
    one = _round(direct={"p50": 50.0}, nginx={"p50": 150.0}, tianji={"p50": 250.0}, odd={"p50": 40.0})
    assert added(one, "tianji", "p50") == 200.0
    assert of_added("p50", "tianji", "nginx")(one) == 2.0
    assert added(one, "odd", "p50") is None
    assert of_added("p50", "tianji", "odd")(one) is None


def test_two_figures_of_one_peer_are_compared() -> None:
    assert within("tianji", "p99", "p50")(_round(tianji={"p99": 30.0, "p50": 20.0})) == 1.5


@pytest.mark.parametrize(("direct", "is_counted"), [(110.0, True), (109.0, False)])
def test_round_counts_only_where_the_load_outran_nginx(direct: float, *, is_counted: bool) -> None:
    assert counts(_round(direct={"json_rps": direct}, nginx={"json_rps": 100.0})) is is_counted


def test_round_without_nginx_does_not_count() -> None:
    assert not counts(_round(direct={"json_rps": 1.0}))
