import csv
import io
import json

import pytest

from dashboard.components import evidence, moments
from dashboard.pages import alert, alert_desk, alerts, devices, shipment, shipments
from dashboard.queries.board import Board
from puente.instant import HOUR, parse
from puente.store.alerts import act
from puente.store.connection import Store, connect
from puente.triage import Action, AlertState
from tests.dashboard.rigs import context_over, hrefs_in, ids_in, words_in
from tests.dashboard.seeds import (
    NOW,
    event,
    journey,
    load_plan,
    note,
    put_devices,
    put_events,
    put_rejections,
    put_rows,
    put_track,
    rejection,
    row,
)
from tests.dashboard.seeds import shipment as planned

pytestmark = pytest.mark.redis

PAGES = (alerts.PAGE, alert.PAGE, shipments.PAGE, shipment.PAGE, devices.PAGE)


def test_the_queue_keeps_filters_and_selection_of_its_url(store: Store) -> None:
    (held,) = put_events(store, event("S1"))
    put_events(store, event("S2", "stop.unplanned", severity=event("S2").severity.LOW))
    query = {"severity": "critical,nonsense", "q": "warm", "alert": held.id}
    page = alerts.layout(context_over(store), {}, query)
    assert page["alerts-severity"].value == ["critical"]
    assert page["alerts-text"].value == "warm"
    assert page["alerts-grid"].selectedRows == {"ids": [held.id]}
    assert [line["id"] for line in page["alerts-grid"].rowData] == [held.id]
    assert "9.4 °C" in words_in(page["alerts-desk-body"])


def test_lines_of_the_queue_say_states_in_words(store: Store) -> None:
    (held,) = put_events(store, event("S1", title="a\u202eb <b>x</b>"))
    (line,) = alerts.rows_of([held])
    assert line["title"] == "ab <b>x</b>"
    assert line["state_words"] == "Active, not acknowledged"
    assert line["occurred_at"] == held.occurred_at


def test_an_alert_says_cause_evidence_response_time_limit_place_and_history(store: Store) -> None:
    (held,) = put_events(store, event("S1"))
    act(store, held.id, Action.ACKNOWLEDGE, by="Ana", now=NOW, note="calling")
    page = alert.layout(context_over(store), {"id": held.id}, {})
    said = words_in(page)
    for words in (
        "Cargo too warm",
        "9.4 °C for 31 min, band 2 to 8 °C.",
        "Call the driver and reefer service; tell QA.",
        "within 10 min",
        "Temperature 9.4 °C",
        "Outside 31 min",
        "26.1000° N, 100.2000° W",
        "Ana",
        "calling",
        "Puente raised",
    ):
        assert words in " ".join(said.split()), words
    assert {f"/?alert={held.id}", "/shipments/S1"} <= hrefs_in(page)


@pytest.mark.parametrize("state", list(AlertState))
def test_the_buttons_are_those_of_the_table_of_transitions(state: AlertState) -> None:
    names = [
        b.id["do"]
        for b in alert_desk._buttons("x", state)
        if isinstance(getattr(b, "id", 0), dict)
    ]
    expected = {
        AlertState.ACTIVE_UNACKNOWLEDGED: ["acknowledge", "take", "assign", "comment"],
        AlertState.CLEARED_UNACKNOWLEDGED: ["acknowledge", "take", "assign", "comment"],
        AlertState.ACTIVE_ACKNOWLEDGED: ["take", "assign", "comment", "close"],
        AlertState.CLEARED_ACKNOWLEDGED: ["take", "assign", "comment", "close"],
        AlertState.CLOSED: ["comment"],
        AlertState.RETRACTED: ["comment"],
    }
    assert names == expected[state]


def test_an_alert_that_is_not_there_leads_back_to_the_queue(store: Store) -> None:
    page = alert.layout(context_over(store), {"id": "nothing"}, {})
    assert "There is no alert nothing" in words_in(page)
    assert "/alerts" in hrefs_in(page)


def test_a_shipment_shows_plan_and_present_with_ages(store: Store) -> None:
    load_plan(store, [planned("S1", high_value=True)])
    put_rows(store, row("S1", temperature_c=9.0, stopped_since=NOW - HOUR))
    said = words_in(shipment.layout(context_over(store), {"id": "S1"}, {}))
    for words in (
        "HIGH VALUE",
        "Querétaro plant",
        "San Antonio DC",
        "Transportes del Norte",
        "250,000 USD",
        "20 Nov 2026 12:00:00 UTC",
        "20 Nov 06:00:00 −06:00 Chicago, Mexico City",
        "9.0 °C ▲",
        "band 2 to 8 °C",
        "standing for 1 h",
        "38 s ago",
    ):
        assert words in said, words


def test_the_past_of_a_shipment_has_charts_tables_and_stops(store: Store) -> None:
    load_plan(store, [planned("S1")])
    put_rows(store, row("S1"))
    put_track(store, "S1", journey("S1"))
    put_events(store, event("S1"))
    window, problem = shipment.window_of({}, NOW)
    assert problem is None
    past = shipment.read_past(context_over(store), "S1", window)
    assert past is not None
    said = words_in(past.tables(NOW))
    for words in ("Mean kinetic", "TRK-S1, product", "Cargo too warm", "began", "Evidence"):
        assert words in said, words
    assert "The truck did not stand" not in said
    figure = past.map_figure("dark", "S1")
    assert {"Planned route", "Track", "Last fix"} <= {t.name for t in figure.data}
    assert "Fences: border" in {t.name for t in figure.data}


