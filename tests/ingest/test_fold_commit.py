"""One partition under an engine: what is committed, what survives, and who gets which reading."""

from typing import Any

import pytest

from ingest import fold_commit, pipeline
from ingest.partition import Subject
from ingest.timeline import LONG_AGO, Step, Timeline
from puente import keys
from puente.instant import HOUR, MINUTE, SECOND
from puente.model import Delivery
from puente.store import live, log, states, tracks
from puente.store.connection import Store
from tests.store.samples import reading
from tests.system.world import NOW, World, delivery, ledger

pytestmark = pytest.mark.redis


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.beat(NOW - SECOND)
    return made


def shipment(name: str, *devices: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - other fields
    """A shipment with devices given as `ID` or `ID from to` (minutes after NOW, `-` for open)."""
    bound = []
    for device in devices:
        device_id, start, end = (*device.split(), "-", "-")[:3]
        period = {
            "from": None if start == "-" else _text(int(start)),
            "to": None if end == "-" else _text(int(end)),
        }
        bound.append({"device_id": device_id, "role": "trailer", **period})
    return {"id": name, "devices": bound, "cargo_profile": "PH_2_8", **more}


def _text(minutes: int) -> str:
    hours, rest = divmod(12 * 60 + minutes, 60)
    return f"2026-07-01T{hours:02d}:{rest:02d}:00Z"


def warm(device: str, minute: int, celsius: float, *, received: float | None = None) -> Delivery:
    at = NOW + minute * MINUTE
    return delivery(
        device,
        at,
        received_at=at + SECOND if received is None else NOW + round(received * MINUTE),
        boot=1,
        seq=minute,
        temperature_c=celsius,
        lat=25.0 + 0.01 * minute,
        lon=-100.0,
        satellites=9,
    )


def run(world: World, deliveries: list[Delivery], until: int) -> None:
    """Deliver in small batches with heartbeats in between, to a minute after NOW."""
    beaten = NOW
    for start in range(0, len(deliveries), 6):
        batch = deliveries[start : start + 6]
        world.beats(beaten, batch[0].received_at - 1)
        beaten = max(beaten, batch[0].received_at - 1)
        world.deliver(*batch)
    world.beats(beaten, NOW + until * MINUTE)
    world.fold()


def seqs(store: Store, subject: str) -> list[int | None]:
    return [r.telemetry.seq for r in tracks.read_track(store, subject)]


def excursion(device: str = "TRK-1", minutes: int = 60) -> list[Delivery]:
    """Cold, then too warm from minute 10 to 49, then cold again."""
    return [warm(device, m, 12.0 if 10 <= m < 50 else 5.0) for m in range(minutes)]


def truths(store: Store, hours: list[int]) -> list[tuple[Any, ...]]:
    """What the detectors knew before each of these hours."""
    found = [states.load_checkpoint(store, "S1", hour * HOUR) for hour in hours]
    return [pipeline.unpack_truth(f[1]).states for f in found if f is not None]


# --- commits ------------------------------------------------------------------------------------


def test_a_turn_leaves_row_track_status_and_changes(world: World, store: Store) -> None:
    world.plan(shipment("S1", "TRK-1"))
    cursors = live.change_cursors(store)
    run(world, excursion(minutes=5), 5)
    (row,) = [r for r in live.load_rows(store) if r.id == "S1"]
    assert (row.temperature_c, row.fix_at) == (5.0, NOW + 4 * MINUTE)
    assert row.heard_at == NOW + 4 * MINUTE + SECOND
    assert [r.id for r in live.read_changes(store, cursors).rows] == ["S1"]
    assert seqs(store, "S1") == [0, 1, 2, 3, 4]
    statuses = {s.partition: s for s in live.read_status(store)}
    assert len(statuses) == keys.PARTITIONS
    assert {s.clock_at for s in statuses.values()} == {NOW + 5 * MINUTE}
    assert statuses[keys.partition_of("S1")].readings == 5
    assert sum(s.readings for s in statuses.values()) == 5


def test_what_was_folded_but_not_committed_is_folded_again_and_counts_once(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.plan(shipment("S1", "TRK-1"))
    deliveries = excursion()
    run(world, deliveries[:15], 15)

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    for d in deliveries[15:]:
        world.deliver(d)
    world.beats(NOW + 15 * MINUTE, NOW + 60 * MINUTE)
    with monkeypatch.context() as patch:
        patch.setattr(states, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            world.fold()
    assert seqs(store, "S1") == list(range(15))
    world.restart_engine()
    world.fold()
    assert seqs(store, "S1") == list(range(60))
    phases = [(e.kind, e.phase.value) for e in world.events()]
    assert len(phases) == len(set(phases))
    assert ("temperature.warning", "cleared") in phases
    (status,) = [s for s in live.read_status(store) if s.partition == keys.partition_of("S1")]
    assert (status.readings, status.events) == (60, len(phases))


def test_a_second_engine_with_a_stale_token_cannot_commit(world: World, store: Store) -> None:
    world.plan(shipment("S1", "TRK-1"))
    run(world, excursion(minutes=3), 3)
    stale = dict(world.engine.folds)
    world.restart_engine()
    world.deliver(warm("TRK-1", 3, 5.0))
    partition = keys.partition_of("S1")
    (entry,) = log.read(store, {partition: stale[partition].offset}, 10)[partition]
    world.engine._renew()
    assert stale[partition].take([entry], late=False) is fold_commit.Committed.NO
    assert seqs(store, "S1") == [0, 1, 2]
    world.fold()
    assert seqs(store, "S1") == [0, 1, 2, 3]


def test_late_readings_are_folded_at_their_own_time_with_the_same_result(
    world: World, store: Store
) -> None:
    world.plan(shipment("S1", "TRK-1"))
    ordered = excursion()
    run(world, ordered, 60)
    expected = ledger(world.events())
    assert expected
    store.client.flushall()
    again = World(store)
    again.beat(NOW - SECOND)
    again.plan(shipment("S1", "TRK-1"))
    # Minutes 5 to 30 come at minute 55, after an engine has begun anew.
    on_time = [d for i, d in enumerate(ordered) if not 5 <= i <= 30]
    run(again, on_time, 60)
    again.restart_engine()
    again.deliver(
        *(warm("TRK-1", m, 12.0 if m >= 10 else 5.0, received=60) for m in range(30, 4, -1))
    )
    again.fold()
    assert ledger(again.events()) == expected
    assert seqs(store, "S1") == list(range(60))


def test_checkpoints_are_rewritten_by_a_late_reading(world: World, store: Store) -> None:
    world.plan(shipment("S1", "TRK-1"))
    minutes = [m for m in range(0, 200, 5) if m != 55]
    run(world, [warm("TRK-1", m, 5.0) for m in minutes], 200)
    hours = [NOW // HOUR + n for n in (1, 2, 3)]
    assert states.checkpoint_hours(store, "S1") == hours
    before = truths(store, hours)
    world.deliver(warm("TRK-1", 55, 30.0, received=200))
    world.fold()
    after = truths(store, hours)
    assert before[0] != after[0]
    # The truth an hour later is as if it had come in time.
    in_time = World(store)
    store.client.flushall()
    in_time.beat(NOW - SECOND)
    in_time.plan(shipment("S1", "TRK-1"))
    readings = [warm("TRK-1", m, 30.0 if m == 55 else 5.0) for m in range(0, 200, 5)]
    run(in_time, readings, 200)
    assert truths(store, hours) == after


def test_a_truth_in_which_deadlines_of_its_hour_have_fired_is_no_checkpoint() -> None:
    quiet = Timeline(base_order=(NOW - MINUTE, "D", 1, 1, "1.1"), base_at=NOW + 5 * MINUTE)
    late = reading(2, at=NOW + 10 * MINUTE)
    quiet.steps.append(Step(late.order, late, pipeline.truth_before(), (), None))
    assert fold_commit.checkpoints(quiet, LONG_AGO) == []
    quiet.base_at = NOW
    assert fold_commit.checkpoints(quiet, LONG_AGO) == [(NOW // HOUR, quiet.base)]


def test_a_subject_that_is_packed_knows_up_to_when_time_has_decided() -> None:
    kept = Subject("S1", Timeline(tail_at=NOW + 5))
    assert fold_commit.unpack_subject("S1", fold_commit.pack_subject(kept)).timeline.base_at == (
        NOW + 5
    )


def test_housekeeping_compresses_old_hours_and_changes_no_track(
    world: World, store: Store
) -> None:
    world.plan(shipment("S1", "TRK-1"))
    run(world, [warm("TRK-1", m, 5.0) for m in range(0, 300, 5)], 300)
    before = tracks.read_track(store, "S1")
    world.engine._keep_house(busy=False)
    partition = keys.partition_of("S1")
    assert store.client.hlen(keys.BLOCKS(pNN=partition, subject="S1")) == 3
    assert tracks.read_track(store, "S1") == before
    # A late reading finds its way through the blocks.
    world.restart_engine()
    world.deliver(warm("TRK-1", 7, 5.0, received=300))
    world.fold()
    assert seqs(store, "S1") == sorted([*range(0, 300, 5), 7])


# --- outages ------------------------------------------------------------------------------------


def silences(world: World) -> list[tuple[str, str]]:
    return [(e.subject, e.phase.value) for e in world.events() if e.kind == "device.silent"]


def test_a_device_that_stops_is_silent_after_a_quarter_of_an_hour(world: World) -> None:
    world.plan(shipment("S1", "TRK-1"))
    run(world, [warm("TRK-1", m, 5.0) for m in range(3)], 16)
    assert silences(world) == []
    world.beats(NOW + 16 * MINUTE, NOW + 18 * MINUTE)
    world.fold()
    assert silences(world) == [("TRK-1", "raised")]


@pytest.mark.parametrize("restarted", [False, True], ids=["", "and then a new engine"])
def test_our_own_outage_silences_nobody(world: World, restarted: bool) -> None:
    world.plan(shipment("S1", "TRK-1"))
    run(world, [warm("TRK-1", m, 5.0) for m in range(3)], 5)
    world.beat(NOW + 45 * MINUTE)
    world.fold()
    if restarted:
        world.restart_engine()
    world.beats(NOW + 45 * MINUTE, NOW + 55 * MINUTE)
    world.fold()
    assert silences(world) == []
    (outage_s,) = {s.outage_s for s in live.read_status(world.store)}
    assert outage_s == 40 * 60
    world.beats(NOW + 55 * MINUTE, NOW + 59 * MINUTE)
    world.fold()
    assert silences(world) == [("TRK-1", "raised")]


def test_late_readings_do_not_let_time_pass_that_live_ones_have_yet_to_tell_of(
    world: World,
) -> None:
    world.plan(shipment("S1", "TRK-1", "TRK-2"))
    run(world, [warm("TRK-1", 0, 5.0), warm("TRK-2", 0, 5.0)], 1)
    # The engine was away for half an hour; TRK-2 has sent late readings at its end.
    world.restart_engine(engine_batch=5)
    for m in range(1, 30):
        world.beats(NOW + m * MINUTE, NOW + m * MINUTE + 55 * SECOND)
        world.deliver(warm("TRK-1", m, 5.0), warm("TRK-2", m, 5.0))
    world.deliver(*(warm("TRK-2", m, 5.0, received=130) for m in range(30, 40)))
    world.fold()
    assert silences(world) == []


# --- plans --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["S1", "SAME"])
def test_readings_of_an_unassigned_device_appear_in_the_shipment_that_a_later_plan_binds(
    world: World, store: Store, name: str
) -> None:
    if name == "SAME":
        # A shipment that happens to lie in the partition of the unassigned device.
        wanted = keys.partition_of("~TRK-1")
        name = next(f"SAME-{n}" for n in range(999) if keys.partition_of(f"SAME-{n}") == wanted)
    run(world, excursion(), 60)
    assert seqs(store, "~TRK-1") == list(range(60))
    assert {r.id for r in live.load_rows(store)} == {"~TRK-1"}
    cursors = live.change_cursors(store)
    world.plan(shipment(name, "TRK-1"), now=NOW + 60 * MINUTE)
    world.fold()
    assert seqs(store, name) == list(range(60))
    assert seqs(store, "~TRK-1") == []
    assert {r.id for r in live.load_rows(store)} == {name}
    changes = live.read_changes(store, cursors)
    assert (changes.removed, [r.id for r in changes.rows]) == (["~TRK-1"], [name])
    assert silences(world) == []
    found = ledger(world.events())
    world.beats(NOW + 60 * MINUTE, NOW + 62 * MINUTE)
    world.deliver(warm("TRK-1", 61, 5.0))
    world.fold()
    store.client.flushall()
    in_time = World(store)
    in_time.beat(NOW - SECOND)
    in_time.plan(shipment(name, "TRK-1"))
    run(in_time, excursion(), 60)
    assert found == ledger(in_time.events()) != {}


def test_a_binding_for_a_past_period_moves_just_that_period(world: World, store: Store) -> None:
    run(world, excursion(), 60)
    world.plan(shipment("S1", "TRK-1 20 40"), now=NOW + 60 * MINUTE)
    world.fold()
    assert seqs(store, "S1") == list(range(20, 40))
    assert seqs(store, "~TRK-1") == [*range(20), *range(40, 60)]


def test_readings_go_to_another_shipment_and_back_and_none_is_lost(
    world: World, store: Store
) -> None:
    world.plan(shipment("S1", "TRK-1"), shipment("S2"))
    run(world, excursion(), 60)
    for _ in range(2):
        world.plan(shipment("S1", "TRK-1 - 30"), shipment("S2", "TRK-1 30 -"), now=NOW + HOUR)
        world.fold()
        assert (seqs(store, "S1"), seqs(store, "S2")) == ([*range(30)], [*range(30, 60)])
        world.plan(shipment("S1", "TRK-1"), shipment("S2"), now=NOW + HOUR)
        world.fold()
        assert (seqs(store, "S1"), seqs(store, "S2")) == ([*range(60)], [])
    world.restart_engine()
    # A resend is told from a reading that never came, wherever it is now.
    world.deliver(*excursion()[20:40])
    world.fold()
    assert seqs(store, "S1") == [*range(60)]


def test_the_shipment_that_gains_a_period_has_the_ledger_of_having_had_it_in_time(
    world: World, store: Store
) -> None:
    world.plan(shipment("S1", "TRK-1"), shipment("S2"))
    run(world, excursion(), 60)
    world.plan(shipment("S1"), shipment("S2", "TRK-1"), now=NOW + HOUR)
    world.fold()
    found = {k: v for k, v in ledger(world.events()).items() if k[0] == "S2"}
    store.client.flushall()
    in_time = World(store)
    in_time.beat(NOW - SECOND)
    in_time.plan(shipment("S1"), shipment("S2", "TRK-1"))
    run(in_time, excursion(), 60)
    assert found == ledger(in_time.events()) != {}


def test_the_shipment_that_loses_a_period_loses_what_is_still_open(
    world: World, store: Store
) -> None:
    world.plan(shipment("S1", "TRK-1"))
    run(world, excursion()[:48], 48)
    assert ledger(world.events())
    world.plan(shipment("S1"), now=NOW + HOUR)
    world.fold()
    assert ledger(world.events()) == {}
    (row,) = [r for r in live.load_rows(store) if r.id == "S1"]
    assert (row.open, row.temperature_c, row.lat_deg) == ((), None, None)


def test_the_shipment_that_loses_a_period_loses_what_is_over_as_well(
    world: World, store: Store
) -> None:
    world.plan(shipment("S1", "TRK-1"))
    run(world, excursion(minutes=70), 70)
    assert ledger(world.events())
    world.plan(shipment("S1"), now=NOW + 2 * HOUR)
    world.fold()
    assert ledger(world.events()) == {}


def test_a_shipment_that_leaves_the_plan_leaves_the_screen(world: World, store: Store) -> None:
    world.plan(shipment("S1", "TRK-1"), shipment("S2", "TRK-2"))
    run(world, [warm("TRK-1", 0, 5.0), warm("TRK-2", 0, 5.0)], 1)
    world.plan(shipment("S2", "TRK-2"), now=NOW + MINUTE)
    world.fold()
    assert {r.id for r in live.load_rows(store)} == {"S2", "~TRK-1"}
    assert seqs(store, "~TRK-1") == [0]
    world.restart_engine()
    world.engine._renew()
    held = {s for fold in world.engine.folds.values() for s in fold.partition.subjects}
    assert held == {"S2", "~TRK-1"}


def test_a_subject_that_goes_and_comes_back_within_one_turn_is_kept(
    world: World, store: Store
) -> None:
    run(world, [warm("TRK-1", m, 5.0) for m in range(5)], 5)
    world.plan(shipment("S1", "TRK-1 - 5"), now=NOW + 5 * MINUTE)
    world.deliver(warm("TRK-1", 6, 5.0))
    world.fold()
    assert (seqs(store, "S1"), seqs(store, "~TRK-1")) == ([0, 1, 2, 3, 4], [6])
    assert {r.id for r in live.load_rows(store)} == {"S1", "~TRK-1"}
    world.restart_engine()
    world.engine._renew()
    held = {s for fold in world.engine.folds.values() for s in fold.partition.subjects}
    assert held == {"S1", "~TRK-1"}


def test_a_reading_that_the_gateway_sent_by_a_newer_plan_is_not_lost(
    world: World, store: Store
) -> None:
    world.plan(shipment("S1", "TRK-1"), shipment("S2"))
    run(world, [warm("TRK-1", 0, 5.0)], 1)
    partition = keys.partition_of("S2")
    # The reading lies before the announcement: as S2's partition knows the plan, it is S1's.
    announced = {p: f.offset for p, f in world.engine.folds.items()}
    world.gateway.plan = world.gateway.plan
    version = world.plan(shipment("S1"), shipment("S2", "TRK-1"), now=NOW + MINUTE)
    for p in range(keys.PARTITIONS):
        for entry_id, fields in store.client.xrange(keys.LOG(pNN=p), f"({announced[p]}"):  # type: ignore[union-attr]
            if fields[b"k"] == b"p":
                store.client.xdel(keys.LOG(pNN=p), entry_id)
    world.deliver(warm("TRK-1", 1, 5.0))
    log.announce_plan(store, version, NOW + MINUTE)
    assert log.read(store, {partition: announced[partition]}, 10)[partition][0].kind == "r"
    world.fold()
    assert (seqs(store, "S1"), seqs(store, "S2")) == ([], [0, 1])


def test_plans_that_were_announced_out_of_order_leave_the_newest_in_force(
    world: World, store: Store
) -> None:
    world.plan(shipment("S1"))
    world.plan(shipment("S1", "TRK-1"))
    log.announce_plan(store, 1, NOW)
    log.announce_plan(store, 77, NOW)
    world.fold()
    assert {f.partition.plan.version for f in world.engine.folds.values()} == {2}


def test_a_long_track_can_be_moved(world: World, store: Store) -> None:
    many = [
        delivery("TRK-1", NOW + n * SECOND, boot=1, seq=n, lat=25.0, lon=-100.0 + n * 1e-6)
        for n in range(4500)
    ]
    for start in range(0, len(many), 500):
        world.deliver(*many[start : start + 500])
    world.fold()
    world.plan(shipment("S1", "TRK-1 - 70"), now=NOW + 75 * MINUTE)
    world.fold()
    assert len(seqs(store, "S1")) == 4200
    assert len(seqs(store, "~TRK-1")) == 300
    world.plan(shipment("S1", "TRK-1 - 1"), now=NOW + 75 * MINUTE)
    world.fold()
    assert (len(seqs(store, "S1")), len(seqs(store, "~TRK-1"))) == (60, 4440)
