"""`/devices`: who sends, who fell silent, who is in no plan, and what could not be used."""

import json
from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dashboard import text
from dashboard.components import badges, grids, moments, notices
from dashboard.components.tables import table
from dashboard.page import Context, Page
from dashboard.pages.alert_desk import mark
from dashboard.queries import devices as queries
from dashboard.queries.frames import Record, records
from dashboard.queries.plans import current_plan
from dashboard.safe_text import clean
from puente.instant import Instant
from puente.store.connection import StoreUnavailable

PERIOD_MS = 5_000

SHOWN_REJECTIONS = 40
SHOWN_DEVICES = 30

SHOW = {
    "all": "All",
    "unassigned": "Unassigned",
    "silent": "Silent",
    "rejected": "With rejections",
}

REASON_WORDS = {
    "too_large": "larger than 16,384 bytes",
    "not_utf8": "text that is not UTF-8",
    "not_json": "broken JSON",
    "not_an_object": "JSON, but not an object",
    "duplicate_key": "a key twice",
    "missing_field": "a required field is missing",
    "wrong_type": "a field of the wrong type",
    "out_of_range": "a value out of range",
    "half_pair": "half of a pair (lat without lon, boot without seq)",
    "bad_device_id": "a device id with other characters",
    "unknown_topic": "a topic nobody knows",
    "unknown_dialect": "a dialect nobody knows",
    "time_in_future": "a time in the future",
    "time_too_old": "a time before 2020",
    "bad_line": "a line that is not a delivery",
}


def _columns() -> list[grids.Column]:
    def count(field: str, name: str, width: int = 104) -> grids.Column:
        return grids.column(
            field,
            name,
            width,
            type="rightAligned",
            valueFormatter=grids.js("pgNumber(params.value, 0)"),
            cellClass="pg-num ag-right-aligned-cell",
        )

    return [
        grids.column("device_id", "Device", cellClass="pg-strong"),
        grids.column("shipment_id", "Shipment", 140, cellRenderer="PgBound"),
        grids.column("role", "Role", 92, valueFormatter=grids.js("params.value || '–'")),
        grids.age_column("heard_at", "Last heard", 112, sort="desc"),
        grids.column("silent", "Silent?", 92, cellRenderer="PgSilent"),
        count("readings", "Readings"),
        count("duplicates", "Duplicates", 108),
        count("conflicts", "Conflicts", 98),
        count("rejected", "Rejected", 98),
        grids.column(
            "watermark",
            "Watermark",
            168,
            valueFormatter=grids.js("params.value || 'does not number'"),
            headerTooltip="Everything up to this reading is on disk or was declared gone",
        ),
    ]


