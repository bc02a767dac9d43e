"""`/wall`: the same map for a room, read from five metres away.

Everything on it is said without pointing at it, nothing scrolls, and no person is named: a wall
is seen by visitors. Sizes are relative to the screen, so that 1080p is half of 4K.
"""

from collections.abc import Mapping
from typing import Any

from dash import Dash, html

from dashboard import security
from dashboard.components.headline import alerts_by_severity, figures
from dashboard.page import Context, Page

ZONES = (
    ("America/Mexico_City", "Mexico City"),
    ("America/Chicago", "Laredo"),
    ("America/Tijuana", "Tijuana"),
)
"""Where the loads come from, and the busiest ends of the border."""

CARDS = 6


def layout(context: Context, _params: Mapping[str, str], _query: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Build what stands around the map."""
    return html.Div(
        [
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(className="brand-mark"),
                            html.Strong("Puente"),
                        ],
                        className="wall-brand",
                    ),
                    html.Div(
                        [
                            *figures("in_transit", "at_border", "off_route", "silent"),
                            alerts_by_severity(),
                        ],
                        className="figures",
                    ),
                    html.Div(
                        [_clock("UTC", "UTC"), *(_clock(*z) for z in ZONES)],
                        className="wall-clocks",
                    ),
                ],
                id="wall-top",
            ),
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(
                                [html.Span(className="pulse"), html.Span(className="badge-text")],
                                className="live-badge",
                                **{"data-live": "badge"},
                            ),
                            html.Span(**{"data-live": "ages"}),
                            *(
                                [
                                    html.Span(
                                        security.UNAUTHENTICATED_WARNING, className="wall-warning"
                                    )
                                ]
                                if security.open_to_others(context.settings)
                                else []
                            ),
                        ],
                        className="wall-ribbon",
                    ),
                ],
                id="wall-ribbon",
            ),
            html.Div(id="wall-alerts", **{"data-cards": str(CARDS)}),
        ],
        id="wall",
    )


def _clock(zone: str, place: str) -> Any:  # noqa: ANN401
    return html.Div(
        [
            html.Span(place, className="wall-clock-place"),
            html.Span(className="wall-clock-time", **{"data-zone": zone}),
            html.Span(className="wall-clock-zone", **{"data-zone-name": zone}),
        ],
        className="wall-clock",
    )


def register(_app: Dash, _context: Context) -> None:
    """Nothing to wire: a wall has no buttons."""


PAGE = Page(
    name="wall",
    path="/wall",
    title="Wall",
    icon="tabler:device-tv",
    layout=layout,
    register=register,
)
