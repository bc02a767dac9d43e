"""Weekly schedules: when a geofence is in force, in the zone where it lies.

The form is `Mon-Fri 18:00-06:00; Sat 00:00-24:00`: days (one, a range, or a list with commas)
and hours; hours that end before they begin run past midnight and belong to the day they begin.
"""

import re
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from puente.instant import Instant, to_datetime

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(_DAYS)
_PART = re.compile(
    rf"((?:{_DAY})(?:-(?:{_DAY}))?(?:,(?:{_DAY})(?:-(?:{_DAY}))?)*)\s+"
    r"(\d{2}):(\d{2})-(\d{2}):(\d{2})"
)
_MINUTES_A_DAY = 24 * 60

Window = tuple[frozenset[int], int, int]
"""Weekdays (0 = Monday), first minute of the day, last minute (exclusive, may pass 1440)."""


def parse(text: str) -> tuple[Window, ...]:
    """Read a schedule.

    Raises:
        ValueError: a part is not `DAYS HH:MM-HH:MM`, or an hour does not exist.
    """
    windows = []
    for part in filter(None, (p.strip().lower() for p in text.split(";"))):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"schedule part {part!r} is not like 'Mon-Fri 18:00-06:00'")
        days, h1, m1, h2, m2 = match.groups()
        start, end = int(h1) * 60 + int(m1), int(h2) * 60 + int(m2)
        if start >= _MINUTES_A_DAY or end > _MINUTES_A_DAY or int(m1) > 59 or int(m2) > 59:
            raise ValueError(f"schedule part {part!r} names an hour that does not exist")
        windows.append((_weekdays(days), start, end if end > start else end + _MINUTES_A_DAY))
    if not windows:
        raise ValueError("a schedule needs at least one part such as 'Mon-Fri 18:00-06:00'")
    return tuple(windows)


def zone(name: str) -> ZoneInfo:
    """Find an IANA time zone.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        # OSError: part of a name, such as America, is a folder of the zone database.
        raise ValueError(f"{name!r} is not an IANA time zone such as America/Monterrey") from error


@lru_cache(maxsize=1024)
def _compiled(text: str) -> tuple[Window, ...]:
    return parse(text)


def in_force(schedule: str | None, timezone: str | None, at: Instant) -> bool:
    """Tell whether a schedule covers an instant; no schedule is always in force."""
    if schedule is None:
        return True
    local = to_datetime(at).astimezone(zone(timezone or "UTC"))
    minute = local.hour * 60 + local.minute
    today, yesterday = local.weekday(), (local - timedelta(days=1)).weekday()
    return any(
        (today in days and start <= minute < end)
        or (yesterday in days and minute + _MINUTES_A_DAY < end)
        for days, start, end in _compiled(schedule)
    )


def _weekdays(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        days.update((start + i) % 7 for i in range((end - start) % 7 + 1))
    return frozenset(days)
