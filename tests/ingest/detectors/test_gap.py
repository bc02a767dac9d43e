"""Readings lost in a device are noted once."""

from ingest.detectors.gap import TelemetryGap
from puente.model import Gap, Severity
from tests.ingest.builders import observation, view_of
from tests.ingest.detectors.driving import findings


def test_a_gap_is_noted_when_it_is_declared() -> None:
    given = [observation(0), observation(60, gaps=(Gap(1, 2, 4), Gap(1, 7, 7)))]
    (found,) = findings(TelemetryGap(), view_of(), given)
    assert (found.kind, found.phase.value, found.severity) == (
        "telemetry.gap",
        "noted",
        Severity.INFO,
    )
    assert found.evidence == {"missing": 4, "ranges": [[1, 2, 4], [1, 7, 7]]}


def test_a_gap_that_is_known_is_not_noted_again() -> None:
    once, later = Gap(1, 2, 4), Gap(1, 9, 9)
    given = [
        observation(0, gaps=(once,)),
        observation(0, gaps=(once,)),
        observation(60, gaps=(once, later)),
        observation(90, gaps=(Gap(2, 1, 1),)),
        observation(99, gaps=(once,), device="B"),
    ]
    found = findings(TelemetryGap(), view_of(), given)
    assert [f.evidence["ranges"] for f in found] == [
        [[1, 2, 4]],
        [[1, 9, 9]],
        [[2, 1, 1]],
        [[1, 2, 4]],
    ]


def test_time_alone_decides_nothing() -> None:
    detector = TelemetryGap()
    assert detector.deadline(detector.initial()) is None
    assert detector.expire(detector.initial(), 0, view_of()) == (detector.initial(), ())
