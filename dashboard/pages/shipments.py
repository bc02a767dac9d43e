"""`/shipments`: every planned shipment on one board."""

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash_iconify import DashIconify

from dashboard import text
from dashboard.components import grids, notices
from dashboard.page import Context, Page
from dashboard.pages.alert_desk import mark
from dashboard.queries.board import NOT_HEARD, STATE_WORDS, TILES, Board
from dashboard.queries.plans import current_plan
from dashboard.safe_text import clean, csv_text
from puente import instant
from puente.clock import real_now
from puente.model import SealState
from puente.plan import Plan
from puente.store.connection import StoreUnavailable

PERIOD_MS = 3_000

TILE_WORDS = {
    "all": "Shipments",
    "alerts": "With open alerts",
    "off_route": "Off route",
    "stopped": "Standing",
    "at_border": "At the border",
    "temperature": "Outside band",
    "seal": "Seal broken",
    "silent": "Silent",
    "not_heard": "Not heard yet",
}

_STATES = (
    "alert_critical",
    "alert_high",
    "silent",
    "off_route",
    "at_border",
    "stopped",
    "on_route",
    NOT_HEARD,
)


def _columns() -> list[grids.Column]:
    number = "rightAligned"
    return [
        grids.column("id", "Shipment", 124, cellRenderer="PgShipment", sort="asc", sortIndex=1),
        grids.column("state_words", "State", 186, cellRenderer="PgShipmentState"),
        grids.column(
            "alert_rank",
            "Worst open alert",
            cellRenderer="PgWorst",
            tooltipField="alert_title",
            sort="desc",
            sortIndex=0,
            flex=3,
            minWidth=290,
        ),
        grids.column("carrier", "Carrier", 136, tooltipField="carrier"),
        grids.column("route_words", "Route", tooltipField="route_words", flex=2, minWidth=200),
        grids.column("crossing", "Crossing", 84),
        grids.column("progress", "Progress", 112, cellRenderer="PgProgress"),
        grids.column(
            "remaining_km",
            "Left",
            78,
            type=number,
            valueFormatter=grids.js("pgNumber(params.value, 0, 'km')"),
        ),
        grids.age_column("fix_at", "Last fix", 92),
        grids.column(
            "temperature_c", "Temperature", 150, type=number, cellRenderer="PgTemperature"
        ),
        grids.column("seal_short", "Seal", 118, cellRenderer="PgSeal", tooltipField="seal_words"),
        grids.column(
            "stopped_at",
            "Standing for",
            112,
            type=number,
            cellClass="pg-num pg-age ag-right-aligned-cell",
            valueFormatter=grids.js("params.value ? pgSpan(params.value) : '–'"),
        ),
        grids.column(
            "planned_arrival_at",
            "Arrival (UTC)",
            116,
            valueFormatter=grids.js("pgMinute(params.value)"),
            tooltipValueGetter=grids.js("pgZones(params.value)"),
            cellClass="pg-num",
        ),
    ]


def line_for_grid(line: Mapping[str, object]) -> dict[str, object]:
    """Add the words to a line of the board and make what was typed elsewhere harmless."""
    ends = [clean(line[end], 60) for end in ("origin", "destination") if line[end]]
    return {
        **line,
        "alert_title": clean(line["alert_title"]) if line["alert_title"] else None,
        "carrier": clean(line["carrier"], 80) or text.UNKNOWN,
        "crossing": clean(line["crossing"], 30) or text.UNKNOWN,
        "state_words": STATE_WORDS[str(line["state"])],
        "seal_short": text.SEAL_SHORT[SealState(str(line["seal"]))].capitalize(),
        "seal_words": text.SEAL_WORDS[SealState(str(line["seal"]))].capitalize(),
        "route_words": " → ".join(ends) or clean(line["route"], 60) or text.UNKNOWN,
    }


