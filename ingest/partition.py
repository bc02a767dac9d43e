"""One partition's fold: readings in order of arrival in, events out, on the partition's clock.

The engine runs one of these per partition it owns, `puente replay` runs one for everything: live
and replay are the same by construction. Pure but for being mutable: it is told the time and
fetches older steps through `History`.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from ingest import pipeline
from ingest.detectors import KNOWLEDGE
from ingest.detectors.deviation import State as DeviationState
from ingest.detectors.seal import State as SealDetectorState
from ingest.detectors.stop import State as StopState
from ingest.detectors.temperature import TRUSTED_PROBES
from ingest.detectors.temperature import State as TemperatureState
from ingest.pipeline import Knowledge, Truth
from ingest.position import Sense
from ingest.timeline import LONG_AGO, Correction, Timeline, correction
from puente.instant import HOUR, SECOND, Instant, text
from puente.keys import unbound_subject
from puente.model import Event, Finding, Observation, Phase, Position, Reading, Role
from puente.plan import Plan, ShipmentPlan
from puente.row import OpenEpisode, Row

OUTAGE_MS = 10 * SECOND
"""House, section 2: a step without heartbeat that is our own outage, in real time."""

LATE_WINDOW_MS = 48 * HOUR
"""House, section 2: how late a reading may be and still change the ledger."""

MIN_STOP_MS = 180 * SECOND
"""Interfaces, default rules: standing for less is not a stop."""


class History(Protocol):
    """Where older steps come from: checkpoints and the track."""

    def before(self, subject: str, at: Instant) -> tuple[Truth, list[Reading]]:
        """Return the truth before an instant (at an hour's begin) and all readings since."""
        ...


@dataclass
class Subject:
    """One shipment, or one device that no plan binds, as far as it is folded."""

    id: str
    timeline: Timeline = field(default_factory=Timeline)
    knowledge: Knowledge = field(default_factory=pipeline.knowledge_before)
    open: dict[tuple[str, str, Instant], OpenEpisode] = field(default_factory=dict)
    heard_at: Instant = 0
    battery_pct: float | None = None
    loose: Sense = field(default_factory=Sense)
    """Where an unassigned device is: it has no detectors, only a place on the map."""

    @property
    def assigned(self) -> bool:
        """Whether a plan binds it."""
        return not self.id.startswith(unbound_subject(""))

    @property
    def due(self) -> Instant | None:
        """The earliest deadline of truth or knowledge."""
        dues = [d for d in (self.timeline.tail.due, self.knowledge.due) if d is not None]
        return min(dues) if dues else None


class Partition:
    """Folds the readings of some subjects, in order of arrival."""

    def __init__(
        self,
        plan: Plan,
        history: History | None = None,
        late_window_ms: int = LATE_WINDOW_MS,
        clock_rate: float = 1.0,
    ) -> None:
        self.plan = plan
        self.clock: Instant = LONG_AGO
        self.beat_at: Instant | None = None
        self.outage_ms = 0
        self.subjects: dict[str, Subject] = {}
        self.beyond_window = 0
        self._late_window_ms = late_window_ms
        # Heartbeats come each real second: on a fast clock they lie farther apart.
        self._outage_after_ms = OUTAGE_MS * max(1.0, clock_rate)
        self._history = history
        self._deadlines: list[tuple[Instant, str]] = []

    def admit(self, subject: Subject) -> None:
        """Take a subject over as it was stored."""
        self.subjects[subject.id] = subject
        self._schedule(subject)

    def advance(self, to: Instant) -> list[Event]:
        """Let the clock go on, firing every deadline it passes in order of time."""
        events: list[Event] = []
        while self._deadlines and self._deadlines[0][0] <= to:
            due, subject_id = heapq.heappop(self._deadlines)
            subject = self.subjects.get(subject_id)
            if subject is None or subject.due is None or subject.due > due:
                # Scheduled before something moved it; its new deadline is in the heap as well.
                if subject is not None:
                    self._schedule(subject)
                continue
            self.clock = max(self.clock, due)
            events += self._expire(subject, self.clock)
        self.clock = max(self.clock, to)
        return events

    def beat(self, at: Instant) -> list[Event]:
        """Hear the gateway's heartbeat: the clock goes on, and an outage of ours is excused."""
        if self.beat_at is not None and at - self.beat_at > self._outage_after_ms:
            self._excuse(at - self.beat_at)
        self.beat_at = at if self.beat_at is None else max(self.beat_at, at)
        return self.advance(at)

    def subject_of(self, reading: Reading) -> str:
        """Say under which subject the plan puts a reading."""
        binding = self.plan.bind(reading.device_id, reading.at)
        return unbound_subject(reading.device_id) if binding is None else binding.shipment_id

    def read(self, reading: Reading) -> list[Event]:
        """Fold one reading: the clock goes to its reception, then it counts at its own time."""
        events = self.advance(max(self.clock, reading.received_at))
        return events + self.place(self.subject_of(reading), [reading])

    def place(self, subject_id: str, readings: list[Reading]) -> list[Event]:
        """Fold readings of one subject at their own times, without moving the clock."""
        subject = self.subjects.get(subject_id)
        if subject is None:
            subject = self.subjects[subject_id] = Subject(subject_id)
        view = self.plan.view(subject_id)
        if view is None:
            for reading in readings:
                _note_unassigned(subject, reading)
            return []
        # Too old on arrival: kept in the track and counted, but they change no decision any more.
        timely = [reading for reading in readings if self._timely(reading)]
        self.beyond_window += len(readings) - len(timely)
        events: list[Event] = []
        if timely:
            self._reach(subject, timely, view)
            events += self._correct(subject, subject.timeline.add(timely, self.clock, view))
        for reading in readings:
            events += self._hear(subject, reading, view)
        self._schedule(subject)
        return events

    def refold(
        self,
        subject_id: str,
        readings: Iterable[Reading],
        had: Iterable[Reading] = (),
        before: ShipmentPlan | None = None,
    ) -> list[Event]:
        """Fold a subject anew from all its readings, after its plan changed.

        `had` are the readings it was folded from under the plan `before`: what they had decided
        and is not decided again is taken back.
        """
        subject = self.subjects.setdefault(subject_id, Subject(subject_id))
        old = self._fold_all(had, before)
        subject.timeline = self._fold_all(readings, self.plan.view(subject_id))
        changed = correction(old.findings, subject.timeline.findings)
        back = {(f.kind, f.subject, f.episode) for f in changed.retracted}
        # What stands open already, from a plan older than the one before, is not said again.
        news = tuple(
            f
            for f in changed.published
            if f.phase is not Phase.RAISED
            or (key := (f.kind, f.subject, f.episode)) in back
            or key not in subject.open
        )
        events = self._correct(subject, Correction(changed.retracted, news))
        events += self._close_undecided(subject)
        self._schedule(subject)
        return events

    # -- inside -----------------------------------------------------------------------------

    def _fold_all(self, readings: Iterable[Reading], view: ShipmentPlan | None) -> Timeline:
        timeline = Timeline()
        if view is not None:
            timeline.add(filter(self._timely, readings), self.clock, view)
        return timeline

    def _close_undecided(self, subject: Subject) -> list[Event]:
        """Take back open episodes of the truth that no fold decides any more.

        They were raised under a plan older than the one before this change.
        """
        decided = {
            (f.kind, f.subject, f.episode)
            for f in subject.timeline.findings
            if f.phase is Phase.RAISED
        }
        about_knowledge = {kind for d in KNOWLEDGE for kind in d.kinds}
        events = []
        for key, episode in list(subject.open.items()):
            if key not in decided and episode.kind not in about_knowledge:
                events.append(_closing(subject, episode, self.clock))
                del subject.open[key]
        return events

    def _timely(self, reading: Reading) -> bool:
        """Whether a reading came early enough to be folded; the same at every fold of it."""
        return reading.received_at - reading.at <= self._late_window_ms

    def _reach(self, subject: Subject, readings: list[Reading], view: ShipmentPlan) -> None:
        earliest = min(reading.order for reading in readings)
        if subject.timeline.reaches(earliest) or self._history is None:
            return
        truth, older = self._history.before(subject.id, earliest[0])
        # Whatever is older than this hour may be in the truth already: it is out of reach.
        hour = earliest[0] // HOUR * HOUR
        timeline = Timeline(base=truth, base_order=(hour, "", -1, -1, ""))
        # The same readings under the same plan decide the same again: nothing to publish.
        timeline.add(filter(self._timely, older), self.clock, view)
        timeline.pass_time(self.clock, view)
        subject.timeline = timeline

    def _hear(self, subject: Subject, reading: Reading, view: ShipmentPlan) -> list[Event]:
        subject.heard_at = max(subject.heard_at, reading.received_at)
        if reading.telemetry.battery_pct is not None:
            subject.battery_pct = reading.telemetry.battery_pct
        role = view.role_of(reading.device_id, reading.at)
        if role is None:
            return []
        sense = subject.timeline.tail.sense
        observation = Observation(
            shipment_id=subject.id,
            role=role,
            reading=reading,
            place=sense.place,
            place_at=sense.place_at,
            classes=sense.classes,
        )
        subject.knowledge, findings = pipeline.hear(subject.knowledge, observation, view)
        return [self._publish(subject, finding) for finding in findings]

    def _expire(self, subject: Subject, now: Instant) -> list[Event]:
        view = self.plan.view(subject.id)
        if view is None:
            return []
        findings = subject.timeline.pass_time(now, view)
        subject.knowledge, known = pipeline.pass_knowing(subject.knowledge, now, view)
        self._schedule(subject)
        return [self._publish(subject, finding) for finding in (*findings, *known)]

    def _correct(self, subject: Subject, changed: Correction) -> list[Event]:
        events = []
        successors = {
            (f.kind, f.subject): f.episode
            for f in changed.published
            if f.phase is not Phase.CLEARED
        }
        for finding in changed.retracted:
            event = self._stamp(subject, finding)
            successor = successors.get((finding.kind, finding.subject))
            events.append(pipeline.retraction(event, self.clock, successor))
            subject.open.pop((finding.kind, finding.subject, finding.episode), None)
        predecessors = {(f.kind, f.subject): f.episode for f in changed.retracted}
        for finding in changed.published:
            event = self._publish(subject, finding)
            before = predecessors.get((finding.kind, finding.subject))
            if before is not None and before != finding.episode:
                event.evidence["supersedes"] = text(before)
            events.append(event)
        return events

    def _stamp(self, subject: Subject, finding: Finding) -> Event:
        return pipeline.publish(finding, subject.id, self.clock, subject.timeline.tail.sense)

    def _publish(self, subject: Subject, finding: Finding) -> Event:
        key = (finding.kind, finding.subject, finding.episode)
        match finding.phase:
            case Phase.RAISED:
                subject.open[key] = OpenEpisode(
                    finding.kind, finding.subject, finding.episode, finding.severity
                )
            case Phase.CLEARED:
                subject.open.pop(key, None)
            case _:
                pass
        return self._stamp(subject, finding)

    def _schedule(self, subject: Subject) -> None:
        due = subject.due
        if due is not None:
            heapq.heappush(self._deadlines, (due, subject.id))

    def _excuse(self, outage_ms: int) -> None:
        self.outage_ms += outage_ms
        for subject in self.subjects.values():
            subject.knowledge = pipeline.excuse(subject.knowledge, outage_ms)
            self._schedule(subject)


def _closing(subject: Subject, episode: OpenEpisode, clock: Instant) -> Event:
    finding = Finding(
        kind=episode.kind,
        phase=Phase.RAISED,
        subject=episode.subject,
        episode=episode.episode,
        severity=episode.severity,
        occurred_at=episode.episode,
        confirmed_at=episode.episode,
        device_id=None,
        title=episode.kind,
        summary="The plan changed: under it this did not happen",
    )
    event = pipeline.publish(finding, subject.id, clock, subject.timeline.tail.sense)
    return pipeline.retraction(event, clock, None)


def _note_unassigned(subject: Subject, reading: Reading) -> None:
    subject.heard_at = max(subject.heard_at, reading.received_at)
    t = reading.telemetry
    if t.battery_pct is not None:
        subject.battery_pct = t.battery_pct
    usable = t.lat_deg is not None and t.lon_deg is not None and reading.discard is None
    if not usable or (subject.loose.place_at or LONG_AGO) > reading.at:
        return
    subject.loose = Sense(
        lead=t.device_id,
        lead_role=Role.PROBE,
        place=Position(
            t.lat_deg or 0.0, t.lon_deg or 0.0, t.accuracy_m, t.speed_mps, t.course_deg
        ),
        place_at=reading.at,
        place_received_at=reading.received_at,
    )


def row_of(subject: Subject, view: ShipmentPlan | None) -> Row:
    """Say what is known of a subject now."""
    truth = subject.timeline.tail
    sense = truth.sense if subject.assigned else subject.loose
    place = sense.place
    progress = remaining = off = stopped = None
    celsius: tuple[float, Instant] | None = None
    seal = SealDetectorState().worst
    for state in truth.states:
        match state:
            case DeviationState() if state.along_m is not None and view and view.route:
                length = view.route.line.length_m
                progress = state.along_m / length if length else None
                remaining, off = length - state.along_m, state.off_m
            case StopState() if state.since is not None:
                lasted = (sense.place_at or state.since) - state.since
                stopped = state.since if lasted >= MIN_STOP_MS else None
            case SealDetectorState():
                seal = state.worst
            case TemperatureState():
                celsius = _cargo_temperature(state)
            case _:
                pass
    return Row(
        id=subject.id,
        device_id=sense.lead,
        lat_deg=None if place is None else place.lat_deg,
        lon_deg=None if place is None else place.lon_deg,
        accuracy_m=None if place is None else place.accuracy_m,
        speed_mps=None if place is None else place.speed_mps,
        course_deg=None if place is None else place.course_deg,
        fix_at=sense.place_at,
        fix_received_at=sense.place_received_at,
        heard_at=subject.heard_at,
        temperature_c=None if celsius is None else celsius[0],
        temperature_at=None if celsius is None else celsius[1],
        battery_pct=subject.battery_pct,
        seal=seal,
        progress=progress,
        remaining_m=remaining,
        off_route_m=off,
        stopped_since=stopped,
        classes=tuple(sorted(sense.classes)),
        open=tuple(subject.open.values()),
    )


def _cargo_temperature(state: TemperatureState) -> tuple[float, Instant] | None:
    """Return the newest value of the most trusted probe of the shipment."""
    for name in TRUSTED_PROBES:
        found = [p for s, p in state.probes.items() if s.rpartition("/")[2] == name]
        if found:
            newest = max(found, key=lambda probe: probe.at)
            return newest.celsius, newest.at
    return None
