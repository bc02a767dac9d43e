"""Instants: what RFC 3339 text they are read from and written as."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puente import instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1970-01-01T00:00:00Z", 0, id="the epoch"),
        pytest.param("2026-07-01T12:00:00Z", 1_782_907_200_000, id="whole seconds"),
        pytest.param("2026-07-01T12:00:00.25Z", 1_782_907_200_250, id="a fraction"),
        pytest.param("2026-07-01T12:00:00.123456789Z", 1_782_907_200_123, id="nanoseconds"),
        pytest.param("2026-07-01T06:00:00-06:00", 1_782_907_200_000, id="an offset"),
        pytest.param("2026-07-01T17:30:00+05:30", 1_782_907_200_000, id="half an hour offset"),
        pytest.param("2026-07-01t12:00:00z", 1_782_907_200_000, id="small letters"),
        pytest.param("2026-07-01 12:00:00Z", 1_782_907_200_000, id="a blank between"),
        pytest.param("1969-12-31T23:59:59.999Z", -1, id="before the epoch"),
    ],
)
def test_rfc_3339_is_read(text: str, expected: int) -> None:
    assert instant.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-07-01T12:00:00", id="no zone"),
        pytest.param("2026-07-01", id="only a date"),
        pytest.param("2026-02-30T12:00:00Z", id="no such day"),
        pytest.param("2026-07-01T25:00:00Z", id="no such hour"),
        pytest.param("2026-07-01T12:00:60Z", id="a leap second"),
        pytest.param("2026-07-01T12:00:00+25:00", id="no such offset"),
        pytest.param("1782907200000", id="milliseconds as text"),
        pytest.param("", id="nothing"),
        pytest.param("2026-07-01T12:00:00Z\n", id="a line end"),
        pytest.param("２026-07-01T12:00:00Z", id="a wide digit"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        instant.parse(text)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        instant.from_datetime(datetime(2026, 7, 1))  # noqa: DTZ001 - what is refused


def test_text_is_utc_with_milliseconds() -> None:
    assert instant.text(1_782_907_200_007) == "2026-07-01T12:00:00.007Z"


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_what_is_written_is_read_again(at: int) -> None:
    assert instant.parse(instant.text(at)) == at
    assert instant.from_datetime(instant.to_datetime(at)) == at
    assert instant.to_datetime(at).tzinfo is UTC
