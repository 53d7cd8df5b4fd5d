"""What a deployment knows of its model."""

from decimal import Decimal

from support.chat import deployment


def test_configured_fact_wins_over_the_price_table() -> None:
    model = deployment(model_info={"max_output_tokens": 10}, known={"max_output_tokens": 99, "mode": "chat"})
    assert (model.max_output_tokens, model.info("mode"), model.info("absent")) == (10, "chat", None)


def test_limit_may_be_written_with_a_point_and_nonsense_is_no_limit() -> None:
    assert deployment(known={"max_output_tokens": Decimal("16.0")}).max_output_tokens == 16
    assert deployment(known={"max_output_tokens": "many"}).max_output_tokens is None
