"""The meter."""

from tianji_core.calls.usage import Usage
from tianji_core.translation.meter import Meter
from tianji_core.translation.reading import KEPT_TEXT_CHARACTERS, Reading


def test_usage_is_the_last_word_per_field_and_never_a_sum() -> None:
    meter = Meter()
    for usage in (Usage(input_text=10, output_text=1), Usage(output_text=5), Usage(output_text=7)):
        meter.add(Reading(usage=usage))
    assert meter.usage == Usage(input_text=10, output_text=7)


def test_first_id_and_last_model_count_and_reasons_gather() -> None:
    meter = Meter()
    meter.add(Reading(response_id="a", model="x", finish_reasons=("stop",)))
    meter.add(Reading(response_id="b", model="y", finish_reasons=("length",)))
    assert (meter.response_id, meter.model, meter.finish_reasons) == ("a", "y", ("stop", "length"))


def test_text_is_kept_up_to_a_bound_and_counted_beyond_it() -> None:
    meter = Meter()
    piece = "x" * (KEPT_TEXT_CHARACTERS // 2 + 1)
    for _ in range(4):
        meter.add(Reading(text=piece))
    assert len(meter.text) == 2 * len(piece)
    assert meter.characters == 4 * len(piece)
