"""One port for MQTT 3.1.1 and MQTT 5, where a broker wants one for each.

Phones, trackers and `mosquitto_pub` speak 3.1.1 unless told otherwise; our own processes speak 5.
The first packet of a connection says which, so a connection is looked at once and then passed on
byte for byte to the port that understands it. This is no broker: it knows one byte of MQTT.
"""

import asyncio
import contextlib
import logging
import threading

logger = logging.getLogger(__name__)

FIRST_PACKET_S = 10.0
"""How long a connection may take to say what it speaks."""

_CONNECT = 0x10
_MQTT_5 = 5
_CHUNK = 65_536


def protocol_level(head: bytes) -> int | None:
    """Read the protocol level from the beginning of a CONNECT packet.

    Returns None while too little has arrived.

    Raises:
        ValueError: it is not the beginning of a CONNECT packet.
    """
    if head and head[0] != _CONNECT:
        raise ValueError("not an MQTT CONNECT")
    at = 1
    while at < len(head) and head[at] & 0x80:
        at += 1
        if at > 4:
            raise ValueError("a length that MQTT does not have")
    name = at + 1
    if len(head) < name + 2:
        return None
    level = name + 2 + int.from_bytes(head[name : name + 2], "big")
    if level > name + 8:
        raise ValueError("not a name of MQTT")
    return head[level] if len(head) > level else None


class FrontDoor:
    """Listens on one port of this machine and passes connections on to two others."""

    def __init__(self, port: int, port_3: int, port_5: int) -> None:
        self._port = port
        self._ports = {False: port_3, True: port_5}
        self._ready = threading.Event()
        self.failure: OSError | None = None

    def open(self, timeout_s: float = 5.0) -> None:
        """Begin to listen, in a thread of its own.

        Raises:
            OSError: the port cannot be listened on.
        """
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait(timeout_s)
        if self.failure is not None:
            raise self.failure

    async def _serve(self) -> None:
        try:
            server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)
        except OSError as error:
            self.failure = error
            self._ready.set()
            return
        self._ready.set()
        async with server:
            await server.serve_forever()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
            head = await asyncio.wait_for(_first_packet(reader), FIRST_PACKET_S)
            port = self._ports[protocol_level(head) == _MQTT_5]
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            inner_writer.write(head)
            there = asyncio.create_task(_copy(reader, inner_writer))
            back = asyncio.create_task(_copy(inner_reader, writer))
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            there.cancel()
            back.cancel()
            inner_writer.close()
        writer.close()


async def _first_packet(reader: asyncio.StreamReader) -> bytes:
    head = b""
    while protocol_level(head) is None:
        more = await reader.read(_CHUNK)
        if not more:
            raise ValueError("closed before it said what it speaks")
        head += more
    return head


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
