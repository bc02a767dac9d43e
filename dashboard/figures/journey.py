"""Where one shipment was: its track on our own map, the planned road, fences and events."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import text
from dashboard.figures.paint import base
from dashboard.queries.coldchain import with_gaps
from dashboard.safe_text import figure_text
from dashboard.theme import FENCE_GROUPS, SEVERITIES, SURFACES, Theme
from puente.model import Severity

LatLon = tuple[float, float]

_VIEW_PX = (820, 460)
"""About the size of the map on the page; a wrong guess only changes the first zoom a little."""

_WORLD_PX = 512
"""Width of the whole world at zoom 0 in MapLibre."""

_MIN_SPAN_DEG = 0.02

MAX_POINTS = 4_000
"""Fixes that get a point of their own; the line always has all of them."""


def journey(
    track: pd.DataFrame,
    *,
    route: Sequence[LatLon],
    fences: Sequence[dict[str, Any]],
    events: pd.DataFrame,
    theme: Theme,
    revision: str,
    whole: bool = True,
) -> go.Figure:
    """Draw a journey, with the `whole` planned road in view or only what was driven of it.

    `track` is one device's usable fixes; a silence is left open in its line.

    `fences` are GeoJSON features with a `group`. Two shipments with one `revision` would share a
    zoom: give the shipment's id.
    """
    surface = SURFACES[theme]
    figure = go.Figure()
    _add_fences(figure, fences, theme)
    if route:
        figure.add_trace(
            go.Scattermap(
                lat=[p[0] for p in route],
                lon=[p[1] for p in route],
                mode="lines",
                line={"width": 6, "color": surface["route"]},
                opacity=0.35,
                hoverinfo="skip",
                name="Planned route",
            )
        )
    if not track.empty:
        _add_track(figure, track, theme)
    _add_events(figure, events, theme)
    if not track.empty:
        _add_last(figure, track, theme)
    driven = list(zip(track["lat_deg"], track["lon_deg"], strict=True))
    bounds = [*route, *driven] if whole or not driven else driven
    centre, zoom = view(bounds)
    figure.update_layout(
        **base(theme, revision),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        map={
            "style": f"/basemap/{theme}.json",
            "center": {"lat": centre[0], "lon": centre[1]},
            "zoom": zoom,
        },
    )
    return figure


def view(points: Sequence[LatLon]) -> tuple[LatLon, float]:
    """Return centre and zoom that show all points with some room around them."""
    if not points:
        return (26.5, -100.5), 4.2
    lats, lons = [p[0] for p in points], [p[1] for p in points]
    south, north, west, east = min(lats), max(lats), min(lons), max(lons)
    width = max(east - west, _MIN_SPAN_DEG)
    height = max(_mercator(north) - _mercator(south), _MIN_SPAN_DEG)
    room = 0.88
    zoom = min(
        math.log2(_VIEW_PX[0] * room * 360 / (width * _WORLD_PX)),
        math.log2(_VIEW_PX[1] * room * 360 / (height * _WORLD_PX)),
    )
    return ((south + north) / 2, (west + east) / 2), round(min(zoom, 14.0), 2)


def _mercator(lat_deg: float) -> float:
    """Northing in degrees of longitude."""
    return math.degrees(math.asinh(math.tan(math.radians(lat_deg))))


def _add_track(figure: go.Figure, track: pd.DataFrame, theme: Theme) -> None:
    surface = SURFACES[theme]
    line = with_gaps(track[["lat_deg", "lon_deg"]])
    figure.add_trace(
        go.Scattermap(
            lat=_plain(line["lat_deg"]),
            lon=_plain(line["lon_deg"]),
            mode="lines",
            line={"width": 2.5, "color": surface["track"]},
            hoverinfo="skip",
            name="Track",
        )
    )
    shown = track.iloc[:: max(1, math.ceil(len(track) / MAX_POINTS))]
    speeds = (shown["speed_mps"] * 3.6).fillna(0.0)
    figure.add_trace(
        go.Scattermap(
            lat=_plain(shown["lat_deg"]),
            lon=_plain(shown["lon_deg"]),
            mode="markers",
            marker={
                "size": 4,
                "color": speeds.round(0).tolist(),
                "cmin": 0,
                "cmax": 100,
                "colorscale": [
                    [0.0, SEVERITIES[theme][Severity.HIGH]],
                    [0.3, surface["muted"]],
                    [1.0, surface["track"]],
                ],
            },
            text=[
                f"{at:%d %b %H:%M:%S} UTC<br>{_speed(speed)}, {figure_text(device, 64)}"
                f"{'<br>arrived late' if late else ''}"
                for at, speed, device, late in zip(
                    pd.DatetimeIndex(shown.index),
                    shown["speed_mps"],
                    shown["device_id"],
                    shown["late"],
                    strict=True,
                )
            ],
            hoverinfo="text",
            name="Fixes",
        )
    )


def _speed(speed_mps: float) -> str:
    return "speed not reported" if math.isnan(speed_mps) else text.speed(speed_mps)


def _add_last(figure: go.Figure, track: pd.DataFrame, theme: Theme) -> None:
    last = track.iloc[-1]
    at = pd.DatetimeIndex(track.index)[-1]
    surface = SURFACES[theme]
    for size, colour, hover in ((18, surface["outline"], "skip"), (12, surface["text"], "text")):
        figure.add_trace(
            go.Scattermap(
                lat=[float(last["lat_deg"])],
                lon=[float(last["lon_deg"])],
                mode="markers",
                marker={"size": size, "color": colour},
                text=[f"Last fix {at:%d %b %H:%M:%S} UTC"],
                hoverinfo=hover,
                name="Last fix",
            )
        )


def _add_events(figure: go.Figure, events: pd.DataFrame, theme: Theme) -> None:
    if events.empty:
        return
    placed = events[events["lat_deg"].notna() & events["phase"].isin(["raised", "noted"])]
    for severity in reversed(Severity):
        some = placed[placed["severity"] == severity.value]
        if some.empty:
            continue
        figure.add_trace(
            go.Scattermap(
                lat=_plain(some["lat_deg"]),
                lon=_plain(some["lon_deg"]),
                mode="markers",
                marker={
                    "size": 8 + 2 * severity.rank,
                    "color": SEVERITIES[theme][severity],
                    "opacity": 0.9,
                },
                text=[
                    f"{text.SEVERITY_WORDS[severity]}: {figure_text(title)}"
                    f"<br>{at:%d %b %H:%M:%S} UTC"
                    for at, title in zip(pd.DatetimeIndex(some.index), some["title"], strict=True)
                ],
                hoverinfo="text",
                name=f"{text.SEVERITY_WORDS[severity]} events",
            )
        )


def _add_fences(figure: go.Figure, fences: Sequence[dict[str, Any]], theme: Theme) -> None:
    """Draw fences as traces: layers of the style would be lost when the theme changes."""
    for group, colour in FENCE_GROUPS[theme].items():
        lats: list[float | None] = []
        lons: list[float | None] = []
        names: list[str] = []
        for fence in fences:
            if fence["properties"].get("group") != group:
                continue
            words = f"{fence['properties']['class']}: {figure_text(fence['properties']['name'])}"
            for ring in _rings(fence["geometry"]):
                lons += [*(point[0] for point in ring), None]
                lats += [*(point[1] for point in ring), None]
                names += [words] * (len(ring) + 1)
        if lats:
            figure.add_trace(
                go.Scattermap(
                    lat=lats,
                    lon=lons,
                    mode="lines",
                    fill="toself",
                    fillcolor=f"rgba({_rgb(colour)},0.16)",
                    line={"width": 1.2, "color": colour},
                    text=names,
                    hoverinfo="text",
                    name=f"Fences: {group}",
                )
            )


def _rings(geometry: dict[str, Any]) -> list[list[list[float]]]:
    """Return the outer rings; a hole inside a fence is too small to matter at this scale."""
    if geometry["type"] == "Polygon":
        return [geometry["coordinates"][0]]
    return [polygon[0] for polygon in geometry["coordinates"]]


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))


def _plain(values: "pd.Series[Any]") -> list[float | None]:
    return [None if pd.isna(v) else float(v) for v in values]
