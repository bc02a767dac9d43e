"""The publisher against the embedded broker, with a subscriber that is not ours."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import iotcore
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest.simulator.publisher import IN_FLIGHT, Publisher, PublishError, Watermark
from puente import servers
from puente.clock import monotonic_s

pytestmark = pytest.mark.system


def free_ports() -> tuple[int, int]:
    with socket.socket() as a, socket.socket() as b:
        a.bind(("127.0.0.1", 0))
        b.bind(("127.0.0.1", 0))
        return a.getsockname()[1], b.getsockname()[1]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[iotcore.Broker]:
    configuration = tmp_path / "rumqttd.toml"
    configuration.write_text(servers.iotcore_configuration(*free_ports()))
    with iotcore.Broker(config_path=str(configuration)) as running:
        yield running


class Listener:
    """A subscriber that counts, and can speak as the server does."""

    def __init__(self, port: int) -> None:
        self.heard: list[bytes] = []
        self.subscribed = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe("puente/v1/+/telemetry", 1)
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = lambda _c, _u, message: self.heard.append(message.payload)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.subscribed.wait(10)

    def wait_for(self, count: int) -> None:
        eventually(lambda: len(self.heard) >= count)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def eventually(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = monotonic_s() + within_s
    pause = threading.Event()
    while not holds():
        assert monotonic_s() < deadline
        pause.wait(0.02)


def port_of(broker: iotcore.Broker) -> int:
    ports = [int(address.rsplit(":", 1)[1]) for address in broker.listeners]
    wanted = Path(broker.config_path).read_text().split("[v5.1]")[1]
    return next(port for port in ports if f"127.0.0.1:{port}" in wanted.split("[v4.1]")[0])


def test_everything_published_arrives_once_and_in_order(broker: iotcore.Broker) -> None:
    listener = Listener(port_of(broker))
    publisher = Publisher(f"mqtt://127.0.0.1:{port_of(broker)}")
    publisher.connect()
    sent = [f"{number}".encode() for number in range(5 * IN_FLIGHT)]
    for payload in sent:
        publisher.publish("puente/v1/TRK-1/telemetry", payload)
    publisher.drain()
    listener.wait_for(len(sent))
    publisher.close()
    listener.stop()
    assert listener.heard == sent
    assert publisher.refused == {}


def test_watermarks_of_the_server_are_handed_over(broker: iotcore.Broker) -> None:
    listener = Listener(port_of(broker))
    publisher = Publisher(f"mqtt://127.0.0.1:{port_of(broker)}")
    publisher.connect()
    marks: list[Watermark] = []

    def told() -> bool:
        # QoS 0, and the subscription may come after it: the server repeats watermarks too.
        listener.client.publish("puente/v1/TRK-1/ack", b'{"boot": 3, "seq": 1021}')
        marks.extend(publisher.take_watermarks())
        return bool(marks)

    eventually(told)
    listener.client.publish("puente/v1/TRK-1/ack", b"not json")
    publisher.close()
    listener.stop()
    assert marks[0] == Watermark("TRK-1", 3, 1021)


def test_a_lost_broker_is_found_again_and_nothing_published_meanwhile_is_lost(
    broker: iotcore.Broker,
) -> None:
    port = port_of(broker)
    publisher = Publisher(f"mqtt://127.0.0.1:{port}")
    publisher.connect()
    publisher.publish("puente/v1/TRK-1/telemetry", b"before")
    publisher.drain()
    broker.stop()
    eventually(lambda: publisher.reconnects == 1)
    for number in range(20):
        publisher.publish("puente/v1/TRK-1/telemetry", f"{number}".encode())
    broker.start()
    eventually(publisher.connection_came_back)
    publisher.drain()
    publisher.close()
    assert publisher.published == 21
    assert publisher.refused == {}


def test_a_broker_that_is_not_there_is_named() -> None:
    port, _ = free_ports()
    with pytest.raises(PublishError, match=f"no MQTT broker at 127.0.0.1:{port}"):
        Publisher(f"mqtt://127.0.0.1:{port}").connect()
