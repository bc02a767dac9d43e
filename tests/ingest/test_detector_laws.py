"""The laws of house.md section 6, over all detectors at once.

The hardest is late truth: for any order, delay and duplication of the same readings the final
ledger equals that of the ordered stream. It is tested through `Partition.read`, as live.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import pipeline
from ingest.detectors import DETECTORS, KNOWLEDGE, TRUTH
from ingest.detectors.detector import Detector
from ingest.partition import Partition
from ingest.pipeline import Truth
from ingest.summary import shipment_summary
from ingest.timeline import BEFORE_ALL
from puente.instant import HOUR, MINUTE, SECOND, Instant
from puente.model import Event, Finding, Gap, Observation, Phase, Reading, Role, SealReading
from puente.plan import FenceClass, Place, Plan
from tests.ingest.builders import (
    CHILLED,
    HOME,
    SHIPMENT,
    circle,
    locked,
    place,
    plan_of,
    reading,
    road,
    unlocked,
)
from tests.ingest.ledger import ABOUT_KNOWLEDGE, ledger_of

TRAILER, TRACTOR, SEAL = "TRL-1", "TRC-1", "SEAL-1"

NOTED = frozenset({"geofence.enter", "geofence.exit", "seal.opened", "telemetry.gap"})


def make_plan() -> Plan:
    """Build a road with something of every kind on it, so that every detector has work."""
    return plan_of(
        circle("yard", 6_000, 700, FenceClass.YARD),
        circle("plain", 12_000, 800, confirm_fixes=1, enter_m=0.0, exit_m=0.0),
        circle("nogo", 18_000, 900, FenceClass.NO_GO),
        circle("hot", 24_000, 3_000, FenceClass.HOT),
        circle("dwell", 30_000, 1_500, dwell_s=900),
        circle("slow", 34_000, 800, confirm_fixes=3, confirm_s=400, dwell_s=300),
        circle("tiny", 37_000, 60),
        circle("cbp", 40_000, 1_000, FenceClass.CBP),
        route=road(60_000),
        profile=CHILLED,
        devices=((TRAILER, Role.TRAILER), (TRACTOR, Role.TRACTOR), (SEAL, Role.SEAL)),
        origin=Place(*HOME, radius_m=600),
    )


PLAN = make_plan()

SEALS: tuple[SealReading, ...] = (
    *(locked(),) * 6,
    *(unlocked(),) * 4,
    SealReading("sealed", rope=True, motor=False),
    SealReading("sealed", rope=True, motor=False),
    SealReading("open"),
    SealReading("open", rope=False, motor=True),
    SealReading("tampered", event="cut"),
)
STEPS_S = (0, 1, 30, 60, 60, 60, 120, 180, 300, 301, 900, 2400)
MOVES_M = (0, 0, 50, 700, 1_500, 3_000, 6_000, -1_500)
SPOTS_M = (0, 6_000, 12_000, 18_000, 24_000, 30_000, 34_000, 37_000, 40_000)
ASIDE_M = (0, 0, 0, 0, 900, 1_200, 2_500)
CELSIUS = (5.0, 5.0, 7.4, 7.7, 8.0, 8.3, 12.0, 15.5, 16.0, 85.0, -1.0)
SPEEDS = (None, 0.0, 0.5, 0.83, 0.9, 20.0)

index = st.integers(0, 1 << 30)


@st.composite
def journeys(draw: st.DrawFn) -> list[Reading]:
    """Draw a journey: readings of three devices in the order in which they were taken.

    A truck keeps its mood for a while: it drives, stands, strays or warms. A generator of random
    numbers chooses among the tables above; hypothesis finds the seed and shortens the journey.
    """
    length = draw(st.sampled_from((50, 20, 8, 3)))
    chance = random.Random(draw(index))
    restless = chance.choice((0.1, 0.3, 1.0))
    readings: list[Reading] = []
    s, east = 0, 0.0
    move, aside, celsius, speed = 0.0, 0.0, 5.0, None
    for number in range(length):
        s += chance.choice(STEPS_S)
        if chance.random() < restless:
            move, speed = chance.choice(MOVES_M), chance.choice(SPEEDS)
        if chance.random() < restless:
            aside, celsius = chance.choice(ASIDE_M), chance.choice(CELSIUS)
        if chance.random() < restless / 4:
            east = chance.choice(SPOTS_M)
        east = max(-3_000.0, east + move)
        device = chance.choice((TRAILER, TRAILER, TRAILER, TRACTOR, SEAL))
        fields: dict[str, Any] = {"boot": 1, "seq": number}
        if chance.random() < 0.7:
            fields["temperature_c"] = {"product": celsius, "ambient": 40.0}
        if device == SEAL:
            fields["seal"] = chance.choice(SEALS)
        jump = 300_000.0 if chance.random() < 0.03 else 0.0
        point = None if chance.random() < 0.1 else place(east + jump, aside)
        readings.append(
            reading(
                s,
                point,
                device=device,
                accuracy_m=chance.choice((None, 5.0, 40.0, 300.0)),
                speed_mps=speed,
                **fields,
            )
        )
    return readings


DELAYS_MS = (0, 0, 0, 5 * SECOND, 90 * SECOND, 10 * MINUTE, 2 * HOUR, 20 * HOUR)


def received(r: Reading, at: Instant) -> Reading:
    return msgspec.structs.replace(r, received_at=at)


@st.composite
def deliveries(draw: st.DrawFn, readings: list[Reading]) -> list[Reading | Instant]:
    """Draw an order of arrival: delays, whole backfills, duplicates, and clock advances."""
    chance = random.Random(draw(index))
    manner = draw(st.sampled_from(("delays", "shuffled", "backfill", "reversed")))
    arrivals: list[tuple[Instant, float, Reading]] = []
    held = chance.choice((TRAILER, TRACTOR, SEAL))
    last = readings[-1].at
    for place_in, r in enumerate(readings):
        for _ in range(1 if chance.random() < 0.85 else 2):
            match manner:
                case "delays":
                    at = r.at + chance.choice(DELAYS_MS)
                case "backfill":
                    at = last + MINUTE if r.device_id == held else r.at
                case "shuffled":
                    at = last
                case _:
                    at = last + HOUR - place_in
            arrivals.append((at, chance.random(), received(r, at)))
    out: list[Reading | Instant] = []
    for at, _, r in sorted(arrivals, key=lambda a: a[:2]):
        if chance.random() < 0.3:
            out.append(at - chance.choice((0, SECOND, 3 * MINUTE)))
        out.append(r)
    return out


def run(
    stream: Iterable[Reading | Instant], end: Instant, partition: Partition | None = None
) -> tuple[list[Event], Partition]:
    partition = partition or Partition(PLAN)
    seen: set[tuple[str, str]] = set()
    events: list[Event] = []
    for item in stream:
        if isinstance(item, int):
            if item > partition.clock:
                events += partition.advance(item)
            continue
        if (item.device_id, item.identity) in seen:
            # The log drops what it has; the clock goes on all the same.
            events += partition.advance(max(partition.clock, item.received_at))
            continue
        seen.add((item.device_id, item.identity))
        events += partition.read(item)
    return events + partition.advance(end), partition


def end_of(*streams: list[Reading | Instant]) -> Instant:
    newest = max(
        item if isinstance(item, int) else max(item.at, item.received_at)
        for stream in streams
        for item in stream
    )
    return newest + 3 * HOUR


def summary_of(partition: Partition) -> dict[str, Any]:
    view = PLAN.view(SHIPMENT)
    assert view is not None
    told = shipment_summary(partition.subjects[SHIPMENT], view)
    told["open_episodes"] = [e for e in told["open_episodes"] if e["kind"] not in ABOUT_KNOWLEDGE]
    return told


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_any_order_of_arrival_leaves_the_ledger_of_the_ordered_stream(data: st.DataObject) -> None:
    readings = data.draw(journeys())
    stream = data.draw(deliveries(readings))
    ordered: list[Reading | Instant] = list(readings)
    end = end_of(ordered, stream)
    expected, in_order = run(ordered, end)
    actual, as_arrived = run(stream, end)
    assert ledger_of(actual) == ledger_of(expected)
    assert summary_of(as_arrived) == summary_of(in_order)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_what_stands_open_is_what_the_ledger_says(data: st.DataObject) -> None:
    readings = data.draw(journeys())
    stream = data.draw(deliveries(readings))
    events, partition = run(stream, end_of(stream))
    standing = {key for key in partition.subjects[SHIPMENT].open if key[0] not in ABOUT_KNOWLEDGE}
    assert standing == {
        (kind, subject, episode)
        for (_, kind, subject, episode), (_, _, cleared_at) in ledger_of(events).items()
        if cleared_at is None and kind not in NOTED
    }


class Track:
    """A history as the engine keeps it: every reading folded so far, and hourly checkpoints."""

    def __init__(self) -> None:
        self.readings: dict[str, dict[tuple[str, str], Reading]] = {}
        self.checkpoints: dict[str, dict[int, Truth]] = {}
        self.asked = 0

    def before(self, subject: str, at: Instant) -> tuple[Truth, list[Reading]]:
        self.asked += 1
        kept = sorted(self.readings.get(subject, {}).values(), key=lambda r: r.order)
        hours = [h for h in self.checkpoints.get(subject, {}) if h <= at // HOUR]
        if not hours:
            return pipeline.truth_before(), kept
        packed = pipeline.pack_truth(self.checkpoints[subject][max(hours)])
        return pipeline.unpack_truth(packed), [r for r in kept if r.at >= max(hours) * HOUR]


class Forgetful(Partition):
    """A partition that keeps few steps in memory and writes checkpoints as the engine does."""

    def __init__(self, plan: Plan, track: Track, keep_ms: int, most: int) -> None:
        super().__init__(plan, track)
        self.track, self.keep_ms, self.most = track, keep_ms, most
        self.keep_fetched = 0

    def place(self, subject_id: str, readings: list[Reading]) -> list[Event]:
        asked = self.track.asked
        events = super().place(subject_id, readings)
        self.keep_fetched = 6 if self.track.asked > asked else self.keep_fetched - 1
        kept = self.track.readings.setdefault(subject_id, {})
        kept |= {(r.device_id, r.identity): r for r in readings}
        timeline = self.subjects[subject_id].timeline
        since = min(r.at for r in readings)
        checkpoints = self.track.checkpoints.setdefault(subject_id, {})
        before, truth = timeline.base_order, timeline.base
        for step in timeline.steps:
            hour = step.order[0] // HOUR
            if step.order[0] >= since and before != BEFORE_ALL and before[0] // HOUR < hour:
                checkpoints[hour] = truth
            before, truth = step.order, step.truth
        if self.keep_fetched <= 0:
            # As the engine: what was fetched stays for a while, a backfill comes in many batches.
            timeline.trim(timeline.newest[0] - self.keep_ms, self.most)
        return events


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_forgetting_steps_and_fetching_them_again_leaves_the_same_ledger(
    data: st.DataObject,
) -> None:
    readings = data.draw(journeys())
    stream = data.draw(deliveries(readings))
    keep_ms = data.draw(st.sampled_from((0, MINUTE, 15 * MINUTE, 3 * HOUR)))
    most = data.draw(st.sampled_from((0, 1, 4, 400)))
    ordered: list[Reading | Instant] = list(readings)
    end = end_of(ordered, stream)
    expected, _ = run(ordered, end)
    actual, _ = run(stream, end, Forgetful(PLAN, Track(), keep_ms, most))
    assert ledger_of(actual) == ledger_of(expected)


# -- laws of each detector ---------------------------------------------------------------------


def observations_of(readings: list[Reading]) -> list[Observation]:
    """Judge a journey as the pipeline does, with gaps and a wrong clock thrown in."""
    view = PLAN.view(SHIPMENT)
    assert view is not None
    truth = pipeline.truth_before()
    seen: list[Observation] = []
    for i, r in enumerate(readings):
        if i % 7 == 3:
            r = msgspec.structs.replace(r, gaps=(Gap(1, i, i),))  # noqa: PLW2901
        if i % 11 in (5, 6):
            r = msgspec.structs.replace(r, clock_fault=True)  # noqa: PLW2901
        folded = pipeline.fold(truth, r, view)
        assert folded is not None
        truth = folded.truth
        seen.append(folded.observation)
    return seen


def drive(
    detector: Detector[Any], observations: list[Observation]
) -> Iterator[tuple[Any, tuple[Finding, ...]]]:
    """Yield every state of a detector with what it decided on the way there."""
    view = PLAN.view(SHIPMENT)
    assert view is not None
    state = detector.initial()
    last = observations[-1].at + 20 * HOUR
    for observation in (*observations, None):
        until = last if observation is None else observation.at
        while (due := detector.deadline(state)) is not None and due <= until:
            state, found = detector.expire(state, due, view)
            again = detector.expire(state, due, view)
            assert again == (state, ()), "a deadline that fired twice spoke twice"
            assert detector.deadline(state) != due
            yield state, found
        if observation is None:
            return
        state, found = detector.observe(state, observation, view)
        yield state, found


every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.name)


@every_detector
@given(journeys())
@settings(max_examples=15, deadline=None)
def test_the_same_observations_give_the_same_decisions(
    detector: Detector[Any], readings: list[Reading]
) -> None:
    seen = observations_of(readings)
    assert list(drive(detector, seen)) == list(drive(detector, seen))


@every_detector
@given(journeys())
@settings(max_examples=15, deadline=None)
def test_every_state_survives_packing(detector: Detector[Any], readings: list[Reading]) -> None:
    for state, _ in drive(detector, observations_of(readings)):
        packed = msgspec.msgpack.encode(state)
        assert msgspec.msgpack.decode(packed, type=detector.state_type) == state


@given(journeys())
@settings(max_examples=25, deadline=None)
def test_the_whole_state_survives_packing(readings: list[Reading]) -> None:
    _, partition = run(list(readings), readings[-1].at + HOUR)
    subject = partition.subjects[SHIPMENT]
    truths = [step.truth for step in subject.timeline.steps] + [subject.timeline.tail]
    for truth in truths:
        assert pipeline.unpack_truth(pipeline.pack_truth(truth)) == truth
    known = subject.knowledge
    assert pipeline.unpack_knowledge(pipeline.pack_knowledge(known)) == known


@given(journeys())
@settings(max_examples=60, deadline=None)
def test_a_reading_folded_twice_decides_nothing_new(readings: list[Reading]) -> None:
    """Even where two messages carry the same fix: it is one fix and confirms nothing."""
    view = PLAN.view(SHIPMENT)
    assert view is not None
    truth, knowledge = pipeline.truth_before(), pipeline.knowledge_before()
    for r in readings:
        once = pipeline.fold(truth, r, view)
        assert once is not None
        twice = pipeline.fold(once.truth, r, view)
        assert twice is not None
        truth = once.truth
        overdue = pipeline.pass_time(once.truth, r.at, view).findings
        assert twice.findings == overdue
        knowledge, _ = pipeline.hear(knowledge, once.observation, view)
        knowledge, again = pipeline.hear(knowledge, once.observation, view)
        assert again == ()


@every_detector
@given(journeys())
@settings(max_examples=15, deadline=None)
def test_findings_are_complete_and_cleared_only_after_raised(
    detector: Detector[Any], readings: list[Reading]
) -> None:
    standing: set[tuple[str, str, Instant]] = set()
    for _, found in drive(detector, observations_of(readings)):
        for f in found:
            assert f.kind in detector.kinds
            assert (f.phase is Phase.NOTED) == (f.kind in NOTED)
            assert all((f.subject, f.title, f.summary, f.response, f.evidence))
            assert f.occurred_at <= f.confirmed_at
            assert f.episode <= f.occurred_at
            assert msgspec.json.encode(f.evidence)
            key = (f.kind, f.subject, f.episode)
            if f.phase is Phase.RAISED:
                assert key not in standing
                assert f.occurred_at == f.episode
                assert f.respond_within_s
                standing.add(key)
            elif f.phase is Phase.CLEARED:
                standing.remove(key)


def test_every_detector_is_listed_once_and_owns_its_kinds() -> None:
    kinds = [kind for detector in DETECTORS for kind in detector.kinds]
    assert len(kinds) == len(set(kinds))
    assert len({d.name for d in DETECTORS}) == len(DETECTORS) == len(TRUTH) + len(KNOWLEDGE)
    assert {"device.silent", "telemetry.gap", "device.clock_fault"} == ABOUT_KNOWLEDGE


@given(journeys(), st.randoms(use_true_random=False))
@settings(max_examples=12, deadline=None)
def test_a_reading_given_twice_says_nothing_the_second_time(
    readings: list[Reading], chance: random.Random
) -> None:
    partition = Partition(PLAN)
    for r in readings:
        partition.read(r)
        for old in chance.sample(readings[: readings.index(r) + 1], 1):
            again = partition.read(received(old, r.received_at))
            assert [e for e in again if e.phase is not Phase.CLEARED] == []
