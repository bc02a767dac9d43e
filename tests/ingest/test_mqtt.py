"""The gateway's side of MQTT, against a broker that can be made to misbehave."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import paho.mqtt.client as paho
import pytest

from ingest import mqtt
from ingest.mqtt import Arrival, BrokerAddress, BufferedClient, Subscriber, parse_url
from puente.clock import Clock, monotonic_s
from puente.settings import Settings
from tests.system.fakebroker import FakeBroker, publish

TOPIC = b"puente/v1/D1/telemetry"


def eventually(holds: Callable[[], bool], within_s: float = 15.0) -> bool:
    deadline = monotonic_s() + within_s
    pause = threading.Event()
    while not holds() and monotonic_s() < deadline:
        pause.wait(0.01)
    return holds()


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    made = FakeBroker()
    yield made
    made.close()


def subscriber_of(broker: FakeBroker, **settings: str) -> Subscriber:
    given = replace(Settings(), mqtt_url=broker.url, **settings)  # type: ignore[arg-type]
    made = Subscriber(given, ("puente/v1/+/telemetry", "owntracks/+/+"), Clock())
    made._client.reconnect_delay_set(1, 1)
    return made


@pytest.fixture
def subscriber(broker: FakeBroker) -> Iterator[Subscriber]:
    made = subscriber_of(broker)
    made.start()
    assert made.connected.wait(10)
    yield made
    made.stop()


def arrivals(subscriber: Subscriber, count: int) -> list[Arrival]:
    try:
        return [subscriber.arrivals.get(timeout=10) for _ in range(count)]
    except queue.Empty:
        pytest.fail(f"fewer than {count} arrivals")


def test_the_private_methods_of_paho_that_reading_is_built_on_are_there() -> None:
    for name in ("_sock_recv", "loop_read", "reconnect", "_packet_read"):
        assert callable(getattr(paho.Client, name)), name
    client = BufferedClient(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    assert hasattr(client, "_thread")
    assert "_topic" in paho.MQTTMessage.__slots__


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://127.0.0.1", BrokerAddress("127.0.0.1", 1883)),
        ("mqtt://hub:1999", BrokerAddress("hub", 1999)),
        ("mqtts://hub", BrokerAddress("hub", 8883, tls=True)),
        ("mqtt://u%40x:p%2Fw@hub", BrokerAddress("hub", 1883, "u@x", "p/w")),
    ],
)
def test_an_address_is_read(url: str, address: BrokerAddress) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize("url", ["", "hub:1883", "http://hub", "mqtt://", "mqtt://hub:x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"is not like mqtt:|could not be cast"):
        parse_url(url)


def test_the_session_is_kept_and_the_window_is_limited(
    broker: FakeBroker, subscriber: Subscriber
) -> None:
    connect = broker.connects[0]
    assert connect[:6] == b"\x00\x04MQTT"
    version, flags = connect[6], connect[7]
    assert version == 5
    assert flags & 0b10 == 0, "clean start would throw the session away"
    session_expiry = b"\x11" + (7 * 86_400).to_bytes(4, "big")
    receive_maximum = b"\x21" + (500).to_bytes(2, "big")
    assert session_expiry in connect
    assert receive_maximum in connect
    assert b"puente-gateway-0" in connect
    assert subscriber.alive()


def test_nothing_is_acknowledged_by_itself(broker: FakeBroker, subscriber: Subscriber) -> None:
    broker.send(publish(TOPIC, b"one", 1), publish(TOPIC, b"two", 2))
    first, second = arrivals(subscriber, 2)
    assert (first.delivery.topic, first.delivery.payload) == (TOPIC.decode(), b"one")
    subscriber.acknowledge(second)
    assert eventually(lambda: broker.acknowledged == [2])
    subscriber.acknowledge(first)
    assert eventually(lambda: broker.acknowledged == [2, 1])


def test_many_packets_in_one_read_and_packets_in_pieces_all_arrive(
    broker: FakeBroker, subscriber: Subscriber
) -> None:
    sent = [publish(TOPIC, b"%d " % n + b"x" * (n * 7 % 900), n) for n in range(1, 301)]
    stream = b"".join(sent)
    broker.send(stream[:70_001])
    for start in range(70_001, len(stream), 997):
        broker.send(stream[start : start + 997])
    found = [int(a.delivery.payload.split()[0]) for a in arrivals(subscriber, 300)]
    assert found == list(range(1, 301))
    assert subscriber.alive()


def test_an_acknowledgement_for_an_older_connection_is_dropped(
    broker: FakeBroker, subscriber: Subscriber
) -> None:
    broker.send(publish(TOPIC, b"old", 1))
    (old,) = arrivals(subscriber, 1)
    broker.cut()
    assert broker.subscribed.wait(15)
    assert eventually(subscriber.connected.is_set)
    # The broker numbers anew: 1 is somebody else's message now.
    broker.send(publish(TOPIC, b"new", 1), publish(TOPIC, b"next", 2))
    new, following = arrivals(subscriber, 2)
    subscriber.acknowledge(old)
    subscriber.acknowledge(following)
    assert eventually(lambda: broker.acknowledged == [2])
    subscriber.acknowledge(new)
    assert eventually(lambda: broker.acknowledged == [2, 1])


def test_a_topic_that_is_not_utf8_does_not_end_the_thread(
    broker: FakeBroker, subscriber: Subscriber
) -> None:
    broker.send(publish(b"puente/v1/\xff\xfe/telemetry", b"{}", 1), publish(TOPIC, b"good", 2))
    bad, good = arrivals(subscriber, 2)
    assert bad.delivery.topic == "puente/v1/��/telemetry"
    assert good.delivery.payload == b"good"
    assert subscriber.alive()


def test_what_was_half_read_of_a_lost_connection_is_void(
    broker: FakeBroker, subscriber: Subscriber
) -> None:
    whole = publish(TOPIC, b"lost", 1)
    broker.send(publish(TOPIC, b"before", 9), whole[: len(whole) // 2])
    arrivals(subscriber, 1)
    subscriber._client._unread = b"\x32\x7f half a packet that was read and not yet looked at"
    broker.cut()
    assert broker.subscribed.wait(15)
    broker.send(publish(TOPIC, b"after", 1))
    assert arrivals(subscriber, 1)[0].delivery.payload == b"after"


def test_a_watermark_goes_out_once_and_gets_lost_quietly_without_a_connection(
    broker: FakeBroker, subscriber: Subscriber
) -> None:
    subscriber.publish("puente/v1/D1/ack", b'{"boot":1,"seq":2}')
    assert eventually(lambda: broker.published == [("puente/v1/D1/ack", b'{"boot":1,"seq":2}')])
    broker.close()
    assert eventually(lambda: not subscriber.connected.is_set())
    subscriber.publish("puente/v1/D1/ack", b"{}")


def test_a_subscription_that_is_refused_is_not_a_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = FakeBroker(refuse_subscription=True)
    deaf = subscriber_of(broker)
    deaf.start()
    try:
        assert broker.subscribed.wait(10)
        assert eventually(lambda: "refuses the subscription" in caplog.text)
        assert not deaf.connected.is_set()
    finally:
        deaf.stop()
        broker.close()


def test_gateways_of_a_group_share_the_subscription(broker: FakeBroker) -> None:
    shared = subscriber_of(broker, mqtt_shared_group="puente")
    assert shared._topics == ["$share/puente/puente/v1/+/telemetry", "$share/puente/owntracks/+/+"]


def test_a_thread_that_died_is_not_alive(broker: FakeBroker, subscriber: Subscriber) -> None:
    assert subscriber.alive()
    subscriber.broken = ValueError("x")
    assert not subscriber.alive()


def test_a_broker_that_is_not_there_does_not_pass_messages() -> None:
    broker = FakeBroker()
    broker.close()
    assert not mqtt.probe(broker.url, timeout_s=0.5)
