"""What stands where there is nothing to show: what is missing, and what to do next."""

from typing import Any

from dash import html


def empty(title: str, *advice: Any, command: str | None = None) -> Any:  # noqa: ANN401 - Dash children
    """Build an empty state; `command` is what a person can run to change it."""
    return html.Div(
        [
            html.H2(title),
            *(html.P(line) for line in advice),
            *([html.Code(command)] if command else []),
        ],
        className="empty",
    )
