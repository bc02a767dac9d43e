"""The gateway: nothing is acknowledged before it is on disk, nothing bad stops it."""

import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from ingest import gateway as gateways
from ingest.gateway import Gateway, judge
from ingest.mqtt import Arrival, connected_client
from puente import keys
from puente.clock import Clock, real_now
from puente.instant import MINUTE, SECOND
from puente.model import Delivery, Reject
from puente.settings import Settings
from puente.store import connection, devices, events, live, log
from puente.store.connection import Store, connect
from puente.store.packing import unpack_reading
from tests.corpus import poison
from tests.system.embedded import Broker, Valkey, eventually
from tests.system.fakebroker import FakeBroker, publish
from tests.system.world import NOW, World, delivery

pytestmark = pytest.mark.redis

TOPIC = "puente/v1/D1/telemetry"


def arrival(payload: bytes | dict[str, Any], topic: str = TOPIC) -> Arrival:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Arrival(Delivery(topic, raw, NOW), 1, 1, 0)


def good(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a payload may have
    return {"at": NOW, **fields}


# --- judging ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "topic", "reason", "device", "numbers"),
    [
        pytest.param(good(), TOPIC, None, "D1", {}, id="good, without number"),
        pytest.param(good(boot=2, seq=7), TOPIC, None, "D1", {2: [7]}, id="good, numbered"),
        pytest.param(b"{", TOPIC, Reject.NOT_JSON, "D1", {}, id="not JSON"),
        pytest.param({"boot": 2, "seq": 7}, TOPIC, Reject.MISSING_FIELD, "D1", {2: [7]}, id="at"),
        pytest.param(
            good(boot=2, seq=7, battery_pct=101), TOPIC, Reject.OUT_OF_RANGE, "D1", {2: [7]},
            id="a rejected reading whose number could be read counts as received",
        ),
        pytest.param(
            {"at": NOW + 600_000, "boot": 2, "seq": 8}, TOPIC, Reject.TIME_IN_FUTURE, "D1",
            {2: [8]}, id="a clock that is ahead",
        ),
        pytest.param(good(boot=2), TOPIC, Reject.HALF_PAIR, "D1", {}, id="half a number"),
        pytest.param(good(), "puente/v1/b d/telemetry", Reject.BAD_DEVICE_ID, None, {}, id="id"),
        pytest.param(good(), "puente/v9/D1/telemetry", Reject.UNKNOWN_DIALECT, None, {}, id="v9"),
        pytest.param(good(), "other/D1", Reject.UNKNOWN_TOPIC, None, {}, id="topic"),
        pytest.param(b"x" * 20_000, TOPIC, Reject.TOO_LARGE, None, {}, id="size"),
    ],
)  # fmt: skip
def test_a_delivery_becomes_a_reading_or_a_rejection(
    payload: bytes | dict[str, Any],
    topic: str,
    reason: Reject | None,
    device: str | None,
    numbers: dict[int, list[int]],
) -> None:
    batch = judge([arrival(payload, topic)])
    assert [r.rejection for r in batch.rejections] == ([] if reason is None else [reason])
    assert len(batch.readings) == (reason is None)
    assert list(batch.notes) == ([] if device is None else [device])
    if device is not None:
        assert batch.notes[device].numbers == numbers
        assert batch.notes[device].counters.get("rejected", 0) == (reason is not None)


def test_a_decoder_that_breaks_loses_one_delivery_and_keeps_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admit = gateways.admit

    def breaks(found: Delivery) -> Any:  # noqa: ANN401 - as admit
        if b"boom" in found.payload:
            raise ZeroDivisionError
        return admit(found)

    monkeypatch.setattr(gateways, "admit", breaks)
    batch = judge([arrival(good()), arrival(b"boom"), arrival(good(boot=1, seq=1))])
    assert len(batch.readings) == 2
    assert [r.detail for r in batch.rejections] == ["internal: ZeroDivisionError"]


# --- storing ------------------------------------------------------------------------------------


