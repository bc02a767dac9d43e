"""The figures at the top of every page and of the wall.

The numbers are written by `assets/32-headline.js` once a second into whatever carries
`data-figure`; here is what they are called and what they mean.
"""

from dataclasses import dataclass
from typing import Any

from dash import html

from dashboard.components.shapes import severity_shape
from dashboard.text import SEVERITY_WORDS, UNKNOWN
from puente.model import Severity


@dataclass(frozen=True)
class Figure:
    """One figure: its key in the status message, its name, and its meaning in a sentence."""

    key: str
    label: str
    meaning: str
    shape: str | None = None


FIGURES = (
    Figure(
        "in_transit",
        "In transit",
        "Shipments with a known position that are neither at their origin nor at their "
        "destination.",
    ),
    Figure(
        "at_border",
        "At the border",
        "Shipments inside a border fence: queue, export customs, CBP or state inspection.",
        "shape-at_border",
    ),
    Figure(
        "off_route",
        "Off route",
        "Shipments with an open route deviation.",
        "shape-off_route",
    ),
    Figure(
        "silent",
        "Silent",
        "Shipments that nothing was heard of for 15 minutes, or that are overdue by their own "
        "reporting interval.",
        "shape-silent",
    ),
    Figure(
        "unassigned",
        "Unassigned",
        "Devices that report but belong to no shipment in the plan.",
        "shape-unassigned",
    ),
)

_SHOWN = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


def figures(*keys: str) -> list[Any]:
    """Build the figures with these keys, all of them by default."""
    return [_figure(f) for f in FIGURES if not keys or f.key in keys]


def _figure(figure: Figure) -> Any:  # noqa: ANN401 - a Dash component
    mark = [html.Span(className=f"shape {figure.shape}")] if figure.shape else []
    return html.Div(
        [
            html.Span([*mark, figure.label], className="figure-label"),
            html.Span(
                [
                    html.Span(UNKNOWN, className="figure-value", **{"data-figure": figure.key}),
                    html.Span(className="figure-note", **{"data-note": figure.key}),
                ],
                className="figure-line",
            ),
        ],
        className=f"figure figure-{figure.key}",
        title=figure.meaning,
    )


def alerts_by_severity() -> Any:  # noqa: ANN401 - a Dash component
    """Build the count of open alerts: a shape and a number for each severity."""
    return html.Div(
        [
            html.Span("Open alerts", className="figure-label"),
            html.Span(
                [
                    html.Span(
                        [
                            severity_shape(severity),
                            html.Span(
                                UNKNOWN,
                                className="figure-value",
                                **{"data-severity": severity.value},
                            ),
                            html.Span(SEVERITY_WORDS[severity], className="figure-word"),
                        ],
                        className=f"by-severity is-{severity.value}",
                        title=f"Open alerts of severity {SEVERITY_WORDS[severity].lower()}",
                    )
                    for severity in _SHOWN
                ],
                className="figure-line",
            ),
        ],
        className="figure figure-alerts",
    )
