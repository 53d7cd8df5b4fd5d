"""Fields that steer the gateway."""

import pytest

from tianji_core.calls.controls import CONTROL_FIELDS, CREDENTIAL_FIELDS
from tianji_core.calls.http import Headers
from tianji_core.errors import InvalidRequestError
from tianji_core.translation.controls import gateway_header, take_controls
from tianji_core.wire.fields import Fields


def test_every_control_field_is_taken_out_of_the_body() -> None:
    harmless = dict.fromkeys((*CONTROL_FIELDS, *CREDENTIAL_FIELDS))
    body = Fields({**harmless, "num_retries": 1, "cache": {"ttl": 5}, "no-log": True, "temperature": 1})
    take_controls(body, ())
    assert body.values == {"temperature": 1}


def test_body_wins_over_headers_and_either_spelling_of_a_header_counts() -> None:
    headers: Headers = (("x-litellm-timeout", "9"), ("x-tianji-num-retries", "4"), ("x-litellm-tags", "a, b,a"))
    controls = take_controls(Fields({"timeout": 2}), headers)
    assert (controls.timeout_seconds, controls.num_retries, controls.tags) == (2.0, 4, ("a", "b"))


def test_two_spellings_that_differ_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="both sent and differ"):
        gateway_header((("x-tianji-timeout", "1"), ("x-litellm-timeout", "2")), "timeout")
    assert gateway_header((("x-tianji-timeout", "1"), ("x-litellm-timeout", "1")), "timeout") == "1"


def test_attribution_comes_from_metadata() -> None:
    body = Fields({"metadata": {"tags": ["t"], "session_id": "s"}, "litellm_metadata": {"trace_id": "x"}})
    controls = take_controls(body, ())
    assert (controls.tags, controls.session_id, controls.trace_id) == (("t",), "s", "x")
    assert "metadata" in body.values


def test_credentials_are_kept_apart() -> None:
    controls = take_controls(Fields({"api_key": "sk-x", "api_base": None}), ())
    assert dict(controls.client_credentials) == {"api_key": "sk-x"}


@pytest.mark.parametrize(
    ("body", "headers", "param"),
    [
        ({"timeout": 0}, (), "timeout"),
        ({"timeout": "1"}, (), "timeout"),
        ({"fallbacks": ["a", 1]}, (), "fallbacks.[1]"),
        ({"mock_response": "x"}, (), "mock_response"),
        ({"guardrails": ["pii"]}, (), "guardrails"),
        ({"prompt_id": "p"}, (), "prompt_id"),
        ({}, (("x-tianji-timeout", "soon"),), "x-tianji-timeout"),
        ({}, (("x-tianji-timeout", "nan"),), "x-tianji-timeout"),
        ({}, (("x-litellm-num-retries", "-1"),), "x-tianji-num-retries"),
    ],
)
def test_wrong_controls_are_refused_by_name(body: dict[str, object], headers: Headers, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        take_controls(Fields(dict(body)), headers)
    assert caught.value.param == param
