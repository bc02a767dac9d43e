"""Route deviation; a row gives fixes as (seconds, metres off a road 1,000 m wide)."""

from typing import Any

import pytest

from ingest.detectors.deviation import RouteDeviation
from puente.model import Severity
from tests.ingest.builders import observation, place, road, view_of
from tests.ingest.detectors.driving import findings, said

Fix = tuple[float, float]


def decide(fixes: list[Fix], **plan: Any) -> list[tuple[str, float, float, float]]:  # noqa: ANN401
    view = view_of(route=road(), **plan)
    observations = [observation(s, place(10_000 + s, off)) for s, off in fixes]
    found = said(findings(RouteDeviation(), view, observations, 9_999))
    return [(phase, episode, at, sure) for _, phase, _, episode, at, sure in found]


RAISED = ("raised", 0.0, 0.0, 180.0)


@pytest.mark.parametrize(
    ("fixes", "expected"),
    [
        pytest.param([(0, 1_100), (90, 1_100), (180, 1_100)], [RAISED], id="3 fixes and 180 s"),
        pytest.param([(0, 1_100), (90, 1_100), (179.999, 1_100)], [], id="3 fixes and 179.999 s"),
        pytest.param([(0, 1_100), (180, 1_100)], [], id="180 s but 2 fixes"),
        pytest.param([(0, 1_100), (900, 1_100)], [], id="silence is no evidence"),
        pytest.param(
            [(0, 1_100), (10, 1_100), (20, 1_100), (180, 1_100)], [RAISED], id="fixes, then time"
        ),
        pytest.param([(0, 990), (90, 990), (180, 990)], [], id="within the corridor"),
        pytest.param([(0, -1_100), (90, -1_100), (180, -1_100)], [RAISED], id="on the other side"),
        pytest.param(
            [(0, 1_100), (90, 990), (180, 1_100), (270, 1_100)],
            [],
            id="one fix on the road begins anew",
        ),
        pytest.param(
            [(0, 1_100), (90, 1_100), (180, 1_100), (270, 790), (300, 790)],
            [RAISED, ("cleared", 0.0, 270.0, 300.0)],
            id="two fixes below 0.8 clear",
        ),
        pytest.param(
            [(0, 1_100), (90, 1_100), (180, 1_100), (270, 790)],
            [RAISED],
            id="one fix below 0.8 does not",
        ),
        pytest.param(
            [(0, 1_100), (90, 1_100), (180, 1_100), (270, 810), (300, 810), (330, 810)],
            [RAISED],
            id="above 0.8 does not",
        ),
        pytest.param(
            [(0, 1_100), (90, 1_100), (180, 1_100), (270, 790), (280, 900), (290, 790)],
            [RAISED],
            id="the two fixes must follow each other",
        ),
        pytest.param(
            [
                (0, 1_100),
                (90, 1_100),
                (180, 1_100),
                (270, 0),
                (280, 0),
                (300, 1_100),
                (400, 1_100),
                (480, 1_100),
            ],
            [RAISED, ("cleared", 0.0, 270.0, 280.0), ("raised", 300.0, 300.0, 480.0)],
            id="a second deviation is a new episode",
        ),
    ],
)
def test_a_deviation(fixes: list[Fix], expected: list[Any]) -> None:
    assert decide(fixes) == expected


def test_no_route_no_deviation() -> None:
    fixes = [observation(s, place(0, 50_000)) for s in (0, 100, 200, 300)]
    assert findings(RouteDeviation(), view_of(), fixes) == []


def test_a_reading_without_a_fix_does_not_count() -> None:
    fixes = [observation(0, place(0, 1_100)), observation(90), observation(180, place(0, 1_100))]
    assert findings(RouteDeviation(), view_of(route=road()), fixes) == []


def test_the_shipments_corridor_counts_where_the_route_has_none() -> None:
    fixes = [observation(s, place(10_000, 600)) for s in (0, 90, 180)]
    narrow = view_of(route=road(corridor_m=None), corridor_m=500.0)
    assert len(findings(RouteDeviation(), narrow, fixes)) == 1
    assert findings(RouteDeviation(), view_of(route=road(corridor_m=None)), fixes) == []


def test_a_deviation_says_where_how_far_and_how_long() -> None:
    fixes = [
        observation(s, place(10_000, off)) for s, off in ((0, 1_500), (90, 2_500), (200, 2_000))
    ]
    (found,) = findings(RouteDeviation(), view_of(route=road()), fixes)
    assert found.severity is Severity.HIGH
    assert found.subject == "R1"
    assert found.position is not None
    assert found.position.lat_deg == pytest.approx(place(10_000, 1_500)[0])
    assert found.evidence["off_m"] == pytest.approx(2_000, abs=5)
    assert found.evidence["off_s"] == 200.0
    assert found.evidence["progress_m"] == pytest.approx(10_000, abs=50)
    assert found.summary == "2.0 km from Road 1 (allowed 1.0 km) for 3 min"
