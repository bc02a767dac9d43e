"""`puente bench ingest`: plain worker, Puente, plain worker again, then Puente's latency.

The plain worker runs before and after Puente, half the time each, so that a machine that slows
down or speeds up meanwhile does not favour either. Both see the same broker and the same Redis,
the same trucks in the same order from the same load generator, and a closed loop: at most
`publisher.WINDOW` readings are published and not committed. Committed means what Redis says: the
length of the plain worker's stream, the readings in Puente's commits.

Latency is measured at half the rate that was reached. Publishing happens by schedule, and a
reading that is sent late counts from when it was due. It is committed at the time of the entry in
`{pNN}:changes` whose row first shows its device time: that entry and the rest of the commit are
one script. The log's fsync follows within the same turn of the server and is not included.

Lost and doubled are counted from the stored tracks, reading by reading. Gateway and engine run as
in `puente up`; the desk, which follows at its own pace, and the dashboard do not run.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from benchmarks import plain_worker, scenario
from benchmarks.control import Control
from benchmarks.report import Outcome, Throughput, together
from benchmarks.rig import BenchFailure, Rig
from benchmarks.scenario import Scenario
from puente import clock, keys, planfile, readiness
from puente.keys import PARTITIONS
from puente.store import live, plans, tracks
from puente.store.connection import Store, connect
from puente.store.meta import ensure_layout
from puente.store.packing import number, text, unpack_reading, unpack_rows

POLL_S = 0.02
DRAIN_S = 30.0
"""How long no commit may come before what is published and not committed counts as lost."""

_TAIL_S = 0.5

Step = Callable[[str, float], None]
"""Told what is being done and how many more seconds of the plan have passed."""


@dataclass(frozen=True)
class Options:
    """What `puente bench ingest` was asked for."""

    seconds: float
    shipments: int
    geofences: int
    engines: int

    @property
    def warm_s(self) -> float:
        """How long a program runs before it is measured."""
        return min(2.0, self.seconds / 4)

    @property
    def latency_s(self) -> float:
        """How long latency is measured."""
        return max(1.0, self.seconds / 2)

    @property
    def planned_s(self) -> float:
        """How long everything takes, but for starting and draining."""
        return 2 * self.seconds + 3 * self.warm_s + self.latency_s


def run(options: Options, step: Step = lambda *_: None) -> Outcome:
    """Measure.

    Raises:
        BenchFailure: a program died or does not get ready.
    """
    load_before = os.getloadavg()[0]
    with Rig() as rig:
        machine = {
            "cpus": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
            "load_before": round(load_before, 2),
            "broker": rig.broker.label,
            "redis": rig.redis.label,
        }
        before = _plain(rig, options, "plain worker", step)
        ours = _Puente(rig, options, step).run()
        after = _plain(rig, options, "plain worker again", step)
        return Outcome(plain=together([before, after]), machine=machine, **ours)


# One stretch of any program.


@dataclass
class _Load:
    """A load generator, and what it shares with us."""

    rig: Rig
    scenario: Scenario
    prefix: str
    committed: Callable[[], int]
    step: Step
    began_at: int = 0
    control: Control = field(init=False)

    def start(self, old_protocol_port: int) -> None:
        """Start the generator; it publishes nothing yet."""
        path = self.rig.folder / f"control-{self.prefix}"
        self.control = Control(path, create=True)
        self.began_at = clock.real_now()
        self.rig.python(
            "publisher",
            "benchmarks.publisher",
            *(str(path), "127.0.0.1", str(old_protocol_port), self.prefix),
            *(str(self.began_at), self.scenario.encode()),
        )
        self.rig.wait_for(lambda: self.control["ready"] == 1, "the load generator connects")

    def go_on(self, seconds: float, what: str, each: Callable[[], None] = lambda: None) -> None:
        """Let it publish for a time."""
        control = self.control
        control["limit"] = 1 << 60
        began = last = clock.monotonic_s()
        most = self.scenario.shipments * self.scenario.budget
        while last - began < seconds and control["sent"] < most:
            time.sleep(POLL_S)
            control["committed"] = self.committed()
            each()
            now = clock.monotonic_s()
            self.step(what, now - last)
            last = now
        self.rig.look_after()

    def measure(self, seconds: float, what: str) -> Throughput:
        """Measure the program for a time."""
        usage, count, began = self.rig.usage(), self.committed(), clock.monotonic_s()
        self.go_on(seconds, what)
        count, ended = self.committed() - count, clock.monotonic_s()
        return Throughput(count, ended - began, self.rig.usage().since(usage))

    def pause(self) -> int:
        """Stop publishing and wait until the broker has everything; returns what was sent."""
        self.control["limit"] = 0
        # The generator may be between reading the limit and sending.
        time.sleep(5 * POLL_S)
        self.rig.wait_for(
            lambda: self.control["acknowledged"] == self.control["sent"],
            "the broker acknowledges what was published",
        )
        return self.control["sent"]

    def end(self) -> None:
        """End the generator."""
        self.control["quit"] = 1
        self.rig.stop("publisher")
        self.control.close()


# The plain worker.


def _plain(rig: Rig, options: Options, what: str, step: Step) -> Throughput:
    """Measure the plain worker for half the time, in a database of its own, emptied after it."""
    url = rig.settings.redis_url.removesuffix("/0") + "/1"
    store = connect(url)
    try:
        rig.python("worker", "benchmarks.plain_worker", "127.0.0.1", str(rig.old_mqtt_port), url)
        load = _Load(
            rig,
            Scenario.sized(options.shipments, options.geofences, options.seconds),
            plain_worker.TOPIC.partition("/")[0],
            lambda: store.client.xlen(plain_worker.STREAM),
            step,
        )
        load.start(rig.old_mqtt_port)
        rig.wait_for(lambda: _subscribed(load), "the plain worker subscribes")
        load.go_on(options.warm_s, what)
        found = load.measure(options.seconds / 2, what)
        load.end()
        rig.stop("worker")
        store.client.flushdb()
        return found
    finally:
        store.close()


def _subscribed(load: _Load) -> bool:
    """Publish a little until the first batch is stored: the worker says nothing by itself."""
    load.control["committed"] = load.control["sent"]
    load.control["limit"] = load.control["sent"] + 100
    time.sleep(5 * POLL_S)
    return load.committed() > 0


# Puente.


class _Puente:
    """Gateway and engines under load."""

    def __init__(self, rig: Rig, options: Options, step: Step) -> None:
        self.rig = rig
        self.options = options
        self.store = rig.store
        self.step = step
        self.scenario = Scenario.sized(options.shipments, options.geofences, options.seconds)
        self.load = _Load(rig, self.scenario, "puente", self.committed, step)

    def run(self) -> dict[str, Any]:
        """Measure throughput, then latency; returns the fields of an Outcome."""
        self._start()
        empty_bytes = _used_bytes(self.store)
        self.load.start(self.rig.old_mqtt_port)
        self.load.go_on(self.options.warm_s, "Puente")
        throughput = self.load.measure(self.options.seconds, "Puente")
        self._drain()
        rate = max(1, round(throughput.per_s / 2))
        latencies_ms = self._measure_latency(rate)
        published = self._drain()
        rss_mb = self.rig.rss_mb()
        used_bytes = _used_bytes(self.store) - empty_bytes
        committed, events = self.committed(), sum(s.events for s in live.read_status(self.store))
        lost, doubled = self._compare(published, committed)
        self.load.end()
        self.rig.stop("gateway", *self._engines)
        return {
            "puente": throughput,
            "published": published,
            "committed": committed,
            "lost": lost,
            "doubled": doubled,
            "events": events,
            "latencies_ms": latencies_ms,
            "latency_rate_per_s": rate,
            "rss_mb": rss_mb,
            "redis_bytes_per_shipment": used_bytes // self.options.shipments,
        }

    def committed(self) -> int:
        """Return how many readings are in Puente's commits."""
        with self.store.client.pipeline(transaction=False) as pipe:
            for partition in range(PARTITIONS):
                pipe.hget(keys.STATUS(pNN=partition), "readings")
            return sum(number(answer) for answer in pipe.execute())

    @property
    def _engines(self) -> list[str]:
        return [f"engine-{n}" for n in range(self.options.engines)]

    def _start(self) -> None:
        now = clock.real_now()
        ensure_layout(self.store, now)
        document = planfile.parse(scenario.plan(self.scenario), "the benchmark's plan")
        planfile.check(document)
        plans.save_plan(self.store, document, now)
        self.rig.python("gateway", "ingest.gateway")
        for name in self._engines:
            self.rig.python(name, "ingest.engine")
        self.rig.wait_for(
            lambda: readiness.gateway_is_fresh(self.store, clock.real_now(), 1.0),
            "the gateway is connected",
        )
        self.rig.wait_for(self._engine_works, "the engine commits")

    def _engine_works(self) -> bool:
        found = live.read_status(self.store)
        return len(found) == PARTITIONS and readiness.engine_is_fresh(
            self.store, clock.real_now(), 1.0
        )

    def _drain(self) -> int:
        """Wait until everything that was published is committed, or nothing moves any more."""
        sent = self.load.pause()
        count, moved_s = self.committed(), clock.monotonic_s()
        while count < sent and clock.monotonic_s() - moved_s < DRAIN_S:
            time.sleep(POLL_S)
            self.rig.look_after()
            now_committed = self.committed()
            if now_committed != count:
                count, moved_s = now_committed, clock.monotonic_s()
        return sent

    def _measure_latency(self, rate: int) -> list[float]:
        tail = _Tail(self.store)
        self.load.control["rate"] = rate
        self.load.go_on(self.options.latency_s, "latency at half the rate", tail.follow)
        sent = self._drain()
        tail.follow(at_once=True)
        first, due_from_ms = (
            self.load.control["rate_from_n"],
            self.load.control["rate_from_ms"],
        )
        due = _Due(self.scenario, self.load.began_at, first, sent, due_from_ms, rate)
        return latencies_ms(tail.entries, due)

    def _compare(self, published: int, committed: int) -> tuple[int, int]:
        """Count lost and doubled readings from the tracks."""
        lost = doubled = stored = 0
        shipments = self.options.shipments
        for truck in range(shipments):
            found = stored_numbers(self.store, scenario.shipment_id(truck))
            wanted = range(1, (published - truck + shipments - 1) // shipments + 1)
            lost += sum(seq not in found for seq in wanted)
            doubled += sum(count - 1 for count in found.values())
            stored += found.total()
        # A reading that was folded twice but is stored once was doubled all the same.
        return lost, doubled + max(0, committed - stored)


def stored_numbers(store: Store, shipment_id: str) -> Counter[int]:
    """Count the numbers of one shipment's stored readings, doubles included."""
    found: Counter[int] = Counter()
    for packed in cast("list[bytes]", store.client.zrange(tracks.track_key(shipment_id), 0, -1)):
        found[unpack_reading(packed).telemetry.seq or 0] += 1
    for block in cast("list[bytes]", store.client.hvals(tracks.blocks_key(shipment_id))):
        for reading in tracks.unpack_block(block):
            found[reading.telemetry.seq or 0] += 1
    return found


def _used_bytes(store: Store) -> int:
    return int(store.client.info("memory")["used_memory"])


# Latency.


@dataclass
class _Tail:
    """Collects the entries of `{pNN}:changes`, undecoded, while the load runs."""

    store: Store
    entries: list[tuple[int, bytes]] = field(default_factory=list)
    """(when Redis took it, packed rows), in order within a partition."""

    def __post_init__(self) -> None:
        self._cursors = live.change_cursors(self.store)
        self._next_s = 0.0

    def follow(self, at_once: bool = False) -> None:
        """Read what is new, now and then."""
        now_s = clock.monotonic_s()
        if now_s < self._next_s and not at_once:
            return
        self._next_s = now_s + _TAIL_S
        with self.store.client.pipeline(transaction=False) as pipe:
            for partition, cursor in self._cursors.items():
                pipe.xrange(keys.CHANGES(pNN=partition), f"({cursor}", "+")
            answers = pipe.execute()
        for partition, answer in zip(list(self._cursors), answers, strict=True):
            for entry_id, fields in answer:
                self._cursors[partition] = text(entry_id)
                self.entries.append((int(text(entry_id).partition("-")[0]), fields[b"r"]))


@dataclass(frozen=True)
class _Due:
    """When which reading of the latency run was to be published."""

    scenario: Scenario
    began_at: int
    first: int
    end: int
    from_ms: int
    rate: int

    def at_ms(self, n: int) -> float:
        """Return when a reading was due."""
        return self.from_ms + (n - self.first) * 1000.0 / self.rate


def latencies_ms(entries: list[tuple[int, bytes]], due: _Due) -> list[float]:
    """Return for every reading of a latency run how long after it was due it was committed."""
    shipments = due.scenario.shipments
    trucks = {scenario.shipment_id(truck): truck for truck in range(shipments)}
    following = {
        truck: -(-(due.first - truck) // shipments) for truck in range(shipments)
    }  # first index of each truck in the run
    found: list[float] = []
    for committed_ms, packed in entries:
        for row in unpack_rows(packed):
            if row.fix_at is None or row.id not in trucks:
                continue
            truck = trucks[row.id]
            newest = due.scenario.index(due.began_at, row.fix_at)
            for index in range(following[truck], newest + 1):
                n = index * shipments + truck
                if n < due.end:
                    found.append(committed_ms - due.at_ms(n))
            following[truck] = max(following[truck], newest + 1)
    return found


__all__ = ["BenchFailure", "Options", "run"]
