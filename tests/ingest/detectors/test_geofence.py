"""Geofences: the sentences of interfaces section 3, one row each.

The fence is a circle of 500 m around HOME; a row gives fixes as (seconds, metres east of its
centre), so 500 is the boundary.
"""

from typing import Any

import pytest

from ingest.detectors.geofence import GeofenceDetector
from puente.model import Severity
from puente.plan import FenceClass, Place
from tests.ingest.builders import HOME, circle, observation, place, view_of
from tests.ingest.detectors.driving import findings, said

ENTER, EXIT = "geofence.enter", "geofence.exit"
DWELL, FORBIDDEN = "geofence.dwell", "geofence.forbidden"
PLAIN = {"confirm_fixes": 1, "enter_m": 0.0, "exit_m": 0.0}

Fix = tuple[float, float]


def decide(
    fixes: list[Fix],
    until_s: float | None = None,
    accuracy_m: float | None = None,
    **rule: Any,  # noqa: ANN401 - whatever a Geofence takes
) -> list[tuple[str, str, float, float]]:
    view = view_of(circle("F", **rule))
    observations = [observation(s, place(m), accuracy_m=accuracy_m) for s, m in fixes]
    found = findings(GeofenceDetector(), view, observations, until_s)
    return [(kind, phase, at, sure) for kind, phase, _, _, at, sure in said(found)]


def enter(at: float, sure: float) -> tuple[str, str, float, float]:
    return (ENTER, "noted", at, sure)


def leave(at: float, sure: float) -> tuple[str, str, float, float]:
    return (EXIT, "noted", at, sure)


@pytest.mark.parametrize(
    ("fixes", "expected"),
    [
        pytest.param([(0, 900), (60, 0), (90, 0)], [enter(60, 90)], id="two fixes inside enter"),
        pytest.param([(0, 900), (60, 0)], [], id="one fix inside is not sure yet"),
        pytest.param([(0, 900), (60, 0), (119, 700)], [], id="one fix inside and out before 60 s"),
        pytest.param(
            [(0, 900), (60, 0), (120, 0)], [enter(60, 120)], id="60 s confirm at the second fix"
        ),
        pytest.param(
            [(0, 900), (60, 0), (200, 0)], [enter(60, 120)], id="60 s pass between two fixes"
        ),
        pytest.param(
            [(0, 900), (60, 500), (90, 500)], [enter(60, 90)], id="the boundary is inside"
        ),
        pytest.param([(0, 900), (60, 500.1), (90, 500.1)], [], id="a step outside is outside"),
        pytest.param([(0, 0), (60, 0), (120, 0)], [], id="the first fix sets the state silently"),
        pytest.param(
            [(0, 0), (60, 529), (90, 529), (120, 529)], [], id="29 m outside has not left"
        ),
        pytest.param(
            [(0, 0), (60, 530.1), (90, 530.1)], [leave(60, 90)], id="30 m outside has left"
        ),
        pytest.param([(0, 0), (60, 900), (90, 0), (150, 900)], [], id="one fix outside is noise"),
        pytest.param(
            [(0, 0), (60, 900), (300, 900)], [leave(60, 180)], id="120 s pass between two fixes"
        ),
        pytest.param(
            [(0, 900), (60, 0), (90, 0), (120, 900), (150, 900)],
            [enter(60, 90), leave(120, 150)],
            id="there and away",
        ),
        pytest.param(
            [(0, 900), (60, 0), (70, 900), (80, 0), (90, 0)],
            [enter(80, 90)],
            id="entering begins anew after a fix outside",
        ),
        pytest.param(
            [(0, 0), (60, 900), (90, 520), (100, 900), (130, 900)],
            [leave(100, 130)],
            id="leaving begins anew after a fix within the margin",
        ),
    ],
)
def test_the_default_rule(fixes: list[Fix], expected: list[Any]) -> None:
    assert decide(fixes) == expected


@pytest.mark.parametrize(
    ("accuracy_m", "inside_m", "outside_m"),
    [
        pytest.param(20.0, 10.0, 40.0, id="half the accuracy, and 30 m more"),
        pytest.param(100.0, 50.0, 80.0, id="at the caps"),
        pytest.param(240.0, 50.0, 80.0, id="never more than 50 and 80 m"),
    ],
)
def test_margins_grow_with_the_accuracy(
    accuracy_m: float, inside_m: float, outside_m: float
) -> None:
    def after(first: float, then: float) -> int:
        fixes = [(0.0, first), (10.0, then), (20.0, then)]
        return len(decide(fixes, accuracy_m=accuracy_m))

    assert after(900, 500 - inside_m - 0.1) == 1
    assert after(900, 500 - inside_m + 0.1) == 0
    assert after(0, 500 + outside_m + 0.1) == 1
    assert after(0, 500 + outside_m - 0.1) == 0


