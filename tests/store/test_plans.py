import threading

import pytest

from puente import keys
from puente.plandocument import PlanDocument
from puente.planfile import parse
from puente.store import log, plans, states
from puente.store.connection import Store, connect
from tests.store.samples import NOW, commit_from, own

pytestmark = pytest.mark.redis


def document(*ids: str) -> PlanDocument:
    return parse({"shipments": [{"id": i, "devices": []} for i in ids]}, "test")


def test_before_the_first_load_the_plan_is_empty(store: Store) -> None:
    plan = plans.load_plan(store)
    assert (plan.version, dict(plan.shipments)) == (0, {})
    assert plans.load_document(store) is None


def test_versions_count_up_and_older_ones_can_be_read(store: Store) -> None:
    assert plans.save_plan(store, document("A"), NOW) == 1
    assert plans.save_plan(store, document("A", "B"), NOW) == 2
    assert plans.plan_version(store) == 2
    assert set(plans.load_plan(store).shipments) == {"A", "B"}
    assert set(plans.load_plan(store, 1).shipments) == {"A"}
    assert plans.load_plan(store, 1).version == 1


def test_every_partition_hears_of_a_version_that_can_be_read(store: Store) -> None:
    plans.save_plan(store, document("A"), NOW)
    for partition in range(keys.PARTITIONS):
        (entry,) = log.read(store, {partition: log.FIRST}, 10)[partition]
        assert (entry.kind, entry.body) == ("p", f"1:{NOW}".encode())


def test_the_newest_fifty_are_kept(store: Store) -> None:
    for _ in range(53):
        plans.save_plan(store, document("A"), NOW)
    kept = sorted(int(v) for v in store.client.hkeys(keys.PLAN_DOCUMENTS()))
    assert kept == list(range(4, 54))


def test_a_version_that_an_engine_has_yet_to_leave_is_kept(store: Store) -> None:
    wanted = commit_from(6, own(store, 6))
    wanted.status(plan=2)
    states.commit(store, wanted)
    for _ in range(53):
        plans.save_plan(store, document("A"), NOW)
    kept = sorted(int(v) for v in store.client.hkeys(keys.PLAN_DOCUMENTS()))
    assert kept == list(range(2, 54))


def test_two_loads_at_once_are_two_versions(store: Store, redis_url: str) -> None:
    versions: list[int] = []

    def load() -> None:
        mine = connect(redis_url)
        versions.extend(plans.save_plan(mine, document("A"), NOW) for _ in range(5))
        mine.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(versions) == list(range(1, 21))
    assert plans.plan_version(store) == 20