def test_an_empty_time_points_to_where_there_is_something(store: Store) -> None:
    load_plan(store, [planned("S1")])
    put_rows(store, row("S1", fix_at=NOW - 90 * HOUR))
    past = shipment.read_past(context_over(store), "S1", shipment.window_of({}, NOW)[0])
    assert past is not None
    links = [link for part in past.tables(NOW) if part is not None for link in hrefs_in(part)]
    assert any("from=2026-11-17T02:00:00.000Z" in link for link in links)


@pytest.mark.parametrize(
    ("query", "from_at", "problem"),
    [
        pytest.param({}, "2026-11-20T20:00:00Z", None, id="24 hours unless told"),
        pytest.param({"hours": "6"}, "2026-11-21T14:00:00Z", None, id="hours"),
        pytest.param({"hours": "9999"}, "2026-11-20T20:00:00Z", None, id="unknown hours"),
        pytest.param(
            {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00-06:00"},
            "2026-11-01T00:00:00Z", None, id="a link",
        ),
        pytest.param({"from": "monday"}, "2026-11-20T20:00:00Z", "RFC 3339", id="no date"),
        pytest.param(
            {"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"},
            "2026-11-20T20:00:00Z", "ends before it begins", id="backwards",
        ),
    ],
)  # fmt: skip
def test_the_time_range_comes_from_the_url(
    query: dict[str, str], from_at: str, problem: str | None
) -> None:
    window, said = shipment.window_of(query, NOW)
    assert window.from_at == parse(from_at)
    assert (problem is None) == (said is None)
    assert problem is None or (said is not None and problem in said)


def test_the_board_exports_what_a_spreadsheet_never_runs(store: Store) -> None:
    load_plan(store, [planned("S1", carrier='=HYPERLINK("http://x")')])
    put_rows(store, row("S1"))
    board = Board(store)
    board.since(None, NOW, 1_000)
    (line,) = csv.DictReader(io.StringIO(shipments.csv_of(board.lines(["S1", "unknown"]))))
    assert line["carrier"] == '\'=HYPERLINK("http://x")'
    assert line["fix_at"] == "2026-11-21T19:59:20.000Z"
    assert float(line["remaining_km"]) > 0


def test_devices_show_what_was_sent_as_text_and_how_to_plan_it(store: Store) -> None:
    put_devices(store, note("SPARE", numbers={}))
    put_rejections(store, rejection())
    page = devices.layout(context_over(store), {}, {})
    said = words_in(page)
    assert '{"at": <b>now</b>' in said
    assert "UNASSIGNED" in said
    assert json.loads(devices.plan_line("SPARE")) == {
        "device_id": "SPARE", "role": "trailer", "from": None, "to": None
    }  # fmt: skip
    assert devices.plan_line("SPARE") in said


@pytest.mark.parametrize(
    ("page", "params", "said"),
    [
        pytest.param(alerts.PAGE, {}, "No alert selected", id="queue"),
        pytest.param(shipments.PAGE, {}, "puente load PLAN.json", id="board"),
        pytest.param(shipment.PAGE, {"id": "S9"}, "No shipment S9 in the plan", id="shipment"),
        pytest.param(devices.PAGE, {}, "Every device is in a plan", id="devices"),
    ],
)
def test_an_empty_page_says_what_to_do_next(
    store: Store, page: object, params: dict[str, str], said: str
) -> None:
    assert said in words_in(page.layout(context_over(store), params, {}))  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=[p.name for p in PAGES])
def test_a_store_that_is_away_is_said_in_plain_words(page: object) -> None:
    away = context_over(connect("redis://127.0.0.1:1/0"))
    said = words_in(page.layout(away, {"id": "S1"}, {}))  # type: ignore[attr-defined]
    assert "The store cannot be reached" in said


def test_no_two_pages_share_an_id(store: Store) -> None:
    load_plan(store, [planned("S1")])
    (held,) = put_events(store, event("S1"))
    context = context_over(store)
    trees = [
        alerts.layout(context, {}, {}),
        alert.layout(context, {"id": held.id}, {}),
        shipments.layout(context, {}, {}),
        shipment.layout(context, {"id": "S1"}, {}),
        devices.layout(context, {}, {}),
    ]
    seen: set[str] = set()
    for tree in trees:
        ids = ids_in(tree)
        assert not ids & seen
        seen |= ids


@pytest.mark.parametrize(
    ("name", "held", "shown"),
    [
        pytest.param("off_route_m", 2410.7, "2.4 km", id="metres"),
        pytest.param("speed_mps", 0.31, "0.3 m/s", id="speed"),
        pytest.param("temperature_c", -18.04, "−18.0 °C", id="temperature"),
        pytest.param("silent_s", 1320, "22 min", id="seconds"),
        pytest.param("battery_pct", 7, "7 %", id="percent"),
        pytest.param("since_at", NOW, "21 Nov 2026 20:00:00 UTC", id="instant"),
        pytest.param("fixes", 7, "7", id="count"),
        pytest.param("in_hot_zone", False, "no", id="flag"),
        pytest.param("event", "cut\u202e", "cut", id="text of a device"),
        pytest.param("probes", ["a", "b"], "a, b", id="list"),
        pytest.param("fix", {"lat": 1}, '{"lat": 1}', id="object"),
        pytest.param("zone", None, "–", id="nothing"),
    ],
)
def test_evidence_is_written_with_its_unit(name: str, held: object, shown: str) -> None:
    assert evidence.value(name, held) == shown


def test_zones_that_differ_are_told_apart_by_offset() -> None:
    summer = parse("2026-07-15T18:00:00Z")
    assert moments.local_times(summer) == (
        "15 Jul 13:00:00 −05:00 Chicago · 15 Jul 12:00:00 −06:00 Mexico City"
    )