@pytest.mark.parametrize(
    ("fixes", "until_s", "rule", "expected"),
    [
        pytest.param(
            [(0, 900), (60, 480), (90, 480)], None, {"enter_m": 25.0}, [], id="enter_m replaces"
        ),
        pytest.param(
            [(0, 0), (60, 700), (90, 700)], None, {"exit_m": 250.0}, [], id="exit_m replaces"
        ),
        pytest.param(
            [(0, 900), (60, 0), (70, 0), (80, 0)],
            None,
            {"confirm_fixes": 3},
            [enter(60, 80)],
            id="three fixes",
        ),
        pytest.param(
            [(0, 900), (60, 0)], 600, {"confirm_s": 10}, [enter(60, 70)], id="ten seconds"
        ),
        pytest.param([(0, 900), (60, 0)], 119.999, {}, [], id="one fix inside, 59.999 s"),
        pytest.param([(0, 900), (60, 0)], 120, {}, [enter(60, 120)], id="one fix inside, 60 s"),
        pytest.param([(0, 0), (60, 900)], 179.999, {}, [], id="one fix outside, 119.999 s"),
        pytest.param([(0, 0), (60, 900)], 180, {}, [leave(60, 180)], id="one fix outside, 120 s"),
    ],
)
def test_given_values_replace_the_defaults(
    fixes: list[Fix], until_s: float | None, rule: dict[str, Any], expected: list[Any]
) -> None:
    assert decide(fixes, until_s, **rule) == expected


@pytest.mark.parametrize(
    ("fixes", "expected"),
    [
        pytest.param([(0, 900), (10, 500)], [enter(10, 10)], id="on the boundary is inside"),
        pytest.param([(0, 0), (10, 500)], [], id="on the boundary has not left"),
        pytest.param([(0, 0), (10, 500.1)], [leave(10, 10)], id="beyond it is outside"),
        pytest.param(
            [(0, 900), (10, 0), (20, 900), (30, 0)],
            [enter(10, 10), leave(20, 20), enter(30, 30)],
            id="fix by fix",
        ),
        pytest.param([(0, -900), (60, 900)], [], id="a crossing between fixes is not seen"),
        pytest.param([(0, 0)], [], id="the first fix is silent"),
    ],
)
def test_the_plain_rule(fixes: list[Fix], expected: list[Any]) -> None:
    assert decide(fixes, accuracy_m=80.0, **PLAIN) == expected


@pytest.mark.parametrize(
    ("apart_s", "expected"),
    [
        pytest.param(300, [enter(83.3, 300), leave(216.7, 300)], id="300 s apart"),
        pytest.param(300.001, [], id="more than 300 s apart"),
    ],
)
def test_a_fence_jumped_over_is_entered_and_left(apart_s: float, expected: list[Any]) -> None:
    found = decide([(0, -1_125), (apart_s, 1_125)])
    assert [(k, p) for k, p, _, _ in found] == [(k, p) for k, p, _, _ in expected]
    for (_, _, at, sure), (_, _, wanted, wanted_sure) in zip(found, expected, strict=True):
        assert at == pytest.approx(wanted, abs=1.0)
        assert sure == wanted_sure


def test_a_crossing_says_so_and_where() -> None:
    view = view_of(circle("F"), circle("G", 10_000))
    fixes = [observation(0, place(-2_000)), observation(200, place(2_000))]
    entered, left = findings(GeofenceDetector(), view, fixes)
    assert entered.evidence["crossed"] is True
    assert left.evidence["inside_s"] == pytest.approx(50.0, abs=0.5)
    assert entered.position is not None
    assert entered.position.lon_deg == pytest.approx(place(-500)[1], abs=1e-4)


def test_a_crossing_must_be_deep_enough() -> None:
    near_the_edge = [
        observation(0, place(-2_000, 485), accuracy_m=40.0),
        observation(60, place(2_000, 485), accuracy_m=40.0),
    ]
    assert findings(GeofenceDetector(), view_of(circle("F")), near_the_edge) == []


