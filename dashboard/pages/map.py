"""`/`: the live map with the open alerts beside it.

Trucks are drawn by the browser from the live channel (`assets/21-fleet-layer.js`); this file
builds what stands around them and draws the selected journey as ordinary plotly traces.
"""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from dash import Dash, Input, Output, Patch, State, dcc, html, no_update
from dash_iconify import DashIconify

from dashboard.actions.alerts import perform
from dashboard.figures.selection import TrackPoint, traces
from dashboard.page import Context, Page
from dashboard.queries.track import lead_track, readings, track_frame
from dashboard.theme import THEMES, Theme
from puente.instant import HOUR
from puente.store.connection import StoreUnavailable

HOME = (26.9, -101.9, 4.75)
"""Latitude, longitude and zoom that show both sides of the border and the industrial north."""

TRACK_HOURS = 12

_BOUNDS = ((-85.0, 85.0), (-180.0, 180.0), (1.0, 20.0))


def layout(_context: Context, _params: Mapping[str, str], query: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Build the stage; called once per browser, then kept."""
    lite = query.get("lite") == "1"
    return [
        html.Div(
            [
                dcc.Graph(
                    id="map",
                    figure=figure(view_of(query), _theme(query.get("theme")), lite=lite),
                    config={
                        "displayModeBar": False,
                        "displaylogo": False,
                        "scrollZoom": True,
                        "doubleClick": False,
                    },
                    responsive=True,
                ),
                html.Div(_search(), className="map-search"),
                html.Div(id="map-card", className="card card-pinned", hidden=True),
                html.Div(id="hover-card", className="card card-hover", hidden=True),
                html.Div(id="map-empty", className="map-empty", hidden=True),
                html.Div(_tools(), className="map-tools"),
                html.Div(id="legend", className="legend", **{"aria-label": "Legend and filter"}),
            ],
            id="map-box",
        ),
        html.Aside(_alert_panel(), id="alert-panel", **{"aria-label": "Open alerts"}),
        dcc.Store(id="selection"),
        dcc.Store(id="map-lite", data=lite),
    ]


def _theme(name: str | None) -> Theme:
    return name if name in THEMES else "dark"


def view_of(query: Mapping[str, str]) -> tuple[float, float, float]:
    """Read the map box from a URL; whatever is not a sensible number means home."""
    values = []
    for key, (low, high) in zip(("lat", "lon", "z"), _BOUNDS, strict=True):
        try:
            value = float(query.get(key, ""))
        except ValueError:
            return HOME
        if not low <= value <= high:
            return HOME
        values.append(value)
    return values[0], values[1], values[2]


def figure(view: tuple[float, float, float], theme: Theme, *, lite: bool = False) -> go.Figure:
    """Build the map without trucks: our style, and empty traces for the selected journey."""
    lat, lon, zoom = view
    built = go.Figure(traces(None, None, (), None, theme))
    built.update_layout(
        map={
            "style": style_url(theme, lite=lite),
            "center": {"lat": lat, "lon": lon},
            "zoom": zoom,
        },
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        uirevision="keep",
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"font": {"family": "Inter, sans-serif", "size": 13}},
    )
    return built


def style_url(theme: Theme, *, lite: bool = False) -> str:
    """Name the style's address; relative, so that it works under any host name.

    `lite` leaves out what is slow to draw without a graphics card (`/?lite=1`).
    """
    return f"/basemap/{theme}.json{'?lite=1' if lite else ''}"


def _search() -> Any:  # noqa: ANN401
    return [
        DashIconify(icon="tabler:search", width=16),
        dcc.Input(
            id="map-search",
            type="text",
            placeholder="Shipment, carrier or device",
            autoComplete="off",
            value="",
        ),
        html.Span(id="map-search-count", className="search-count"),
    ]


def _tools() -> list[Any]:
    tools = (
        ("zoom-in", "tabler:plus", "Closer"),
        ("zoom-out", "tabler:minus", "Farther"),
        ("zoom-home", "tabler:focus-2", "Show the whole corridor"),
        ("toggle-fences", "tabler:polygon", "Show or hide geofences"),
    )
    return [
        html.Button(
            DashIconify(icon=icon, width=18),
            id=f"map-{name}",
            className="icon-button",
            title=words,
            **{"aria-label": words},
        )
        for name, icon, words in tools
    ]


def _alert_panel() -> list[Any]:
    return [
        html.Div(
            [
                html.H2("Open alerts"),
                html.Span(className="panel-note", **{"data-note": "alerts"}),
                html.Button(id="alert-new", className="pill", hidden=True),
            ],
            className="panel-head",
        ),
        html.Div(id="alert-list", role="list"),
        html.Div(
            dcc.Link("All alerts, filters and history", href="/alerts"), className="panel-foot"
        ),
    ]


def register(app: Dash, context: Context) -> None:
    """Wire the selected journey and the quick acknowledgement."""

    @app.callback(
        Output("map", "figure"),
        Input("selection", "data"),
        Input("theme", "data"),
        State("map-lite", "data"),
        prevent_initial_call=True,
    )
    def draw_selection(
        selection: Mapping[str, str] | None, theme_name: str | None, lite: bool | None
    ) -> Any:  # noqa: ANN401
        theme = _theme(theme_name)
        patch = Patch()
        patch["layout"]["map"]["style"] = style_url(theme, lite=bool(lite))
        patch["data"] = [t.to_plotly_json() for t in journey(context, selection or {}, theme)]
        return patch

    @app.callback(
        Output("toast", "data"),
        Input("alert-action", "data"),
        prevent_initial_call=True,
    )
    def acknowledge(request: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
        if not request:
            return no_update
        outcome = perform(
            context,
            str(request.get("id", "")),
            str(request.get("action", "")),
            str(request.get("by", "")),
            revision=request.get("revision"),
        )
        return {"ok": outcome.ok, "message": outcome.message, "nonce": request.get("nonce")}


def journey(
    context: Context, selection: Mapping[str, str | None], theme: Theme
) -> list[go.Scattermap]:
    """Draw what is selected: planned route, last hours, and the alert's place."""
    subject = selection.get("shipment") or ""
    alert = context.hub.alerts.get(selection.get("alert") or "")
    if alert is not None:
        subject = subject or alert.shipment_id
    shipment = context.hub.plan.shipments.get(subject)
    route = context.hub.plan.routes.get(shipment.route or "") if shipment else None
    track: list[TrackPoint] = []
    if subject:
        try:
            track = _last_hours(context, subject)
        except StoreUnavailable:
            # The badge says that the store is away; the route can be drawn all the same.
            track = []
    return traces(shipment, route, track, alert, theme)


def _last_hours(context: Context, subject: str) -> list[TrackPoint]:
    found = readings(context.store, subject, context.clock.now() - TRACK_HOURS * HOUR)
    used = lead_track(track_frame(found), context.hub.plan.shipments.get(subject))
    return [
        TrackPoint(
            at=int(at.timestamp() * 1000),
            lat_deg=float(lat),
            lon_deg=float(lon),
            speed_mps=None if speed != speed else float(speed),  # noqa: PLR0124 - not a number
        )
        for at, lat, lon, speed in zip(
            used.index,
            used["lat_deg"],
            used["lon_deg"],
            used["speed_mps"].astype(float),
            strict=True,
        )
    ]


PAGE = Page(
    name="map",
    path="/",
    title="Map",
    icon="tabler:map-2",
    layout=layout,
    register=register,
)
