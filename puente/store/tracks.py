"""Tracks: every reading of a subject in truth order.

The newest hours are a sorted set by device time; older hours are compressed blocks. A reading is
in one of the two; who reads merges both, so it does not matter where it is at the moment.
"""

import zlib
from collections.abc import Sequence
from typing import Any, cast

from puente import keys
from puente.instant import HOUR, Instant
from puente.model import Reading
from puente.store.connection import Store
from puente.store.packing import pack, unpack_reading, unpack_readings

Operation = list[Any]
"""One command of a commit: name, key, arguments."""


def track_key(subject: str) -> str:
    """Name the sorted set of a subject's newest readings."""
    return keys.TRACK(pNN=keys.partition_of(subject), subject=subject)


def blocks_key(subject: str) -> str:
    """Name the hash of a subject's older hours."""
    return keys.BLOCKS(pNN=keys.partition_of(subject), subject=subject)


def pack_block(readings: list[Reading]) -> bytes:
    """Compress the readings of one hour."""
    return zlib.compress(pack(readings), 6)


def unpack_block(block: bytes) -> list[Reading]:
    """Read what `pack_block` wrote."""
    return unpack_readings(zlib.decompress(block))


def read_track(
    store: Store, subject: str, from_at: Instant | None = None, to_at: Instant | None = None
) -> list[Reading]:
    """Return a subject's readings with device time in `[from_at, to_at]`, in truth order."""
    low = -(1 << 53) if from_at is None else from_at
    high = (1 << 53) if to_at is None else to_at
    client = store.client
    # The newest first: a reading that moves into a block meanwhile is then in both, not in none.
    newest = cast("list[bytes]", client.zrangebyscore(track_key(subject), low, high))
    hours = cast("list[bytes]", client.hkeys(blocks_key(subject)))
    wanted = [h for h in hours if (int(h) + 1) * HOUR > low and int(h) * HOUR <= high]
    blocks = (
        cast("list[bytes | None]", client.hmget(blocks_key(subject), wanted)) if wanted else []
    )
    readings = {_name(r): r for r in map(unpack_reading, newest)}
    for block in blocks:
        if block is not None:
            for reading in unpack_block(block):
                if low <= reading.at <= high:
                    readings[_name(reading)] = reading
    return sorted(readings.values(), key=lambda r: r.order)


def _name(reading: Reading) -> tuple[str, str]:
    return reading.device_id, reading.identity


ADDED_AT_ONCE = 1_000
"""Readings in one command of a commit: the script cannot pass on more than 7,000 arguments."""


def add(readings: Sequence[Reading], subject: str) -> Operation:
    """Return the operation that adds up to `ADDED_AT_ONCE` readings to the newest hours."""
    operation: Operation = ["ZADD", track_key(subject)]
    for reading in readings:
        operation += [reading.at, pack(reading)]
    return operation


def compact(store: Store, subject: str, below: Instant) -> list[Operation]:
    """Return the operations that move whole hours below an instant into blocks."""
    limit = below - below % HOUR
    newest = cast(
        "list[bytes]", store.client.zrangebyscore(track_key(subject), "-inf", f"({limit}")
    )
    if not newest:
        return []
    by_hour: dict[int, list[Reading]] = {}
    for reading in map(unpack_reading, newest):
        by_hour.setdefault(reading.at // HOUR, []).append(reading)
    operations: list[Operation] = []
    for hour, readings in sorted(by_hour.items()):
        known = cast("bytes | None", store.client.hget(blocks_key(subject), str(hour)))
        merged = {_name(r): r for r in readings}
        for reading in unpack_block(known) if known else []:
            merged[_name(reading)] = reading
        block = pack_block(sorted(merged.values(), key=lambda r: r.order))
        operations.append(["HSET", blocks_key(subject), str(hour), block])
    operations.append(["ZREMRANGEBYSCORE", track_key(subject), "-inf", f"({limit}"])
    return operations


def expire(store: Store, subject: str, below: Instant) -> list[Operation]:
    """Return the operations that drop whole hours below an instant."""
    hours = cast("list[bytes]", store.client.hkeys(blocks_key(subject)))
    old = [hour.decode() for hour in hours if (int(hour) + 1) * HOUR <= below]
    return [["HDEL", blocks_key(subject), *old]] if old else []
