from collections import Counter

from tianji_core.calls.usage import INPUT_BUCKETS, OUTPUT_BUCKETS
from tianji_core.pricing.grammar import is_price_field, parse_rate_name
from tianji_core.pricing.units import PIECE_LINES, REQUEST, TOKEN_LINES, TOKEN_RATES


def test_every_bucket_of_usage_has_exactly_one_line() -> None:
    assert Counter(line.bucket for line in TOKEN_LINES) == Counter((*INPUT_BUCKETS, *OUTPUT_BUCKETS))


def test_every_rate_of_a_line_is_a_token_rate_and_every_token_rate_is_used() -> None:
    assert {rate for line in TOKEN_LINES for rate in line.rates} == set(TOKEN_RATES)


def test_every_line_ends_at_a_text_rate_of_its_own_side() -> None:
    assert {(line.bucket in OUTPUT_BUCKETS, line.rates[-1]) for line in TOKEN_LINES} == {
        (False, "input_cost_per_token"),
        (True, "output_cost_per_token"),
    }


def test_pieces_are_counted_once_each_and_never_priced_as_tokens() -> None:
    assert max(Counter(line.unit for line in PIECE_LINES).values()) == 1
    assert all(parse_rate_name(line.rate) is None for line in PIECE_LINES)
    assert is_price_field(REQUEST)
