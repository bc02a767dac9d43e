"""`/shipments/<id>`: one shipment, its plan, its present and its past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import dash_mantine_components as dmc
import pandas as pd
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dashboard import fences, text
from dashboard.components import badges, evidence, moments, notices, shipment_facts
from dashboard.components.tables import table
from dashboard.figures.journey import journey
from dashboard.figures.paint import QUIET
from dashboard.figures.sensors import PROBES, Limits, sensors
from dashboard.page import Context, Page
from dashboard.pages.alert_desk import mark
from dashboard.places import gazetteer, rows_of
from dashboard.queries import alerts as alert_queries
from dashboard.queries import events as event_queries
from dashboard.queries import track as track_queries
from dashboard.queries.board import STATE_WORDS, live_rows, place_of, state_of
from dashboard.queries.coldchain import mean_kinetic_c, minutes_outside
from dashboard.queries.frames import to_instants
from dashboard.queries.plans import current_plan
from dashboard.queries.stops import stops_frame
from dashboard.safe_text import clean
from dashboard.theme import Theme
from puente import geo, instant
from puente.instant import HOUR, Instant
from puente.model import Event, Phase
from puente.plan import CargoProfile, Geofence, Plan, Shipment
from puente.row import Row
from puente.store.connection import StoreUnavailable
from puente.triage import Alert

PERIOD_MS = 12_000

RANGES = {"6": "6 h", "24": "24 h", "72": "3 d", "168": "7 d", "720": "30 d"}
DEFAULT_HOURS = "24"

MAX_LINES = 200
"""Events and stops shown at most, the newest; the API has all."""

MAX_FENCES = 400


@dataclass(frozen=True)
class Window:
    """The time a page looks at."""

    from_at: Instant
    to_at: Instant


def window_of(query: Mapping[str, str], now: Instant) -> tuple[Window, str | None]:
    """Read the time range of a URL; says in words what it could not use."""
    problem = None
    if query.get("from") or query.get("to"):
        try:
            from_at = instant.parse(query["from"].replace(" ", "+")) if query.get("from") else None
            to_at = instant.parse(query["to"].replace(" ", "+")) if query.get("to") else now
            from_at = to_at - 24 * HOUR if from_at is None else from_at
            if from_at < to_at:
                return Window(from_at, to_at), None
            problem = "The link's time range ends before it begins; the last 24 h are shown."
        except ValueError:
            problem = (
                "The link's time range is not RFC 3339 with a zone, such as "
                "2026-07-01T12:00:00Z; the last 24 h are shown."
            )
    hours = query.get("hours", DEFAULT_HOURS)
    return Window(now - int(hours if hours in RANGES else DEFAULT_HOURS) * HOUR, now), problem


def layout(context: Context, params: Mapping[str, str], query: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Lay out the page of the shipment in the path; the past comes with the first refresh."""
    shipment_id = params.get("id", "")
    try:
        plan, rows = current_plan(context.store), live_rows(context.store)
    except StoreUnavailable:
        return html.Div(notices.banner(notices.STORE_AWAY), className="pg")
    shipment = plan.shipments.get(shipment_id)
    if shipment is None:
        return html.Div(
            notices.empty(
                f"No shipment {clean(shipment_id, 80)} in the plan",
                "Check the id, or load a plan that has it: puente load PLAN.json",
                dcc.Link("All shipments", href="/shipments"),
            ),
            className="pg pg--lone",
        )
    now = context.clock.now()
    row = rows.get(shipment_id)
    _, problem = window_of(query, now)
    fixed = {k: query[k] for k in ("from", "to") if query.get(k)} if problem is None else {}
    hours = query.get("hours", DEFAULT_HOURS)
    return html.Div(
        [
            html.Div(notices.banner(problem), id="shipment-banner"),
            html.Div(
                _heading(shipment, row, now),
                id="shipment-heading",
                className="pg-bar",
            ),
            html.Div(
                [
                    html.Div(_live(plan, shipment_id, row, now), id="shipment-live"),
                    _range_bar(hours, fixed),
                    html.Div(
                        [
                            html.Div(
                                dcc.Graph(
                                    id="shipment-map",
                                    config={**QUIET, "scrollZoom": True},
                                    className="pg-graph",
                                    responsive=True,
                                ),
                                className="pg-panel pg-panel--map",
                            ),
                            html.Div(
                                dcc.Graph(
                                    id="shipment-chart",
                                    config=QUIET,
                                    className="pg-graph",
                                    responsive=True,
                                ),
                                className="pg-panel pg-panel--chart",
                            ),
                        ],
                        className="pg-two",
                    ),
                    html.Div(
                        [
                            html.Div(id="shipment-past", className="pg-past"),
                            html.Section(
                                [html.H3("Plan"), shipment_facts.planned(shipment)],
                                className="pg-panel pg-plan",
                            ),
                        ],
                        className="pg-below",
                    ),
                ],
                className="pg-scroll",
            ),
            html.Div(mark(context), id="shipment-clock"),
            dcc.Interval(id="shipment-tick", interval=PERIOD_MS),
            dcc.Store(id="shipment-id", data=shipment_id),
            dcc.Store(id="shipment-fixed", data=fixed),
            dcc.Store(id="shipment-fingerprint"),
            dcc.Store(id="shipment-url"),
        ],
        className="pg pg--shipment",
    )