def entries(store: Store, *, kind: str = "r") -> list[log.Entry]:
    found = log.read(store, dict.fromkeys(range(keys.PARTITIONS), "0-0"), 10_000)
    return [e for part in found.values() for e in part if e.kind == kind]


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def numbered(seq: int, **more: Any) -> Delivery:  # noqa: ANN401 - whatever a payload may have
    return delivery("D1", NOW + seq * SECOND, boot=1, seq=seq, **more)


def test_duplicates_and_conflicts_are_counted(world: World, store: Store) -> None:
    world.deliver(numbered(0), numbered(1), numbered(1))
    world.deliver(numbered(1, battery_pct=50), numbered(2))
    counts = devices.read_counts(store)
    assert {k: counts[k] for k in ("received", "readings", "duplicates", "conflicts")} == {
        "received": 5, "readings": 3, "duplicates": 2, "conflicts": 1,
    }  # fmt: skip
    (record,) = devices.list_devices(store)
    assert (record.readings, record.duplicates, record.conflicts) == (3, 2, 1)
    assert record.watermark == (1, 2)


def test_a_gap_that_a_device_declares_becomes_an_event_once(world: World, store: Store) -> None:
    world.plan({"id": "S1", "devices": [{"device_id": "D1", "role": "trailer"}]})
    world.deliver(numbered(0), numbered(5, oldest=5))
    world.deliver(numbered(6, oldest=5), numbered(5, oldest=5))
    world.fold()
    (gap,) = [e for e in events.read_history(store, "S1") if e.kind == "telemetry.gap"]
    assert gap.evidence["ranges"] == [[1, 1, 4]]
    (record,) = devices.list_devices(store)
    assert record.watermark == (1, 6)


def test_what_only_a_duplicate_declares_gone_is_not_passed_in_silence(
    world: World, store: Store
) -> None:
    world.plan({"id": "S1", "devices": [{"device_id": "D1", "role": "trailer"}]})
    world.deliver(numbered(0), numbered(5))
    world.deliver(numbered(5, oldest=5))
    (record,) = devices.list_devices(store)
    assert record.watermark == (1, 0)
    world.deliver(numbered(6, oldest=5))
    world.fold()
    (record,) = devices.list_devices(store)
    assert record.watermark == (1, 6)
    (gap,) = [e for e in events.read_history(store, "S1") if e.kind == "telemetry.gap"]
    assert gap.evidence["ranges"] == [[1, 1, 4]]


@pytest.mark.parametrize("written", [True, False], ids=["reply lost", "not written"])
@pytest.mark.parametrize(
    ("module", "name"), [(log, "append"), (devices, "store_rejections"), (devices, "note_devices")]
)
def test_a_batch_that_is_stored_again_after_a_failure_is_stored_once(
    world: World,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,  # noqa: ANN401 - a module
    name: str,
    written: bool,
) -> None:
    batch = judge(
        [Arrival(d, 1, 1, -1) for d in (numbered(0), numbered(5, oldest=5))]
        + [arrival(b"{"), arrival(b"[]")]
    )
    call, failures = getattr(module, name), [1]

    def and_fail(*words: Any) -> Any:  # noqa: ANN401 - as the function that fails
        failing = failures.pop() if failures else 0
        answer = call(*words) if written or not failing else None
        if failing:
            raise ConnectionError
        return answer

    monkeypatch.setattr(module, name, and_fail)
    with pytest.raises(ConnectionError):
        world.gateway._store(batch)
    world.gateway._store(batch)
    assert len(entries(store)) == 2
    # A lost reply of the rejections themselves is the one thing that is written twice.
    times = 2 if written and name == "store_rejections" else 1
    kept = [r.rejection for r in devices.read_rejections(store)]
    assert kept == [Reject.NOT_AN_OBJECT, Reject.NOT_JSON] * times
    assert devices.read_counts(store)["rejected:not_json"] == times
    (record,) = devices.list_devices(store)
    assert record.watermark == (1, 5)
    moved = [unpack_reading(e.body) for e in entries(store)]
    assert [len(r.gaps) for r in moved] == [0, 1]


