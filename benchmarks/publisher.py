"""The load generator: a process of its own that publishes prepared readings at QoS 1.

A few MQTT 3.1.1 connections stand for all trucks; a truck always uses the same one, so its
readings stay in order. Sockets are written directly: a client library would take more of the
machine than the programs that are measured. Two modes: a closed loop (never more than `WINDOW`
readings published but not committed) and a fixed rate, where a reading that is sent late was due
all the same, so that waiting counts as latency.

    python -m benchmarks.publisher CONTROL_FILE HOST PORT TOPIC_PREFIX BEGAN_AT SCENARIO
"""

import contextlib
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path

from benchmarks import scenario as scenarios
from benchmarks.control import Control
from benchmarks.scenario import Payloads
from puente import clock, orphan

WINDOW = 4_000
"""Published and not yet committed at most."""

CONNECTIONS = 4
IN_FLIGHT = 200
"""Readings of one connection that wait for the broker's PUBACK at most."""

KEEPALIVE_S = 3_600
"""Longer than any run, so that no pings are needed; rumqttd refuses 0."""

_CHUNK = 50
_IDLE_S = 0.0005
_PUBACK_BYTES = 4


def remaining_length(n: int) -> bytes:
    """Encode MQTT's variable length."""
    out = bytearray()
    while True:
        n, low = divmod(n, 128)
        out.append(low | (128 if n else 0))
        if not n:
            return bytes(out)


class Connection:
    """One MQTT 3.1.1 connection that publishes."""

    def __init__(self, host: str, port: int, client_id: str) -> None:
        self.socket = socket.create_connection((host, port), timeout=10.0)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = client_id.encode()
        variable = b"\x00\x04MQTT\x04\x02" + struct.pack("!HH", KEEPALIVE_S, len(name)) + name
        self.socket.sendall(b"\x10" + remaining_length(len(variable)) + variable)
        answer = self.socket.recv(4)
        if answer[:1] != b"\x20" or answer[3:4] != b"\x00":
            raise ConnectionError(f"the broker refuses: {answer!r}")
        self.socket.setblocking(False)
        self.waiting = 0
        self._unsent = b""
        self._packet_id = 0
        self._spare = 0

    @property
    def room(self) -> int:
        """How many readings may be put now."""
        return 0 if self._unsent else IN_FLIGHT - self.waiting

    def put(self, packets: list[tuple[bytes, bytes]]) -> None:
        """Publish (topic with its length, payload) pairs."""
        parts = []
        for topic, body in packets:
            self._packet_id = self._packet_id % 65_535 + 1
            parts.append(b"\x32" + remaining_length(len(topic) + 2 + len(body)) + topic)
            parts.append(self._packet_id.to_bytes(2, "big") + body)
        self._unsent = b"".join(parts)
        self.waiting += len(packets)
        self.write()

    def write(self) -> None:
        """Hand over what the socket takes."""
        if self._unsent:
            with contextlib.suppress(BlockingIOError):
                self._unsent = self._unsent[self.socket.send(self._unsent) :]

    def read(self) -> int:
        """Return how many acknowledgements came; PUBACK is all that this client is ever sent."""
        try:
            answer = self.socket.recv(65_536)
        except BlockingIOError:
            return 0
        if not answer:
            raise ConnectionError("the broker closed the connection")
        acknowledged, self._spare = divmod(self._spare + len(answer), _PUBACK_BYTES)
        self.waiting -= acknowledged
        return acknowledged


class Publisher:
    """Sends reading after reading, as the control allows."""

    def __init__(
        self, control: Control, host: str, port: int, prefix: str, began_at: int, encoded: str
    ) -> None:
        self.control = control
        self.scenario = scenarios.read(encoded)
        self.payloads = Payloads(self.scenario)
        self.began_at = began_at
        self.topics = []
        for truck in range(self.scenario.shipments):
            topic = f"{prefix}/v1/{scenarios.device_id(truck)}/telemetry".encode()
            self.topics.append(struct.pack("!H", len(topic)) + topic)
        self.connections = [
            Connection(host, port, f"{prefix}-load-{k}") for k in range(CONNECTIONS)
        ]
        self.sent = 0
        self.acknowledged = 0
        self._rate = 0

    def run(self) -> None:
        """Publish until told to quit."""
        control = self.control
        most = self.scenario.shipments * self.scenario.budget
        control["ready"] = 1
        while not control["quit"]:
            allowed = min(control["limit"], most) - self.sent
            allowed = min(allowed, self._due() if control["rate"] else self._window())
            moved = self._send(allowed) if allowed > 0 else False
            moved |= self._hear()
            if not moved:
                time.sleep(_IDLE_S)

    def _window(self) -> int:
        self._rate = 0
        room = WINDOW - (self.sent - self.control["committed"])
        # Small writes would cost the broker more than the reading itself.
        return room if room >= _CHUNK else 0

    def _due(self) -> int:
        control = self.control
        now = clock.real_now()
        if self._rate != control["rate"]:
            self._rate = control["rate"]
            control["rate_from_n"], control["rate_from_ms"] = self.sent, now
        elapsed_ms = now - control["rate_from_ms"]
        return control["rate_from_n"] + elapsed_ms * self._rate // 1000 - self.sent

    def _send(self, allowed: int) -> bool:
        """Send the next readings, as many as every connection has room for."""
        room = min(c.room for c in self.connections)
        # Trucks go round the connections, so consecutive readings share them evenly.
        count = min(allowed, room, _CHUNK * CONNECTIONS)
        if count <= 0:
            return False
        batches: list[list[tuple[bytes, bytes]]] = [[] for _ in self.connections]
        shipments, step_ms = self.scenario.shipments, self.scenario.step_ms
        first_at = self.scenario.at(self.began_at, 0)
        for n in range(self.sent, self.sent + count):
            index, truck = divmod(n, shipments)
            head = b'{"at":%d,"boot":1,"seq":%d,' % (first_at + index * step_ms, index + 1)
            body = head + self.payloads.tail(truck, index)
            batches[truck % CONNECTIONS].append((self.topics[truck], body))
        for connection, batch in zip(self.connections, batches, strict=True):
            if batch:
                connection.put(batch)
        self.sent += count
        self.control["sent"] = self.sent
        return True

    def _hear(self) -> bool:
        heard = 0
        sockets = [c.socket for c in self.connections]
        readable, _, _ = select.select(sockets, [], [], 0)
        for connection in self.connections:
            if connection.socket in readable:
                heard += connection.read()
            connection.write()
        self.acknowledged += heard
        self.control["acknowledged"] = self.acknowledged
        return heard > 0


def main() -> None:
    """Run until the control says quit."""
    orphan.exit_with_parent()
    # Ctrl-C is for the one who started us, who then says quit.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    path, host, port, prefix, began_at, encoded = sys.argv[1:7]
    control = Control(Path(path))
    Publisher(control, host, int(port), prefix, int(began_at), encoded).run()


if __name__ == "__main__":
    main()
