"""The fleet over time: messages in order of sending, up to any instant.

A fleet goes forward only. However its time is sliced, the same messages come out in the same
order: `until(a)` followed by `until(b)` is `until(b)`.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ingest.simulator.devices import Payload, Window, merged
from ingest.simulator.trip import Trip
from puente.instant import Instant


class Message(NamedTuple):
    """What a device publishes, and when it does so."""

    send_at: Instant
    topic: str
    payload: Payload
    device_id: str
    boot: int
    seq: int


def telemetry_topic(device_id: str) -> str:
    """Name the topic a device publishes to (interfaces, section 2)."""
    return f"puente/v1/{device_id}/telemetry"


class Fleet:
    """All devices of all trips, from the beginning of the window on."""

    def __init__(self, trips: tuple[Trip, ...], window: Window) -> None:
        self._streams = merged(trips, window)
        self._ahead = next(self._streams, None)

    @property
    def next_at(self) -> Instant | None:
        """When the next message is due; None when no device will ever send again."""
        return None if self._ahead is None else self._ahead.send_at

    def until(self, to_at: Instant) -> Iterator[Message]:
        """Yield the messages that are due before an instant and were not yielded yet."""
        while self._ahead is not None and self._ahead.send_at < to_at:
            due = self._ahead
            self._ahead = next(self._streams, None)
            yield Message(
                due.send_at,
                telemetry_topic(due.device_id),
                due.payload,
                due.device_id,
                due.boot,
                due.seq,
            )