@pytest.mark.parametrize(
    ("fixes", "until_s", "expected"),
    [
        pytest.param([(0, 0)], 899.999, [], id="not yet"),
        pytest.param([(0, 0)], 900, [(DWELL, "raised", 0, 900)], id="from the first fix on"),
        pytest.param(
            [(0, 900), (60, 0), (70, 0), (2_000, 0)],
            None,
            [enter(60, 70), (DWELL, "raised", 60, 960)],
            id="from the first fix inside on",
        ),
        pytest.param(
            [(0, 0), (1_000, 900), (1_010, 900)],
            None,
            [(DWELL, "raised", 0, 900), leave(1_000, 1_010), (DWELL, "cleared", 1_000, 1_010)],
            id="cleared by leaving",
        ),
        pytest.param(
            [(0, 0), (890, 900), (910, 900)],
            5_000,
            [leave(890, 910)],
            id="leaving before it is full",
        ),
        pytest.param(
            [(0, 0), (890, 900), (910, 0)],
            5_000,
            [(DWELL, "raised", 0, 900)],
            id="a noisy fix does not stop the count",
        ),
    ],
)
def test_dwell_counts_from_the_first_reading_inside(
    fixes: list[Fix], until_s: float | None, expected: list[Any]
) -> None:
    assert decide(fixes, until_s, dwell_s=900) == expected


@pytest.mark.parametrize(
    ("fixes", "rule", "expected"),
    [
        pytest.param(
            [(0, 0)], {}, [(FORBIDDEN, "raised", 0, 0)], id="the first fix raises all the same"
        ),
        pytest.param(
            [(0, 900), (60, 0), (90, 0), (120, 900), (150, 900)],
            {},
            [
                enter(60, 90),
                (FORBIDDEN, "raised", 60, 90),
                leave(120, 150),
                (FORBIDDEN, "cleared", 120, 150),
            ],
            id="entered and left",
        ),
        pytest.param(
            [(0, 0)], {"schedule": "Wed 12:00-13:00"}, [(FORBIDDEN, "raised", 0, 0)], id="in force"
        ),
        pytest.param([(0, 0)], {"schedule": "Wed 13:00-14:00"}, [], id="not in force"),
        pytest.param(
            [(0, 0)],
            {"schedule": "Wed 06:00-07:00", "timezone": "America/Monterrey"},
            [(FORBIDDEN, "raised", 0, 0)],
            id="in force in its own zone",
        ),
    ],
)
def test_a_no_go_zone_is_forbidden(
    fixes: list[Fix], rule: dict[str, Any], expected: list[Any]
) -> None:
    assert decide(fixes, fence_class=FenceClass.NO_GO, **rule) == expected


def test_jumping_over_a_no_go_zone_is_forbidden_too() -> None:
    view = view_of(circle("F", fence_class=FenceClass.NO_GO))
    fixes = [observation(0, place(-2_000)), observation(200, place(2_000))]
    found = findings(GeofenceDetector(), view, fixes)
    assert [(f.kind, f.phase.value, f.severity) for f in found] == [
        (ENTER, "noted", Severity.INFO),
        (EXIT, "noted", Severity.INFO),
        (FORBIDDEN, "raised", Severity.HIGH),
        (FORBIDDEN, "cleared", Severity.HIGH),
    ]


def test_overlapping_fences_are_independent() -> None:
    view = view_of(circle("A"), circle("B", 400), circle("C", 5_000))
    fixes = [observation(s, place(m)) for s, m in ((0, -900), (10, 200), (20, 200), (30, 700))]
    found = said(findings(GeofenceDetector(), view, fixes, 200))
    assert sorted((kind, subject, at) for kind, _, subject, _, at, _ in found) == [
        (ENTER, "A", 10.0),
        (ENTER, "B", 10.0),
        (EXIT, "A", 30.0),
    ]


def test_a_reading_without_a_fix_changes_nothing() -> None:
    view = view_of(circle("F"))
    fixes = [observation(0, place(900)), observation(10), observation(20, place(0))]
    assert findings(GeofenceDetector(), view, fixes, 50) == []


def test_the_origin_is_a_fence() -> None:
    view = view_of(origin=Place(*HOME))
    fixes = [observation(s, place(m)) for s, m in ((0, 0), (60, 900), (70, 900))]
    (left,) = findings(GeofenceDetector(), view, fixes)
    assert (left.kind, left.subject, left.evidence["class"]) == (EXIT, "MX1:origin", "ORIGIN")
    assert left.evidence["inside_s"] == 60.0


def test_a_fence_that_a_new_plan_dropped_is_forgotten() -> None:
    detector = GeofenceDetector()
    state = detector.initial()
    state, _ = detector.observe(state, observation(0, place(0)), view_of(circle("F", dwell_s=60)))
    state, found = detector.expire(state, state.next_at or 0, view_of())
    assert (state.fences, found) == ({}, ())
    state, _ = detector.observe(state, observation(0, place(0)), view_of(circle("F")))
    state, found = detector.observe(state, observation(9, place(9_000)), view_of())
    assert (state.fences, found) == ({}, ())
