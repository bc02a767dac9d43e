"""What dashboards follow: rows, changes, and how old they are.

Take the change cursors first, then load the rows, then follow: nothing can be missed in between.
"""

from dataclasses import dataclass
from typing import Any, cast

from puente import keys
from puente.instant import Instant
from puente.row import Row
from puente.store.connection import ServerInfo, Store, server_info
from puente.store.log import FIRST
from puente.store.packing import number, text, unpack_row, unpack_rows
from puente.store.states import KEPT_CHANGES

__all__ = [
    "Changes",
    "GatewayStatus",
    "PartitionStatus",
    "ServerInfo",
    "change_cursors",
    "load_rows",
    "read_changes",
    "read_gateway_status",
    "read_status",
    "server_info",
]


@dataclass(frozen=True)
class Changes:
    """What changed since a cursor. `gap` says that entries were trimmed: load all rows again."""

    rows: list[Row]
    removed: list[str]
    cursors: dict[int, str]
    gap: bool


@dataclass(frozen=True)
class PartitionStatus:
    """How far a partition is. Instants are on Puente's clock, which may run faster."""

    partition: int
    clock_at: Instant
    committed_at: Instant
    readings: int
    events: int
    outage_s: int = 0


@dataclass(frozen=True)
class GatewayStatus:
    """What the gateway last said about itself."""

    beat_at: Instant
    connected: bool
    broker: str
    received: int
    appended: int


def change_cursors(store: Store) -> dict[int, str]:
    """Return where following has to begin for rows that are loaded now."""
    with store.client.pipeline(transaction=False) as pipe:
        for partition in range(keys.PARTITIONS):
            pipe.xrevrange(keys.CHANGES(pNN=partition), count=1)
        answers = pipe.execute()
    return {p: text(a[0][0]) if a else FIRST for p, a in enumerate(answers)}


def load_rows(store: Store) -> list[Row]:
    """Return the live row of every subject."""
    with store.client.pipeline(transaction=False) as pipe:
        for partition in range(keys.PARTITIONS):
            pipe.hvals(keys.ROWS(pNN=partition))
        answers = pipe.execute()
    return [unpack_row(packed) for answer in answers for packed in answer]


def read_changes(store: Store, cursors: dict[int, str], count: int = 500) -> Changes:
    """Return the subjects that changed since the cursors, each as it is in the end."""
    with store.client.pipeline(transaction=False) as pipe:
        for partition, cursor in cursors.items():
            key = keys.CHANGES(pNN=partition)
            pipe.xrange(key, "-", "+", 1)
            pipe.xlen(key)
            pipe.xrange(key, f"({cursor}", "+", count)
        answers = pipe.execute()
    rows: dict[str, Row] = {}
    removed: dict[str, None] = {}
    moved = dict(cursors)
    gap = False
    for i, (partition, cursor) in enumerate(cursors.items()):
        oldest, length, entries = answers[3 * i : 3 * i + 3]
        if cursor == FIRST:
            # Followed from the very beginning: entries are missing once it was ever trimmed.
            gap |= length >= KEPT_CHANGES
        elif not oldest or _after(text(oldest[0][0]), cursor):
            gap = True
        for entry_id, fields in entries:
            moved[partition] = text(entry_id)
            for subject in text(fields[b"x"]).split("\n") if b"x" in fields else ():
                rows.pop(subject, None)
                removed[subject] = None
            for row in unpack_rows(fields[b"r"]):
                removed.pop(row.id, None)
                rows.pop(row.id, None)
                rows[row.id] = row
    return Changes(list(rows.values()), list(removed), moved, gap)


def _after(a: str, b: str) -> bool:
    return tuple(map(int, a.split("-"))) > tuple(map(int, b.split("-")))


def read_status(store: Store) -> list[PartitionStatus]:
    """Return how far every partition is that was ever committed."""
    with store.client.pipeline(transaction=False) as pipe:
        for partition in range(keys.PARTITIONS):
            pipe.hgetall(keys.STATUS(pNN=partition))
        answers = pipe.execute()
    return [
        PartitionStatus(
            partition=partition,
            clock_at=number(fields.get(b"clock")),
            committed_at=number(fields.get(b"committed_at")),
            readings=number(fields.get(b"readings")),
            events=number(fields.get(b"events")),
            outage_s=number(fields.get(b"outage_s")),
        )
        for partition, fields in enumerate(answers)
        if fields
    ]


def read_gateway_status(store: Store) -> GatewayStatus | None:
    """Return what the gateway last said, None before its first word."""
    fields = cast("dict[bytes, Any]", store.client.hgetall(keys.GATEWAY_STATUS()))
    if not fields:
        return None
    return GatewayStatus(
        beat_at=number(fields.get(b"beat_at")),
        connected=text(fields.get(b"connected")) == "1",
        broker=text(fields.get(b"broker")),
        received=number(fields.get(b"received")),
        appended=number(fields.get(b"appended")),
    )