# --- heartbeats ---------------------------------------------------------------------------------


def beats(store: Store) -> list[int]:
    found = log.read(store, {0: "0-0"}, 100_000).get(0, [])
    return [int(e.body) for e in found if e.kind == "h"]


@pytest.mark.parametrize("rate", [1.0, 60.0, 1000.0])
def test_no_step_between_heartbeats_counts_as_an_outage_while_we_listen(
    world: World, store: Store, rate: float
) -> None:
    world.gateway._beaten_at = None
    at = NOW
    for _ in range(4):
        world.gateway._heartbeat(round(at))
        at += rate * SECOND
    found = beats(store)
    assert found[0] == NOW
    assert found[-1] == NOW + 3 * rate * SECOND
    steps = [b - a for a, b in pairwise(found)]
    assert all(0 < step <= 10 * SECOND for step in steps)


def test_the_first_readings_after_our_absence_come_after_a_heartbeat(
    world: World, store: Store
) -> None:
    world.plan(
        {
            "id": "S1",
            "devices": [{"device_id": d, "role": "trailer"} for d in ("D1", "D2")],
        }
    )
    world.beats(NOW - SECOND, NOW + SECOND)
    world.deliver(delivery("D1"), delivery("D2"))
    world.beats(NOW + SECOND, NOW + 5 * SECOND)
    world.fold()
    # Twenty minutes later a new gateway; the first thing it hears is D1.
    fresh = World(store)
    fresh.gateway._beaten_at = None
    fresh.gateway._look_at_plan()
    fresh.deliver(delivery("D1", NOW + 20 * MINUTE))
    fresh.fold()
    fresh.beats(NOW + 20 * MINUTE + SECOND, NOW + 25 * MINUTE)
    fresh.fold()
    assert [e.kind for e in fresh.events()] == []


# --- with servers -------------------------------------------------------------------------------


class Running:
    """A gateway in a thread."""

    def __init__(self, mqtt_url: str, redis_url: str, **settings: Any) -> None:  # noqa: ANN401
        given = replace(Settings(mqtt_url=mqtt_url, redis_url=redis_url), **settings)
        self.store = connect(redis_url)
        self.gateway = Gateway(given, self.store, Clock())
        self.gateway.subscriber._client.reconnect_delay_set(1, 1)
        self.thread = threading.Thread(target=self.gateway.run)
        self.thread.start()
        assert self.gateway.subscriber.connected.wait(20)

    def close(self) -> None:
        self.gateway.stopping.set()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.store.close()


@pytest.fixture
def fake() -> Iterator[FakeBroker]:
    made = FakeBroker()
    yield made
    made.close()


def fresh(seq: int) -> bytes:
    return json.dumps({"at": real_now(), "boot": 1, "seq": seq}).encode()


