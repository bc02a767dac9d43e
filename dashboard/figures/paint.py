"""What all charts share: transparent grounds, quiet grids, one font, the theme's colours."""

from typing import Any

import plotly.graph_objects as go

from dashboard.theme import FONT, SURFACES, Theme

QUIET = {"displaylogo": False, "displayModeBar": False, "responsive": True}
"""Configuration of a chart without tools; the logo links to a site outside."""


def base(theme: Theme, revision: str) -> dict[str, Any]:
    """Return what every chart starts from; while `revision` is the same the zoom is kept."""
    surface = SURFACES[theme]
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": surface["muted"]},
        "hoverlabel": {
            "bgcolor": surface["raised"],
            "bordercolor": surface["line"],
            "font": {"family": FONT, "size": 12, "color": surface["text"]},
        },
        "uirevision": revision,
        "showlegend": False,
    }


def axis(theme: Theme, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - plotly's own values
    """Return an axis with a quiet grid."""
    surface = SURFACES[theme]
    return {
        "gridcolor": surface["line"],
        "zeroline": False,
        "linecolor": surface["line"],
        "tickcolor": surface["line"],
        "ticks": "",
        "title": {"standoff": 6},
        **more,
    }


def message(words: str, theme: Theme, revision: str = "") -> go.Figure:
    """Return a chart that says why there is nothing to see."""
    figure = go.Figure()
    figure.update_layout(
        **base(theme, revision), xaxis={"visible": False}, yaxis={"visible": False}
    )
    figure.add_annotation(
        text=words,
        showarrow=False,
        font={"size": 14, "color": SURFACES[theme]["muted"]},
        xref="paper",
        yref="paper",
        x=0.5,
        y=0.5,
    )
    return figure
