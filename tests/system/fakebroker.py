"""An MQTT 5 broker for one subscriber, that does what it is told: the faults no real one shows.

It accepts one connection at a time, answers CONNECT, SUBSCRIBE and PINGREQ, sends the PUBLISH
packets that a test asks for, byte by byte as the test wants them, and notes every PUBACK.
"""

import contextlib
import socket
import threading
from dataclasses import dataclass, field

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14


def _length(n: int) -> bytes:
    out = bytearray()
    while True:
        n, digit = divmod(n, 128)
        out.append(digit | (128 if n else 0))
        if not n:
            return bytes(out)


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    """Frame a packet."""
    return bytes([kind << 4 | flags]) + _length(len(body)) + body


def publish(topic: bytes, payload: bytes, message_id: int) -> bytes:
    """A PUBLISH at QoS 1; the topic is bytes, so it need not be UTF-8."""
    head = len(topic).to_bytes(2, "big") + topic + message_id.to_bytes(2, "big") + b"\x00"
    return packet(PUBLISH, head + payload, flags=0b0010)


@dataclass
class FakeBroker:
    """Listens on a free port of loopback until closed."""

    refuse_subscription: bool = False
    acknowledged: list[int] = field(default_factory=list)
    connects: list[bytes] = field(default_factory=list)
    published: list[tuple[str, bytes]] = field(default_factory=list)
    subscribed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Listen."""
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"mqtt://127.0.0.1:{self.port}"

    def send(self, *packets: bytes) -> None:
        """Send packets as they are."""
        assert self._client is not None
        self._client.sendall(b"".join(packets))

    def cut(self) -> None:
        """Drop the connection."""
        self.subscribed.clear()
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                self._client, _ = self._server.accept()
            except OSError:
                return
            with contextlib.suppress(OSError, ConnectionError), self._client:
                while True:
                    self._answer(*self._read(self._client))

    def _read(self, client: socket.socket) -> tuple[int, int, bytes]:
        first = self._exactly(client, 1)[0]
        length, shift = 0, 0
        while True:
            digit = self._exactly(client, 1)[0]
            length |= (digit & 127) << shift
            shift += 7
            if digit < 128:
                return first >> 4, first & 15, self._exactly(client, length)

    @staticmethod
    def _exactly(client: socket.socket, n: int) -> bytes:
        found = b""
        while len(found) < n:
            chunk = client.recv(n - len(found))
            if not chunk:
                raise ConnectionError
            found += chunk
        return found

    def _answer(self, kind: int, flags: int, body: bytes) -> None:
        assert self._client is not None
        match kind:
            case 1:
                self.connects.append(body)
                self._client.sendall(packet(CONNACK, b"\x01\x00\x00"))
            case 8:
                code = b"\x87" if self.refuse_subscription else b"\x01"
                topics = _topics(body)
                self._client.sendall(packet(SUBACK, body[:2] + b"\x00" + code * topics))
                self.subscribed.set()
            case 4:
                self.acknowledged.append(int.from_bytes(body[:2], "big"))
            case 3:
                length = int.from_bytes(body[:2], "big")
                assert flags & 0b0110 == 0
                self.published.append((body[2 : 2 + length].decode(), body[2 + length + 1 :]))
            case 12:
                self._client.sendall(packet(PINGRESP, b""))


def _topics(body: bytes) -> int:
    at, count = 3, 0
    while at < len(body):
        at += 2 + int.from_bytes(body[at : at + 2], "big") + 1
        count += 1
    return count