def _range_bar(hours: str, fixed: Mapping[str, str]) -> Any:  # noqa: ANN401
    words = ""
    if fixed:
        begin = fixed.get("from", "24 h before")
        words = f"{clean(begin, 40)} to {clean(fixed.get('to', 'now'), 40)} (from the link)"
    return html.Div(
        [
            html.H3("Past"),
            dmc.SegmentedControl(
                id="shipment-hours",
                value="" if fixed else (hours if hours in RANGES else DEFAULT_HOURS),
                data=[{"value": v, "label": label} for v, label in RANGES.items()],
                size="sm",
            ),
            html.Span(words, id="shipment-range", className="pg-muted"),
        ],
        className="pg-row pg-rangebar",
    )


def _heading(shipment: Shipment, row: Row | None, now: Instant) -> Any:  # noqa: ANN401
    state = state_of(row, now)
    crossing = _crossings().get(shipment.crossing or "", shipment.crossing or "")
    return shipment_facts.heading(shipment, state, STATE_WORDS[state], place_of(row), crossing)


@lru_cache(maxsize=1)
def _crossings() -> dict[str, str]:
    """Name the crossings that plans call by three letters."""
    return {line["id"]: line["name"] for line in rows_of("crossings")}


def _live(plan: Plan, shipment_id: str, row: Row | None, now: Instant) -> Any:  # noqa: ANN401
    profile = plan.profiles.get(plan.shipments[shipment_id].cargo_profile or "")
    where = text.UNKNOWN
    if row is not None and row.lat_deg is not None and row.lon_deg is not None:
        where = gazetteer().describe(row.lat_deg, row.lon_deg)
    return shipment_facts.live(row, profile, where, now)


def register(app: Dash, context: Context) -> None:
    """Add the callbacks of the page."""

    @app.callback(
        Output("shipment-map", "figure"),
        Output("shipment-chart", "figure"),
        Output("shipment-past", "children"),
        Output("shipment-live", "children"),
        Output("shipment-heading", "children"),
        Output("shipment-banner", "children"),
        Output("shipment-clock", "children"),
        Output("shipment-fingerprint", "data"),
        Input("shipment-tick", "n_intervals"),
        Input("shipment-hours", "value"),
        Input("theme", "data"),
        State("shipment-fixed", "data"),
        State("shipment-id", "data"),
        State("shipment-fingerprint", "data"),
    )
    def refresh(
        _tick: int | None,
        hours: str | None,
        theme: str | None,
        fixed: dict[str, str] | None,
        shipment_id: str,
        fingerprint: Any,  # noqa: ANN401 - what we sent
    ) -> Any:  # noqa: ANN401 - outputs
        look: Theme = "light" if theme == "light" else "dark"
        query = {"hours": hours} if hours else dict(fixed or {})
        now = context.clock.now()
        window, problem = window_of(query, now)
        try:
            past = read_past(context, shipment_id, window)
        except StoreUnavailable:
            kept = (no_update,) * 5
            return (*kept, notices.banner(notices.STORE_AWAY), no_update, no_update)
        if past is None:
            return (no_update,) * 8
        now_seen = [shipment_id, query, look, past.fingerprint]
        row = past.row
        live = (
            _live(past.plan, shipment_id, row, now),
            _heading(past.plan.shipments[shipment_id], row, now),
            notices.banner(problem),
            mark(context),
        )
        if now_seen == fingerprint:
            return (no_update, no_update, no_update, *live, no_update)
        revision = f"{shipment_id} {query}"
        return (
            past.map_figure(look, revision),
            past.chart_figure(look, revision),
            past.tables(now),
            *live,
            now_seen,
        )

    app.clientside_callback(
        ClientsideFunction("puentePages", "shipmentUrl"),
        Output("shipment-url", "data"),
        Output("shipment-range", "children"),
        Input("shipment-hours", "value"),
        prevent_initial_call=True,
    )


