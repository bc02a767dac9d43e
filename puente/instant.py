"""Instants: one integer type for every point in time inside Puente.

An `Instant` is milliseconds since 1970-01-01T00:00:00Z. It is always UTC, so it cannot be naive;
it compares, subtracts and packs as an integer, which the fold does several times per reading.
Aware datetimes appear only at the edges: RFC 3339 in files and APIs, pandas on the history side.
"""

import re
from datetime import UTC, datetime, timedelta

Instant = int

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_FRACTION = re.compile(r"\.(\d+)")


def from_datetime(value: datetime) -> Instant:
    """Turn an aware datetime into an instant, dropping what is below a millisecond.

    Raises:
        ValueError: the datetime carries no zone.
    """
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    return (value - _EPOCH) // _MS


def to_datetime(at: Instant) -> datetime:
    """Turn an instant into an aware UTC datetime."""
    return _EPOCH + at * _MS


def parse(text: str) -> Instant:
    """Read an RFC 3339 date and time with a zone.

    Raises:
        ValueError: not RFC 3339, no zone, or not a date that exists.
    """
    if _RFC3339.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not an RFC 3339 date and time with a zone")
    # datetime reads at most microseconds; RFC 3339 allows more digits.
    trimmed = _FRACTION.sub(lambda m: "." + m.group(1)[:6].ljust(6, "0"), text)
    return from_datetime(datetime.fromisoformat(trimmed.upper()))


def text(at: Instant) -> str:
    """Write an instant as RFC 3339 UTC with milliseconds and `Z`.

    An instant outside the years 1 to 9999 cannot come from a reading and raises OverflowError.
    """
    return to_datetime(at).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
