import pytest

from tianji_adapters.http_client.fast.heads import NotHttp, read_head


def test_names_are_lower_case_and_values_trimmed() -> None:
    headers, _ = read_head("1.1", 200, [(b"X-Request-ID", b"ab C \t"), (b"x-a", b"gr\xfcn"), (b"X-A", b"")])
    assert headers == (("x-request-id", "ab C"), ("x-a", "gr\u00fcn"), ("x-a", ""))


@pytest.mark.parametrize(
    ("status", "lines", "until_end"),
    [
        (200, [], True),
        (200, [(b"Content-Length", b"0")], False),
        (200, [(b"Transfer-Encoding", b"Chunked")], False),
        (204, [], False),
        (304, [], False),
        (500, [(b"Connection", b"close")], True),
    ],
)
def test_body_lasts_until_the_end_where_nothing_frames_it(status: int, lines: list[tuple[bytes, bytes]], until_end: bool) -> None:
    assert read_head("1.1", status, lines)[1] is until_end


@pytest.mark.parametrize(
    ("version", "status", "lines"),
    [
        ("2.0", 200, []),
        ("0.9", 200, []),
        ("1.1", 101, []),
        ("1.1", 0, []),
        ("1.1", 200, [(b"Transfer-Encoding", b"gzip, chunked")]),
        ("1.1", 200, [(b"Transfer-Encoding", b"identity")]),
        ("1.1", 200, [(b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")]),
        ("1.0", 200, [(b"Transfer-Encoding", b"chunked")]),
    ],
)
def test_head_that_cannot_be_trusted_is_refused(version: str, status: int, lines: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(NotHttp):
        read_head(version, status, lines)
