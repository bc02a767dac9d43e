"""The desk of one alert: its detail, and the buttons that the table of transitions allows.

The queue shows it beside the list, `/alerts/<id>` as a page. Each has its own prefix of ids.
"""

from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from dashboard.actions.alerts import perform
from dashboard.components import alert_detail, moments, notices
from dashboard.page import Context
from dashboard.queries.alerts import AlertFile, alert_file
from dashboard.safe_text import clean
from puente.store.connection import StoreUnavailable
from puente.triage import Action, AlertState, allowed

PERIOD_MS = 2_000

OPERATOR = "operator-name"
"""The shell's field that says who sits here, kept in the browser."""

_BUTTONS: dict[Action, tuple[tuple[str, str, str], ...]] = {
    Action.ACKNOWLEDGE: (("acknowledge", "Acknowledge", "filled"),),
    Action.ASSIGN: (("take", "Take it", "default"), ("assign", "Assign", "default")),
    Action.COMMENT: (("comment", "Comment", "default"),),
    Action.CLOSE: (("close", "Close", "filled"),),
}
"""Per action: what the button is called, what it says, how heavy it looks."""


def desk(prefix: str, context: Context, alert_id: str | None) -> Any:  # noqa: ANN401
    """Lay out the desk; with an alert it is there at once, not after the first refresh."""
    body, buttons, seen = _render(prefix, context, alert_id)
    return html.Section(
        [
            dcc.Store(id=f"{prefix}-id", data=alert_id),
            dcc.Store(id=f"{prefix}-seen", data=seen),
            dcc.Store(id=f"{prefix}-done", data=0),
            dcc.Interval(id=f"{prefix}-tick", interval=PERIOD_MS),
            html.Div(body, id=f"{prefix}-body", className="pg-desk-body"),
            html.Div(
                [
                    html.Div(id=f"{prefix}-said", **{"aria-live": "polite"}),
                    dmc.Textarea(
                        id=f"{prefix}-note",
                        placeholder="Note: what you found, whom you called. Needed to comment "
                        "and to close.",
                        autosize=True,
                        minRows=2,
                        maxRows=5,
                        size="sm",
                        **{"aria-label": "Note"},
                    ),
                    html.Div(
                        [
                            html.Div(buttons, id=f"{prefix}-buttons", className="pg-buttons"),
                            dmc.TextInput(
                                id=f"{prefix}-to",
                                placeholder="colleague's name",
                                size="sm",
                                **{"aria-label": "Name of the person to assign it to"},
                            ),
                        ],
                        className="pg-assign",
                    ),
                ],
                id=f"{prefix}-actions",
                className="pg-desk-actions",
                hidden=not buttons,
            ),
        ],
        className="pg-desk",
        **{"aria-label": "Alert"},
    )


def _render(
    prefix: str, context: Context, alert_id: str | None
) -> tuple[Any, list[Any], dict[str, Any] | None]:
    if not alert_id:
        return (
            notices.empty(
                "No alert selected",
                "Choose a line of the queue to see its cause, its evidence and what to do.",
            ),
            [],
            None,
        )
    try:
        found = alert_file(context.store, alert_id)
    except StoreUnavailable:
        return notices.banner(notices.STORE_AWAY), [], None
    if found is None:
        return (
            notices.empty(
                f"There is no alert {clean(alert_id, 80)}",
                "It may have been removed after the time alerts are kept.",
                dcc.Link("Back to the queue", href="/alerts"),
            ),
            [],
            None,
        )
    return _file(context, found), _buttons(prefix, found.alert.state), _seen(found)


def _seen(found: AlertFile) -> dict[str, Any]:
    return {"id": found.alert.id, "revision": found.alert.revision}


def _file(context: Context, found: AlertFile) -> Any:  # noqa: ANN401
    return alert_detail.detail(found.alert, found.audit, context.clock.now())


