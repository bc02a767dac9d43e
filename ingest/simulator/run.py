"""A simulator run: plan first, then history as fast as the broker takes it, then live.

Time comes from the clock that all processes of a stack share. Everything that touches the
outside (plan store, broker, stop signal) is handed in.
"""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import msgspec

from ingest.simulator.fleet import Fleet, Message
from ingest.simulator.outbox import Letter, Outbox
from ingest.simulator.publisher import Watermark
from puente import clock as clocks
from puente import instant
from puente.clock import Clock
from puente.instant import Instant

Progress = Callable[[Message], None]

TICK_S = 0.1
"""How often live messages that became due are published, in real seconds."""
RESEND_EVERY_S = 15.0
REMEMBER_EVERY_S = 1.0
HEARD_WITHIN_S = 30.0
"""A server whose last watermark is older than this is away: nothing is sent again to it."""


class Line(Protocol):
    """Where messages go: the publisher, or a stand-in that remembers them."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Send one message at least once, blocking while too many are under way."""
        ...

    def connection_came_back(self) -> bool:
        """Tell, once, that the connection was lost and found."""
        ...

    def take_watermarks(self) -> list[Watermark]:
        """Return the watermarks that arrived since the last call."""
        ...


class Totals(NamedTuple):
    """What a run did."""

    published: int
    resent: int
    unacknowledged: int


class Courier:
    """Publishes what a fleet says and sends again what was not acknowledged."""

    def __init__(self, fleet: Fleet, line: Line, steady_s: Callable[[], float]) -> None:
        self._fleet = fleet
        self._line = line
        self._steady_s = steady_s
        self._outbox = Outbox()
        self._heard_s: float | None = None
        self._looked_s = steady_s()
        self.published = 0
        self.resent = 0

    @property
    def totals(self) -> Totals:
        """What was done so far."""
        return Totals(self.published, self.resent, len(self._outbox))

    def deliver_until(self, to_at: Instant, progress: Progress | None = None) -> None:
        """Publish everything due before an instant, in order of sending."""
        for message in self._fleet.until(to_at):
            letter = self._outbox.post(message, self._steady_s())
            self._line.publish(letter.topic, letter.payload)
            self.published += 1
            if progress is not None:
                progress(message)
            if self.published % 100 == 0:
                self._listen()
        self._listen()

    def send_again(self) -> None:
        """Send again what a lost connection or a silent server has left unacknowledged."""
        now_s = self._steady_s()
        if self._line.connection_came_back():
            self._resend(self._outbox.everything(now_s))
        elif now_s - self._looked_s > RESEND_EVERY_S:
            self._looked_s = now_s
            if self._heard_s is not None and now_s - self._heard_s < HEARD_WITHIN_S:
                self._resend(self._outbox.overdue(now_s))

    def _resend(self, letters: Iterator[Letter]) -> None:
        for letter in letters:
            self._line.publish(letter.topic, letter.payload)
            self.resent += 1

    def _listen(self) -> None:
        for mark in self._line.take_watermarks():
            self._heard_s = self._steady_s()
            self._outbox.acknowledge(mark.device_id, mark.boot, mark.seq, self._heard_s)


def live(
    courier: Courier,
    clock: Clock,
    end_at: Instant | None,
    wait: Callable[[float], bool],
    remember: Callable[[Instant], None] | None = None,
) -> None:
    """Publish what becomes due until the end, or until `wait` says to stop.

    `remember` is told up to when everything is sent, about once a second.
    """
    told_s = 0.0
    while True:
        now = clock.now()
        courier.deliver_until(now if end_at is None else min(now, end_at))
        courier.send_again()
        if remember is not None and clocks.monotonic_s() - told_s >= REMEMBER_EVERY_S:
            told_s = clocks.monotonic_s()
            remember(now)
        if (end_at is not None and now >= end_at) or wait(TICK_S):
            return


def write_deliveries(fleet: Fleet, end_at: Instant, path: Path) -> int:
    """Write what the fleet sends as lines for `puente replay`, received when sent."""
    encode = msgspec.json.Encoder().encode
    count = 0
    with _opened(path) as file:
        for message in fleet.until(end_at):
            line = {
                "topic": message.topic,
                "payload": message.payload,
                "received_at": instant.text(message.send_at),
            }
            file.write(encode(line) + b"\n")
            count += 1
    return count


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("wb") as file:
        if path.suffix != ".gz":
            yield file
            return
        # No name and no time inside: the same scenario gives the same file.
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            yield packed  # type: ignore[misc]  # a GzipFile is a BinaryIO in all that matters
