"""The gateway: deliveries in, readings on disk, and only then an acknowledgement.

Order of writes (house, section 3): the partitions' logs, the devices' received ranges, PUBACK,
watermark. Each write is idempotent, so a crash or a lost reply anywhere is mended by sending
again. While Redis is away nothing is acknowledged: the broker holds the rest.
"""

import contextlib
import logging
import queue
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from ingest.admission import Admitted, Refused, admit
from ingest.decoders import SUBSCRIPTIONS
from ingest.gaps import find_gaps
from ingest.mqtt import Arrival, Subscriber
from puente import logs, orphan
from puente.clock import Clock, monotonic_s
from puente.instant import SECOND, Instant
from puente.keys import partition_of, unbound_subject
from puente.model import Reading, Reject, Rejection
from puente.plan import Plan
from puente.ranges import Ranges, add
from puente.settings import Settings, SettingsError, load, require
from puente.store import devices, log, plans
from puente.store.connection import Store, StoreUnavailable, connect
from puente.store.devices import DeviceNote
from puente.store.meta import LayoutError, ensure_layout

logger = logging.getLogger(__name__)

BEAT_S = 1.0
"""House, section 2: a heartbeat entry in every partition each second."""

STEP_MS = 8 * SECOND
"""Longest step between heartbeats on Puente's clock, which may run faster: past 10 s, engines
take the time between two of them for an outage of ours."""

MOST_STEPS = 250
"""Heartbeats written at once at most: enough for a clock that runs 2,000 times faster."""

PAUSE_S = 5.0
"""Real time without heartbeat after which we cannot say that we listened all along."""

RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Pauses while Redis does not answer; the last one repeats."""

STUCK_S = 10.0
"""A network thread that is dead for this long ends the process, so that it is restarted."""


@dataclass
class Batch:
    """Arrivals on their way: what they became, and what their devices are told."""

    arrivals: list[Arrival]
    readings: list[Reading] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    notes: dict[str, DeviceNote] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    attempts: int = 0

    def note(self, device_id: str) -> DeviceNote:
        """Return the note of a device, a new one at first."""
        return self.notes.setdefault(device_id, DeviceNote(device_id))


def judge(arrivals: list[Arrival]) -> Batch:
    """Admit or refuse every delivery of a batch; pure but for building the batch."""
    batch = Batch(arrivals)
    batch.counts["received"] = len(arrivals)
    for arrival in arrivals:
        verdict = _judge(arrival)
        match verdict:
            case Admitted(reading, ignored):
                batch.readings.append(reading)
                batch.counts["ignored_fields"] += ignored
                batch.counts["late"] += reading.late
                _note_reading(batch, reading, arrival.delivery.topic)
            case Refused(rejection, boot, seq):
                batch.rejections.append(rejection)
                _note_refusal(batch, rejection, boot, seq, arrival.delivery.topic)
    return batch


def _judge(arrival: Arrival) -> Admitted | Refused:
    try:
        return admit(arrival.delivery)
    except Exception as error:
        # A payload that trips our own code must not stop the others: it is kept and counted.
        logger.exception("a delivery on %r could not be judged", arrival.delivery.topic)
        return Refused(
            Rejection(
                rejection=Reject.NOT_JSON,
                detail=f"internal: {type(error).__name__}",
                topic=arrival.delivery.topic[:300],
                received_at=arrival.delivery.received_at,
            )
        )


def _note_reading(batch: Batch, reading: Reading, topic: str) -> None:
    t = reading.telemetry
    note = batch.note(t.device_id)
    note.topic = topic
    note.last_at = max(note.last_at, t.at)
    note.last_received_at = max(note.last_received_at, reading.received_at)
    if t.boot is not None and t.seq is not None:
        note.numbers.setdefault(t.boot, []).append(t.seq)


def _note_oldest(batch: Batch, reading: Reading) -> None:
    t = reading.telemetry
    if t.boot is not None and t.oldest is not None:
        oldest = batch.note(t.device_id).oldest
        oldest[t.boot] = max(oldest.get(t.boot, -1), t.oldest)


def _note_refusal(
    batch: Batch, rejection: Rejection, boot: int | None, seq: int | None, topic: str
) -> None:
    if rejection.device_id is None:
        return
    note = batch.note(rejection.device_id)
    note.topic = topic
    note.last_received_at = max(note.last_received_at, rejection.received_at or -1)
    note.count("rejected")
    if boot is not None and seq is not None:
        note.numbers.setdefault(boot, []).append(seq)


class Gateway:
    """Takes arrivals from the broker to the log."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.plan = Plan()
        self.subscriber = Subscriber(settings, SUBSCRIPTIONS, clock)
        self.stopping = threading.Event()
        self._next_beat = 0.0
        self._beaten_at: Instant | None = None
        self._beaten_s = 0.0
        self._received = self._appended = 0
        self._dead_since: float | None = None

    def run(self) -> None:
        """Work until stopped; ends with an exception when the network thread is dead."""
        self._insist(lambda: ensure_layout(self.store, self.clock.now()))
        self._insist(self._look_at_plan)
        self.subscriber.start()
        logger.info("listening on %s:%s", *_where(self.subscriber))
        while not self.stopping.is_set():
            self._beat()
            arrivals = self._collect()
            if arrivals:
                batch = judge(arrivals)
                self._insist(partial(self._store, batch))
            self._watch_network()
        self.subscriber.stop()

    def _collect(self) -> list[Arrival]:
        arrivals: list[Arrival] = []
        linger_s = self.settings.gateway_linger_ms / 1000
        until = monotonic_s() + linger_s
        with contextlib.suppress(queue.Empty):
            arrivals.append(self.subscriber.arrivals.get(timeout=0.1))
            until = monotonic_s() + linger_s
            while len(arrivals) < self.settings.gateway_batch:
                arrivals.append(
                    self.subscriber.arrivals.get(timeout=max(0.0, until - monotonic_s()))
                )
        return arrivals

    def _store(self, batch: Batch) -> None:
        """Write a batch in the promised order; may be repeated after a failure."""
        batch.attempts += 1
        self._excuse_silence(batch)
        readings = self._declare_gaps(batch)
        by_partition: dict[int, list[Reading]] = {}
        for reading in readings:
            by_partition.setdefault(self._partition(reading), []).append(reading)
        verdicts = log.append(self.store, by_partition, self.settings)
        devices.store_rejections(self.store, batch.rejections)
        batch.rejections = []
        counts = Counter(batch.counts)
        for note in batch.notes.values():
            note.counters = {k: v for k, v in note.counters.items() if k == "rejected"}
        for partition, found in verdicts.items():
            for reading, verdict in zip(by_partition[partition], found, strict=True):
                note = batch.note(reading.device_id)
                for name in _COUNTERS[verdict]:
                    note.count(name)
                    counts[name] += 1
                # The gap travels with the reading: what a duplicate declares, nobody would learn.
                # At a second attempt a duplicate may be our own first one.
                if verdict == log.APPENDED or batch.attempts > 1:
                    _note_oldest(batch, reading)
        marks = devices.note_devices(
            self.store, batch.notes.values(), self.settings.device_retention_d
        )
        # From here on everything is on disk: nothing below may make the batch be stored again.
        self._received += len(batch.arrivals)
        self._appended += counts["readings"]
        for arrival in batch.arrivals:
            self.subscriber.acknowledge(arrival)
        for device_id, boots in marks.items():
            for boot, seq in boots.items():
                if seq >= 0:
                    self.subscriber.publish(
                        f"puente/v1/{device_id}/ack", b'{"boot":%d,"seq":%d}' % (boot, seq)
                    )
        with contextlib.suppress(StoreUnavailable):
            devices.count(self.store, counts)

    def _declare_gaps(self, batch: Batch) -> list[Reading]:
        numbered = (r.telemetry for r in batch.readings if r.telemetry.oldest is not None)
        wanted = sorted({(t.device_id, t.boot) for t in numbered if t.boot is not None})
        if not wanted:
            return batch.readings
        known = dict(zip(wanted, devices.received_ranges(self.store, wanted), strict=True))
        for device_id, boot in wanted:
            ranges: Ranges = known[device_id, boot]
            for seq in batch.notes[device_id].numbers.get(boot, []):
                ranges = add(ranges, seq, seq)
            known[device_id, boot] = ranges
        return [self._with_gaps(reading, known) for reading in batch.readings]

    def _with_gaps(self, reading: Reading, known: dict[tuple[str, int], Ranges]) -> Reading:
        t = reading.telemetry
        if t.boot is None or t.oldest is None:
            return reading
        key = (t.device_id, t.boot)
        gaps, known[key] = find_gaps(known[key], t.boot, t.oldest)
        return msgspec.structs.replace(reading, gaps=gaps) if gaps else reading

    def _partition(self, reading: Reading) -> int:
        binding = self.plan.bind(reading.device_id, reading.at)
        return partition_of(
            unbound_subject(reading.device_id) if binding is None else binding.shipment_id
        )

    def _beat(self) -> None:
        now = monotonic_s()
        if now < self._next_beat:
            return
        self._next_beat = now + BEAT_S
        connected = self.subscriber.connected.is_set()
        try:
            if connected:
                # Without the broker we hear nobody: the partitions' clocks must not go on.
                self._heartbeat(self.clock.now())
            devices.beat_gateway(
                self.store,
                self.clock.now(),
                connected=connected,
                broker=self.settings.mqtt_broker_name or "{}:{}".format(*_where(self.subscriber)),
                received=self._received,
                appended=self._appended,
            )
            self._look_at_plan()
        except StoreUnavailable as error:
            logger.warning("no heartbeat written: %s", error)

    def _heartbeat(self, at: Instant) -> None:
        """Write that we listen; on a clock that runs faster, for every few seconds of it."""
        now_s = monotonic_s()
        steps: Sequence[Instant] = ()
        if self._beaten_at is not None and now_s - self._beaten_s < PAUSE_S:
            steps = range(self._beaten_at + STEP_MS, at, STEP_MS)[:MOST_STEPS]
        log.beat(self.store, *steps, at)
        self._beaten_at, self._beaten_s = at, now_s

    def _excuse_silence(self, batch: Batch) -> None:
        """Write a heartbeat before the first readings after a time in which we did not listen.

        A reading moves the partition's clock as well: without this, the first device that is
        heard after our outage would let all the others be silent.
        """
        newest = max(arrival.delivery.received_at for arrival in batch.arrivals)
        pause_ms = PAUSE_S * SECOND * self.clock.rate
        if self._beaten_at is None or newest - self._beaten_at > pause_ms:
            self._heartbeat(newest)

    def _look_at_plan(self) -> None:
        version = plans.plan_version(self.store)
        if version != self.plan.version:
            self.plan = plans.load_plan(self.store, version)
            logger.info("plan %s: %s shipments", version, len(self.plan.shipments))

    def _watch_network(self) -> None:
        if self.subscriber.alive():
            self._dead_since = None
            return
        now = monotonic_s()
        self._dead_since = self._dead_since or now
        if now - self._dead_since > STUCK_S:
            raise RuntimeError(f"the MQTT network thread died: {self.subscriber.broken}")

    def _insist(self, write: Callable[[], None]) -> None:
        """Repeat an idempotent write until Redis takes it; meanwhile nothing is acknowledged."""
        attempt = 0
        while not self.stopping.is_set():
            try:
                write()
            except StoreUnavailable as error:
                logger.warning("Redis does not take the write, trying again: %s", error)
                self.stopping.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1
            else:
                return


_COUNTERS = {
    log.APPENDED: ("readings",),
    log.DUPLICATE: ("duplicates",),
    log.CONFLICT: ("duplicates", "conflicts"),
}


def _where(subscriber: Subscriber) -> tuple[str, int]:
    return subscriber.address.host, subscriber.address.port


def main() -> int:
    """Run a gateway until SIGTERM; exit code 1 when it cannot work, 2 when set up wrongly."""
    orphan.exit_with_parent()
    logs.to_stderr("gateway")
    try:
        settings = require(load(), "redis_url", "mqtt_url")
        gateway = Gateway(settings, connect(settings.redis_url), settings.clock)
    except (SettingsError, ValueError) as error:
        logger.error("%s", error)  # noqa: TRY400 - a wrong setting needs no traceback
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: gateway.stopping.set())
    try:
        gateway.run()
    except (LayoutError, RuntimeError) as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
