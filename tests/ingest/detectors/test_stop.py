"""Stops: a row gives fixes as (seconds, metres east, speed)."""

from typing import Any

import pytest

from ingest.detectors.stop import UnplannedStop
from puente.model import Severity
from puente.plan import LAWFUL_STOPS
from tests.ingest.builders import observation, place, view_of
from tests.ingest.detectors.driving import findings, said

Fix = tuple[float, float, float | None]


def decide(
    fixes: list[Fix],
    until_s: float | None = None,
    classes: frozenset[str] = frozenset(),
    **plan: Any,  # noqa: ANN401 - whatever a Shipment takes
) -> list[tuple[str, float, float, float]]:
    observations = [
        observation(s, place(m), speed_mps=speed, classes=classes) for s, m, speed in fixes
    ]
    found = said(findings(UnplannedStop(), view_of(**plan), observations, until_s))
    return [(phase, episode, at, sure) for _, phase, _, episode, at, sure in found]


RAISED = ("raised", 0.0, 0.0, 1800.0)


@pytest.mark.parametrize(
    ("fixes", "until_s", "expected"),
    [
        pytest.param([(0, 0, 0.0)], 1_799.999, [], id="not yet 1,800 s"),
        pytest.param([(0, 0, 0.0)], 1_800, [RAISED], id="1,800 s"),
        pytest.param([(0, 0, 0.83)], 1_800, [RAISED], id="0.83 m/s is standing"),
        pytest.param([(0, 0, 0.84)], 1_800, [], id="0.84 m/s is not"),
        pytest.param([(0, 0, None)], 1_800, [], id="an unknown speed is not"),
        pytest.param([(0, 0, 0.0), (900, 99.9, 0.0)], 1_800, [RAISED], id="99.9 m away is here"),
        pytest.param(
            [(0, 0, 0.0), (900, 100.1, 0.0)],
            2_700,
            [("raised", 900.0, 900.0, 2700.0)],
            id="100.1 m away is another stop",
        ),
        pytest.param(
            [(0, 0, 0.0), (900, 10, 5.0), (960, 20, 0.0)],
            1_800,
            [RAISED],
            id="one noisy speed does not end it",
        ),
        pytest.param(
            [(0, 0, 0.0), (900, 10, 5.0), (960, 20, 5.0)], 5_000, [], id="two moving fixes end it"
        ),
        pytest.param(
            [(0, 0, 0.0), (2_000, 500, 15.0)],
            None,
            [RAISED, ("cleared", 0.0, 2000.0, 2000.0)],
            id="driving away clears",
        ),
        pytest.param(
            [(0, 0, 0.0), (2_000, 50, 5.0), (2_060, 90, 5.0)],
            None,
            [RAISED, ("cleared", 0.0, 2000.0, 2060.0)],
            id="it ends at the first of two moving fixes",
        ),
    ],
)
def test_a_stop(fixes: list[Fix], until_s: float | None, expected: list[Any]) -> None:
    assert decide(fixes, until_s) == expected


@pytest.mark.parametrize("lawful", sorted(LAWFUL_STOPS))
def test_standing_is_lawful_inside(lawful: str) -> None:
    assert decide([(0, 0, 0.0)], 99_999, frozenset({lawful, "HOT"})) == []


@pytest.mark.parametrize(
    ("classes", "high_value", "limit_s"),
    [
        pytest.param(frozenset(), False, 1800, id="anywhere"),
        pytest.param(
            frozenset({"CUSTOM", "NO_GO", "DEADZONE"}), False, 1800, id="no lawful class"
        ),
        pytest.param(frozenset(), True, 900, id="high value"),
        pytest.param(frozenset({"HOT"}), False, 300, id="a hot zone"),
        pytest.param(frozenset({"HOT"}), True, 300, id="high value in a hot zone"),
    ],
)
def test_how_long_is_too_long(classes: frozenset[str], high_value: bool, limit_s: int) -> None:
    assert decide([(0, 0, 0.0)], limit_s - 0.001, classes, high_value=high_value) == []
    assert decide([(0, 0, 0.0)], limit_s, classes, high_value=high_value) == [
        ("raised", 0.0, 0.0, float(limit_s))
    ]


@pytest.mark.parametrize(
    ("classes", "severity", "respond_s"),
    [
        pytest.param(frozenset(), Severity.MEDIUM, 900, id="P3 anywhere"),
        pytest.param(frozenset({"HOT"}), Severity.HIGH, 300, id="P2 in a hot zone"),
    ],
)
def test_its_severity_is_that_of_the_catalogue(
    classes: frozenset[str], severity: Severity, respond_s: int
) -> None:
    fix = observation(0, place(0), speed_mps=0.0, classes=classes)
    (found,) = findings(UnplannedStop(), view_of(), [fix], 1_800)
    assert (found.severity, found.respond_within_s) == (severity, respond_s)
    assert found.position == fix.position


def test_a_reading_without_a_fix_changes_nothing() -> None:
    fixes = [observation(0, place(0), speed_mps=0.0), observation(100)]
    assert len(findings(UnplannedStop(), view_of(), fixes, 1_800)) == 1
