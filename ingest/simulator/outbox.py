"""What devices still hold: readings sent but not yet covered by the server's watermark.

A device keeps a reading until the watermark passes it and sends it again, byte for byte, after a
lost connection or when the watermark stands still (interfaces, section 2). Flash is finite: past
`MOST_HELD` the oldest reading is dropped, and `oldest` says so. No clock, no broker in here.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ingest.simulator.fleet import Message

MOST_HELD = 400
"""Readings a device remembers: an hour of driving."""

RESEND_AFTER_S = 60.0
"""Without a watermark for so long a reading is sent again."""


class Letter(NamedTuple):
    """A message ready for the broker."""

    topic: str
    payload: bytes


class _Held:
    """One device's memory, of one boot."""

    __slots__ = ("letters", "sent_s")

    def __init__(self) -> None:
        self.letters: dict[int, Letter] = {}
        self.sent_s = 0.0


class Outbox:
    """The memories of all simulated devices. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], _Held] = {}
        self._encode = msgspec.json.Encoder().encode
        self.dropped = 0

    def __len__(self) -> int:
        return sum(len(held.letters) for held in self._held.values())

    def post(self, message: Message, now_s: float) -> Letter:
        """Remember a reading and return it with the lowest number that is still held."""
        held = self._held.setdefault((message.device_id, message.boot), _Held())
        while len(held.letters) >= MOST_HELD:
            del held.letters[next(iter(held.letters))]
            self.dropped += 1
        oldest = next(iter(held.letters), message.seq)
        letter = Letter(message.topic, self._encode({**message.payload, "oldest": oldest}))
        if not held.letters:
            held.sent_s = now_s
        held.letters[message.seq] = letter
        return letter

    def acknowledge(self, device_id: str, boot: int, seq: int, now_s: float) -> None:
        """Forget what the watermark has passed; unknown devices are somebody else's."""
        held = self._held.get((device_id, boot))
        if held is None:
            return
        progress = False
        while held.letters and (first := next(iter(held.letters))) <= seq:
            del held.letters[first]
            progress = True
        if progress:
            held.sent_s = now_s

    def everything(self, now_s: float) -> Iterator[Letter]:
        """Yield all that is held, each device's readings in order: after a lost connection."""
        for held in self._held.values():
            held.sent_s = now_s
            yield from list(held.letters.values())

    def overdue(self, now_s: float) -> Iterator[Letter]:
        """Yield what devices hold whose watermark has stood still for too long."""
        for held in self._held.values():
            if held.letters and now_s - held.sent_s > RESEND_AFTER_S:
                held.sent_s = now_s
                yield from list(held.letters.values())