def _buttons(prefix: str, state: AlertState) -> list[Any]:
    buttons = [
        dmc.Button(
            words,
            id={"type": f"{prefix}-act", "do": name},
            variant=variant,
            size="sm",
            n_clicks=0,
            className=f"pg-do--{name}",
        )
        for action in allowed(state)
        for name, words, variant in _BUTTONS[action]
    ]
    if state.open and Action.CLOSE not in allowed(state):
        buttons.append(html.Small("Acknowledge it first, then it can be closed."))
    return buttons


def register_desk(app: Dash, context: Context, prefix: str) -> None:
    """Add the callbacks of one desk."""

    @app.callback(
        Output(f"{prefix}-body", "children"),
        Output(f"{prefix}-buttons", "children"),
        Output(f"{prefix}-actions", "hidden"),
        Output(f"{prefix}-seen", "data"),
        Input(f"{prefix}-tick", "n_intervals"),
        Input(f"{prefix}-id", "data"),
        Input(f"{prefix}-done", "data"),
        State(f"{prefix}-seen", "data"),
        prevent_initial_call=True,
    )
    def refresh(_tick: int, alert_id: str | None, _done: int, seen: dict[str, Any] | None) -> Any:  # noqa: ANN401 - outputs
        unchanged = (no_update,) * 4
        try:
            if alert_id and ctx.triggered_id == f"{prefix}-tick" and seen:
                found = alert_file(context.store, alert_id)
                if found is not None and _seen(found) == seen:
                    return unchanged
        except StoreUnavailable:
            return unchanged  # what is on the desk stays; the list says that it is not live
        if not alert_id and not seen and ctx.triggered_id == f"{prefix}-tick":
            return unchanged
        body, buttons, now_seen = _render(prefix, context, alert_id)
        return body, buttons, not buttons, now_seen

    @app.callback(
        Output(f"{prefix}-said", "children"),
        Output(f"{prefix}-note", "value"),
        Output(f"{prefix}-to", "value"),
        Output(f"{prefix}-done", "data"),
        Input({"type": f"{prefix}-act", "do": ALL}, "n_clicks"),
        State(f"{prefix}-note", "value"),
        State(f"{prefix}-to", "value"),
        State(f"{prefix}-seen", "data"),
        State(f"{prefix}-done", "data"),
        State(OPERATOR, "value"),
        prevent_initial_call=True,
    )
    def press(
        _clicks: list[int],
        note: str | None,
        to: str | None,
        seen: dict[str, Any] | None,
        done: int,
        operator: str | None,
    ) -> Any:  # noqa: ANN401 - outputs
        pressed = ctx.triggered_id
        # New buttons announce themselves with 0 clicks: nobody pressed them.
        if not isinstance(pressed, dict) or not ctx.triggered[0]["value"] or not seen:
            return (no_update,) * 4
        name = str(pressed["do"])
        operator = (operator or "").strip()
        if not operator:
            message = (
                "Enter your name first (top right): every action is kept with who did it and when."
            )
            return notices.said(message, ok=False), no_update, no_update, no_update
        if name == "assign" and not (to or "").strip():
            message = "Write the name of the person to assign it to, or press “Take it”."
            return notices.said(message, ok=False), no_update, no_update, no_update
        action = Action.ASSIGN if name == "take" else Action(name)
        outcome = perform(
            context,
            str(seen["id"]),
            action,
            operator,
            note=note or "",
            to=to if name == "assign" else None,
            # A comment adds and never overwrites: it needs no race.
            revision=None if action is Action.COMMENT else int(seen["revision"]),
        )
        kept = no_update if not outcome.ok else ""
        return notices.said(outcome.message, outcome.ok), kept, kept, done + 1

    @app.callback(
        Output(f"{prefix}-said", "children", allow_duplicate=True),
        Input(f"{prefix}-id", "data"),
        prevent_initial_call=True,
    )
    def forget(_alert_id: str | None) -> Any:  # noqa: ANN401 - an answer belongs to its alert
        return None


def mark(context: Context) -> Any:  # noqa: ANN401 - a component
    """Tell the browser Puente's time."""
    return moments.clock_mark(context.clock.now(), context.clock.rate)
