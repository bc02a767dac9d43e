"""Engines as they run: leases, shares of time, entries that trip the fold."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ingest import engine as engines
from ingest import pipeline
from ingest.engine import Engine, LateBudget
from puente import keys
from puente.clock import Clock, monotonic_s
from puente.instant import MINUTE, SECOND
from puente.settings import Settings
from puente.store import live, log, states, tracks
from puente.store.connection import Store, connect
from puente.store.meta import LayoutError, ensure_layout
from tests.system.world import NOW, SETTINGS, World, delivery

pytestmark = pytest.mark.redis

BOUND = {"id": "S1", "devices": [{"device_id": "TRK-1", "role": "trailer"}]}


def eventually(holds: Callable[[], bool], within_s: float = 20.0) -> bool:
    deadline = monotonic_s() + within_s
    pause = threading.Event()
    while not holds():
        if monotonic_s() > deadline:
            return False
        pause.wait(0.02)
    return True


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.beat(NOW - SECOND)
    return made


@pytest.fixture
def run(redis_url: str) -> Iterator[Callable[[str], Engine]]:
    """Start engines in threads; they are stopped at the end."""
    running: list[tuple[Engine, threading.Thread]] = []

    def start(owner: str) -> Engine:
        mine = Engine(SETTINGS, connect(redis_url), Clock(), owner=owner)
        thread = threading.Thread(target=mine.run)
        thread.start()
        running.append((mine, thread))
        return mine

    yield start
    for engine, thread in running:
        engine.stopping.set()
        thread.join(20)
        assert not thread.is_alive()
        engine.store.close()


def owners(store: Store) -> set[bytes]:
    """Who holds the partitions; `nobody` holds those that are free."""
    held = (store.client.get(keys.LEASE(pNN=p)) for p in range(keys.PARTITIONS))
    return {bytes(token).partition(b":")[2] if token else b"nobody" for token in held}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("live_s", "late_s", "allowed"),
    [(0.0, 0.0, True), (0.7, 0.3, False), (0.71, 0.29, True), (1.0, 0.0, True), (0.0, 1.0, False)],
)
def test_late_readings_get_their_share_of_the_time_while_live_ones_wait(
    live_s: float, late_s: float, allowed: bool
) -> None:
    assert LateBudget(0.3, live_s, late_s).allows() is allowed
    idle = LateBudget(0.3, live_s, late_s)
    idle.idle()
    assert idle.allows()


def test_an_engine_folds_what_comes_and_gives_its_leases_back(
    world: World, store: Store, run: Callable[[str], Engine]
) -> None:
    world.plan(BOUND)
    engine = run("one")
    world.deliver(delivery(at=NOW, boot=1, seq=1, lat=25.0, lon=-100.0))
    assert eventually(lambda: any(r.id == "S1" for r in live.load_rows(store)))
    assert owners(store) == {b"one"}
    engine.stopping.set()
    assert eventually(lambda: owners(store) == {b"nobody"})


def test_a_second_engine_stands_by_until_the_first_has_gone(
    world: World, store: Store, run: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "RENEW_S", 0.1)
    world.plan(BOUND)
    first = run("one")
    assert eventually(lambda: owners(store) == {b"one"})
    run("two")
    world.deliver(delivery(at=NOW, boot=1, seq=1))
    assert eventually(lambda: len(tracks.read_track(store, "S1")) == 1)
    assert owners(store) == {b"one"}
    first.stopping.set()
    assert eventually(lambda: owners(store) == {b"two"})
    world.deliver(delivery(at=NOW + MINUTE, boot=1, seq=2))
    assert eventually(lambda: len(tracks.read_track(store, "S1")) == 2)


def test_an_engine_goes_on_at_once_when_the_connection_was_cut(
    world: World, store: Store, run: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "RETRY_S", 0.01)
    world.plan(BOUND)
    run("one")
    for n in range(1, 6):
        world.deliver(delivery(at=NOW + n * MINUTE, boot=1, seq=n))
        store.client.client_kill_filter(_type="normal", skipme=True)
    began = monotonic_s()
    assert eventually(lambda: len(tracks.read_track(store, "S1")) == 5)
    # Its own leases, which it no longer knows by token, would stand in its way for ten seconds.
    assert monotonic_s() - began < 8.0
    statuses = live.read_status(store)
    assert sum(s.readings for s in statuses) == 5


def test_an_entry_that_trips_the_fold_stops_nothing_else(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.plan(BOUND)
    fold = pipeline.fold

    def trips(truth: Any, reading: Any, plan: Any) -> Any:  # noqa: ANN401 - as pipeline.fold
        if reading.telemetry.seq in (3, 13):
            raise ZeroDivisionError("a detector that divides by zero")
        return fold(truth, reading, plan)

    monkeypatch.setattr(pipeline, "fold", trips)
    world.deliver(*(delivery(at=NOW + n * SECOND, boot=1, seq=n) for n in range(6)))
    late = NOW + 20 * MINUTE
    world.fold()
    world.deliver(
        *(delivery(at=NOW + n * SECOND, received_at=late, boot=1, seq=n) for n in range(10, 16))
    )
    world.fold()
    kept = [r.telemetry.seq for r in tracks.read_track(store, "S1")]
    assert kept == [0, 1, 2, 4, 5, 10, 11, 12, 14, 15]
    assert caplog.text.count("skipped entry") == 2
    world.restart_engine()
    world.fold()
    assert caplog.text.count("skipped entry") == 2


def test_an_entry_of_a_kind_that_is_not_known_is_passed_over(
    world: World, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for partition in range(keys.PARTITIONS):
        store.client.xadd(keys.LOG(pNN=partition), {"k": "z", "b": "?"})
        store.client.xadd(keys.LOG(pNN=partition), {"k": "r", "b": "not msgpack"})
    world.deliver(delivery(at=NOW, boot=1, seq=1))
    world.fold()
    assert "unknown entry" in caplog.text
    assert len(tracks.read_track(store, "~TRK-1")) == 1


def test_a_store_that_was_made_for_another_layout_is_refused(store: Store) -> None:
    ensure_layout(store, NOW)
    ensure_layout(store, NOW + 1)
    with pytest.raises(LayoutError, match="the store has 16 partitions, this Puente uses 32"):
        ensure_layout(store, NOW, partitions=32)
    store.client.hset(keys.META(), "schema", "99")
    with pytest.raises(LayoutError, match="schema 99"):
        ensure_layout(store, NOW)


def test_housekeeping_waits_for_a_pause_but_not_for_ever(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.beats(NOW, NOW + MINUTE)
    world.fold()
    kept: list[int] = []
    for fold in world.engine.folds.values():
        monkeypatch.setattr(fold, "keep_house", lambda n=fold.number: kept.append(n))
    world.engine._keep_house_at = monotonic_s() - 1.0
    world.engine._keep_house(busy=True)
    assert kept == []
    world.engine._keep_house_at = monotonic_s() - engines.OVERDUE_S - 1.0
    world.engine._keep_house(busy=True)
    assert len(kept) == keys.PARTITIONS


def test_logs_are_trimmed_below_the_offset_and_past_their_retention(store: Store) -> None:
    settings = replace(SETTINGS, log_retention_h=1)
    world = World(store, settings)
    now = Clock().now()
    world.beat(*range(now - 150, now))
    world.fold()
    # Entry ids are of now, so the clock has to be two hours on for them to be old.
    world.beat(now + 2 * 3_600_000)
    world.fold()
    for _ in range(150):
        world.beat(now + 2 * 3_600_000)
    world.engine._keep_house(busy=False)
    unread = log.read(store, {0: world.engine.folds[0].offset}, 1000)[0]
    assert len(unread) == 150
    assert int(str(store.client.xlen(keys.LOG(pNN=0)))) < 300


def test_an_engine_that_finds_no_redis_waits_for_it() -> None:
    engine = Engine(Settings(), connect("redis://127.0.0.1:1/0"), Clock())
    thread = threading.Thread(target=engine.run)
    thread.start()
    engine.stopping.set()
    thread.join(10)
    assert not thread.is_alive()


def test_the_offsets_of_both_logs_are_committed(world: World, store: Store) -> None:
    world.plan(BOUND)
    world.deliver(
        delivery(at=NOW, boot=1, seq=1),
        delivery(at=NOW - 30 * MINUTE, received_at=NOW + SECOND, boot=1, seq=0),
    )
    world.fold()
    offsets = states.load_offsets(store, keys.partition_of("S1"))
    assert offsets.log != log.FIRST
    assert offsets.late != log.FIRST