def layout(context: Context, _params: Mapping[str, str], query: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Lay out the list for a URL."""
    show = query.get("show", "all")
    show = show if show in SHOW else "all"
    words = clean(query.get("q", ""), 100)
    problem, summary, panels = None, None, None
    rows: list[Record] = []
    try:
        rows, summary, panels = _load(context, show, words)
    except StoreUnavailable:
        problem = notices.STORE_AWAY
    return html.Div(
        [
            html.Div(notices.banner(problem), id="devices-banner"),
            html.Div(
                [
                    html.H1("Devices"),
                    dmc.SegmentedControl(
                        id="devices-show",
                        value=show,
                        data=[{"value": v, "label": label} for v, label in SHOW.items()],
                        size="sm",
                    ),
                    dmc.TextInput(
                        id="devices-text",
                        value=words,
                        placeholder="Search device, shipment, topic",
                        debounce=300,
                        size="sm",
                        w=260,
                        **{"aria-label": "Search"},
                    ),
                    html.Div(summary, id="devices-summary", className="pg-counts"),
                ],
                className="pg-bar",
            ),
            html.Div(
                [
                    html.Div(
                        html.Div(
                            grids.grid(
                                "devices-grid",
                                _columns(),
                                rows,
                                row_id="params.data.device_id",
                                empty="No device matches. None sent yet? Publish to "
                                "puente/v1/<device_id>/telemetry.",
                            ),
                            className="pg-fill",
                        ),
                        className="pg-list",
                    ),
                    html.Aside(panels, id="devices-panels", className="pg-side"),
                ],
                className="pg-split",
            ),
            html.Div(mark(context), id="devices-clock"),
            dcc.Interval(id="devices-tick", interval=PERIOD_MS),
            dcc.Store(id="devices-fingerprint"),
            dcc.Store(id="devices-url"),
        ],
        className="pg pg--devices",
    )


def _load(context: Context, show: str, words: str) -> tuple[list[Record], Any, list[Any]]:
    plan, now = current_plan(context.store), context.clock.now()
    lines = records(queries.devices_frame(queries.devices(context.store), plan, now))
    for line in lines:
        line["topic"] = clean(line["topic"])
    shown = [line for line in lines if _passes(line, show, words)]
    silent = [line for line in lines if line["silent"]]
    unassigned = [line for line in lines if not line["assigned"]]
    summary = [
        html.Span(text.plural(len(lines), "device")),
        html.Span(f"{text.number(len(unassigned))} unassigned"),
        html.Span(f"{text.number(len(silent))} silent"),
    ]
    panels = [
        _unassigned(unassigned, now),
        _silent(silent, now),
        _rejections(context, now),
    ]
    return shown, summary, panels


def _passes(line: Record, show: str, words: str) -> bool:
    chosen = {
        "all": True,
        "unassigned": not line["assigned"],
        "silent": line["silent"],
        "rejected": line["rejected"] > 0,
    }[show]
    hay = f"{line['device_id']} {line['shipment_id'] or ''} {line['topic']}".casefold()
    return bool(chosen) and all(word in hay for word in words.casefold().split())


def _unassigned(lines: list[Record], now: Instant) -> Any:  # noqa: ANN401
    items = [
        html.Li(
            [
                html.Div(
                    [
                        html.B(line["device_id"]),
                        badges.flag("UNASSIGNED", "hollow"),
                        moments.age(line["heard_at"], now),
                    ],
                    className="pg-row",
                ),
                html.Div(
                    [
                        html.Code(plan_line(line["device_id"]), id=f"plan-{i}"),
                        dcc.Clipboard(
                            content=plan_line(line["device_id"]),
                            title="Copy",
                            className="pg-copy",
                        ),
                    ],
                    className="pg-codeline",
                ),
            ]
        )
        for i, line in enumerate(lines[:SHOWN_DEVICES])
    ]
    hint = html.P(
        [
            "In no plan: kept and shown hollow on the map, but no rule watches them. Add each "
            "to a plan, under “devices” of its shipment, then ",
            html.Code("puente load PLAN.json"),
            ".",
        ],
        className="pg-muted",
    )
    return html.Section(
        [
            html.H3(f"Unassigned devices ({text.number(len(lines))})"),
            *([hint, html.Ol(items, className="pg-plainlist")] if lines else []),
            *([] if lines else [html.P("Every device is in a plan.", className="pg-muted")]),
            _more(len(lines)),
        ],
        className="pg-panel",
    )


def plan_line(device_id: str) -> str:
    """Write the line that puts a device into a plan file."""
    return json.dumps({"device_id": device_id, "role": "trailer", "from": None, "to": None})


def _more(count: int) -> Any:  # noqa: ANN401
    hidden = count - SHOWN_DEVICES
    return html.P(f"and {hidden} more in the list", className="pg-muted") if hidden > 0 else None


def _silent(lines: list[Record], now: Instant) -> Any:  # noqa: ANN401
    rows = [
        [
            line["device_id"],
            dcc.Link(line["shipment_id"], href=f"/shipments/{line['shipment_id']}")
            if line["shipment_id"]
            else "unassigned",
            moments.age(line["news_at"], now),
        ]
        for line in sorted(lines, key=lambda line: -(line["news_at"] or 0))[:SHOWN_DEVICES]
    ]
    return html.Section(
        [
            html.H3(f"Silent for 15 minutes or longer ({text.number(len(lines))})"),
            table(["Device", "Shipment", "Newest reading"], rows, empty="Every device has news."),
            _more(len(lines)),
        ],
        className="pg-panel",
    )


def _rejections(context: Context, now: Instant) -> Any:  # noqa: ANN401
    counts = queries.rejection_counts(context.store)
    newest = queries.rejections(context.store, SHOWN_REJECTIONS)
    most = max(counts.values(), default=1)
    reasons = html.Ul(
        [
            html.Li(
                [
                    html.Span(_sentence(REASON_WORDS.get(reason, reason))),
                    html.Span(text.number(n), className="pg-num"),
                    html.Small(reason),
                    html.Span(
                        html.I(style={"width": f"{100 * n / most:.0f}%"}),
                        className="pg-progress-bar",
                    ),
                ]
            )
            for reason, n in counts.items()
        ],
        className="pg-reasons",
    )
    items = [
        html.Li(
            [
                html.Div(
                    [
                        html.B(r.rejection.value),
                        html.Span(clean(r.detail, 200)),
                        moments.age(r.received_at, now),
                    ],
                    className="pg-row",
                ),
                html.Small(clean(r.topic, 200) or "no topic"),
                html.Code(clean(r.excerpt, 300), className="pg-excerpt") if r.excerpt else None,
            ]
        )
        for r in newest
    ]
    total = sum(counts.values())
    return html.Section(
        [
            html.H3(f"Rejected since the start ({text.number(total)})"),
            html.P("Nothing was rejected: every message could be used.", className="pg-muted")
            if not total
            else reasons,
            *([html.H4("Newest"), html.Ol(items, className="pg-rejections")] if items else []),
        ],
        className="pg-panel",
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def register(app: Dash, context: Context) -> None:
    """Add the callbacks of the page."""

    @app.callback(
        Output("devices-grid", "rowData"),
        Output("devices-panels", "children"),
        Output("devices-summary", "children"),
        Output("devices-banner", "children"),
        Output("devices-clock", "children"),
        Output("devices-fingerprint", "data"),
        Input("devices-tick", "n_intervals"),
        Input("devices-show", "value"),
        Input("devices-text", "value"),
        State("devices-fingerprint", "data"),
        prevent_initial_call=True,
    )
    def refresh(_tick: int, show: str, words: str | None, fingerprint: Any) -> Any:  # noqa: ANN401
        try:
            rows, summary, panels = _load(context, show, words or "")
            counters = sorted(queries.rejection_counts(context.store).items())
        except StoreUnavailable:
            kept = (no_update,) * 3
            return (*kept, notices.banner(notices.STORE_AWAY), no_update, no_update)
        seen = [
            show,
            words,
            len(rows),
            [
                sum(int(line[name] or 0) for line in rows)
                for name in ("heard_at", "readings", "silent", "assigned", "rejected")
            ],
            [list(pair) for pair in counters],
        ]
        if seen == fingerprint:
            return (*(no_update,) * 3, None, mark(context), no_update)
        return rows, panels, summary, None, mark(context), seen

    app.clientside_callback(
        ClientsideFunction("puentePages", "devicesUrl"),
        Output("devices-url", "data"),
        Input("devices-show", "value"),
        Input("devices-text", "value"),
        prevent_initial_call=True,
    )


PAGE = Page(
    name="devices",
    path="/devices",
    title="Devices",
    layout=layout,
    register=register,
    icon="tabler:router",
)
