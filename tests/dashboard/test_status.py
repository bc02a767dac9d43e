"""How a row appears: one state, the most urgent one."""

import pytest

from dashboard import status
from dashboard.status import VehicleState as V
from puente.instant import MINUTE
from puente.model import Severity
from puente.row import OpenEpisode, Row

NOW = 1_782_000_000_000


def row(subject: str = "S1", **known: object) -> Row:
    fields: dict[str, object] = {"lat_deg": 25.0, "lon_deg": -100.0, "heard_at": NOW, **known}
    return Row(id=subject, **fields)  # type: ignore[arg-type]


def episode(kind: str, severity: Severity) -> OpenEpisode:
    return OpenEpisode(kind=kind, subject="x", episode=NOW, severity=severity)


DEVIATION = episode("route.deviation", Severity.HIGH)
SILENCE = episode("device.silent", Severity.MEDIUM)
TAMPER = episode("seal.tamper", Severity.CRITICAL)
NO_GO = episode("geofence.forbidden", Severity.HIGH)
STOP = episode("stop.unplanned", Severity.MEDIUM)
LONG_AGO = NOW - 16 * MINUTE

STATES = [
    pytest.param(row(), V.ON_ROUTE, id="nothing special"),
    pytest.param(row(stopped_since=NOW - 1), V.STOPPED, id="stands"),
    pytest.param(row(classes=("BORDER_QUEUE",)), V.AT_BORDER, id="queues at the border"),
    pytest.param(
        row(classes=("CBP",), stopped_since=1), V.AT_BORDER, id="stands at the border: border"
    ),
    pytest.param(row(open=(DEVIATION,)), V.OFF_ROUTE, id="a deviation has its own state"),
    pytest.param(
        row(open=(DEVIATION,), classes=("CBP",)), V.OFF_ROUTE, id="off route beats border"
    ),
    pytest.param(row(open=(NO_GO,)), V.ALERT_HIGH, id="another high episode is an alert"),
    pytest.param(row(open=(NO_GO, DEVIATION)), V.ALERT_HIGH, id="alert beats off route"),
    pytest.param(row(open=(STOP,), stopped_since=1), V.STOPPED, id="medium is no alert state"),
    pytest.param(row(open=(DEVIATION, TAMPER)), V.ALERT_CRITICAL, id="critical beats all"),
    pytest.param(row(heard_at=LONG_AGO), V.SILENT, id="nothing heard for 16 minutes"),
    pytest.param(row(open=(SILENCE,)), V.SILENT, id="the engine says silent"),
    pytest.param(row(fix_at=LONG_AGO), V.SILENT, id="a backfill of long ago reached us just now"),
    pytest.param(row(open=(DEVIATION,), heard_at=LONG_AGO), V.SILENT, id="silent beats off route"),
    pytest.param(
        row(open=(NO_GO,), heard_at=LONG_AGO), V.ALERT_HIGH, id="an alert stays one in silence"
    ),
    pytest.param(row("~D1"), V.UNASSIGNED, id="no plan binds it"),
    pytest.param(row("~D1", heard_at=LONG_AGO), V.UNASSIGNED, id="unassigned stays so in silence"),
]


@pytest.mark.parametrize(("given", "expected"), STATES)
def test_a_row_appears_as_its_most_urgent_state(given: Row, expected: V) -> None:
    assert status.state_of(given, NOW) is expected


def test_exactly_fifteen_minutes_is_not_yet_silent() -> None:
    assert not status.silent(row(heard_at=NOW - 15 * MINUTE), NOW)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(row(), True, id="on the road"),
        pytest.param(row(classes=("ORIGIN",)), False, id="still at its origin"),
        pytest.param(row(classes=("DEST", "HOT")), False, id="arrived"),
        pytest.param(row(lat_deg=None, lon_deg=None), False, id="never seen"),
        pytest.param(row("~D1"), False, id="no shipment"),
    ],
)
def test_in_transit_is_between_the_ends(given: Row, expected: bool) -> None:
    assert status.in_transit(given) is expected


def test_counts_count_facts_and_leave_unassigned_devices_apart() -> None:
    rows = [
        row("S1"),
        row("S2", open=(DEVIATION,), classes=("CBP",)),
        row("S3", heard_at=LONG_AGO),
        row("S4", classes=("DEST",)),
        row("~D1", classes=("CBP",), heard_at=LONG_AGO),
    ]
    assert status.count(rows, NOW) == status.Counts(
        shipments=4, in_transit=3, at_border=1, off_route=1, silent=1, unassigned=1
    )


def test_every_state_has_words_and_its_number_is_fixed() -> None:
    assert set(status.STATE_WORDS) == set(V)
    assert [state.key for state in V] == [
        "on_route",
        "stopped",
        "at_border",
        "off_route",
        "alert_high",
        "alert_critical",
        "silent",
        "unassigned",
    ]
