"""Numbers, ages and times in plain words, written the same way everywhere.

Nothing here reads a clock: an age is given in seconds, an instant with the zone to show it in.
`assets/11-words.js` says the same in the browser; a browser test compares the two.
"""

from zoneinfo import ZoneInfo

from puente.instant import Instant, to_datetime
from puente.model import SealState, Severity
from puente.triage import AlertState

UNKNOWN = "–"
"""What stands where nothing is known."""

SEVERITY_WORDS: dict[Severity, str] = {
    Severity.CRITICAL: "Critical",
    Severity.HIGH: "High",
    Severity.MEDIUM: "Medium",
    Severity.LOW: "Low",
    Severity.INFO: "Info",
}

SEAL_WORDS: dict[SealState, str] = {
    SealState.UNKNOWN: "no seal reported",
    SealState.OPEN: "open",
    SealState.ARMING: "arming",
    SealState.SEALED: "sealed",
    SealState.UNSEALED_AUTHORISED: "opened at an authorised place",
    SealState.UNSEALED_UNAUTHORISED: "opened without authority",
    SealState.TAMPERED: "tampered with",
    SealState.CUSTOMS_EXAM: "open for customs",
    SealState.FAULT: "faulty",
}

SEAL_SHORT: dict[SealState, str] = {
    SealState.UNKNOWN: "not reported",
    SealState.OPEN: "open",
    SealState.ARMING: "arming",
    SealState.SEALED: "sealed",
    SealState.UNSEALED_AUTHORISED: "open (lawful)",
    SealState.UNSEALED_UNAUTHORISED: "broken",
    SealState.TAMPERED: "tampered",
    SealState.CUSTOMS_EXAM: "customs exam",
    SealState.FAULT: "faulty",
}
"""For columns; `SEAL_WORDS` says the same in full."""

ALERT_STATE_WORDS: dict[AlertState, str] = {
    AlertState.ACTIVE_UNACKNOWLEDGED: "active, not acknowledged",
    AlertState.ACTIVE_ACKNOWLEDGED: "active, acknowledged",
    AlertState.CLEARED_UNACKNOWLEDGED: "over, not acknowledged",
    AlertState.CLEARED_ACKNOWLEDGED: "over, acknowledged",
    AlertState.CLOSED: "closed",
    AlertState.RETRACTED: "retracted",
}

_POINTS = (
    "north",
    "north-east",
    "east",
    "south-east",
    "south",
    "south-west",
    "west",
    "north-west",
)


def number(value: float | None, digits: int = 0) -> str:
    """Write a number with thousands separators and a fixed number of decimals."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}".replace("-", "−")


def age(seconds: float | None) -> str:
    """Write a span in at most two units: `12 s`, `4 min`, `2 h 5 min`, `3 d 4 h`.

    A negative span is a clock that differs and counts as 0.
    """
    if seconds is None:
        return UNKNOWN
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def ago(seconds: float | None) -> str:
    """Write how long ago something was; `never` when it has not happened."""
    return "never" if seconds is None else f"{age(seconds)} ago"


def speed(speed_mps: float | None) -> str:
    """Write a speed over ground in km/h."""
    return UNKNOWN if speed_mps is None else f"{number(speed_mps * 3.6)} km/h"


def course(course_deg: float | None) -> str:
    """Name the compass point nearest to a course, clockwise from true north."""
    return UNKNOWN if course_deg is None else _POINTS[round(course_deg / 45) % 8]


def temperature(temperature_c: float | None) -> str:
    """Write a temperature in degrees Celsius with one decimal."""
    return UNKNOWN if temperature_c is None else f"{number(temperature_c, 1)} °C"


def distance(distance_m: float | None) -> str:
    """Write a distance in metres below 1 km, with one decimal below 100 km, whole above."""
    if distance_m is None:
        return UNKNOWN
    if abs(distance_m) < 1000:
        return f"{number(distance_m)} m"
    return f"{number(distance_m / 1000, 1 if abs(distance_m) < 100_000 else 0)} km"


def percent(value: float | None) -> str:
    """Write a value from 0 to 100."""
    return UNKNOWN if value is None else f"{number(value)} %"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun: `1 truck`, `3 trucks`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def when(at: Instant | None, zone: str = "UTC") -> str:
    """Write an instant with day and zone: `21 Nov 14:02 UTC`. Days are unambiguous on purpose."""
    if at is None:
        return UNKNOWN
    local = to_datetime(at).astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %H:%M} {local:%Z}"


def clock_time(at: Instant, zone: str = "UTC") -> str:
    """Write the time of day to the second with its zone: `14:02:11 CDT`."""
    return f"{to_datetime(at).astimezone(ZoneInfo(zone)):%H:%M:%S %Z}"
