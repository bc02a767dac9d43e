"""What one shipment's sensors said: temperature, speed and seal over one shared time axis.

Times are UTC. A line is never drawn over a silence: no evidence is not a straight line.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard import text
from dashboard.figures.paint import axis, base, message
from dashboard.queries.coldchain import with_gaps
from dashboard.safe_text import figure_text
from dashboard.theme import SEVERITIES, SURFACES, Theme
from puente.model import Severity

PROBES = ("product_c", "return_c", "supply_c", "ambient_c")
"""In the order of trust; the first that reported is drawn strongest."""

_SEAL_LEVEL = {"sealed": 0, "open": 1, "tampered": 2}
_EVENT_LEVEL = 3.2


@dataclass(frozen=True)
class Limits:
    """The temperatures a cargo bears, in degrees Celsius."""

    low_c: float
    high_c: float
    critical_low_c: float | None = None
    critical_high_c: float | None = None


def sensors(
    readings: pd.DataFrame,
    track: pd.DataFrame,
    events: pd.DataFrame,
    limits: Limits | None,
    *,
    theme: Theme,
    revision: str,
    window: tuple[pd.Timestamp, pd.Timestamp] | None = None,
) -> go.Figure:
    """Draw temperature, speed and seal above one another under one cursor.

    `window` is the time that was asked for: silence at its ends is shown as well.
    """
    if readings.empty and track.empty:
        return message("Nothing was received in this time. Choose a longer one.", theme, revision)
    warm = bool(readings[list(PROBES)].notna().to_numpy().any())
    heights = [0.55, 0.24, 0.21] if warm else [0.55, 0.45]
    rows = len(heights)
    figure = make_subplots(
        rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.045, row_heights=heights
    )
    if warm:
        _temperature(figure, readings, limits, theme)
    else:
        _no_temperature(figure)
    _speed(figure, track, theme, row=rows - 1)
    _seal(figure, readings, theme, row=rows)
    _events(figure, events, theme, row=rows)
    figure.update_layout(**(base(theme, revision) | {"showlegend": True}))
    figure.update_traces(showlegend=False, selector=lambda t: not t.showlegend)
    figure.update_layout(
        margin={"l": 66, "r": 20, "t": 30, "b": 34},
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        hovermode="x unified",
        hoversubplots="axis",
    )
    figure.update_xaxes(
        **axis(theme, showgrid=True, hoverformat="%d %b %H:%M:%S UTC"),
        showspikes=True,
        spikemode="across",
        spikethickness=1,
        spikedash="solid",
        spikecolor=SURFACES[theme]["muted"],
        spikesnap="cursor",
    )
    # One axis for all rows, or the cursor would stop at the border of its row.
    figure.update_traces(xaxis=f"x{rows}")
    figure.update_xaxes(type="date")
    figure.update_xaxes(title_text="UTC", row=rows, col=1)
    if window is not None:
        figure.update_xaxes(range=list(_shown(window, readings, track, events)))
    figure.update_yaxes(**axis(theme))
    if warm:
        figure.update_yaxes(title_text="°C", row=1, col=1)
    figure.update_yaxes(title_text="km/h", rangemode="tozero", row=rows - 1, col=1)
    figure.update_yaxes(
        tickvals=[*_SEAL_LEVEL.values(), _EVENT_LEVEL],
        ticktext=["sealed", "open", "tampered", "events"],
        range=[-0.4, 3.8],
        row=rows,
        col=1,
    )
    return figure


def _shown(
    window: tuple[pd.Timestamp, pd.Timestamp], *known: pd.DataFrame
) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Let the axis begin shortly before what is known, when that begins late in the window.

    Silence after the newest reading stays in view: it tells something.
    """
    begin, end = window
    first = min((part.index[0] for part in known if not part.empty), default=begin)
    lead = max((end - first) * 0.03, pd.Timedelta(minutes=1))
    return max(begin, min(first - lead, end - pd.Timedelta(minutes=5))), end


def _no_temperature(figure: go.Figure) -> None:
    figure.add_annotation(
        text="No temperature was reported in this time",
        showarrow=False,
        xref="paper",
        yref="paper",
        x=0,
        y=1.01,
        xanchor="left",
        yanchor="bottom",
    )


