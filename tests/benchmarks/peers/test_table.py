from benchmarks.peers.ratios import Round
from benchmarks.peers.table import comparison, counted, foreign, verdicts


def _round(tianji_rps: float, *, direct: float = 200.0, cores: float = 0.1) -> Round:
    return {
        "direct": {"json_rps": direct},
        "nginx": {"json_rps": 100.0, "json_cpu_us": 10.0, "foreign_cores": cores},
        "tianji": {"json_rps": tianji_rps, "json_cpu_us": 95.0, "foreign_cores": cores},
    }


def test_only_rounds_that_count_are_judged_and_the_others_are_told() -> None:
    good, limited = _round(20.0), _round(1.0, direct=100.0)
    rounds, warning = counted([good, limited])
    assert list(rounds) == [good]
    assert warning == "1 of 2 rounds do not count: the load was the limit."


def test_run_without_a_round_that_counts_says_so() -> None:
    limited = _round(1.0, direct=100.0)
    rounds, warning = counted([limited])
    assert list(rounds) == [limited]
    assert warning.startswith("THIS RUN DOES NOT COUNT")


def test_each_target_is_judged_by_the_median() -> None:
    lines = verdicts([_round(10.0), _round(13.0), _round(20.0)])
    answers = next(line for line in lines if "answers per second ÷ nginx" in line)
    assert "≥ 0.12" in answers
    assert "0.1 – 0.2" in answers
    assert answers.endswith("pass")
    processor = next(line for line in lines if "processor time per call ÷ nginx" in line)
    assert processor.endswith("MISS by 19%")


def test_target_that_was_not_measured_passes_by_no_means() -> None:
    line = next(line for line in verdicts([_round(10.0)]) if "answers per second × LiteLLM" in line)
    assert line.endswith("not measured")


def test_comparison_shows_ratios_and_no_figures() -> None:
    lines = comparison([_round(12.5)], {"nginx": "a relay", "tianji": "keys"})
    assert "0.125" in lines[2]
    assert "12.5" not in lines[2].replace("0.125", "")
    assert lines[2].endswith("keys")


def test_foreign_load_is_shown_as_a_range() -> None:
    assert "nginx 0.10–0.40" in foreign([_round(1.0), _round(1.0, cores=0.4)], ["nginx"])
