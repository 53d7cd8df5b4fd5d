"""What a call can cost at most."""

import pytest

from support.chat import chat_request
from support.gateway_parts import deployment, snapshot_of
from tianji_app.call.ceiling import ceiling_of
from tianji_core.config.gateway_config import GeneralSettings
from tianji_core.pricing.request_size import request_size

_OUTPUT_NANO = 10_000


@pytest.mark.parametrize(
    ("general", "known", "tokens"),
    [
        (GeneralSettings(), {}, 16_384),
        (GeneralSettings(default_max_output_tokens=100), {}, 100),
        (GeneralSettings(default_max_output_tokens=100), {"max_output_tokens": 50}, 50),
    ],
)
def test_answer_without_any_limit_is_as_long_as_the_operator_says(general: GeneralSettings, known: dict[str, object], tokens: int) -> None:
    candidate = deployment("a", model_info=known)
    ceiling = ceiling_of(request_size(chat_request(), 0), [candidate], snapshot_of([candidate], general=general))
    assert ceiling.nano(0) - ceiling.nano(0, 0) == tokens * _OUTPUT_NANO


def test_callers_limit_comes_first() -> None:
    candidate = deployment("a")
    snapshot = snapshot_of([candidate], general=GeneralSettings(default_max_output_tokens=100))
    ceiling = ceiling_of(request_size(chat_request(max_output_tokens=7), 0), [candidate], snapshot)
    assert ceiling.nano(0) - ceiling.nano(0, 0) == 7 * _OUTPUT_NANO
