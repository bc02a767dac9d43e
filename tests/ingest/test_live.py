"""Live equals replay: the same deliveries decide the same, whichever way they come in."""

import json
from typing import Any

import msgspec
import pytest

from ingest.replay import event_object, round_floats
from puente import keys
from puente.instant import HOUR, MINUTE, SECOND
from puente.model import Delivery
from puente.store import tracks
from puente.store.connection import Store
from tests.system.world import NOW, World, delivery, ledger, replayed

pytestmark = pytest.mark.redis

ROAD = [[-100.0 + 0.1 * n, 25.0] for n in range(31)]

PLAN: dict[str, Any] = {
    "shipments": [
        {
            "id": f"MX26-{n}",
            "cargo_profile": "PH_2_8",
            "route": "R",
            "origin": {"name": "Yard", "lat": 25.0, "lon": -100.0, "radius_m": 500},
            "devices": [
                {"device_id": f"TRK-{n}", "role": "trailer"},
                {"device_id": f"SEAL-{n}", "role": "seal"},
            ],
        }
        for n in range(3)
    ],
    "geofences": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"id": "F1", "class": "CUSTOM", "dwell_s": 60},
                "geometry": {"type": "Point", "coordinates": [-99.9, 25.0]},
            }
        ],
    },
    "routes": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"id": "R", "corridor_m": 1000},
                "geometry": {"type": "LineString", "coordinates": ROAD},
            }
        ],
    },
}
PLAN["geofences"]["features"][0]["properties"]["radius_m"] = 800


