"""The fold of one shipment: what is stamped on events, and what cannot go on for ever."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from ingest import pipeline
from ingest.detectors.detector import About, Result
from ingest.pipeline import fold, knowledge_before, pass_time, publish, retraction, truth_before
from ingest.position import Sense
from puente.instant import SECOND, Instant, text
from puente.model import Event, Finding, Observation, Phase, Position, Severity, event_id
from puente.plan import ShipmentPlan
from tests.ingest.builders import AT, CHILLED, SHIPMENT, observation, place, reading, view_of

HERE, THERE = Position(25.0, -100.0), Position(26.0, -99.0)


def finding(phase: Phase = Phase.RAISED, position: Position | None = None) -> Finding:
    return Finding(
        kind="stop.unplanned",
        phase=phase,
        subject="stop",
        episode=AT,
        severity=Severity.MEDIUM,
        occurred_at=AT,
        confirmed_at=AT + 1800 * SECOND,
        device_id="D",
        title="Unplanned stop",
        summary="Standing",
        response="Call",
        respond_within_s=900,
        position=position,
        evidence={"stopped_s": 1800.0},
    )


def event(after_s: float = 0, **more: Position | None) -> Event:
    learned_at = AT + 1800 * SECOND + round(after_s * SECOND)
    return publish(finding(**more), SHIPMENT, learned_at, Sense(place=THERE))  # type: ignore[arg-type]


@pytest.mark.parametrize(("after_s", "late"), [(0, False), (600, False), (600.001, True)])
def test_an_event_is_late_when_learned_600_s_after_its_confirmation(
    after_s: float, late: bool
) -> None:
    assert event(after_s).late is late


def test_an_event_lies_where_its_finding_says_else_where_the_shipment_is() -> None:
    assert (event(position=HERE).lat, event(position=HERE).lon) == (25.0, -100.0)
    assert (event().lat, event().lon) == (26.0, -99.0)
    nowhere = publish(finding(), SHIPMENT, AT, Sense())
    assert (nowhere.lat, nowhere.lon) == (None, None)


def test_a_retraction_takes_back_one_event_and_names_what_replaces_it() -> None:
    back = retraction(event(), AT + 9_999_000, AT - 5)
    assert back.phase is Phase.RETRACTED
    assert back.id == event_id("stop.unplanned", SHIPMENT, "stop", AT, Phase.RETRACTED)
    assert back.alert_id == event().alert_id
    assert back.evidence == {"stopped_s": 1800.0, "superseded_by": text(AT - 5)}
    assert (back.learned_at, back.late, back.respond_within_s) == (AT + 9_999_000, True, None)


def test_a_reading_of_a_device_that_is_not_bound_is_not_folded() -> None:
    assert fold(truth_before(), reading(0, device="stranger"), view_of()) is None


def test_deadlines_up_to_a_readings_time_fire_before_it() -> None:
    view = view_of(profile=CHILLED)
    warm = fold(truth_before(), reading(0, temperature_c={"product": 9.0}), view)
    assert warm is not None
    cool = fold(warm.truth, reading(600, temperature_c={"product": 5.0}), view)
    assert cool is not None
    assert [f.kind for f in cool.findings] == ["temperature.warning"]
    assert pass_time(warm.truth, AT + 599_999, view).findings == ()


def test_a_truth_that_waits_for_nothing_lets_time_pass() -> None:
    passed = pass_time(truth_before(), AT, view_of())
    assert (passed.truth, passed.findings, passed.fired_at) == (truth_before(), (), None)


def test_the_newest_deadline_that_fired_is_known() -> None:
    view = view_of(profile=CHILLED)
    warm = fold(truth_before(), reading(0, place(0), temperature_c={"product": 9.0}), view)
    assert warm is not None
    passed = pass_time(warm.truth, AT + 5_000_000, view)
    assert passed.fired_at == AT + 1_800_000


def test_what_is_known_passes_time_too() -> None:
    view = view_of()
    known, found = pipeline.hear(knowledge_before(), observation(0), view)
    assert found == ()
    assert pipeline.pass_knowing(known, AT + 899_999, view) == (known, ())
    known, found = pipeline.pass_knowing(known, AT + 900_000, view)
    assert [f.kind for f in found] == ["device.silent"]
    assert known.due is None


@dataclass(frozen=True)
class Restless:
    """A faulty detector: its deadline never moves on."""

    name: ClassVar[str] = "restless"
    about: ClassVar[About] = About.TRUTH
    kinds: ClassVar[tuple[str, ...]] = ()
    state_type: ClassVar[type[int]] = int

    def initial(self) -> int:
        return 0

    def observe(self, state: int, observation: Observation, plan: ShipmentPlan) -> Result[int]:
        return state, ()

    def deadline(self, state: int) -> Instant | None:
        return AT

    def expire(self, state: int, now: Instant, plan: ShipmentPlan) -> Result[int]:
        return state, ()


def test_a_deadline_that_does_not_move_on_is_an_error_and_no_endless_loop() -> None:
    with pytest.raises(RuntimeError, match="do not move on"):
        pipeline._expire((Restless(),), (0,), AT, view_of())
