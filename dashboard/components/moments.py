"""Instants on a page: always UTC, with the zones that operators and drivers live in beside it.

Ages count on in the browser (`assets/50-pages.js`): the server writes the instant and what time
it was on Puente's clock, which may run faster than the wall's.
"""

from typing import Any
from zoneinfo import ZoneInfo

from dash import html

from dashboard import text
from puente.instant import Instant, to_datetime

ZONES = (("Chicago", "America/Chicago"), ("Mexico City", "America/Mexico_City"))
"""Where most of the control tower and most of the carriers are; bare "CST" would not say which."""


def zoned(at: Instant, zone: str) -> str:
    """Write an instant in a zone with its offset: `21 Nov 14:32:07 −06:00`."""
    local = to_datetime(at).astimezone(ZoneInfo(zone))
    offset = f"{local:%z}"
    return f"{local.day} {local:%b %H:%M:%S} {offset[:3]}:{offset[3:]}".replace("-", "−")


def utc(at: Instant) -> str:
    """Write an instant in UTC to the second: `21 Nov 2026 20:32:07 UTC`."""
    moment = to_datetime(at)
    return f"{moment.day} {moment:%b %Y %H:%M:%S} UTC"


def local_times(at: Instant) -> str:
    """Write an instant in the fixed zones with the offset; zones that agree share it."""
    names: dict[str, list[str]] = {}
    for name, zone in ZONES:
        names.setdefault(zoned(at, zone), []).append(name)
    return " · ".join(f"{local} {', '.join(where)}" for local, where in names.items())


def stamp(at: Instant | None) -> Any:  # noqa: ANN401 - a component
    """Show an instant in UTC, and beneath it in the fixed zones."""
    if at is None:
        return html.Span(text.UNKNOWN, className="pg-muted")
    return html.Span(
        [html.Span(utc(at), className="pg-num"), html.Small(local_times(at))], className="pg-stamp"
    )


def age(at: Instant | None, now: Instant, *, never: str = "never") -> Any:  # noqa: ANN401
    """Show how long ago something was; it counts on while the page is open."""
    if at is None:
        return html.Span(never, className="pg-muted")
    return html.Span(
        text.ago((now - at) / 1000),
        className="pg-num",
        title=f"{utc(at)} · {local_times(at)}",
        **{"data-age": str(at)},
    )


def due(at: Instant, now: Instant) -> Any:  # noqa: ANN401 - a component
    """Show how long until an answer is due, or how long it is overdue."""
    left_s = (at - now) / 1000
    words = f"due in {text.age(left_s)}" if left_s >= 0 else f"overdue by {text.age(-left_s)}"
    return html.Span(
        words,
        className="pg-due" if left_s >= 0 else "pg-due pg-due--over",
        title=f"{utc(at)} · {local_times(at)}",
        **{"data-due": str(at)},
    )


def clock_mark(now: Instant, rate: float) -> Any:  # noqa: ANN401 - a component
    """Tell the browser what time it is on Puente's clock and how fast that clock runs."""
    return html.I(
        className="pg-clock", hidden=True, **{"data-now": str(now), "data-rate": str(rate)}
    )
