"""A device with a wrong clock is one episode, from the first wrong time to the first right one."""

from ingest.detectors.clock_fault import ClockFault
from puente.model import Severity
from tests.ingest.builders import observation, view_of
from tests.ingest.detectors.driving import findings, said


def test_one_episode_from_the_first_wrong_time_to_the_first_right_one() -> None:
    given = [
        observation(0),
        observation(60, faulty=True),
        observation(120, faulty=True),
        observation(100, delay_s=80),
        observation(200),
        observation(300, faulty=True),
    ]
    found = findings(ClockFault(), view_of(), given)
    assert [(p, e, at) for _, p, _, e, at, _ in said(found)] == [
        ("raised", 60.0, 60.0),
        ("cleared", 60.0, 180.0),
        ("raised", 300.0, 300.0),
    ]
    assert {(f.kind, f.subject, f.severity) for f in found} == {
        ("device.clock_fault", "TRK-1", Severity.LOW)
    }


def test_devices_have_clocks_of_their_own() -> None:
    given = [observation(0, faulty=True), observation(1, device="B"), observation(2, device="B")]
    assert len(findings(ClockFault(), view_of(), given, 9_999)) == 1


def test_time_alone_decides_nothing() -> None:
    detector = ClockFault()
    state, _ = detector.observe(detector.initial(), observation(0, faulty=True), view_of())
    assert detector.deadline(state) is None
    assert detector.expire(state, 0, view_of()) == (state, ())