@dataclass(frozen=True)
class Past:
    """What is known of a shipment in a window of time."""

    plan: Plan
    shipment_id: str
    row: Row | None
    window: Window
    track: pd.DataFrame
    readings: pd.DataFrame
    events: Sequence[Event]
    alerts: Sequence[Alert]

    @property
    def fingerprint(self) -> list[Any]:
        """What must change before anything has to be drawn again."""
        last = self.row.heard_at if self.row else None
        revisions = sum(a.revision for a in self.alerts)
        return [len(self.readings), last, len(self.events), revisions, self.plan.version]

    @property
    def profile(self) -> CargoProfile | None:
        """The temperatures the cargo bears."""
        return self.plan.profiles.get(self.plan.shipments[self.shipment_id].cargo_profile or "")

    def map_figure(self, theme: Theme, revision: str, *, whole: bool = True) -> Any:  # noqa: ANN401
        """Draw the journey, all of the planned road in view or only what was driven."""
        shipment = self.plan.shipments[self.shipment_id]
        route = self.plan.routes.get(shipment.route or "")
        points = list(route.line.points) if route else []
        return journey(
            self.track,
            route=points,
            fences=[fences.feature(f) for f in self._fences(points)],
            events=event_queries.events_frame(self.events),
            theme=theme,
            revision=revision,
            whole=whole,
        )

    def _fences(self, route: Sequence[geo.LatLon]) -> list[Geofence]:
        view = self.plan.view(self.shipment_id)
        own = list(view.own) if view else []
        seen = [*route, *zip(self.track["lat_deg"], self.track["lon_deg"], strict=True)]
        if not seen:
            return own
        box = geo.box_of(seen).grown(20_000.0)
        near = [f for f in self.plan.geofences.values() if _meets(box, f.shape.box)]
        return [*near[:MAX_FENCES], *own]

    def chart_figure(self, theme: Theme, revision: str) -> Any:  # noqa: ANN401
        """Draw what the sensors said."""
        profile = self.profile
        limits = (
            Limits(profile.low_c, profile.high_c, profile.critical_low_c, profile.critical_high_c)
            if profile
            else None
        )
        events = event_queries.events_frame(self.events)
        return sensors(
            self.readings,
            self.track,
            events,
            limits,
            theme=theme,
            revision=revision,
            window=(_timestamp(self.window.from_at), _timestamp(self.window.to_at)),
        )

    def tables(self, now: Instant) -> list[Any]:
        """List temperatures, alerts, events and stops of the window."""
        hint = None
        if self.readings.empty and self.row is not None and self.row.fix_at is not None:
            newest = self.row.fix_at
            href = (
                f"/shipments/{self.shipment_id}?from={instant.text(newest - 24 * HOUR)}"
                f"&to={instant.text(newest + 1000)}"
            )
            hint = html.P(
                [
                    "Nothing was received in this time. The newest fix is of ",
                    html.B(moments.utc(newest)),
                    ": ",
                    html.A("show the 24 h before it", href=href),
                    ".",
                ],
                className="pg-panel",
            )
        return [
            hint,
            html.Section([html.H3("Temperature"), self._temperature()], className="pg-panel"),
            html.Section([html.H3("Alerts"), self._alerts(now)], className="pg-panel"),
            html.Section([html.H3("Events"), self._events()], className="pg-panel"),
            html.Section([html.H3("Stops"), self._stops()], className="pg-panel"),
        ]

    def _temperature(self) -> Any:  # noqa: ANN401
        profile = self.profile
        rows = []
        for column in PROBES:
            known = self.readings[self.readings[column].notna()]
            for device, part in known.groupby("device_id", sort=True):
                series = part[column]
                outside = (
                    text.age(60 * minutes_outside(series, profile.low_c, profile.high_c))
                    if profile
                    else text.UNKNOWN
                )
                rows.append(
                    [
                        f"{clean(device, 64)}, {column.removesuffix('_c')}",
                        text.number(len(series)),
                        text.temperature(float(series.min())),
                        text.temperature(float(series.max())),
                        text.temperature(mean_kinetic_c(series)),
                        outside,
                    ]
                )
        return table(
            ["Probe", "Readings", "Lowest", "Highest", "Mean kinetic", "Outside its band"],
            rows,
            empty="No temperature was reported in this time.",
            numeric=(1, 2, 3, 4, 5),
            caption="Weighted by time; silences carry no weight. The mean kinetic temperature "
            "never excuses freezing."
            if rows
            else "",
        )

    def _alerts(self, now: Instant) -> Any:  # noqa: ANN401
        rows = [
            [
                badges.severity(a.severity),
                dcc.Link(clean(a.title), href=f"/alerts/{a.id}"),
                badges.alert_state(a.state),
                clean(a.assigned_to or a.acknowledged_by) or "nobody yet",
                moments.age(a.occurred_at, now),
            ]
            for a in self.alerts[:MAX_LINES]
        ]
        return table(
            ["Severity", "Alert", "State", "Owner", "Happened"],
            rows,
            empty="This shipment has caused no alert.",
        )

    def _events(self) -> Any:  # noqa: ANN401
        newest = sorted(self.events, key=lambda e: -e.occurred_at)
        rows = [
            [
                html.Span(text.when(e.occurred_at), title=moments.local_times(e.occurred_at)),
                html.Span(text.when(e.learned_at), title=moments.local_times(e.learned_at)),
                [badges.severity(e.severity, words=False), " ", badges.late(
                    e.late, e.learned_at - e.occurred_at)],
                _phase(e.phase),
                html.Div([html.Div(clean(e.title)), html.Small(clean(e.kind))]),
                html.Details([html.Summary("Evidence"), evidence.table(e.evidence)])
                if e.evidence
                else None,
            ]
            for e in newest[:MAX_LINES]
        ]  # fmt: skip
        more = len(newest) - MAX_LINES
        return table(
            ["Happened", "Learned", "Severity", "", "Event", ""],
            rows,
            empty="Nothing was decided about this shipment in this time.",
            caption=f"The newest {MAX_LINES}; {more} older ones are in the API."
            if more > 0
            else "",
        )

    def _stops(self) -> Any:  # noqa: ANN401
        found = stops_frame(self.track).iloc[::-1]
        rows = [
            [
                html.Span(text.when(begin), title=moments.local_times(begin)),
                text.age(float(seconds)),
                gazetteer().describe(float(lat), float(lon)),
            ]
            for begin, seconds, lat, lon in zip(
                to_instants(pd.DatetimeIndex(found.index)),
                found["duration_s"],
                found["lat_deg"],
                found["lon_deg"],
                strict=True,
            )
            if begin is not None
        ]
        return table(
            ["From", "For", "Where"],
            rows[:MAX_LINES],
            empty="The truck did not stand for 3 minutes or longer in this time.",
        )


