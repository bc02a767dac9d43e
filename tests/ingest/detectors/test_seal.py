"""The seal machine of domain section 3.4, row by row.

A row gives (seconds, what the seal says, class of the place, metres per second).
"""

from typing import Any

import pytest

from ingest.detectors.seal import SealDetector
from puente.instant import HOUR, SECOND
from puente.model import Observation, SealReading, SealState, Severity
from puente.plan import Place
from tests.ingest.builders import AT, HOME, locked, observation, place, unlocked, view_of
from tests.ingest.detectors.driving import findings

ORIGIN = Place(*HOME)
ROAD = ""

ROPE_IN = SealReading("sealed", rope=True, motor=False)
ROPE_OUT = SealReading("open", rope=False, motor=True)
NO_CONTACTS = SealReading("open", event="unlocked")

Row = tuple[float, SealReading | None, str, float]


def seen(row: Row) -> Observation:
    s, seal, where, speed = row
    slow = None if speed > 0.83 else AT + round(s * SECOND) - 120 * SECOND
    classes = frozenset({where} - {ROAD})
    return observation(s, place(s), speed_mps=speed, classes=classes, slow_since=slow, seal=seal)


def decide(
    rows: list[Row],
    **plan: Any,  # noqa: ANN401 - whatever a Shipment takes
) -> tuple[list[tuple[str, str, Severity]], SealState]:
    view = view_of(**{"origin": ORIGIN, **plan})
    observations = [seen(row) for row in rows]
    found = findings(SealDetector(), view, observations)
    detector, state = SealDetector(), SealDetector().initial()
    for o in observations:
        while (due := detector.deadline(state)) is not None and due <= o.at:
            state, _ = detector.expire(state, due, view)
        state, _ = detector.observe(state, o, view)
    told = [(f.kind.removeprefix("seal."), f.phase.value, f.severity) for f in found]
    return told, state.worst


TAMPER = ("tamper", "raised", Severity.CRITICAL)
UNAUTHORISED = ("unauthorised", "raised", Severity.CRITICAL)
DOUBTFUL = ("unauthorised", "raised", Severity.HIGH)
OPENED = ("opened", "noted", Severity.INFO)
DEPARTED = ("departed_unsealed", "raised", Severity.HIGH)
SEALED_LATER = ("departed_unsealed", "cleared", Severity.HIGH)


