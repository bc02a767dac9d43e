"""What is selected, on the live map: where it should go, where it was, and where it happened.

Small traces on plotly's own map, below the names of the cities; always the same five, so that a
patch replaces like with like.
"""

from collections.abc import Sequence
from typing import TypeVar

import plotly.graph_objects as go
from msgspec import Struct

from dashboard.safe_text import figure_text
from dashboard.text import speed, when
from dashboard.theme import SEVERITIES, SURFACES, Theme
from puente.instant import MINUTE, Instant
from puente.plan import Route, Shipment
from puente.triage import Alert

BELOW = "city"
GAP = 15 * MINUTE
"""Between fixes farther apart than this nothing is drawn: nobody knows where the truck went."""

_MOST_POINTS = 800

T = TypeVar("T")


class TrackPoint(Struct, frozen=True):
    """One usable fix."""

    at: Instant
    lat_deg: float
    lon_deg: float
    speed_mps: float | None = None


def traces(
    shipment: Shipment | None,
    route: Route | None,
    track: Sequence[TrackPoint],
    alert: Alert | None,
    theme: Theme,
) -> list[go.Scattermap]:
    """Draw the planned route, the track, its fixes, both ends and the place of the alert."""
    colours = SURFACES[theme]
    return [
        _route(route, colours["route"]),
        _track(track, colours["track"]),
        _fixes(track, colours["track"]),
        _ends(shipment, colours["route"]),
        _scene(alert, theme),
    ]


def _route(route: Route | None, colour: str) -> go.Scattermap:
    points = [] if route is None else thinned(route.line.points)
    return _line([p[0] for p in points], [p[1] for p in points], colour, 5, 0.45)


def _track(track: Sequence[TrackPoint], colour: str) -> go.Scattermap:
    lat: list[float | None] = []
    lon: list[float | None] = []
    for i, point in enumerate(track):
        if i and point.at - track[i - 1].at > GAP:
            lat.append(None)
            lon.append(None)
        lat.append(point.lat_deg)
        lon.append(point.lon_deg)
    return _line(lat, lon, colour, 2.5, 0.95)


def _line(
    lat: list[float | None] | list[float],
    lon: list[float | None] | list[float],
    colour: str,
    width: float,
    opacity: float,
) -> go.Scattermap:
    return go.Scattermap(
        lat=lat,
        lon=lon,
        mode="lines",
        line={"color": colour, "width": width},
        opacity=opacity,
        hoverinfo="skip",
        below=BELOW,
        showlegend=False,
    )


def _points(
    lat: list[float | None] | list[float],
    lon: list[float | None] | list[float],
    text: list[str],
    marker: dict[str, object],
) -> go.Scattermap:
    return go.Scattermap(
        lat=lat,
        lon=lon,
        mode="markers",
        marker=marker,
        text=text,
        hovertemplate="%{text}<extra></extra>",
        below=BELOW,
        showlegend=False,
    )


def _fixes(track: Sequence[TrackPoint], colour: str) -> go.Scattermap:
    shown = thinned(track)
    return _points(
        [p.lat_deg for p in shown],
        [p.lon_deg for p in shown],
        [f"{when(p.at)}<br>{speed(p.speed_mps)}" for p in shown],
        {"color": colour, "size": 5},
    )


def _ends(shipment: Shipment | None, colour: str) -> go.Scattermap:
    ends = () if shipment is None else (
        ("Origin", shipment.origin),
        ("Destination", shipment.destination),
    )  # fmt: skip
    places = [(word, place) for word, place in ends if place is not None]
    return _points(
        [place.lat_deg for _, place in places],
        [place.lon_deg for _, place in places],
        [f"{word}: {figure_text(place.name)}" for word, place in places],
        {"color": colour, "size": 11},
    )


def _scene(alert: Alert | None, theme: Theme) -> go.Scattermap:
    if alert is None or alert.lat is None or alert.lon is None:
        return _points([], [], [], {"size": 26})
    return _points(
        [alert.lat],
        [alert.lon],
        [f"{figure_text(alert.title)}<br>{when(alert.occurred_at)}"],
        {"color": SEVERITIES[theme][alert.severity], "size": 26, "opacity": 0.35},
    )


def thinned(points: Sequence[T]) -> list[T]:
    """Keep at most some hundred points, the first and the last always among them."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    step = -(-len(points) // _MOST_POINTS)
    kept = list(points[::step])
    return kept if kept[-1] is points[-1] else [*kept, points[-1]]