_PHASE_WORDS = {
    Phase.RAISED: "began",
    Phase.CLEARED: "ended",
    Phase.NOTED: "noted",
    Phase.RETRACTED: "withdrawn",
}


def _phase(phase: Phase) -> str:
    return _PHASE_WORDS[phase]


def _timestamp(at: Instant) -> pd.Timestamp:
    return pd.Timestamp(at, unit="ms", tz="UTC")


def _meets(a: geo.Box, b: geo.Box) -> bool:
    return a.south <= b.north and b.south <= a.north and a.west <= b.east and b.west <= a.east


def read_past(context: Context, shipment_id: str, window: Window) -> Past | None:
    """Read everything of a shipment in a window; None when the plan has lost the shipment."""
    plan = current_plan(context.store)
    shipment = plan.shipments.get(shipment_id)
    if shipment is None:
        return None
    found = track_queries.readings(context.store, shipment_id, window.from_at, window.to_at)
    return Past(
        plan=plan,
        shipment_id=shipment_id,
        row=live_rows(context.store).get(shipment_id),
        window=window,
        track=track_queries.lead_track(track_queries.track_frame(found), shipment),
        readings=track_queries.sensor_frame(found),
        events=event_queries.of_shipment(
            context.store, shipment_id, window.from_at, window.to_at + 1
        ),
        alerts=alert_queries.of_shipment(context.store, shipment_id),
    )


PAGE = Page(
    name="shipment",
    path="/shipments/<id>",
    title="Shipment",
    layout=layout,
    register=register,
)
