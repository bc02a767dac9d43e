"""A key that is not in `puente.keys` does not exist, and one that is there is used."""

import pytest

from ingest.gateway import judge
from ingest.mqtt import Arrival
from puente import keys
from puente.clock import Clock, real_now
from puente.instant import HOUR, MINUTE, SECOND
from puente.model import Delivery
from puente.store import alerts, plans
from puente.store.connection import Store
from puente.store.meta import ensure_layout
from puente.triage import Action
from tests.system.world import NOW, World, delivery

pytestmark = pytest.mark.redis

TYPES = {"sorted set": "zset"}


def scenario(world: World) -> None:
    """Everything that writes, once: readings of every sort, two plans, alerts and people."""
    ensure_layout(world.store, NOW)
    bound = {"device_id": "TRK-1", "role": "trailer"}
    world.plan({"id": "S1", "cargo_profile": "PH_2_8", "devices": [bound]})
    world.gateway._beaten_at = None
    world.gateway.subscriber.connected.set()
    world.gateway._beat()
    at = NOW
    for minute in range(0, 200, 10):
        at = NOW + minute * MINUTE
        world.deliver(
            delivery("TRK-1", at, boot=1, seq=minute, temperature_c=20.0, lat=25.0, lon=-100.0),
            delivery("ANON", at, lat=25.0, lon=-100.0),
        )
    world.deliver(delivery("TRK-1", NOW - HOUR, received_at=at + 2 * SECOND, boot=1, seq=500))
    bad = Delivery("puente/v1/TRK-1/telemetry", b"{", at)
    world.gateway._store(judge([Arrival(bad, 1, 1, -1)]))
    world.fold()
    world.plan(
        {"id": "S1", "devices": [bound]}, {"id": "S2", "devices": [{**bound, "device_id": "ANON"}]}
    )
    world.fold()
    world.engine._keep_house(busy=False)
    world.alert()
    first, *_ = alerts.open_alerts(world.store)
    alerts.act(world.store, first.id, Action.ACKNOWLEDGE, by="ana", now=at)
    alerts.act(world.store, first.id, Action.CLOSE, by="ana", now=at, note="well")


def test_every_key_of_a_running_system_is_in_the_table_with_its_type(store: Store) -> None:
    scenario(World(store, clock=Clock(start=NOW, anchor=real_now())))
    assert plans.plan_version(store) == 2
    seen = set()
    for raw in store.client.scan_iter():
        key = raw.decode()
        families = [k for k in keys.ALL if k.matches(key)]
        assert len(families) == 1, f"{key} is in {len(families)} families"
        (family,) = families
        kind = store.client.type(key).decode()  # type: ignore[union-attr]
        assert kind == TYPES.get(family.type, family.type), key
        seen.add(family.pattern)
    assert {k.pattern for k in keys.ALL} - seen == set(), "families that nobody writes"


def test_a_key_needs_all_its_parameters() -> None:
    assert keys.TRACK(pNN=3, subject="S1") == "{p03}:track:S1"
    with pytest.raises(KeyError):
        keys.TRACK(pNN=3)


def test_shipments_spread_over_all_partitions() -> None:
    found = {keys.partition_of(f"MX26-{n:06d}") for n in range(500)}
    assert found == set(range(keys.PARTITIONS))


def test_an_unbound_device_can_not_be_taken_for_a_shipment() -> None:
    assert keys.unbound_subject("TRK-1") == "~TRK-1"
