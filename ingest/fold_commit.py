"""One partition under an engine: what is read is folded, and what is folded is committed.

Between `ingest.partition` (pure) and the store: it remembers which subjects a turn touched, packs
their state, fetches older steps for late readings, and moves readings whose binding changed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec
from msgspec import Struct

from ingest import pipeline
from ingest.partition import Partition, Subject, row_of
from ingest.pipeline import Truth
from ingest.position import Sense
from ingest.timeline import LONG_AGO, Order, Timeline
from puente.clock import Clock, monotonic_s
from puente.instant import HOUR, MINUTE, Instant
from puente.keys import partition_of
from puente.model import Event, Reading
from puente.plan import Plan, ShipmentPlan
from puente.row import OpenEpisode
from puente.settings import Settings
from puente.store import log, plans, states, tracks
from puente.store.connection import Store
from puente.store.log import Entry
from puente.store.packing import pack, unpack_reading
from puente.store.states import Commit, Offsets

logger = logging.getLogger(__name__)

KEEP_STEPS_MS = 15 * MINUTE
"""Steps kept in memory: ordinary reordering between a shipment's devices needs no fetching."""

KEEP_STEPS = 400
"""Most steps kept in memory per subject, whatever its rate."""

KEEP_FETCHED_S = 60.0
"""How long fetched older steps stay in memory: a backfill comes in many batches."""

COMPACT_AFTER_MS = 2 * HOUR
"""Whole hours older than this move from the sorted set into compressed blocks."""


class Committed(Enum):
    """What became of a turn."""

    YES = auto()
    NO = auto()


class StoredSubject(Struct, frozen=True, omit_defaults=True):
    """A subject as it is kept between commits."""

    truth: bytes
    knowledge: bytes
    order: Order
    base_at: Instant
    open: tuple[OpenEpisode, ...] = ()
    heard_at: Instant = 0
    battery_pct: float | None = None
    loose: Sense | None = None


_stored = msgspec.msgpack.Decoder(StoredSubject)


def pack_subject(subject: Subject) -> bytes:
    """Encode a subject, with every deadline fired that the clock has passed."""
    timeline = subject.timeline
    return pack(
        StoredSubject(
            truth=pipeline.pack_truth(timeline.tail),
            knowledge=pipeline.pack_knowledge(subject.knowledge),
            order=timeline.newest,
            base_at=max(timeline.tail_at, timeline.base_at),
            open=tuple(subject.open.values()),
            heard_at=subject.heard_at,
            battery_pct=subject.battery_pct,
            loose=None if subject.assigned else subject.loose,
        )
    )


def unpack_subject(subject_id: str, packed: bytes) -> Subject:
    """Read what `pack_subject` wrote."""
    kept = _stored.decode(packed)
    timeline = Timeline(
        base=pipeline.unpack_truth(kept.truth), base_order=kept.order, base_at=kept.base_at
    )
    return Subject(
        id=subject_id,
        timeline=timeline,
        knowledge=pipeline.unpack_knowledge(kept.knowledge),
        open={(e.kind, e.subject, e.episode): e for e in kept.open},
        heard_at=kept.heard_at,
        battery_pct=kept.battery_pct,
        loose=kept.loose or Sense(),
    )


@dataclass
class StoredHistory:
    """Older steps from checkpoints and tracks."""

    store: Store
    late_window_ms: int
    fetched: dict[str, float] = field(default_factory=dict)
    pending: dict[str, list[Reading]] = field(default_factory=dict)
    """Readings of this turn that are folded but not yet in the stored track."""

    def before(self, subject: str, at: Instant) -> tuple[Truth, list[Reading]]:
        """Return the truth before an instant and all readings since."""
        self.fetched[subject] = monotonic_s()
        found = states.load_checkpoint(self.store, subject, at)
        since = None if found is None else found[0] * HOUR
        truth = pipeline.truth_before() if found is None else pipeline.unpack_truth(found[1])
        readings = tracks.read_track(self.store, subject, since)
        known = {r.order for r in readings}
        fresh = [r for r in self.pending.get(subject, []) if r.order not in known]
        older = [*readings, *(r for r in fresh if since is None or r.at >= since)]
        return truth, [r for r in older if in_window(r, self.late_window_ms)]


