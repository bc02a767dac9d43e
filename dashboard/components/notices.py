"""What a page says when there is nothing to show, or when something is wrong."""

from typing import Any

from dash import html

STORE_AWAY = (
    "The store cannot be reached. What you see is the last that was read; it is not live. "
    "This page tries again by itself."
)


def empty(title: str, *next_steps: Any) -> Any:  # noqa: ANN401 - components
    """Say that there is nothing, and what to do next."""
    return html.Div(
        [html.H3(title), *(html.P(step) for step in next_steps)],
        className="pg-empty",
        role="status",
    )


def banner(message: str | None) -> Any:  # noqa: ANN401 - a component
    """Say what is wrong, above the page; nothing when all is well."""
    return html.Div(message, className="pg-banner", role="alert") if message else None


def said(message: str, ok: bool) -> Any:  # noqa: ANN401 - a component
    """Answer an action."""
    kind = "ok" if ok else "no"
    role = "status" if ok else "alert"
    return html.Div(message, className=f"pg-said pg-said--{kind}", role=role)