def journey(minutes: int = 150, step_s: int = 60) -> list[Delivery]:
    """Three trucks: one is silent for a while, one leaves the road, one stands and gets warm."""
    made = []
    for tick in range(0, minutes * 60, step_s):
        at = NOW + tick * SECOND
        for n in range(3):
            if n == 0 and 30 * 60 <= tick < 60 * 60:
                continue
            moving = not (n == 2 and tick > 40 * 60)
            east = 0.00018 * (tick if moving else 40 * 60)
            north = 0.03 if n == 1 and 50 * 60 < tick < 80 * 60 else 0.0
            warm = 12.0 if n == 2 and tick > 20 * 60 else 5.0
            made.append(
                delivery(
                    f"TRK-{n}",
                    at,
                    boot=1,
                    seq=tick // step_s,
                    lat=25.0 + north,
                    lon=-100.0 + east,
                    speed_mps=18.0 if moving else 0.0,
                    temperature_c=warm,
                    satellites=9,
                    accuracy_m=5,
                )
            )
        if tick % 600 == 0:
            state = "open" if tick == 4800 else "sealed"
            made.append(delivery("SEAL-1", at, boot=1, seq=tick // 600, seal={"state": state}))
    return made


def run_live(world: World, deliveries: list[Delivery], size: int = 7) -> None:
    """The gateway's batches, with its heartbeats in between."""
    world.plan(*PLAN["shipments"], geofences=PLAN["geofences"], routes=PLAN["routes"])
    beaten = NOW
    for start in range(0, len(deliveries), size):
        batch = deliveries[start : start + size]
        # The clock stands between the deliveries: to their reception the gateway has beaten.
        world.beats(beaten, batch[0].received_at - 1)
        beaten = max(beaten, batch[0].received_at - 1)
        world.deliver(*batch)
        world.fold()


def told(world: World) -> list[dict[str, Any]]:
    objects = [round_floats(event_object(e)) for e in world.events()]
    return [json.loads(msgspec.json.encode(o)) for o in objects]


def in_order(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(
        found,
        key=lambda e: (e["learned_at"], e["shipment_id"], e["kind"], e["subject"], e["phase"]),
    )


def test_deliveries_in_order_decide_live_what_they_decide_in_replay(store: Store) -> None:
    deliveries = journey()
    world = World(store)
    run_live(world, deliveries)
    expected = replayed(PLAN, deliveries)
    kinds = {e["kind"] for e in expected}
    assert kinds >= {
        "geofence.enter",
        "geofence.dwell",
        "route.deviation",
        "stop.unplanned",
        "temperature.warning",
        "device.silent",
    }
    assert in_order(told(world)) == in_order(expected)


def test_an_engine_that_is_killed_again_and_again_decides_the_same(store: Store) -> None:
    deliveries = journey()
    world = World(store)
    world.plan(*PLAN["shipments"], geofences=PLAN["geofences"], routes=PLAN["routes"])
    beaten = NOW
    for start in range(0, len(deliveries), 47):
        batch = deliveries[start : start + 47]
        world.beats(beaten, batch[0].received_at - 1)
        beaten = max(beaten, batch[0].received_at - 1)
        world.deliver(*batch)
        world.restart_engine(engine_batch=10)
        world.fold()
    assert in_order(told(world)) == in_order(replayed(PLAN, deliveries))


def late_journey() -> tuple[list[Delivery], list[Delivery]]:
    """The journey in order, and as it comes in when TRK-1 is out of coverage for 70 minutes."""
    ordered = journey()
    back_at = NOW + 110 * MINUTE
    hidden = (NOW + 40 * MINUTE, back_at)
    arrived, held = [], []
    for d in ordered:
        if "TRK-1" in d.topic and hidden[0] <= d.received_at < hidden[1]:
            held.append(msgspec.structs.replace(d, received_at=back_at))
        else:
            arrived.append(d)
    cut = next(i for i, d in enumerate(arrived) if d.received_at >= back_at)
    # The newest comes first, as devices do that want to be seen at once.
    return ordered, [*arrived[:cut], *held[::-1], *arrived[cut:]]


def test_a_backfill_gives_the_ledger_of_the_ordered_stream(store: Store) -> None:
    ordered, arrived = late_journey()
    world = World(store)
    run_live(world, arrived, size=40)
    in_time = World(store)
    found = ledger(world.events())
    assert any(key[1] == "route.deviation" for key in found)
    store.client.flushall()
    run_live(in_time, ordered, size=40)
    assert found == ledger(in_time.events())


def test_a_backfill_that_meets_restarts_gives_the_same_ledger(store: Store) -> None:
    ordered, arrived = late_journey()
    world = World(store)
    world.plan(*PLAN["shipments"], geofences=PLAN["geofences"], routes=PLAN["routes"])
    beaten = NOW
    for start in range(0, len(arrived), 23):
        batch = arrived[start : start + 23]
        world.beats(beaten, batch[0].received_at - 1)
        beaten = max(beaten, batch[0].received_at - 1)
        world.deliver(*batch)
        world.fold()
        if batch[-1].received_at >= NOW + 105 * MINUTE:
            world.restart_engine(engine_batch=11)
    world.fold()
    found = ledger(world.events())
    store.client.flushall()
    in_time = World(store)
    run_live(in_time, ordered, size=40)
    assert found == ledger(in_time.events())


@pytest.mark.parametrize("hours", [47, 49])
def test_a_reading_older_than_the_window_is_kept_but_decides_nothing(
    store: Store, hours: int
) -> None:
    world = World(store)
    world.plan(*PLAN["shipments"], geofences=PLAN["geofences"], routes=PLAN["routes"])
    old = NOW - hours * HOUR

    def seal(at: int, seq: int, state: str, received_at: int) -> Delivery:
        return delivery(
            "SEAL-1",
            at,
            received_at=received_at,
            boot=1,
            seq=seq,
            seal={"state": state},
            lat=25.0,
            lon=-99.0,
        )

    world.beats(NOW, NOW + 5 * SECOND)
    world.deliver(seal(NOW, 9, "sealed", NOW + SECOND))
    world.fold()
    world.deliver(
        seal(old, 1, "sealed", NOW + 2 * SECOND), seal(old + 60_000, 2, "tampered", NOW + 2000)
    )
    world.fold()
    kinds = {e.kind for e in world.events()}
    assert ("seal.tamper" in kinds) is (hours == 47)
    seqs = [r.telemetry.seq for r in tracks.read_track(store, "MX26-1")]
    assert seqs == [1, 2, 9]
    # Another late reading sends the fold back before everything: the old ones stay out of it.
    world.restart_engine()
    world.deliver(seal(NOW - HOUR, 5, "sealed", NOW + 3 * SECOND))
    world.fold()
    assert {e.kind for e in world.events()} == kinds
    history = world.engine.folds[keys.partition_of("MX26-1")].history
    _, folded = history.before("MX26-1", NOW - HOUR)
    assert [r.telemetry.seq for r in folded] == [5, 9]
