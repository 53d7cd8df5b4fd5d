"""Content parts: what comes in goes out again, in OpenAI's words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.chat import Audio, File, Image, Opaque, Part, Refusal, Rest, Text, Thinking
from tianji_core.dialects.openai_chat.parts import decode_part, encode_parts, rest_of, split_data_url
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.errors import InvalidRequestError
from tianji_core.wire.fields import Fields

PLAIN, MARKED = Quirks(), Quirks(keeps_cache_control=True)
MARK = {"type": "ephemeral"}


def decode(value: dict[str, object]) -> Part:
    return decode_part(value, Fields({}, "messages.[0]"), 2)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ({"type": "text", "text": "hi"}, Text(text="hi")),
        ({"type": "text", "text": "hi", "new": 1}, Text(text="hi", rest=Rest("openai_chat", {"new": 1}))),
        ({"type": "image_url", "image_url": {"url": "https://x/y.png"}}, Image(url="https://x/y.png")),
        (
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA", "detail": "low"}},
            Image(data="AAAA", media_type="image/webp", detail="low"),
        ),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, Audio(data="AAAA", format="wav")),
        (
            {"type": "file", "file": {"file_data": "data:text/csv;base64,AAAA", "filename": "a.csv"}},
            File(data="AAAA", media_type="text/csv", filename="a.csv"),
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, File(file_id="file-1")),
        ({"type": "file", "file": {"file_id": "file-1", "filename": "a.pdf"}}, File(file_id="file-1", filename="a.pdf")),
        ({"type": "refusal", "refusal": "no"}, Refusal(refusal="no")),
        (
            {"type": "video_url", "video_url": {"url": "u"}},
            Opaque(dialect="openai_chat", value={"type": "video_url", "video_url": {"url": "u"}}),
        ),
    ],
)
def test_part_goes_out_as_it_came_in(value: dict[str, object], part: Part) -> None:
    assert decode(value) == part
    assert encode_parts([part], PLAIN) == [value]


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ({"type": "image_url", "image_url": "https://x"}, {"type": "image_url", "image_url": {"url": "https://x"}}),
        (
            {"type": "file", "file": {"file_data": "AAAA"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "document.pdf"}},
        ),
        (
            {"type": "file", "file": {"file_id": "f", "format": "pdf"}},
            {"type": "file", "file": {"file_id": "f", "format": "pdf"}},
        ),
    ],
    ids=["bare address", "bare base64", "a field of another vendor"],
)
def test_other_spellings_go_out_in_openais(value: dict[str, object], encoded: dict[str, object]) -> None:
    assert encode_parts([decode(value)], PLAIN) == [encoded]


@pytest.mark.parametrize(
    ("part", "encoded"),
    [
        (File(text="words", filename="a.txt"), {"type": "text", "text": "a.txt\n\nwords"}),
        (File(text="words"), {"type": "text", "text": "words"}),
        (File(url="https://x/a.pdf"), {"type": "file", "file": {"file_data": "https://x/a.pdf"}}),
        (Image(file_id="file-1"), {"type": "image_url", "image_url": {"url": "file-1"}}),
        (Image(data="AAAA"), {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}),
    ],
)
def test_parts_of_other_dialects_are_written_as_openai_knows_them(part: Part, encoded: dict[str, object]) -> None:
    assert encode_parts([part], PLAIN) == [encoded]


def test_what_openai_has_no_form_for_is_left_out() -> None:
    assert encode_parts([Thinking(text="hm"), Opaque(dialect="anthropic_messages", value={"type": "x"}), Text(text="hi")], PLAIN) == [
        {"type": "text", "text": "hi"}
    ]


def test_rest_of_another_dialect_is_left_out() -> None:
    assert encode_parts([Text(text="hi", rest=Rest("anthropic_messages", {"new": 1}))], PLAIN) == [{"type": "text", "text": "hi"}]


@pytest.mark.parametrize("kind", ["text", "image_url", "file"])
def test_cache_mark_reaches_servers_that_read_it(kind: str) -> None:
    inner: dict[str, Any] = {"text": "hi"} if kind == "text" else {kind: {"url": "u"} if kind == "image_url" else {"file_id": "f"}}
    part = decode({"type": kind, **inner, "cache_control": MARK})
    assert "cache_control" not in encode_parts([part], PLAIN)[0]
    assert encode_parts([part], MARKED)[0]["cache_control"] == MARK


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({}, "messages.[0].content.[2].type"),
        ({"type": 1}, "messages.[0].content.[2].type"),
        ({"type": "text"}, "messages.[0].content.[2].text"),
        ({"type": "text", "text": 5}, "messages.[0].content.[2].text"),
        ({"type": "image_url", "image_url": {}}, "messages.[0].content.[2].image_url.url"),
        ({"type": "image_url", "image_url": 5}, "messages.[0].content.[2].image_url"),
        ({"type": "input_audio", "input_audio": {"data": "AA"}}, "messages.[0].content.[2].input_audio.format"),
        ({"type": "file", "file": {}}, "messages.[0].content.[2].file.file_data"),
    ],
)
def test_bad_part_is_named_by_its_path(value: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        decode(value)
    assert raised.value.param == param


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png;base64,AAAA", ("image/png", "AAAA")),
        ("data:;base64,AAAA", ("text/plain", "AAAA")),
        ("data:text/plain;charset=utf-8;base64,AA,A", ("text/plain", "AA,A")),
        ("data:text/plain,hello", (None, None)),
        ("data:image/png;base64", (None, None)),
        ("https://x/data:image/png;base64,AAAA", (None, None)),
    ],
)
def test_data_urls_are_taken_apart(url: str, expected: tuple[str | None, str | None]) -> None:
    assert split_data_url(url) == expected


@given(st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(max_size=3), max_size=4))
def test_rest_holds_everything_but_nulls(values: dict[str, object]) -> None:
    rest = rest_of(values)
    assert (rest.fields if rest else {}) == {name: value for name, value in values.items() if value is not None}