def _temperature(
    figure: go.Figure, readings: pd.DataFrame, limits: Limits | None, theme: Theme
) -> None:
    surface = SURFACES[theme]
    red = SEVERITIES[theme][Severity.CRITICAL]
    if limits is not None:
        figure.add_shape(
            type="rect",
            xref="x3 domain",
            yref="y",
            x0=0,
            x1=1,
            y0=limits.low_c,
            y1=limits.high_c,
            fillcolor=surface["live"],
            opacity=0.18,
            line={"width": 0},
            layer="below",
        )
        for value, words in (
            (limits.critical_low_c, "critical low"),
            (limits.critical_high_c, "critical high"),
        ):
            if value is None:
                continue
            figure.add_shape(
                type="line",
                xref="x3 domain",
                yref="y",
                x0=0,
                x1=1,
                y0=value,
                y1=value,
                line={"color": red, "width": 1, "dash": "dot"},
            )
            figure.add_annotation(
                text=f"{words} {value:g} °C",
                font={"size": 11, "color": red},
                showarrow=False,
                xref="x3 domain",
                yref="y",
                x=0,
                y=value,
                xanchor="left",
                yanchor="bottom",
            )
    colours = (surface["track"], surface["route"], surface["live"], surface["muted"])
    first = True
    for column, colour in zip(PROBES, colours, strict=True):
        probe = column.removesuffix("_c")
        for device, part in readings[readings[column].notna()].groupby("device_id", sort=True):
            line = with_gaps(part[[column]])
            figure.add_trace(
                go.Scatter(
                    x=pd.DatetimeIndex(line.index),
                    y=_plain(line[column]),
                    mode="lines",
                    line={"color": colour, "width": 2.2 if first else 1.4},
                    connectgaps=False,
                    name=figure_text(f"{probe} {device}", 80),
                    showlegend=True,
                    hovertemplate="%{y:.1f} °C",
                ),
                row=1,
                col=1,
            )
            first = False


def _speed(figure: go.Figure, track: pd.DataFrame, theme: Theme, *, row: int) -> None:
    if track.empty:
        return
    line = with_gaps(track[["speed_mps"]])
    figure.add_trace(
        go.Scatter(
            x=pd.DatetimeIndex(line.index),
            y=[None if pd.isna(v) else round(float(v) * 3.6, 1) for v in line["speed_mps"]],
            mode="lines",
            line={"color": SURFACES[theme]["muted"], "width": 1.4},
            connectgaps=False,
            name="speed",
            hovertemplate="%{y:.0f} km/h",
        ),
        row=row,
        col=1,
    )


def _seal(figure: go.Figure, readings: pd.DataFrame, theme: Theme, *, row: int) -> None:
    sealed = readings[readings["seal"].notna()]
    for device, part in sealed.groupby("device_id", sort=True):
        line = with_gaps(part[["seal"]])
        figure.add_trace(
            go.Scatter(
                x=pd.DatetimeIndex(line.index),
                y=[_SEAL_LEVEL.get(v) if isinstance(v, str) else None for v in line["seal"]],
                text=[v if isinstance(v, str) else "" for v in line["seal"]],
                mode="lines",
                line={"shape": "hv", "color": SURFACES[theme]["text"], "width": 1.6},
                connectgaps=False,
                name=figure_text(f"seal {device}", 80),
                hovertemplate="%{text}",
            ),
            row=row,
            col=1,
        )


def _events(figure: go.Figure, events: pd.DataFrame, theme: Theme, *, row: int) -> None:
    """Mark what was raised, on the strip at the bottom where the eye looks for moments."""
    if events.empty:
        return
    raised = events[events["phase"].isin(["raised", "noted"]) & (events["rank"] >= 1)]
    if raised.empty:
        return
    colours = {s.value: SEVERITIES[theme][s] for s in Severity}
    symbols = {
        "critical": "square",
        "high": "triangle-up",
        "medium": "triangle-down",
        "low": "circle",
        "info": "diamond",
    }
    figure.add_trace(
        go.Scatter(
            x=pd.DatetimeIndex(raised.index),
            y=[_EVENT_LEVEL] * len(raised),
            mode="markers",
            marker={
                "size": 10,
                "color": [colours[s] for s in raised["severity"]],
                "symbol": [symbols[s] for s in raised["severity"]],
            },
            text=[
                f"{text.SEVERITY_WORDS[Severity(s)]}: {figure_text(t, 120)}"
                for s, t in zip(raised["severity"], raised["title"], strict=True)
            ],
            hovertemplate="%{text}<extra></extra>",
            name="events",
        ),
        row=row,
        col=1,
    )


def _plain(values: "pd.Series[Any]") -> list[float | None]:
    return [None if pd.isna(v) else float(v) for v in values]
