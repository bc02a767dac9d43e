"""Devices and bad input: what the gateway knows of who sends, and what it could not use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from puente import keys
from puente.instant import DAY, Instant
from puente.model import Rejection
from puente.ranges import Ranges, from_text, watermark
from puente.store.connection import Store
from puente.store.packing import json_pack, number, pack, text, unpack_rejection

KEPT_REJECTIONS = 5_000


@dataclass(frozen=True)
class DeviceRecord:
    """What arrived of one device. `watermark` is (boot, seq) of its newest boot."""

    device_id: str
    last_at: Instant
    last_received_at: Instant
    readings: int
    duplicates: int
    conflicts: int
    rejected: int
    watermark: tuple[int, int] | None
    topic: str


@dataclass
class DeviceNote:
    """What one batch says about one device."""

    device_id: str
    topic: str = ""
    last_at: Instant = -1
    last_received_at: Instant = -1
    counters: dict[str, int] = field(default_factory=dict)
    numbers: dict[int, list[int]] = field(default_factory=dict)
    oldest: dict[int, int] = field(default_factory=dict)

    def count(self, name: str) -> None:
        """Add one to a counter."""
        self.counters[name] = self.counters.get(name, 0) + 1


def note_devices(
    store: Store, notes: Iterable[DeviceNote], retention_d: int
) -> dict[str, dict[int, int]]:
    """Write down what arrived; returns device -> boot -> watermark (-1: the start is missing)."""
    noted = list(notes)
    calls = []
    for note in noted:
        boots = {
            str(boot): [note.numbers.get(boot, []), note.oldest.get(boot, -1)]
            for boot in note.numbers.keys() | note.oldest.keys()
        }
        ttl_s = retention_d * 86_400
        packed = pack(
            [note.last_at, note.last_received_at, note.topic, ttl_s, note.counters, boots]
        )
        calls.append(([keys.DEVICE(device=note.device_id)], [packed]))
    answers = store.run_many("device", calls)
    marks = {
        note.device_id: {int(boot): int(mark) for boot, mark in answer}
        for note, answer in zip(noted, answers, strict=True)
    }
    if noted:
        newest = max(note.last_received_at for note in noted)
        with store.client.pipeline(transaction=False) as pipe:
            pipe.zadd(
                keys.DEVICES(), {note.device_id: note.last_received_at for note in noted}, gt=True
            )
            pipe.zremrangebyscore(keys.DEVICES(), "-inf", newest - retention_d * DAY)
            pipe.execute()
    return marks


def received_ranges(store: Store, wanted: Sequence[tuple[str, int]]) -> list[Ranges]:
    """Return what arrived of each (device, boot) so far."""
    with store.client.pipeline(transaction=False) as pipe:
        for device_id, boot in wanted:
            pipe.hget(keys.DEVICE(device=device_id), f"boot:{boot}")
        answers = pipe.execute()
    return [from_text(text(answer)) for answer in answers]


def list_devices(store: Store) -> list[DeviceRecord]:
    """Return every device that was heard within the retention, newest first."""
    ids = cast("list[bytes]", store.client.zrevrange(keys.DEVICES(), 0, -1))
    with store.client.pipeline(transaction=False) as pipe:
        for device_id in ids:
            pipe.hgetall(keys.DEVICE(device=text(device_id)))
        answers = pipe.execute()
    return [_record(text(i), fields) for i, fields in zip(ids, answers, strict=True)]


def _record(device_id: str, fields: dict[bytes, bytes]) -> DeviceRecord:
    boot = fields.get(b"boot")
    mark = None
    if boot is not None:
        reached = watermark(from_text(text(fields.get(b"boot:" + boot))))
        mark = None if reached is None else (int(boot), reached)
    return DeviceRecord(
        device_id=device_id,
        last_at=number(fields.get(b"last_at"), -1),
        last_received_at=number(fields.get(b"last_received_at"), -1),
        readings=number(fields.get(b"readings")),
        duplicates=number(fields.get(b"duplicates")),
        conflicts=number(fields.get(b"conflicts")),
        rejected=number(fields.get(b"rejected")),
        watermark=mark,
        topic=text(fields.get(b"topic")),
    )


def store_rejections(store: Store, rejections: Sequence[Rejection]) -> None:
    """Keep rejections, newest 5,000, and count them by reason."""
    if not rejections:
        return
    with store.client.pipeline(transaction=False) as pipe:
        for rejection in rejections:
            pipe.xadd(
                keys.REJECTIONS(),
                {"j": json_pack(rejection)},
                maxlen=KEPT_REJECTIONS,
                approximate=True,
            )
            pipe.hincrby(keys.GATEWAY_COUNTS(), f"rejected:{rejection.rejection.value}", 1)
        pipe.execute()


def read_rejections(store: Store, limit: int = 500) -> list[Rejection]:
    """Return the newest rejections, newest first."""
    answer = cast("list[Any]", store.client.xrevrange(keys.REJECTIONS(), count=limit))
    return [unpack_rejection(fields[b"j"]) for _, fields in answer]


def count(store: Store, numbers: dict[str, int]) -> None:
    """Add to the gateway's counters."""
    with store.client.pipeline(transaction=False) as pipe:
        for name, n in numbers.items():
            if n:
                pipe.hincrby(keys.GATEWAY_COUNTS(), name, n)
        pipe.execute()


def read_counts(store: Store) -> dict[str, int]:
    """Return the gateway's counters since the store began."""
    fields = cast("dict[bytes, bytes]", store.client.hgetall(keys.GATEWAY_COUNTS()))
    return {text(name): int(value) for name, value in fields.items()}


def beat_gateway(
    store: Store,
    now: Instant,
    *,
    connected: bool,
    broker: str,
    received: int = 0,
    appended: int = 0,
) -> None:
    """Say that the gateway lives, whether it hears the broker, and what it did since its start."""
    store.client.hset(
        keys.GATEWAY_STATUS(),
        mapping={
            "beat_at": str(now),
            "connected": "1" if connected else "0",
            "broker": broker,
            "received": str(received),
            "appended": str(appended),
        },
    )
