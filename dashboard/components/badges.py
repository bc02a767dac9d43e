"""Severities, states and flags: shape, word and colour together, never colour alone."""

from typing import Any

from dash import html

from dashboard import text
from dashboard.safe_text import clean
from puente.model import Severity
from puente.triage import AlertState

PRIORITY = {
    Severity.CRITICAL: "P1",
    Severity.HIGH: "P2",
    Severity.MEDIUM: "P3",
    Severity.LOW: "P4",
    Severity.INFO: "info",
}


def severity(value: Severity, *, words: bool = True) -> Any:  # noqa: ANN401 - a component
    """Show a severity: its shape and priority, and its word unless there is no room."""
    label = f"{PRIORITY[value]} {text.SEVERITY_WORDS[value]}" if words else PRIORITY[value]
    return html.Span(
        [html.I(className="pg-shape"), label],
        className=f"pg-sev pg-sev--{value.value}",
        title=text.SEVERITY_WORDS[value],
    )


def alert_state(value: AlertState) -> Any:  # noqa: ANN401 - a component
    """Show where an alert stands, in words."""
    return html.Span(
        text.ALERT_STATE_WORDS[value].capitalize(), className=f"pg-state pg-state--{value.value}"
    )


def late(is_late: bool, delay_ms: int = 0) -> Any:  # noqa: ANN401 - a component
    """Mark what we learned long after it happened; nothing when we did not."""
    if not is_late:
        return None
    return html.Span(
        "LATE",
        className="pg-late",
        title=f"We learned of it {text.age(delay_ms / 1000)} after it happened",
    )


def flag(words: str, kind: str = "") -> Any:  # noqa: ANN401 - a component
    """Show a short word in a frame."""
    return html.Span(clean(words), className=f"pg-flag pg-flag--{kind}" if kind else "pg-flag")
