"""Taking secrets out of text."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.redaction import scrubber


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef123",
        "{'x-api-key': 'abcdef123'}",
        "api_key=abcdef123&x=1",
        "https://host/path?key=abcdef123",
        "postgresql://user:abcdef123@host/db",
        "the key sk-abcdef123 is wrong",
        "AKIAABCDEF1234567890",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    shown = scrubber(()).text(text)
    assert "***" in shown
    assert "abcdef123" not in shown
    assert "ABCDEF1234567890" not in shown


@given(st.text(min_size=6), st.text(), st.text())
def test_known_secret_never_survives(secret: str, before: str, after: str) -> None:
    assert secret == "***" or secret not in scrubber([secret]).text(before + secret + after) or secret in "***"


def test_containers_are_scrubbed_inside_and_numbers_stay() -> None:
    shown = scrubber(["topsecret"]).value({"a": ["topsecret", 1], "b": ("x topsecret y",), "topsecret": None})
    assert shown == {"a": ["***", 1], "b": ["x *** y"], "***": None}


def test_ordinary_text_stays_as_it_is() -> None:
    text = "openai: The model `gpt-4` does not exist (see https://host.example/docs?page=2)"
    assert scrubber(["abc"]).text(text) == text


_LIKELY = st.lists(
    st.sampled_from(
        [
            "bearer ",
            "BEARER\t",
            "x-api-key",
            "api_key",
            "apikey",
            "ap\u0131_\u212aey",
            "?key=",
            "&S\u0130G=",
            "sk-",
            "AKIA",
            "eyJ",
            "ABCDEF1234567890",
            ".",
            *("://", "a", "user:", "@", "'", '"', "\\", ": ", "=", "12345678", "\n", "\u00e9", 'quo"ted', "topsecret"),
        ]
    ),
    max_size=8,
).map("".join)


@given(_LIKELY | st.text(), st.sampled_from(["topsecret", 'quo"ted\\', "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\n"]))
def test_text_in_which_something_is_replaced_is_always_suspected(text: str, secret: str) -> None:
    scrub = scrubber([secret])
    for whole in (text, f"{text}{secret}"):
        if scrub.text(whole) != whole:
            assert scrub.suspects(msgspec.json.encode({"text": whole, "number": 1}).decode())


def test_ordinary_line_is_not_suspected() -> None:
    assert not scrubber(["topsecret", "\udcff" * 6]).suspects('{"key_id":"k1","error_message":"no model `risky`, see https://host/docs"}')
