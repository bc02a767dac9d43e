"""`/alerts/<id>`: one alert as a page, for a link in a message or a second screen."""

from collections.abc import Mapping
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update

from dashboard.figures.paint import QUIET
from dashboard.page import Context, Page
from dashboard.pages.alert_desk import desk, mark, register_desk
from dashboard.pages.shipment import Window, read_past
from dashboard.queries.alerts import alert_file
from dashboard.theme import Theme
from puente.instant import HOUR, text
from puente.store.connection import StoreUnavailable
from puente.triage import Alert

PREFIX = "alert-desk"

_BEFORE_MS = 3 * HOUR
_AFTER_MS = 1 * HOUR
"""The time around the moment it happened that explains it best: how it came, and what followed."""


def layout(context: Context, params: Mapping[str, str], _query: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Lay out the page of the alert in the path."""
    alert_id = params.get("id")
    return html.Div(
        [
            html.Div(dcc.Link("‹ All alerts", href="/alerts"), className="pg-bar"),
            html.Div(
                [desk(PREFIX, context, alert_id), _around(context, alert_id)],
                className="pg-split",
            ),
            mark(context),
        ],
        className="pg pg--alert",
    )


def _window(alert: Alert) -> Window:
    return Window(alert.occurred_at - _BEFORE_MS, alert.occurred_at + _AFTER_MS)


def _around(context: Context, alert_id: str | None) -> Any:  # noqa: ANN401
    """Show where the truck was and what its sensors said around the moment."""
    try:
        found = alert_file(context.store, alert_id or "")
    except StoreUnavailable:
        return None
    if found is None:
        return None
    window = _window(found.alert)
    path = f"/shipments/{found.alert.shipment_id}"
    link = f"{path}?from={text(window.from_at)}&to={text(window.to_at)}"
    return html.Div(
        [
            html.Div(
                [
                    html.H3("3 h before to 1 h after it happened"),
                    dcc.Link("Open the shipment at this time", href=link),
                ],
                className="pg-row",
            ),
            html.Div(
                dcc.Graph(
                    id="alert-map",
                    config={**QUIET, "scrollZoom": True},
                    className="pg-graph",
                    responsive=True,
                ),
                className="pg-panel pg-panel--map",
            ),
            html.Div(
                dcc.Graph(id="alert-chart", config=QUIET, className="pg-graph", responsive=True),
                className="pg-panel pg-panel--chart",
            ),
        ],
        className="pg-around",
    )


def register(app: Dash, context: Context) -> None:
    """Add the callbacks of the page."""
    register_desk(app, context, PREFIX)

    @app.callback(
        Output("alert-map", "figure"),
        Output("alert-chart", "figure"),
        Input("theme", "data"),
        State(f"{PREFIX}-id", "data"),
    )
    def draw(theme: str | None, alert_id: str | None) -> Any:  # noqa: ANN401 - outputs
        look: Theme = "light" if theme == "light" else "dark"
        try:
            found = alert_file(context.store, alert_id or "")
            past = found and read_past(context, found.alert.shipment_id, _window(found.alert))
        except StoreUnavailable:
            return no_update, no_update
        if not past or alert_id is None:
            return no_update, no_update
        return past.map_figure(look, alert_id, whole=False), past.chart_figure(look, alert_id)


PAGE = Page(name="alert", path="/alerts/<id>", title="Alert", layout=layout, register=register)
