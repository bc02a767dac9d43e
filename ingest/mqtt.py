"""MQTT as the gateway needs it: paho with the settings that people get wrong.

MQTT 5, QoS 1, a session that outlives the process, acknowledgement by hand after the write, a
receive maximum, and a guard against acknowledging another connection's message: packet numbers
begin again after a broker restart. `python -m ingest.mqtt URL` probes a broker with a round trip.
"""

import logging
import queue
import random
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from puente.clock import Clock
from puente.model import Delivery
from puente.settings import Settings

log = logging.getLogger(__name__)

KEEPALIVE_S = 15
"""A half-open connection is noticed within 1.5 times this."""

RECONNECT_MIN_S, RECONNECT_MAX_S = 1, 30


@dataclass(frozen=True)
class BrokerAddress:
    """Where a broker listens and how to log in."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False


def parse_url(url: str) -> BrokerAddress:
    """Read `mqtt://[user:password@]host[:port]` or `mqtts://...`.

    Raises:
        ValueError: not such an address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError(f"{url!r} is not like mqtt://127.0.0.1:1883")
    tls = parts.scheme == "mqtts"
    return BrokerAddress(
        host=parts.hostname,
        port=parts.port or (8883 if tls else 1883),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
    )


@dataclass(frozen=True)
class Arrival:
    """A delivery that waits for its acknowledgement, with the connection it came by."""

    delivery: Delivery
    message_id: int
    qos: int
    connection: int


class BufferedClient(paho.Client):
    """paho that reads 64 KiB at a time instead of byte by byte (29 -> 20 us a message).

    Touches two private methods of paho 2; tests/ingest/test_mqtt.py checks that they are there.
    """

    _READ_BYTES = 65_536

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - paho's own
        super().__init__(*args, **kwargs)
        self._unread = b""

    def _sock_recv(self, bufsize: int) -> bytes:
        if not self._unread:
            self._unread = super()._sock_recv(max(bufsize, self._READ_BYTES))
        taken, self._unread = self._unread[:bufsize], self._unread[bufsize:]
        return taken

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read packets until the buffer is empty, as select() does not know of it."""
        result = super().loop_read(max_packets)
        while self._unread and result == paho.MQTT_ERR_SUCCESS:
            result = super().loop_read(max_packets)
        return result

    def reconnect(self) -> MQTTErrorCode:
        """Connect again; what was read of the old connection is void."""
        self._unread = b""
        return super().reconnect()


class Subscriber:
    """The gateway's side of the broker: arrivals into a queue, acknowledgements when asked."""

    def __init__(self, settings: Settings, topics: tuple[str, ...], clock: Clock) -> None:
        self.arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self.address = parse_url(settings.mqtt_url)
        self.connected = threading.Event()
        self.broken: BaseException | None = None
        self._clock = clock
        self._settings = settings
        group = settings.mqtt_shared_group
        self._topics = [f"$share/{group}/{t}" if group else t for t in topics]
        self._connection = 0
        self._client = self._make_client()

    def start(self) -> None:
        """Connect in the background and keep connecting, with jitter."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._settings.mqtt_session_expiry_s
        properties.ReceiveMaximum = self._settings.mqtt_receive_maximum
        self._client.connect_async(
            self.address.host,
            self.address.port,
            keepalive=KEEPALIVE_S,
            clean_start=False,
            properties=properties,
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the broker keeps the session."""
        self._client.disconnect()
        self._client.loop_stop()

    def alive(self) -> bool:
        """Tell whether paho's thread still runs: a dead one still says it is connected."""
        thread = self._client._thread
        return self.broken is None and thread is not None and thread.is_alive()

    def acknowledge(self, arrival: Arrival) -> None:
        """Acknowledge a delivery, unless its connection is gone: then it will come again."""
        if arrival.qos > 0 and arrival.connection == self._connection:
            self._client.ack(arrival.message_id, arrival.qos)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 0; what gets lost is said again with the next batch."""
        self._client.publish(topic, payload, qos=0)

    def _make_client(self) -> BufferedClient:
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.mqtt_client_id,
            protocol=paho.MQTTv5,
            manual_ack=True,
        )
        _login(client, self.address)
        jitter = random.uniform(0.0, 1.0)
        client.reconnect_delay_set(RECONNECT_MIN_S + round(jitter), RECONNECT_MAX_S)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        del userdata, properties
        self._connection += 1
        if reason.is_failure:
            log.error("the broker refuses the gateway: %s", reason)
            return
        log.info("connected, session_present=%s", flags.session_present)
        client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self._topics])

    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: object,
        message_id: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        del client, userdata, message_id, properties
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            # Connected and deaf: the heartbeats must not say that we listen.
            log.error("the broker refuses the subscription: %s", ", ".join(refused))
            return
        self.connected.set()

    def _on_disconnect(self, *args: object) -> None:
        self._connection += 1
        self.connected.clear()
        log.warning("lost the broker: %s", args[3] if len(args) > 3 else "")

    def _on_message(
        self, client: paho.Client, userdata: object, message: paho.MQTTMessage
    ) -> None:
        del client, userdata
        try:
            # paho's own property raises on a topic that is not UTF-8, which would end its thread.
            topic = message._topic.decode("utf-8", "replace")
            delivery = Delivery(topic, bytes(message.payload), self._clock.now())
            self.arrivals.put(Arrival(delivery, message.mid, message.qos, self._connection))
        except Exception as error:
            self.broken = error


def _login(client: paho.Client, address: BrokerAddress) -> None:
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls:
        client.tls_set()


def probe(url: str, timeout_s: float = 5.0) -> bool:
    """Tell whether a broker passes a message through: publish, and hear it."""
    address = parse_url(url)
    # One topic for all probes: some brokers keep a log per topic for ever.
    topic, token = "puente/probe", uuid.uuid4().bytes
    heard = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    _login(client, address)
    client.on_connect = lambda c, *_: c.subscribe(topic, qos=1)
    client.on_subscribe = lambda c, *_: c.publish(topic, token, qos=1)
    client.on_message = lambda *a: heard.set() if a[2].payload == token else None
    try:
        client.connect(address.host, address.port, keepalive=10)
    except OSError:
        return False
    client.loop_start()
    try:
        return heard.wait(timeout_s)
    finally:
        client.disconnect()
        client.loop_stop()


def connected_client(url: str, on_connect: Callable[[paho.Client], None]) -> paho.Client:
    """Make a plain MQTT 5 client that connects in the background, for tools and tests."""
    address = parse_url(url)
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    _login(client, address)
    client.on_connect = lambda c, *_: on_connect(c)
    client.connect(address.host, address.port, keepalive=KEEPALIVE_S)
    client.loop_start()
    return client


if __name__ == "__main__":
    sys.exit(0 if probe(sys.argv[1]) else 1)
