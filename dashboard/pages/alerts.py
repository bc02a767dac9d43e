"""`/alerts`: the queue of what asks for a person, and the desk of the selected alert."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update

from dashboard import text
from dashboard.components import grids, notices
from dashboard.components.badges import PRIORITY
from dashboard.page import Context, Page
from dashboard.pages.alert_desk import desk, mark, register_desk
from dashboard.queries import alerts as queries
from dashboard.queries.frames import Record, records
from dashboard.safe_text import clean
from puente.model import Severity
from puente.store.alerts import alert_cursor
from puente.store.connection import StoreUnavailable
from puente.triage import Alert, AlertState

PERIOD_MS = 2_000
PREFIX = "alerts-desk"

_SEVERITIES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


def _columns() -> list[grids.Column]:
    return [
        grids.column("rank", "Severity", 118, cellRenderer="PgSeverity", sort="desc", sortIndex=0),
        grids.column(
            "title", "Title", tooltipField="summary", cellClass="pg-strong", minWidth=240
        ),
        grids.column("shipment_id", "Shipment", 104, cellRenderer="PgShipment"),
        grids.column("state_words", "State", 194, cellRenderer="PgAlertState"),
        grids.column("owner", "Owner", 96, valueFormatter=grids.js("params.value || '–'")),
        {**grids.age_column("occurred_at", "Age", 76), "colId": "age"},
        grids.column("late", "Late", 70, cellRenderer="PgLate"),
        # Last: on narrow screens what is decided by comes first, the age stands for them.
        grids.instant_column("occurred_at", "Happened (UTC)", 146),
        grids.instant_column("learned_at", "Learned (UTC)", 156, sort="desc", sortIndex=1),
    ]


def layout(context: Context, _params: Mapping[str, str], query: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Lay out the queue for a URL; filters and selection are in it."""
    wanted = _wanted_from(query)
    selected = query.get("alert") or None
    try:
        rows, summary, kinds = _load(context, wanted)
        problem = None
    except StoreUnavailable:
        rows, summary, kinds, problem = [], None, [], notices.STORE_AWAY
    return html.Div(
        [
            html.Div(notices.banner(problem), id="alerts-banner"),
            html.Div(
                [
                    html.H1("Alerts"),
                    dmc.SegmentedControl(
                        id="alerts-state",
                        value=wanted["state"],
                        data=[
                            {"value": "open", "label": "Open"},
                            {"value": "closed", "label": "Closed"},
                        ],
                        size="sm",
                    ),
                    dmc.ChipGroup(
                        [
                            dmc.Chip(
                                f"{PRIORITY[s]} {text.SEVERITY_WORDS[s]}",
                                value=s.value,
                                size="sm",
                                variant="outline",
                            )
                            for s in _SEVERITIES
                        ],
                        id="alerts-severity",
                        value=wanted["severity"],
                        multiple=True,
                    ),
                    dmc.MultiSelect(
                        id="alerts-kind",
                        value=wanted["kind"],
                        data=sorted({*kinds, *wanted["kind"]}),
                        placeholder="Kind",
                        clearable=True,
                        searchable=True,
                        size="sm",
                        w=230,
                        **{"aria-label": "Kind"},
                    ),
                    dmc.TextInput(
                        id="alerts-text",
                        value=wanted["text"],
                        placeholder="Search title, shipment, owner",
                        debounce=300,
                        size="sm",
                        w=240,
                        **{"aria-label": "Search"},
                    ),
                    html.Div(summary, id="alerts-summary", className="pg-counts"),
                ],
                className="pg-bar",
            ),
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(
                                grids.grid(
                                    "alerts-grid",
                                    _columns(),
                                    rows,
                                    select=True,
                                    empty=_nothing(wanted),
                                    selectedRows={"ids": [selected]} if selected else [],
                                ),
                                className="pg-fill",
                            ),
                        ],
                        className="pg-list",
                    ),
                    desk(PREFIX, context, selected),
                ],
                className="pg-split",
            ),
            html.Div(mark(context), id="alerts-clock"),
            dcc.Interval(id="alerts-tick", interval=PERIOD_MS),
            dcc.Store(id="alerts-fingerprint", data=None),
            dcc.Store(id="alerts-url"),
        ],
        className="pg pg--alerts",
    )


def _wanted_from(query: Mapping[str, str]) -> dict[str, Any]:
    known = {s.value for s in _SEVERITIES}
    return {
        "state": "closed" if query.get("state") == "closed" else "open",
        "severity": [s for s in query.get("severity", "").split(",") if s in known],
        "kind": [clean(k, 60) for k in query.get("kind", "").split(",") if k],
        "text": clean(query.get("q", ""), 100),
    }


def _nothing(wanted: Mapping[str, Any]) -> str:
    if wanted["severity"] or wanted["kind"] or wanted["text"]:
        return "No alert matches these filters. Clear a filter to see more."
    if wanted["state"] == "closed":
        return "Nothing has been closed yet. Acknowledge and close an open alert to see it here."
    return "No open alerts. New ones appear here by themselves; closed ones are under “Closed”."