@pytest.mark.parametrize(
    ("rows", "told", "state"),
    [
        pytest.param([(0, locked(), ROAD, 20)], [], SealState.SEALED, id="UNKNOWN: locked"),
        pytest.param(
            [(0, SealReading("sealed"), ROAD, 20)], [], SealState.SEALED, id="judged by its state"
        ),
        pytest.param([(0, ROPE_IN, "ORIGIN", 0)], [], SealState.ARMING, id="UNKNOWN: rope in"),
        pytest.param([(0, ROPE_OUT, "ORIGIN", 0)], [], SealState.OPEN, id="UNKNOWN: rope out"),
        pytest.param(
            [(0, unlocked(), "ORIGIN", 0), (9, ROPE_IN, "ORIGIN", 0)],
            [],
            SealState.ARMING,
            id="OPEN: rope inserted",
        ),
        pytest.param(
            [(0, ROPE_IN, "ORIGIN", 0), (59, locked(), "ORIGIN", 0)],
            [],
            SealState.SEALED,
            id="ARMING: motor locks within 60 s",
        ),
        pytest.param(
            [(0, ROPE_IN, "ORIGIN", 0), (60, None, "ORIGIN", 0)],
            [],
            SealState.FAULT,
            id="ARMING: motor does not lock",
        ),
        pytest.param(
            [(0, ROPE_IN, "ORIGIN", 0), (99, locked(), "ORIGIN", 0)],
            [],
            SealState.SEALED,
            id="FAULT: locks after all",
        ),
        pytest.param(
            [(0, ROPE_IN, "ORIGIN", 0), (9, None, ROAD, 9), (19, None, ROAD, 9)],
            [DEPARTED],
            SealState.UNSEALED_UNAUTHORISED,
            id="ARMING: leaves the origin",
        ),
        pytest.param(
            [(0, unlocked(), "ORIGIN", 0), (9, None, ROAD, 9), (19, None, ROAD, 9)],
            [DEPARTED],
            SealState.UNSEALED_UNAUTHORISED,
            id="OPEN: leaves the origin",
        ),
        pytest.param(
            [
                (0, unlocked(), "ORIGIN", 0),
                (9, None, ROAD, 9),
                (19, None, "ORIGIN", 0),
                (29, None, ROAD, 9),
            ],
            [],
            SealState.OPEN,
            id="OPEN: one fix outside is noise",
        ),
        pytest.param(
            [
                (0, unlocked(), "ORIGIN", 0),
                (9, None, ROAD, 9),
                (19, None, ROAD, 9),
                (29, locked(), ROAD, 9),
            ],
            [DEPARTED, SEALED_LATER],
            SealState.SEALED,
            id="departed unsealed: sealed on the way",
        ),
        pytest.param(
            [(0, locked(), "DEST", 0), (99, unlocked(), "DEST", 0)],
            [OPENED],
            SealState.UNSEALED_AUTHORISED,
            id="SEALED: opened where and as it may be",
        ),
        pytest.param(
            [(0, locked(), "DEST", 0), (99, NO_CONTACTS, "DEST", 0)],
            [OPENED],
            SealState.UNSEALED_AUTHORISED,
            id="SEALED: opened, without contacts",
        ),
        pytest.param(
            [(0, locked(), "DEST", 0), (99, unlocked(), "DEST", 9)],
            [DOUBTFUL],
            SealState.UNSEALED_AUTHORISED,
            id="SEALED: opened while moving",
        ),
        pytest.param(
            [(0, locked(), ROAD, 0), (99, unlocked(), ROAD, 0)],
            [UNAUTHORISED],
            SealState.UNSEALED_UNAUTHORISED,
            id="SEALED: opened on the road",
        ),
        pytest.param(
            [(0, locked(), "YARD", 0), (99, unlocked(), "YARD", 0)],
            [UNAUTHORISED],
            SealState.UNSEALED_UNAUTHORISED,
            id="SEALED: opened in a yard",
        ),
        pytest.param(
            [(0, locked(), "DEST", 0), (99, ROPE_OUT, "DEST", 0)],
            [TAMPER],
            SealState.TAMPERED,
            id="SEALED: rope out without unlocking",
        ),
        *(
            pytest.param(
                [(0, locked(), "DEST", 0), (99, locked(event=event), "DEST", 0)],
                [TAMPER],
                SealState.TAMPERED,
                id=f"SEALED: {event}",
            )
            for event in ("cut", "forced", "shell", "removed")
        ),
        pytest.param(
            [(0, SealReading("tampered"), ROAD, 0)],
            [TAMPER],
            SealState.TAMPERED,
            id="UNKNOWN: reports tampering",
        ),
        pytest.param(
            [(0, locked(), ROAD, 0), (9, locked(event="denied"), ROAD, 0)],
            [],
            SealState.SEALED,
            id="SEALED: a card was denied",
        ),
        *(
            pytest.param(
                [(0, locked(), where, 0), (99, unlocked(), where, 0)],
                [OPENED],
                SealState.CUSTOMS_EXAM,
                id=f"SEALED: opened at {where}",
            )
            for where in ("CBP", "MX_EXPORT")
        ),
        pytest.param(
            [(0, locked(), "CBP", 0), (99, unlocked(), "CBP", 0), (199, locked(), "CBP", 0)],
            [OPENED],
            SealState.SEALED,
            id="CUSTOMS_EXAM: sealed again",
        ),
        pytest.param(
            [
                (0, locked(), "CBP", 0),
                (99, unlocked(), "CBP", 0),
                (199, None, ROAD, 9),
                (299, None, ROAD, 9),
            ],
            [OPENED, UNAUTHORISED],
            SealState.UNSEALED_UNAUTHORISED,
            id="CUSTOMS_EXAM: leaves open",
        ),
        pytest.param(
            [
                (0, locked(), "ORIGIN", 0),
                (99, unlocked(), "ORIGIN", 0),
                (199, None, ROAD, 9),
                (299, None, ROAD, 9),
            ],
            [OPENED, UNAUTHORISED],
            SealState.UNSEALED_UNAUTHORISED,
            id="UNSEALED_AUTH: leaves open",
        ),
        pytest.param(
            [
                (0, locked(), "DEST", 0),
                (99, unlocked(), "DEST", 0),
                (199, None, ROAD, 9),
                (299, None, ROAD, 9),
            ],
            [OPENED],
            SealState.OPEN,
            id="UNSEALED_AUTH: an empty trailer leaves the destination",
        ),
        pytest.param(
            [
                (0, SealReading("tampered"), ROAD, 0),
                (9, locked(), ROAD, 0),
                (99, unlocked(), ROAD, 0),
                (199, locked(event="cut"), ROAD, 0),
            ],
            [TAMPER],
            SealState.TAMPERED,
            id="TAMPERED: only a person ends it",
        ),
        pytest.param(
            [
                (0, locked(), ROAD, 0),
                (9, unlocked(), ROAD, 0),
                (99, locked(), ROAD, 0),
                (199, unlocked(), ROAD, 0),
            ],
            [UNAUTHORISED],
            SealState.UNSEALED_UNAUTHORISED,
            id="UNSEALED_UNAUTH: only a person ends it",
        ),
        pytest.param(
            [(0, locked(), ROAD, 0), (9, unlocked(), ROAD, 0), (99, locked(event="cut"), ROAD, 0)],
            [UNAUTHORISED, TAMPER],
            SealState.TAMPERED,
            id="UNSEALED_UNAUTH: cut as well",
        ),
        pytest.param(
            [(0, locked(), "DEST", 0), (99, unlocked(), "DEST", 0), (100, unlocked(), "DEST", 0)],
            [OPENED],
            SealState.UNSEALED_AUTHORISED,
            id="saying it again says nothing new",
        ),
    ],
)
def test_the_machine(rows: list[Row], told: list[Any], state: SealState) -> None:
    assert decide(rows) == (told, state)


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        pytest.param(2.0, OPENED, id="2 h after the appointment"),
        pytest.param(-2.0, OPENED, id="2 h before it"),
        pytest.param(2.01, DOUBTFUL, id="later"),
        pytest.param(-2.01, DOUBTFUL, id="earlier"),
    ],
)
def test_the_appointment_window(hours: float, told: object) -> None:
    rows: list[Row] = [(0, locked(), "DEST", 0), (99, unlocked(), "DEST", 0)]
    arrival = AT + 99 * SECOND - round(hours * HOUR)
    assert decide(rows, planned_arrival=arrival)[0] == [told]