def in_window(reading: Reading, late_window_ms: int) -> bool:
    """Tell whether a reading came in time to change decisions; others are kept, not folded."""
    return reading.received_at - reading.at <= late_window_ms


@dataclass
class Turn:
    """What one turn touched, in the order in which it was decided."""

    events: list[Event] = field(default_factory=list)
    readings: dict[str, list[Reading]] = field(default_factory=dict)
    touched: dict[str, Instant] = field(default_factory=dict)
    """Subject -> earliest device time that was folded: checkpoints since then are rewritten."""
    removed: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    taken: int = 0
    """Readings that came in by the log, for the partition's count."""

    def touch(self, subject: str, at: Instant) -> None:
        """Note that a subject changed from an instant on."""
        self.touched[subject] = min(at, self.touched.get(subject, at))


@dataclass
class PartitionFold:
    """A partition that an engine owns."""

    number: int
    token: str
    store: Store
    settings: Settings
    clock: Clock
    partition: Partition
    history: StoredHistory
    offset: str
    late_offset: str
    readings: int = 0
    events: int = 0

    @classmethod
    def load(
        cls, store: Store, settings: Settings, clock: Clock, number: int, token: str
    ) -> "PartitionFold":
        """Take a partition over as it was last committed."""
        history = StoredHistory(store, settings.late_window_h * HOUR)
        status = states.load_status(store, number)
        plan = plans.load_plan(store, status.get("plan", 0)) if status else Plan()
        partition = Partition(plan, history, settings.late_window_h * HOUR, clock.rate)
        partition.clock = status.get("clock", LONG_AGO)
        partition.beat_at = status.get("beat")
        partition.outage_ms = status.get("outage_s", 0) * 1000
        for subject, packed in states.load_states(store, number).items():
            partition.admit(unpack_subject(subject, packed))
        offsets = states.load_offsets(store, number)
        return cls(
            number=number,
            token=token,
            store=store,
            settings=settings,
            clock=clock,
            partition=partition,
            history=history,
            offset=offsets.log,
            late_offset=offsets.late,
            readings=status.get("readings", 0),
            events=status.get("events", 0),
        )

    def take(self, entries: Sequence[Entry], *, late: bool, behind: bool = False) -> Committed:
        """Fold entries and commit what they did; `behind` says that live ones wait as well."""
        turn = Turn()
        if late:
            self._fold_late(entries, turn, behind)
        else:
            for entry in entries:
                self._fold_entry(entry, turn)
        return self._commit(turn, self._past(entries[-1], late))

    def skip(self, entry: Entry, *, late: bool) -> Committed:
        """Go past an entry that cannot be folded; it stays in the log."""
        return self._commit(Turn(), self._past(entry, late))

    def _past(self, entry: Entry, late: bool) -> Offsets:
        return Offsets(self.offset, entry.id) if late else Offsets(entry.id, self.late_offset)

    def keep_house(self) -> Committed:
        """Compress old hours, drop unreachable checkpoints, trim the logs."""
        clock = self.partition.clock
        if clock == LONG_AGO:
            return Committed.YES
        offsets = Offsets(self.offset, self.late_offset)
        wanted = Commit(self.number, self.token, offsets, offsets)
        oldest_hour = (clock - self.settings.late_window_h * HOUR) // HOUR - 1
        for subject in self.partition.subjects.values():
            wanted.operations += tracks.compact(self.store, subject.id, clock - COMPACT_AFTER_MS)
            wanted.operations += tracks.expire(
                self.store, subject.id, clock - self.settings.track_retention_h * HOUR
            )
            hours = states.checkpoint_hours(self.store, subject.id)
            # One checkpoint before the window stays: readings just inside it need its truth.
            wanted.forget_checkpoints(subject.id, [h for h in hours if h < oldest_hour][:-1])
            wanted.expire_history(subject.id, clock - self.settings.event_retention_h * HOUR)
        if wanted.operations and not states.commit(self.store, wanted):
            return Committed.NO
        keep_ms = self.settings.log_retention_h * HOUR
        log.trim(self.store, self.number, self.offset, clock - keep_ms)
        log.trim(self.store, self.number, self.late_offset, clock - keep_ms, late=True)
        return Committed.YES

    # -- folding ----------------------------------------------------------------------------

    def _fold_entry(self, entry: Entry, turn: Turn) -> None:
        match entry.kind:
            case "r":
                reading = unpack_reading(entry.body)
                self._advance(reading.received_at, turn)
                turn.taken += 1
                self._share_out([reading], f"log/{entry.id}", turn)
            case "m":
                self._share_out(log.unpack_moved(entry.body), f"log/{entry.id}", turn)
            case "h":
                self._beat(int(entry.body), turn)
            case "p":
                version, _, at = entry.body.decode().partition(":")
                self._advance(int(at), turn)
                self._change_plan(int(version), entry.id, turn)
            case _:
                logger.error("partition %s: unknown entry %s", self.number, entry.id)

    def _advance(self, to: Instant, turn: Turn) -> None:
        self._decided(self.partition.advance(max(self.partition.clock, to)), turn)

    def _beat(self, at: Instant, turn: Turn) -> None:
        outage_ms = self.partition.outage_ms
        self._decided(self.partition.beat(at), turn)
        if self.partition.outage_ms != outage_ms:
            # The excuse is in what is known of every subject, and must outlive this process.
            for subject_id in self.partition.subjects:
                turn.touch(subject_id, self.partition.clock)

    def _fold_late(self, entries: Sequence[Entry], turn: Turn, behind: bool) -> None:
        by_subject: dict[str, list[Reading]] = {}
        for entry in entries:
            reading = unpack_reading(entry.body)
            subject = self.partition.subject_of(reading)
            turn.taken += 1
            if partition_of(subject) != self.number:
                self._share_out([reading], f"late/{entry.id}", turn)
            else:
                by_subject.setdefault(subject, []).append(reading)
        for subject, readings in by_subject.items():
            # While live entries wait, the clock is theirs: what they say would come too late to
            # keep a deadline from firing.
            if not behind or self.partition.clock == LONG_AGO:
                self._advance(max(r.received_at for r in readings), turn)
            self._place(subject, readings, turn)

    def _share_out(self, readings: Sequence[Reading], name: str, turn: Turn) -> None:
        """Fold readings under the subjects they belong to, or send them to their partition.

        They are elsewhere when the plan changed between the gateway and here. `name` is the same
        whenever this is done again, so that they are sent once.
        """
        elsewhere: dict[int, list[Reading]] = {}
        here: dict[str, list[Reading]] = {}
        # In order of reception, for what is known; the truth finds its own order.
        for reading in sorted(readings, key=lambda r: r.received_at):
            subject = self.partition.subject_of(reading)
            number = partition_of(subject)
            if number == self.number:
                here.setdefault(subject, []).append(reading)
            else:
                elsewhere.setdefault(number, []).append(reading)
        for number, moved in elsewhere.items():
            name_there = f"p{self.number:02d}/{name}"
            log.move(self.store, number, moved, name_there, self.partition.clock, self.settings)
        for subject, mine in here.items():
            self._place(subject, mine, turn)

    def _place(self, subject: str, readings: list[Reading], turn: Turn) -> None:
        self.history.pending[subject] = turn.readings.get(subject, [])
        events = self.partition.place(subject, readings)
        turn.readings.setdefault(subject, []).extend(readings)
        turn.touch(subject, min(r.at for r in readings))
        self._decided(events, turn)

    def _decided(self, events: list[Event], turn: Turn) -> None:
        for event in events:
            turn.touch(event.shipment_id, self.partition.clock)
        turn.events += events

    # -- plans ------------------------------------------------------------------------------

    def _change_plan(self, version: int, entry_id: str, turn: Turn) -> None:
        """Take a new plan into force, and give readings to whom they belong under it."""
        before = self.partition.plan
        if version <= before.version:
            # Two were loaded at once, and announced in this order.
            return
        if plans.load_document(self.store, version) is None:
            logger.error("plan %s is not kept any more; plan %s stays", version, before.version)
            return
        after = plans.load_plan(self.store, version)
        self.partition.plan = after
        for subject in list(self.partition.subjects.values()):
            if subject.assigned:
                was, now = before.shipments.get(subject.id), after.shipments.get(subject.id)
                moved = (was.devices if was else ()) != (now.devices if now else ())
            else:
                moved = bool(after.bindings_of(subject.id[1:]))
            if moved:
                view = before.view(subject.id)
                self._rebind(subject, view, f"log/{entry_id}/{subject.id}", turn)
            elif subject.assigned:
                turn.touch(subject.id, self.partition.clock)

    def _rebind(
        self, subject: Subject, before: ShipmentPlan | None, name: str, turn: Turn
    ) -> None:
        readings = tracks.read_track(self.store, subject.id)
        known = {r.order for r in readings}
        readings += [r for r in turn.readings.get(subject.id, []) if r.order not in known]
        mine = [r for r in readings if self.partition.subject_of(r) == subject.id]
        others = [r for r in readings if self.partition.subject_of(r) != subject.id]
        if not subject.assigned and not others:
            return
        turn.replaced.append(subject.id)
        turn.readings[subject.id] = mine
        if mine or self.partition.plan.view(subject.id) is not None:
            window_ms = self.history.late_window_ms
            folded = [r for r in mine if in_window(r, window_ms)]
            had = [r for r in readings if in_window(r, window_ms)]
            self._decided(self.partition.refold(subject.id, folded, had, before), turn)
            turn.touch(subject.id, LONG_AGO)
        else:
            del self.partition.subjects[subject.id]
            turn.removed.append(subject.id)
            turn.touched.pop(subject.id, None)
        self._share_out(others, name, turn)

    # -- committing -------------------------------------------------------------------------

    def _commit(self, turn: Turn, after: Offsets) -> Committed:
        partition = self.partition
        before = Offsets(self.offset, self.late_offset)
        wanted = Commit(self.number, self.token, before, after)
        for subject_id in turn.replaced:
            wanted.forget_track(subject_id)
        rows = []
        for subject_id, since in turn.touched.items():
            subject = partition.subjects.get(subject_id)
            if subject is None:
                continue
            wanted.readings(subject_id, turn.readings.get(subject_id, []))
            wanted.state(subject_id, pack_subject(subject))
            for hour, truth in checkpoints(subject.timeline, since):
                wanted.checkpoint(subject_id, hour, pipeline.pack_truth(truth))
            rows.append(row_of(subject, partition.plan.view(subject_id)))
        # A subject that went and came back within one turn is there.
        wanted.rows(rows, [s for s in turn.removed if s not in partition.subjects])
        wanted.events(turn.events)
        self.readings += turn.taken
        self.events += len(turn.events)
        wanted.status(
            clock=partition.clock,
            beat=partition.beat_at if partition.beat_at is not None else partition.clock,
            committed_at=self.clock.now(),
            readings=self.readings,
            events=self.events,
            outage_s=partition.outage_ms // 1000,
            plan=partition.plan.version,
        )
        if not states.commit(self.store, wanted):
            return Committed.NO
        self.offset, self.late_offset = after.log, after.late
        self._forget_steps(turn)
        return Committed.YES

    def _forget_steps(self, turn: Turn) -> None:
        self.history.pending.clear()
        now = monotonic_s()
        for subject_id in turn.touched:
            if now - self.history.fetched.get(subject_id, -KEEP_FETCHED_S) < KEEP_FETCHED_S:
                continue
            self.history.fetched.pop(subject_id, None)
            subject = self.partition.subjects.get(subject_id)
            if subject is not None:
                subject.timeline.trim(subject.timeline.newest[0] - KEEP_STEPS_MS, KEEP_STEPS)


def checkpoints(timeline: Timeline, since: Instant) -> list[tuple[int, Truth]]:
    """Return (hour, truth before it) for every hour that a step since an instant entered."""
    found = []
    for before, step in zip([None, *timeline.steps], timeline.steps, strict=False):
        if step.order[0] < since:
            continue
        truth = timeline.base if before is None else before.truth
        began = timeline.base_order[0] if before is None else before.order[0]
        hour = step.order[0] // HOUR
        if began // HOUR >= hour or began == LONG_AGO:
            continue
        if before is None and timeline.base_at > hour * HOUR:
            # Deadlines within the hour have fired in it: it is not the truth before the hour.
            continue
        found.append((hour, truth))
    return found
