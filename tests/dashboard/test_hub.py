"""The hub follows a real store, notices gaps, and says how old things are when Redis goes away."""

import asyncio
import time
from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import pytest

from dashboard.live import frames
from dashboard.live.hub import Hub, Seen, Subscriber
from dashboard.status import VehicleState
from puente import keys
from puente.clock import Clock, real_now
from puente.model import Severity
from puente.row import Row
from puente.store.alerts import Write, write
from puente.store.connection import Store, connect
from puente.store.packing import pack
from puente.triage import Action, Alert, apply

pytestmark = pytest.mark.redis


@pytest.fixture
def hub(store: Store) -> Iterator[Hub]:
    made = Hub(store, Clock(), period_s=0.05)
    made.start()
    yield made
    made.stop()


def eventually(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def put(store: Store, *rows: Row, removed: tuple[str, ...] = ()) -> None:
    partition = keys.partition_of(rows[0].id if rows else removed[0])
    with store.client.pipeline(transaction=True) as pipe:
        for row in rows:
            pipe.hset(keys.ROWS(pNN=partition), row.id, pack(row))
        for subject in removed:
            pipe.hdel(keys.ROWS(pNN=partition), subject)
        fields = {"r": pack(list(rows))} | ({"x": "\n".join(removed)} if removed else {})
        pipe.xadd(keys.CHANGES(pNN=partition), fields)
        pipe.execute()


def commit(store: Store, at: int) -> None:
    for partition in range(keys.PARTITIONS):
        store.client.hset(keys.STATUS(pNN=partition), mapping={"clock": at, "committed_at": at})


def alert(identifier: str = "a1", **more: object) -> Alert:
    now = real_now()
    values: dict[str, object] = {
        "id": identifier, "shipment_id": "S1", "kind": "seal.tamper", "subject": "seal",
        "episode": now, "severity": Severity.CRITICAL, "title": "Seal tampered with",
        "summary": "Rope cut", "response": "Call", "occurred_at": now, "learned_at": now,
        "lat": 27.5, "lon": -99.5, **more,
    }  # fmt: skip
    return Alert(**values)  # type: ignore[arg-type]


def told(hub: Hub, seen: Seen | None = None) -> dict[str, dict]:
    """What a browser is sent: the text messages by kind, and the frame."""
    out: dict[str, dict] = {}
    for message in hub.news(seen or Seen()):
        if isinstance(message, bytes):
            out["frame"] = {"columns": frames.unpack(message).columns}
        else:
            said = msgspec.json.decode(message)
            out[said["t"]] = said
    return out


def test_rows_that_are_there_and_rows_that_change_are_in_the_frame(store: Store, hub: Hub) -> None:
    put(store, Row(id="S1", lat_deg=25.0, lon_deg=-100.0, heard_at=real_now()))
    eventually(lambda: hub.row("S1") is not None)
    put(store, Row(id="S1", lat_deg=26.0, lon_deg=-100.0, heard_at=real_now()))
    eventually(lambda: hub.row("S1").lat_deg == 26.0)  # type: ignore[union-attr]
    eventually(lambda: list(told(hub)["frame"]["columns"].lat_deg) == [np.float32(26.0)])
    said = told(hub)
    assert [v["id"] for v in said["attributes"]["put"]] == ["S1"]
    assert said["frame"]["columns"].state[0] == VehicleState.ON_ROUTE
    assert said["status"]["counts"]["in_transit"] == 1


def test_a_removed_row_leaves_an_empty_slot(store: Store, hub: Hub) -> None:
    put(store, Row(id="S1", lat_deg=25.0, lon_deg=-100.0, heard_at=real_now()))
    eventually(lambda: len(told(hub)["frame"]["columns"]) == 1)
    put(store, removed=("S1",))
    eventually(lambda: told(hub)["frame"]["columns"].state[0] == frames.EMPTY)
    assert hub.row("S1") is None
    assert told(hub)["attributes"]["put"] == [{"slot": 0}]


def test_changes_that_were_trimmed_away_make_it_load_again(store: Store) -> None:
    hub = Hub(store, Clock(), period_s=0.05)
    subject = "S1"
    put(store, Row(id=subject, speed_mps=1.0))
    hub._look(whole=True)
    # Everything the hub has not read yet is cut off the stream.
    key = keys.CHANGES(pNN=keys.partition_of(subject))
    for speed in (2.0, 3.0, 4.0):
        put(store, Row(id=subject, speed_mps=speed))
    store.client.xtrim(key, maxlen=1, approximate=False)
    hub._look(whole=True)
    assert hub.row(subject).speed_mps == 4.0  # type: ignore[union-attr]


def test_alerts_come_and_go(store: Store, hub: Hub) -> None:
    raised = alert()
    assert write(store, [Write(raised, 0, ())]) == "ok"
    eventually(lambda: "a1" in hub.alerts)
    item = told(hub)["alerts"]["put"][0]
    assert (item["title"], item["severity"], item["acknowledged"]) == (
        "Seal tampered with",
        "critical",
        False,
    )
    taken = apply(raised, Action.ACKNOWLEDGE, "Ana", real_now())
    write(store, [Write(taken, raised.revision, ())])
    eventually(lambda: hub.alerts["a1"].state.acknowledged)
    closed = apply(taken, Action.CLOSE, "Ana", real_now(), note="checked")
    write(store, [Write(closed, taken.revision, ())])
    eventually(lambda: not hub.alerts)


def test_a_browser_is_sent_only_what_it_has_not_seen(store: Store, hub: Hub) -> None:
    put(store, Row(id="S1"))
    eventually(lambda: hub.row("S1") is not None)
    seen = Seen()
    assert {"attributes", "alerts", "frame", "status"} <= set(told(hub, seen))
    second = hub.second.sequence
    eventually(lambda: hub.second.sequence > second)
    assert set(told(hub, seen)) == {"frame", "status"}


def test_everybody_gets_the_same_bytes(store: Store, hub: Hub) -> None:
    put(store, Row(id="S1"))
    eventually(lambda: hub.row("S1") is not None)
    hub.stop()
    first = [m for m in hub.news(Seen()) if isinstance(m, bytes)]
    second = [m for m in hub.news(Seen()) if isinstance(m, bytes)]
    assert first[0] is second[0]


def test_a_waiting_browser_is_woken(store: Store, hub: Hub) -> None:
    async def wait() -> bool:
        subscriber = Subscriber(asyncio.get_running_loop())
        hub.subscribe(subscriber)
        for _ in range(3):
            await asyncio.wait_for(subscriber.news.wait(), 5)
            subscriber.news.clear()
        hub.unsubscribe(subscriber)
        return hub.subscribers == 0

    assert asyncio.run(wait())


def test_without_redis_the_frames_go_on_and_say_how_old_they_are() -> None:
    hub = Hub(connect("redis://127.0.0.1:1/0"), Clock(), period_s=0.05)
    hub.start()
    try:
        before = hub.second.sequence
        eventually(lambda: hub.second.sequence > before + 3)
        status = told(hub)["status"]
        assert status["reachable"] is False
        assert status["commit_s"] is None
    finally:
        hub.stop()


def test_the_oldest_commit_is_what_counts(store: Store, hub: Hub) -> None:
    now = real_now()
    commit(store, now)
    store.client.hset(keys.STATUS(pNN=5), "committed_at", str(now - 25_000))
    eventually(lambda: hub.freshness().partition == 5)
    assert hub.freshness().commit_s == pytest.approx(25, abs=5)
    eventually(lambda: told(hub)["status"]["partition"] == 5)


def test_an_unreadable_row_does_not_end_the_hub(store: Store, hub: Hub) -> None:
    store.client.hset(keys.ROWS(pNN=0), "broken", b"\xff\xff")
    store.client.xadd(keys.CHANGES(pNN=0), {"r": b"\xff"})
    eventually(lambda: not hub.freshness().reachable)
    store.client.flushall()
    put(store, Row(id="S1"))
    eventually(lambda: hub.row("S1") is not None)
