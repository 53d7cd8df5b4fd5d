"""Optimistic versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.access.versions import check_version, etag, expected_versions
from tianji_core.errors import PreconditionFailedError

VERSIONS = st.integers(1, 10**18 - 1)


@given(VERSIONS)
def test_tag_is_read_back(version: int) -> None:
    assert etag(version) == f'"{version}"'
    assert expected_versions(etag(version)) == expected_versions(f"W/{etag(version)}") == frozenset({version})


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        (" * ", None),
        ('"1", W/"2" ,3', frozenset({1, 2, 3})),
        ('"1", "x"', frozenset({1})),
        ("", frozenset()),
        ('"0"', frozenset()),
        ('"01"', frozenset()),
        ('"-1"', frozenset()),
        ('"١"', frozenset()),
        ('"' + "9" * 19 + '"', frozenset()),
    ],
)
def test_header_names_versions(header: str | None, expected: frozenset[int] | None) -> None:
    assert expected_versions(header) == expected


@given(VERSIONS, VERSIONS)
def test_only_the_named_version_passes(version: int, other: int) -> None:
    check_version(version, if_match=None, expected=None)
    check_version(version, if_match="*", expected=version)
    check_version(version, if_match=f"{etag(other)}, {etag(version)}", expected=None)
    if version != other:
        for header, expected in ((etag(other), None), (None, other), (etag(version), other), (etag(other), version)):
            with pytest.raises(PreconditionFailedError, match=f"is at version {version}"):
                check_version(version, if_match=header, expected=expected)


def test_header_that_names_nothing_refuses_every_version() -> None:
    with pytest.raises(PreconditionFailedError):
        check_version(1, if_match='"something-else"', expected=None)
