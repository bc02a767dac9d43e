"""The simulator's one MQTT connection, shared by all simulated devices.

A truck each with a connection of its own would spend the machine on keep-alives. Everything is
QoS 1 with a bounded number of messages in flight; PUBACKs that refuse are counted, a lost
connection is found again with a delay that differs between simulators, and watermarks are
queued until the caller asks: paho's thread never touches the outbox.
"""

import os
import random
import threading
from queue import SimpleQueue
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

WATERMARKS = "puente/v1/+/ack"
IN_FLIGHT = 200
SESSION_EXPIRY_S = 600
CONNECT_TIMEOUT_S = 10.0
STALLED_S = 60.0
"""Nothing acknowledged for so long while connected: the broker is not doing its work."""


class PublishError(Exception):
    """The broker cannot be reached, or has stopped acknowledging."""


class Watermark(NamedTuple):
    """All readings of a boot up to `seq` are safe."""

    device_id: str
    boot: int
    seq: int


class _Ack(msgspec.Struct):
    boot: int
    seq: int


class Publisher:
    """Publishes in order; blocks while `IN_FLIGHT` messages wait for their PUBACK."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise PublishError(f"{url!r} is not like mqtt://user:password@127.0.0.1:1883")
        tls = parts.scheme == "mqtts"
        self._host, self._port = parts.hostname, parts.port or (8883 if tls else 1883)
        self._watermarks: SimpleQueue[Watermark] = SimpleQueue()
        self.refused: dict[str, int] = {}
        self.published = 0
        self.reconnects = 0
        self._lost = False
        self._room = threading.Condition()
        self._in_flight = 0
        self._client = self._make_client(tls=tls)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))

    def _make_client(self, *, tls: bool) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"puente-simulator-{os.getpid()}-{random.randrange(1 << 24):06x}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        client.max_inflight_messages_set(IN_FLIGHT)
        client.max_queued_messages_set(0)
        # Simulators that lost the same broker do not all come back in the same second.
        client.reconnect_delay_set(random.randint(1, 3), random.randint(10, 20))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        if tls:
            client.tls_set()
        return client

    @property
    def address(self) -> str:
        """Host and port of the broker."""
        return f"{self._host}:{self._port}"

    def connect(self) -> None:
        """Connect and wait until the broker has accepted.

        Raises:
            PublishError: nobody answers, or the broker refuses.
        """
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        try:
            self._client.connect(
                self._host, self._port, keepalive=30, clean_start=True, properties=properties
            )
        except (OSError, ValueError) as error:
            raise PublishError(f"no MQTT broker at {self.address}: {error}") from error
        self._client.loop_start()
        with self._room:
            if not self._room.wait_for(self._client.is_connected, CONNECT_TIMEOUT_S):
                refused = ", ".join(self.refused) or "no answer to CONNECT"
                raise PublishError(f"broker at {self.address} does not let us in: {refused}")

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message, waiting for room if too many are in flight.

        Raises:
            PublishError: connected, but nothing has been acknowledged for a minute.
        """
        self._wait_until_fewer_than(IN_FLIGHT)
        # paho calls back holding the lock that its publish needs: ours must be free here.
        with self._room:
            self._in_flight += 1
            self.published += 1
        sent = self._client.publish(topic, payload, qos=1)
        if sent.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            with self._room:
                self._in_flight -= 1
                self._count(mqtt.error_string(sent.rc))

    def drain(self) -> None:
        """Wait until everything published is acknowledged by the broker."""
        self._wait_until_fewer_than(1)

    def take_watermarks(self) -> list[Watermark]:
        """Return the watermarks that arrived since the last call."""
        return [self._watermarks.get_nowait() for _ in range(self._watermarks.qsize())]

    def connection_came_back(self) -> bool:
        """Tell, once, that the connection was lost and found since the last question."""
        with self._room:
            if self._lost and self._client.is_connected():
                self._lost = False
                return True
            return False

    def close(self) -> None:
        """Disconnect; what was acknowledged stays so."""
        self._client.disconnect()
        self._client.loop_stop()

    def _wait_until_fewer_than(self, limit: int) -> None:
        with self._room:
            while self._in_flight >= limit:
                before = self._in_flight
                moved = self._room.wait_for(lambda: self._in_flight < before, STALLED_S)  # noqa: B023
                if not moved and self._client.is_connected():
                    raise PublishError(
                        f"broker at {self.address} has acknowledged nothing for {STALLED_S:.0f} s"
                    )

    def _count(self, reason: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1

    # Called by paho's thread.

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: Any,  # noqa: ANN401 - paho's signature
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not reason.is_failure:
            client.subscribe(WATERMARKS, qos=0)
        with self._room:
            if reason.is_failure:
                self._count(str(reason))
            self._room.notify_all()

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: Any,  # noqa: ANN401
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            with self._room:
                self._lost = True
                self.reconnects += 1

    def _on_publish(
        self,
        _client: mqtt.Client,
        _userdata: Any,  # noqa: ANN401
        _mid: int,
        reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        with self._room:
            self._in_flight -= 1
            if reason.is_failure:
                self._count(str(reason))
            self._room.notify_all()

    def _on_message(
        self,
        _client: mqtt.Client,
        _userdata: Any,  # noqa: ANN401
        message: mqtt.MQTTMessage,
    ) -> None:
        levels = message.topic.split("/")
        try:
            said = msgspec.json.decode(message.payload, type=_Ack)
        except msgspec.MsgspecError:
            return
        self._watermarks.put(Watermark(levels[2], said.boot, said.seq))