def test_a_departure_begins_with_the_first_fix_outside() -> None:
    rows: list[Row] = [(0, unlocked(), "ORIGIN", 0), (9, None, ROAD, 9), (19, None, ROAD, 9)]
    (found,) = findings(SealDetector(), view_of(origin=ORIGIN), [seen(row) for row in rows])
    assert (found.episode, found.occurred_at) == (AT + 9 * SECOND, AT + 9 * SECOND)
    assert found.confirmed_at == AT + 19 * SECOND


def test_an_opening_says_what_the_seal_said_and_where() -> None:
    rows: list[Row] = [
        (0, locked(), ROAD, 0),
        (60, unlocked(actor="card 7", number="N1"), ROAD, 0),
    ]
    (found,) = findings(SealDetector(), view_of(), [seen(row) for row in rows])
    assert found.evidence["actor"] == "card 7"
    assert found.evidence["seal_number"] == "N1"
    assert found.evidence["missing"] == "place"
    assert found.evidence["stationary_s"] == 120.0
    assert found.position is not None


def test_the_worst_seal_speaks_for_the_shipment() -> None:
    detector, view = SealDetector(), view_of()
    state = detector.initial()
    for device, seal in (("A", locked()), ("B", SealReading("tampered")), ("C", locked())):
        state, _ = detector.observe(state, observation(0, device=device, seal=seal), view)
    assert state.worst is SealState.TAMPERED
    assert detector.initial().worst is SealState.UNKNOWN


def test_without_an_origin_an_open_seal_is_only_open() -> None:
    rows: list[Row] = [(0, unlocked(), ROAD, 0), (9, None, ROAD, 9), (19, None, ROAD, 9)]
    assert decide(rows, origin=None) == ([], SealState.OPEN)
