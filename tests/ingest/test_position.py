"""Position sense: which fix is the shipment's, and whether it can be believed."""

import pytest

from ingest.position import Sense, observe
from puente.model import Discard, Observation, Reading, Role
from puente.plan import FenceClass
from tests.ingest.builders import DEVICE, circle, place, reading, view_of

TRAILER, TRACTOR, PROBE = "TRL", "TRC", "PRB"
ROLES = {DEVICE: Role.TRAILER, TRAILER: Role.TRAILER, TRACTOR: Role.TRACTOR, PROBE: Role.PROBE}
VIEW = view_of(circle("yard", 0, 500, FenceClass.YARD))


def follow(*readings: Reading) -> list[Observation]:
    sense = Sense()
    seen = []
    for r in readings:
        sense, observation = observe(sense, r, ROLES[r.device_id], VIEW)
        seen.append(observation)
    return seen


@pytest.mark.parametrize(
    ("s", "metres", "believed"),
    [
        pytest.param(10, 599.9, True, id="60 m/s"),
        pytest.param(10, 600.1, False, id="more than 60 m/s"),
        pytest.param(0, 59.9, True, id="two fixes of one second, 60 m apart"),
        pytest.param(0, 60.1, False, id="two fixes of one second, further apart"),
        pytest.param(10_000, 500_000, True, id="far, but long after"),
    ],
)
def test_a_fix_that_implies_more_than_60_mps_is_discarded(
    s: float, metres: float, believed: bool
) -> None:
    _, second = follow(reading(0, place(0)), reading(s, place(metres), battery_pct=1.0))
    assert (second.position is not None) is believed
    assert second.discard is (None if believed else Discard.IMPLAUSIBLE_SPEED)
    assert second.telemetry.battery_pct == 1.0


def test_three_fixes_that_agree_become_the_truth() -> None:
    jumped = [reading(60 + s, place(90_000 + s)) for s in (0, 10, 20, 30)]
    seen = follow(reading(0, place(0)), *jumped)
    assert [o.position is not None for o in seen] == [True, False, False, True, True]


def test_fixes_that_disagree_never_do() -> None:
    seen = follow(
        reading(0, place(0)),
        *(reading(60 + i, place(90_000 * (1 + i % 2), 9_000)) for i in range(6)),
        reading(70, place(100)),
    )
    assert [o.position is not None for o in seen] == [True, *(False,) * 6, True]


def test_a_discarded_fix_leaves_the_place_where_it_was() -> None:
    seen = follow(reading(0, place(0)), reading(1, place(90_000)), reading(2))
    assert seen[1].place == seen[0].position
    assert seen[2].place == seen[0].position
    assert seen[2].place_at == seen[0].at


def test_a_fix_that_admission_discarded_anchors_nothing() -> None:
    seen = follow(reading(0, place(90_000), accuracy_m=900.0), reading(1, place(0)))
    assert (seen[0].position, seen[0].discard) == (None, Discard.ACCURACY)
    assert seen[1].position is not None


def test_the_most_trusted_device_leads() -> None:
    seen = follow(
        reading(0, place(0), device=PROBE),
        reading(10, place(1), device=TRACTOR),
        reading(20, place(2), device=TRAILER),
        reading(30, place(3), device=TRACTOR),
        reading(40, place(4), device=TRAILER),
    )
    assert [o.position is not None for o in seen] == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("s", "leads"), [pytest.param(900, False, id="15 min"), pytest.param(900.001, True, id="more")]
)
def test_another_device_takes_over_when_the_lead_is_stale(s: float, leads: bool) -> None:
    seen = follow(reading(0, place(0), device=TRAILER), reading(s, place(5), device=TRACTOR))
    assert (seen[1].position is not None) is leads


def test_a_missing_speed_is_that_between_two_fixes() -> None:
    seen = follow(reading(0, place(0)), reading(10, place(150)), reading(20, place(150)))
    speeds = [o.position.speed_mps for o in seen if o.position]
    assert speeds[0] is None
    assert speeds[1] == pytest.approx(15.0, abs=0.01)
    assert speeds[2] == 0.0


def test_the_place_knows_its_classes_and_since_when_it_is_slow() -> None:
    seen = follow(
        reading(0, place(0), speed_mps=5.0),
        reading(10, place(0), speed_mps=0.83),
        reading(20, place(0), speed_mps=0.0),
        reading(30),
        reading(40, place(600), speed_mps=9.0),
    )
    assert [o.classes for o in seen] == [*({"YARD"},) * 4, set()]
    assert [o.slow_since for o in seen] == [None, seen[1].at, seen[1].at, seen[1].at, None]


def test_a_fix_sent_again_is_no_second_fix() -> None:
    first = reading(10, place(0), boot=1, seq=1)
    again = reading(10, place(0), boot=1, seq=2, battery_pct=5.0)
    seen = follow(reading(0, place(5)), first, again)
    assert [o.position is not None for o in seen] == [True, True, False]
    assert (seen[2].place, seen[2].discard) == (seen[1].position, None)


def test_a_discarded_fix_sent_again_does_not_confirm_itself() -> None:
    far = [reading(10, place(90_000), boot=1, seq=i) for i in range(4)]
    seen = follow(reading(0, place(0)), *far)
    assert [o.position is not None for o in seen] == [True, *(False,) * 4]