def test_while_redis_is_away_nothing_is_acknowledged_and_nothing_gets_lost(
    tmp_path: Path,
    fake: FakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(gateways, "RETRY_S", (0.02,))
    redis = Valkey(tmp_path / "redis")
    redis.start()
    running = Running(fake.url, redis.url)
    try:
        fake.send(*(publish(TOPIC.encode(), fresh(n), n + 1) for n in range(5)))
        assert eventually(lambda: sorted(fake.acknowledged) == [1, 2, 3, 4, 5])
        redis.kill()
        fake.send(*(publish(TOPIC.encode(), fresh(n), n + 1) for n in range(5, 250)))
        assert eventually(lambda: caplog.text.count("trying again") >= 3)
        assert sorted(fake.acknowledged) == [1, 2, 3, 4, 5]
        redis.start()
        assert eventually(lambda: len(fake.acknowledged) == 250)
        assert sorted(fake.acknowledged) == list(range(1, 251))
        stored = [unpack_reading(e.body).telemetry.seq for e in entries(redis.store)]
        assert sorted(s for s in stored if s is not None) == list(range(250))
        assert eventually(lambda: fake.published[-1][1] == b'{"boot":1,"seq":249}')
    finally:
        running.close()
        redis.close()


def test_the_acknowledgement_comes_after_the_write_and_before_the_watermark(
    store: Store, redis_url: str, fake: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(fake.url, redis_url)
    order: list[str] = []
    for module, name in ((log, "append"), (devices, "note_devices")):
        call = getattr(module, name)

        def noted(*words: Any, _call: Any = call, _name: str = name) -> Any:  # noqa: ANN401
            answer = _call(*words)
            order.append(_name)
            return answer

        monkeypatch.setattr(module, name, noted)
    subscriber = running.gateway.subscriber
    for name in ("acknowledge", "publish"):
        call = getattr(subscriber, name)

        def told(*words: Any, _call: Any = call, _name: str = name) -> Any:  # noqa: ANN401
            order.append(_name)
            return _call(*words)

        monkeypatch.setattr(subscriber, name, told)
    try:
        fake.send(publish(TOPIC.encode(), fresh(0), 1))
        assert eventually(lambda: bool(fake.published))
        assert order == ["append", "note_devices", "acknowledge", "publish"]
        assert fake.published == [("puente/v1/D1/ack", b'{"boot":1,"seq":0}')]
    finally:
        running.close()


AT = b'{"at":"2026-07-01T12:00:00Z"'
POISON: list[bytes] = [
    b"", b" ", b"\x00", b"\xff\xfe", b"{", b"}", b"[]", b"null", b"true", b"1", b'"x"', b"{}",
    b"NaN", b"{'at':1}", b'{"at":NaN}', b'{"at":1e999}', b'{"at":-1}', b'{"at":"soon"}',
    b'{"at":"2026-07-01T12:00:00"}', b'{"at":null}', b'{"at":[]}', b'{"at":true}',
    AT + b',"at":1}', AT + b',"lat":25}', AT + b',"boot":1}', AT + b',"seq":-1,"boot":1}',
    AT + b',"seq":9223372036854775808,"boot":1}', AT + b',"lat":91,"lon":0}',
    AT + b',"lat":25,"lon":-181}', AT + b',"lat":"25","lon":"-100"}', AT + b',"seal":"open"}',
    AT + b',"seal":{"state":"melted"}}', AT + b',"door":1}', AT + b',"temperature_c":"cold"}',
    AT + b',"battery_pct":101}', AT + b',"jamming":3}', AT + b"} trailing",
    AT + b',"x":"' + b"y" * 17_000 + b'"}', b"[" * 5_000, b'{"a":' * 3_000,
    AT.decode().encode("utf-16"), b"\xef\xbb\xbf" + AT + b"}", AT + b',"satellites":1.5}',
]  # fmt: skip
"""What no reading is; every one of these must be counted, kept and survived."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("broker") / "iotcore")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def running(broker: Broker, store: Store, redis_url: str) -> Iterator[Running]:
    made = Running(broker.url, redis_url)
    yield made
    made.close()


class Device:
    """Publishes, and hears its watermarks."""

    def __init__(self, url: str, device_id: str = "D1") -> None:
        self.heard: list[dict[str, int]] = []
        self.ready = threading.Event()
        self.topic = f"puente/v1/{device_id}/telemetry"

        def subscribe(client: paho.Client) -> None:
            client.on_message = lambda _c, _u, m: self.heard.append(json.loads(m.payload))
            client.on_subscribe = lambda *_: self.ready.set()
            client.subscribe(f"puente/v1/{device_id}/ack")

        self.client = connected_client(url, subscribe)
        assert self.ready.wait(10)

    def send(self, payload: bytes, topic: str | None = None) -> None:
        self.client.publish(topic or self.topic, payload, qos=1).wait_for_publish(10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def device(broker: Broker) -> Iterator[Device]:
    made = Device(broker.url)
    yield made
    made.close()


def test_a_reading_is_stored_and_its_device_hears_the_watermark(
    running: Running, device: Device, store: Store
) -> None:
    device.send(fresh(0))
    assert eventually(lambda: {"boot": 1, "seq": 0} in device.heard)
    device.send(fresh(2))
    device.send(fresh(1))
    assert eventually(lambda: {"boot": 1, "seq": 2} in device.heard)
    assert len(entries(store)) == 3
    before = len(device.heard)
    device.send(fresh(2))
    assert eventually(lambda: len(device.heard) > before), "a duplicate is answered as well"
    assert device.heard[-1] == {"boot": 1, "seq": 2}
    assert running.gateway.subscriber.alive()

    def said() -> tuple[bool, int, int]:
        status = live.read_gateway_status(store)
        assert status is not None
        return status.connected, status.received, status.appended

    assert eventually(lambda: said() == (True, 4, 3))


def test_poison_is_counted_and_kept_and_the_next_reading_is_there_at_once(
    running: Running, device: Device, store: Store
) -> None:
    for payload in POISON:
        device.send(payload)
    # What the broker itself refuses never reaches us.
    shared = [
        case
        for case in poison.CASES
        if case.topic in (poison.TOPIC, poison.OWNTRACKS) and len(case.payload) < 30_000
    ]
    for case in shared:
        device.send(case.payload, topic=case.topic)
    device.send(b"{}", topic="owntracks/u/d")
    device.send(AT + b"}", topic="puente/v1/not an id/telemetry")
    device.send(fresh(1))
    assert eventually(lambda: {"boot": 1, "seq": 1} in device.heard)
    assert running.gateway.subscriber.alive()
    kept = Counter(r.rejection.value for r in devices.read_rejections(store, 1000))
    counted = {
        k.removeprefix("rejected:"): n
        for k, n in devices.read_counts(store).items()
        if k.startswith("rejected:")
    }
    assert dict(kept) == counted
    assert sum(kept.values()) > len(POISON) + 2
    sent = len(POISON) + len(shared) + 3
    total = devices.read_counts(store)
    assert total["received"] == sent
    assert total["readings"] + total.get("duplicates", 0) + sum(kept.values()) == sent
    assert set(kept) >= {
        "too_large", "not_utf8", "not_json", "not_an_object", "duplicate_key", "missing_field",
        "wrong_type", "out_of_range", "half_pair", "bad_device_id",
    }  # fmt: skip


def test_a_device_that_nobody_knows_is_kept_and_gets_its_watermark(
    running: Running, device: Device, store: Store
) -> None:
    device.send(fresh(0))
    assert eventually(lambda: bool(device.heard))
    partition = keys.partition_of("~D1")
    assert [e.kind for e in log.read(store, {partition: "0-0"}, 100)[partition] if e.kind == "r"]


def test_a_plan_is_picked_up_within_a_second_or_two(
    running: Running, device: Device, store: Store
) -> None:
    World(store).plan({"id": "S9", "devices": [{"device_id": "D1", "role": "trailer"}]})
    assert eventually(lambda: running.gateway.plan.version == 1, within_s=5)
    device.send(fresh(0))
    partition = keys.partition_of("S9")
    assert eventually(
        lambda: any(e.kind == "r" for e in log.read(store, {partition: "0-0"}, 100)[partition])
    )


def test_a_redis_that_hangs_is_waited_for(
    tmp_path: Path,
    fake: FakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(connection, "SOCKET_TIMEOUT_S", 0.3)
    monkeypatch.setattr(gateways, "RETRY_S", (0.02,))
    redis = Valkey(tmp_path / "redis")
    redis.start()
    running = Running(fake.url, redis.url)
    try:
        redis.signal(signal.SIGSTOP)
        fake.send(publish(TOPIC.encode(), fresh(0), 1))
        assert eventually(lambda: "trying again" in caplog.text)
        assert fake.acknowledged == []
        redis.signal(signal.SIGCONT)
        assert eventually(lambda: fake.acknowledged == [1])
        assert len(entries(redis.store)) == 1
    finally:
        running.close()
        redis.close()
