"""One port takes both versions of MQTT and passes each to the one that speaks it."""

import socket
import threading
from collections.abc import Iterator

import pytest

from puente.frontdoor import FrontDoor, protocol_level
from tests.system.embedded import free_port

V311 = bytes.fromhex("101000044d51545404020014000444455631")
V5 = bytes.fromhex("101100044d5154540502001400000444455631")


@pytest.mark.parametrize(
    ("head", "level"),
    [
        pytest.param(b"", None, id="nothing yet"),
        pytest.param(V311[:6], None, id="half of the name"),
        pytest.param(V311, 4, id="MQTT 3.1.1"),
        pytest.param(V5, 5, id="MQTT 5"),
        pytest.param(bytes.fromhex("101200064d514973647003"), 3, id="MQTT 3.1"),
        pytest.param(b"\x10\x80\x01" + V5[2:], 5, id="a longer length"),
    ],
)
def test_a_connection_says_what_it_speaks(head: bytes, level: int | None) -> None:
    assert protocol_level(head) == level


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1", b"\x10\xff\xff\xff\xff\xff\x01", b"\x10\x10\x40\x00MQTT"]
)
def test_what_is_not_mqtt_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError, match=r"not|does not"):
        protocol_level(head)


class Answering:
    """A server that says its name and echoes."""

    def __init__(self, name: bytes) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.name = name
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self.name + connection.recv(1000))


@pytest.fixture
def door() -> Iterator[int]:
    old, new = Answering(b"old:"), Answering(b"new:")
    port = free_port()
    FrontDoor(port, old.port, new.port).open()
    yield port
    old.server.close()
    new.server.close()


@pytest.mark.parametrize(("head", "name"), [(V311, b"old:"), (V5, b"new:")])
def test_every_byte_goes_to_the_port_that_understands_it(
    door: int, head: bytes, name: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", door), timeout=5) as client:
        client.sendall(head[:5])
        client.sendall(head[5:])
        answer = b""
        while more := client.recv(1000):
            answer += more
    assert answer == name + head


def test_a_stranger_is_let_go(door: int) -> None:
    with socket.create_connection(("127.0.0.1", door), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(100) == b""


def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        FrontDoor(taken.getsockname()[1], 1, 2).open()