def layout(context: Context, _params: Mapping[str, str], query: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Lay out the board for a URL; lines come with the first refresh."""
    problem, plan = None, Plan()
    try:
        plan = current_plan(context.store)
    except StoreUnavailable:
        problem = notices.STORE_AWAY
    tile = query.get("tile", "")
    if not plan.shipments and problem is None:
        return html.Div(
            notices.empty(
                "No shipments in the plan",
                "Puente watches what a plan names. Load one, and this board fills by itself:",
                html.Code("puente load PLAN.json"),
                html.Span(
                    [
                        "Devices that already send are under ",
                        dcc.Link("Devices", href="/devices"),
                        ".",
                    ]
                ),
            ),
            className="pg pg--lone",
        )
    return html.Div(
        [
            html.Div(notices.banner(problem), id="shipments-banner"),
            html.Div(
                [
                    html.Button(
                        [
                            html.B("–", id={"type": "shipments-n", "name": name}),
                            html.Span(TILE_WORDS[name]),
                        ],
                        id={"type": "shipments-tile", "name": name},
                        className=f"pg-tile pg-tile--{name}",
                        n_clicks=0,
                        type="button",
                    )
                    for name in TILES
                ],
                className="pg-tiles",
                role="group",
                **{"aria-label": "Counts; press one to filter by it"},
            ),
            html.Div(
                [
                    html.H1("Shipments"),
                    _select(
                        "state",
                        "State",
                        query.get("state"),
                        [{"value": s, "label": STATE_WORDS[s]} for s in _STATES],
                    ),
                    _select(
                        "carrier",
                        "Carrier",
                        query.get("carrier"),
                        _names(s.carrier for s in plan.shipments.values()),
                    ),
                    _select(
                        "crossing",
                        "Crossing",
                        query.get("crossing"),
                        _names(s.crossing for s in plan.shipments.values()),
                    ),
                    dmc.TextInput(
                        id="shipments-text",
                        value=clean(query.get("q", ""), 100),
                        placeholder="Search shipment, carrier, place",
                        debounce=200,
                        size="sm",
                        w=260,
                        **{"aria-label": "Search"},
                    ),
                    html.Div(
                        [
                            html.Span(id="shipments-shown"),
                            dmc.Button(
                                "Export CSV",
                                id="shipments-export",
                                size="sm",
                                variant="default",
                                leftSection=DashIconify(icon="tabler:download", width=16),
                            ),
                        ],
                        className="pg-counts",
                    ),
                ],
                className="pg-bar",
            ),
            html.Div(
                grids.grid(
                    "shipments-grid",
                    _columns(),
                    [],
                    empty="No shipment matches. Clear a filter to see more.",
                    options={
                        "isExternalFilterPresent": grids.js("pgBoardFiltered()"),
                        "doesExternalFilterPass": grids.js("pgBoardPasses(params)"),
                    },
                ),
                className="pg-fill",
            ),
            html.Div(mark(context), id="shipments-clock"),
            dcc.Interval(id="shipments-tick", interval=PERIOD_MS),
            dcc.Store(id="shipments-seen"),
            dcc.Store(id="shipments-tile", data=tile if tile in TILES else ""),
            dcc.Store(id="shipments-url"),
            dcc.Download(id="shipments-csv"),
        ],
        className="pg pg--shipments",
    )


def _select(name: str, words: str, value: str | None, choices: list[Any]) -> Any:  # noqa: ANN401
    known = {c["value"] if isinstance(c, dict) else c for c in choices}
    return dmc.Select(
        id=f"shipments-{name}",
        value=value if value in known else None,
        data=choices,
        placeholder=words,
        clearable=True,
        searchable=True,
        size="sm",
        w=176,
        **{"aria-label": words},
    )


def _names(values: Any) -> list[str]:  # noqa: ANN401 - an iterable of names
    return sorted({clean(v, 80) for v in values if v})


CSV_COLUMNS = (
    "id",
    "state_words",
    "place",
    "carrier",
    "sector",
    "route",
    "crossing",
    "origin",
    "destination",
    "progress",
    "remaining_km",
    "fix_at",
    "heard_at",
    "lat_deg",
    "lon_deg",
    "speed_kmh",
    "temperature_c",
    "temperature_at",
    "band_low_c",
    "band_high_c",
    "seal",
    "battery_pct",
    "stopped_at",
    "alert_id",
    "alert_severity",
    "alert_title",
    "alerts",
    "planned_departure_at",
    "planned_arrival_at",
)


def csv_of(lines: list[dict[str, object]]) -> str:
    """Write lines of the board as CSV; instants as RFC 3339, no cell a formula."""
    shown = map(line_for_grid, lines)
    rows = [[_csv_value(name, line[name]) for name in CSV_COLUMNS] for line in shown]
    return csv_text(CSV_COLUMNS, rows)


def _csv_value(name: str, value: object) -> object:
    if name.endswith("_at") and isinstance(value, int):
        return instant.text(value)
    return round(value, 6) if isinstance(value, float) else value


def register(app: Dash, context: Context) -> None:
    """Add the callbacks of the board."""
    board = Board(context.store)

    @app.callback(
        Output("shipments-grid", "rowData"),
        Output("shipments-grid", "rowTransaction"),
        Output({"type": "shipments-n", "name": ALL}, "children"),
        Output("shipments-banner", "children"),
        Output("shipments-clock", "children"),
        Output("shipments-seen", "data"),
        Input("shipments-tick", "n_intervals"),
        State("shipments-seen", "data"),
    )
    def refresh(_tick: int | None, seen: int | None) -> Any:  # noqa: ANN401 - outputs
        try:
            news = board.since(seen, context.clock.now(), real_now())
        except StoreUnavailable:
            still = (no_update,) * len(TILES)
            return (
                no_update,
                no_update,
                list(still),
                notices.banner(notices.STORE_AWAY),
                no_update,
                no_update,
            )
        lines = [line_for_grid(line) for line in news.lines]
        added = [line_for_grid(line) for line in news.added]
        counts = [text.number(news.counts[name]) for name in TILES]
        changes: Any = no_update
        if not news.whole and (lines or added):
            changes = {"update": lines, "add": added, "async": False}
        return (
            lines if news.whole else no_update,
            changes,
            counts,
            None,
            mark(context) if news.whole else no_update,
            news.sequence,
        )

    @app.callback(
        Output("shipments-csv", "data"),
        Input("shipments-export", "n_clicks"),
        State("shipments-grid", "virtualRowData"),
        prevent_initial_call=True,
    )
    def export(clicks: int | None, shown: list[dict[str, Any]] | None) -> Any:  # noqa: ANN401
        if not clicks:
            return no_update
        ids = [str(line.get("id")) for line in shown or []]
        name = instant.text(context.clock.now())[:16].replace(":", "")
        return {
            "content": "\ufeff" + csv_of(board.lines(ids)),
            "filename": f"puente-shipments-{name}Z.csv",
            "type": "text/csv",
        }

    app.clientside_callback(
        ClientsideFunction("puentePages", "pickTile"),
        Output("shipments-tile", "data"),
        Input({"type": "shipments-tile", "name": ALL}, "n_clicks"),
        State("shipments-tile", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("puentePages", "shipmentsUrl"),
        Output("shipments-url", "data"),
        Input("shipments-state", "value"),
        Input("shipments-carrier", "value"),
        Input("shipments-crossing", "value"),
        Input("shipments-text", "value"),
        Input("shipments-tile", "data"),
    )


PAGE = Page(
    name="shipments",
    path="/shipments",
    title="Shipments",
    layout=layout,
    register=register,
    icon="tabler:truck",
)
