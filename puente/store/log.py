"""The log: readings, heartbeats and plan changes of each partition, in order of arrival.

A gateway appends, an engine reads. Entries have `k` (kind) and `b` (body): `r` a packed reading,
`h` a heartbeat (the instant), `p` a plan change (`version:at`), `m` readings that were moved here
because a plan gave them to another subject.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from puente import keys
from puente.instant import HOUR, Instant
from puente.model import Reading, sent_hash
from puente.settings import Settings
from puente.store.connection import Store
from puente.store.packing import pack, text, unpack_readings

FIRST = "0-0"
"""The offset before the first entry."""


@dataclass(frozen=True)
class Entry:
    """One entry of a log; `kind` is `r`, `h`, `p` or `m`, `body` what belongs to it."""

    id: str
    kind: str
    body: bytes


APPENDED, DUPLICATE, CONFLICT = 0, 1, 2
"""What became of a reading: new, known, or known under its number with other content."""


def append(
    store: Store, readings: dict[int, list[Reading]], settings: Settings
) -> dict[int, list[int]]:
    """Append readings to their partitions, each once; a repeated call changes nothing.

    Returns per partition what became of each reading, in order.
    """
    partitions = list(readings)
    calls = [_append_call(p, readings[p], settings) for p in partitions]
    answers = store.run_many("append", calls)
    return {p: [int(v) for v in a] for p, a in zip(partitions, answers, strict=True)}


MOVES = "~moves"
"""Stands in for a device among the identities: bundles of moved readings. No device id has `~`."""

_MARKED_AT_ONCE = 500
"""Readings marked by one run of the script: a run of it stops everybody else."""


def move(
    store: Store,
    partition: int,
    readings: Sequence[Reading],
    name: str,
    now: Instant,
    settings: Settings,
) -> None:
    """Move readings to a partition, as one entry of its log: they are folded in one go.

    `name` is what makes this move one move: the same name again moves nothing. Unlike `append`,
    readings that the partition knew before come again: they may have been moved away since.
    """
    for start in range(0, len(readings), _MARKED_AT_ONCE):
        known = readings[start : start + _MARKED_AT_ONCE]
        store.run("append", *_append_call(partition, known, settings, seen_only=True))
    names, args = _append_call(partition, (), settings)
    names.append(keys.IDENTITIES(pNN=partition, device=MOVES))
    args += [len(names), name, "", -1, -1, "moved", now, zlib.compress(pack(list(readings)), 6)]
    store.run("append", names, args)


def unpack_moved(body: bytes) -> list[Reading]:
    """Read the body of an entry of kind `m`."""
    return unpack_readings(zlib.decompress(body))


def _append_call(
    partition: int,
    readings: Sequence[Reading],
    settings: Settings,
    *,
    seen_only: bool = False,
) -> tuple[list[str], list[bytes | str | int]]:
    names = [keys.LOG(pNN=partition), keys.LATE(pNN=partition)]
    positions: dict[str, int] = {}
    args: list[bytes | str | int] = [
        settings.identity_retention_h * HOUR,
        settings.device_retention_d * 86_400,
    ]
    for reading in readings:
        t = reading.telemetry
        numbered = t.boot is not None and t.seq is not None
        family = keys.SEEN if numbered else keys.IDENTITIES
        name = family(pNN=partition, device=t.device_id)
        if name not in positions:
            names.append(name)
            positions[name] = len(names)
        args += [
            positions[name],
            reading.identity,
            sent_hash(reading)[:8],
            -1 if t.boot is None or t.seq is None else t.boot,
            -1 if t.boot is None or t.seq is None else t.seq,
            "seen" if seen_only else "late" if reading.late else "log",
            reading.received_at,
            b"" if seen_only else pack(reading),
        ]
    return names, args


def beat(store: Store, *instants: Instant) -> None:
    """Write heartbeats to every partition: the partitions' clocks go on without readings."""
    with store.client.pipeline(transaction=False) as pipe:
        for partition in range(keys.PARTITIONS):
            for at in instants:
                pipe.xadd(keys.LOG(pNN=partition), {"k": "h", "b": str(at)})
        pipe.execute()


def announce_plan(store: Store, version: int, now: Instant) -> None:
    """Write a plan change to every partition: a replay sees the plan that was in force."""
    with store.client.pipeline(transaction=False) as pipe:
        for partition in range(keys.PARTITIONS):
            pipe.xadd(keys.LOG(pNN=partition), {"k": "p", "b": f"{version}:{now}"})
        pipe.execute()


def read(
    store: Store, offsets: dict[int, str], count: int, *, late: bool = False
) -> dict[int, list[Entry]]:
    """Read up to `count` entries after each partition's offset; empty partitions are left out."""
    family = keys.LATE if late else keys.LOG
    with store.client.pipeline(transaction=False) as pipe:
        for partition, offset in offsets.items():
            pipe.xrange(family(pNN=partition), f"({offset}", "+", count)
        answers = pipe.execute()
    found = {}
    for partition, answer in zip(offsets, answers, strict=True):
        if answer:
            found[partition] = list(_entries(answer))
    return found


def trim(
    store: Store, partition: int, committed: str, older_than: Instant, *, late: bool = False
) -> None:
    """Drop entries that are committed and older than an instant."""
    family = keys.LATE if late else keys.LOG
    committed_ms, _, _ = committed.partition("-")
    # Entry ids are in real time, the retention on Puente's clock: the smaller one is safe.
    below = min(int(committed_ms), older_than)
    if below > 0:
        store.client.xtrim(family(pNN=partition), minid=f"{below}-0", approximate=True)


def newest(store: Store, partition: int) -> str:
    """Return the id of the newest entry of a partition's log, or `FIRST`."""
    answer = cast("list[Any]", store.client.xrevrange(keys.LOG(pNN=partition), count=1))
    return text(answer[0][0]) if answer else FIRST


def _entries(answer: Iterable[Any]) -> Iterable[Entry]:
    for entry_id, fields in answer:
        yield Entry(text(entry_id), text(fields[b"k"]), fields[b"b"])