def _load(
    context: Context, wanted: Mapping[str, Any]
) -> tuple[list[Record], list[Any], list[str]]:
    alerts = (
        queries.history(context.store)
        if wanted["state"] == "closed"
        else queries.queue(context.store)
    )
    kinds = sorted({clean(a.kind, 60) for a in alerts})
    return rows_of(a for a in alerts if _matches(a, wanted)), _summary(alerts, wanted), kinds


def rows_of(alerts: Any) -> list[Record]:  # noqa: ANN401 - an iterable of alerts
    """Turn alerts into lines of the queue, what devices said made harmless."""
    lines = records(queries.alerts_frame(alerts))
    for line in lines:
        for name in ("title", "summary", "shipment_id", "owner", "kind", "subject", "device_id"):
            line[name] = clean(line[name]) if line[name] is not None else None
        line["state_words"] = text.ALERT_STATE_WORDS[AlertState(line["state"])].capitalize()
    return lines


def _matches(alert: Alert, wanted: Mapping[str, Any]) -> bool:
    if wanted["severity"] and alert.severity.value not in wanted["severity"]:
        return False
    if wanted["kind"] and clean(alert.kind, 60) not in wanted["kind"]:
        return False
    words = str(wanted["text"] or "").casefold().split()
    hay = " ".join(
        filter(
            None,
            (
                alert.title,
                alert.summary,
                alert.shipment_id,
                alert.subject,
                alert.device_id,
                alert.kind,
                alert.assigned_to,
                alert.acknowledged_by,
                alert.id,
            ),
        )
    ).casefold()
    return all(word in hay for word in words)


def _summary(alerts: Sequence[Alert], wanted: Mapping[str, Any]) -> list[Any]:
    if wanted["state"] == "closed":
        return [html.Span(text.plural(len(alerts), "closed alert"))]
    alone = [a for a in alerts if not a.state.acknowledged]
    counts = [
        html.Span(
            [
                html.I(className="pg-shape"),
                f"{PRIORITY[s]} {sum(a.severity is s for a in alerts)}",
            ],
            className=f"pg-sev pg-sev--{s.value}",
        )
        for s in _SEVERITIES
        if any(a.severity is s for a in alerts)
    ]
    unattended = f"{len(alone)} not acknowledged" if alone else "all acknowledged"
    return [*counts, html.Span(f"{text.plural(len(alerts), 'open alert')}, {unattended}")]


def register(app: Dash, context: Context) -> None:
    """Add the callbacks of the queue."""
    register_desk(app, context, PREFIX)

    @app.callback(
        Output("alerts-grid", "rowData"),
        Output("alerts-grid", "dashGridOptions"),
        Output("alerts-summary", "children"),
        Output("alerts-kind", "data"),
        Output("alerts-banner", "children"),
        Output("alerts-clock", "children"),
        Output("alerts-fingerprint", "data"),
        Input("alerts-tick", "n_intervals"),
        Input("alerts-state", "value"),
        Input("alerts-severity", "value"),
        Input("alerts-kind", "value"),
        Input("alerts-text", "value"),
        Input(f"{PREFIX}-done", "data"),
        State("alerts-fingerprint", "data"),
        State("alerts-grid", "dashGridOptions"),
        prevent_initial_call=True,
    )
    def refresh(
        _tick: int,
        state: str,
        severity: list[str] | None,
        kind: list[str] | None,
        words: str | None,
        _done: int,
        fingerprint: Any,  # noqa: ANN401 - what we sent
        options: dict[str, Any],
    ) -> Any:  # noqa: ANN401 - outputs
        wanted = {
            "state": state,
            "severity": severity or [],
            "kind": kind or [],
            "text": words or "",
        }
        try:
            seen = [alert_cursor(context.store), wanted]
            if seen == fingerprint:
                return (*(no_update,) * 4, None, no_update, no_update)
            rows, summary, kinds = _load(context, wanted)
        except StoreUnavailable:
            banner = notices.banner(notices.STORE_AWAY)
            return (*(no_update,) * 4, banner, no_update, None)
        locale = {"noRowsToShow": _nothing(wanted)}
        changed = ctx.triggered_id != "alerts-tick" and options.get("localeText") != locale
        return (
            rows,
            {**options, "localeText": locale} if changed else no_update,
            summary,
            sorted({*kinds, *wanted["kind"]}),
            None,
            mark(context),
            seen,
        )

    @app.callback(
        Output(f"{PREFIX}-id", "data"),
        Input("alerts-grid", "selectedRows"),
        State(f"{PREFIX}-id", "data"),
        prevent_initial_call=True,
    )
    def select(selected: list[Record] | None, held: str | None) -> Any:  # noqa: ANN401 - an output
        # A closed alert leaves the list and with it the selection; it stays on the desk. New
        # rows announce the selection again: that is no new choice.
        if not isinstance(selected, list) or not selected or selected[0]["id"] == held:
            return no_update
        return selected[0]["id"]

    app.clientside_callback(
        ClientsideFunction("puentePages", "alertsUrl"),
        Output("alerts-url", "data"),
        Input("alerts-state", "value"),
        Input("alerts-severity", "value"),
        Input("alerts-kind", "value"),
        Input("alerts-text", "value"),
        Input(f"{PREFIX}-id", "data"),
        prevent_initial_call=True,
    )


PAGE = Page(
    name="alerts",
    path="/alerts",
    title="Alerts",
    layout=layout,
    register=register,
    icon="tabler:bell-ringing",
)
