"""The shape of a state or a severity, so that neither is told by colour alone.

The drawings are masks in `assets/12-shapes.css`; the map's shader draws the same ones.
"""

from typing import Any

from dash import html

from dashboard.status import STATE_WORDS, VehicleState
from dashboard.text import SEVERITY_WORDS
from puente.model import Severity


def state_shape(state: VehicleState) -> Any:  # noqa: ANN401 - a Dash component
    """Draw a vehicle's state."""
    return html.Span(
        className=f"shape shape-{state.key}", title=STATE_WORDS[state], **{"aria-hidden": "true"}
    )


def severity_shape(severity: Severity) -> Any:  # noqa: ANN401 - a Dash component
    """Draw a severity."""
    return html.Span(
        className=f"shape severity-{severity.value}",
        title=SEVERITY_WORDS[severity],
        **{"aria-hidden": "true"},
    )
