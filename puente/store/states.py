"""States: what an engine continues from after a restart, and the commit that writes it.

A commit is one script over the keys of one partition; it checks who owns the partition and where
it stood before it writes anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from puente import keys
from puente.instant import HOUR, Instant
from puente.model import Event, Reading
from puente.row import Row
from puente.store import tracks
from puente.store.connection import Store
from puente.store.log import FIRST
from puente.store.packing import json_pack, pack, text

KEPT_CHANGES = 2_000


@dataclass(frozen=True)
class Offsets:
    """The ids of the last entries of both logs that are in the state."""

    log: str = FIRST
    late: str = FIRST


@dataclass
class Commit:
    """What one turn of an engine writes for one partition."""

    partition: int
    token: str
    before: Offsets
    after: Offsets
    operations: list[list[Any]] = field(default_factory=list)

    def state(self, subject: str, packed: bytes) -> None:
        """Keep a subject's fold."""
        self._add("HSET", keys.STATE(pNN=self.partition), subject, packed)

    def rows(self, rows: Sequence[Row], removed: Sequence[str] = ()) -> None:
        """Keep changed live rows and tell the dashboards of them, in one entry."""
        if not rows and not removed:
            return
        for row in rows:
            self._add("HSET", keys.ROWS(pNN=self.partition), row.id, pack(row))
        for subject in removed:
            self._add("HDEL", keys.ROWS(pNN=self.partition), subject)
            self._add("HDEL", keys.STATE(pNN=self.partition), subject)
        fields: list[Any] = ["r", pack(list(rows))]
        if removed:
            fields += ["x", "\n".join(removed)]
        self._add(
            "XADD",
            keys.CHANGES(pNN=self.partition),
            "MAXLEN",
            "~",
            str(KEPT_CHANGES),
            "*",
            *fields,
        )

    def events(self, events: Sequence[Event]) -> None:
        """Publish decisions to the desk and keep them with their shipment."""
        for event in events:
            encoded = json_pack(event)
            self._add("XADD", keys.EVENTS(pNN=self.partition), "*", "e", encoded)
            key = keys.HISTORY(pNN=self.partition, subject=event.shipment_id)
            self._add("ZADD", key, str(event.learned_at), encoded)

    def readings(self, subject: str, readings: Sequence[Reading]) -> None:
        """Keep readings in a subject's track."""
        for start in range(0, len(readings), tracks.ADDED_AT_ONCE):
            part = readings[start : start + tracks.ADDED_AT_ONCE]
            self.operations.append(tracks.add(part, subject))

    def checkpoint(self, subject: str, hour: int, packed: bytes) -> None:
        """Keep the truth before an hour (hours since 1970)."""
        key = keys.CHECKPOINTS(pNN=self.partition, subject=subject)
        self._add("HSET", key, str(hour), packed)

    def forget_checkpoints(self, subject: str, hours: Sequence[int]) -> None:
        """Drop checkpoints that no late reading can reach any more."""
        key = keys.CHECKPOINTS(pNN=self.partition, subject=subject)
        for hour in hours:
            self._add("HDEL", key, str(hour))

    def forget_track(self, subject: str) -> None:
        """Drop a subject's track and checkpoints, to be written anew."""
        for family in (keys.TRACK, keys.BLOCKS, keys.CHECKPOINTS):
            self._add("DEL", family(pNN=self.partition, subject=subject))

    def expire_history(self, subject: str, below: Instant) -> None:
        """Drop a subject's events that were learned before an instant."""
        key = keys.HISTORY(pNN=self.partition, subject=subject)
        self._add("ZREMRANGEBYSCORE", key, "-inf", f"({below}")

    def status(self, **values: int) -> None:
        """Say how far the partition is."""
        flat = [item for name, value in values.items() for item in (name, str(value))]
        self._add("HSET", keys.STATUS(pNN=self.partition), *flat)

    def _add(self, command: str, key: str, *arguments: object) -> None:
        self.operations.append([command, key, *arguments])


def commit(store: Store, wanted: Commit) -> bool:
    """Write a commit, all or nothing; False when the partition is not ours or has moved on.

    A repeated commit whose first reply was lost is recognised by its offset and counts as done.
    """
    names = [keys.LEASE(pNN=wanted.partition), keys.OFFSET(pNN=wanted.partition)]
    positions = {name: i + 1 for i, name in enumerate(names)}
    before, after = wanted.before, wanted.after
    args: list[Any] = [wanted.token, before.log, before.late, after.log, after.late]
    for command, key, *arguments in wanted.operations:
        if key not in positions:
            names.append(key)
            positions[key] = len(names)
        args += [command, positions[key], len(arguments), *arguments]
    answer = text(store.run("commit", names, args))
    if answer == "offset":
        return before != after and load_offsets(store, wanted.partition) == after
    return answer == "ok"


def load_offsets(store: Store, partition: int) -> Offsets:
    """Return how far a partition is committed."""
    fields = cast("dict[bytes, bytes]", store.client.hgetall(keys.OFFSET(pNN=partition)))
    return Offsets(text(fields.get(b"log"), FIRST), text(fields.get(b"late"), FIRST))


def load_states(store: Store, partition: int) -> dict[str, bytes]:
    """Return every subject's packed fold."""
    fields = cast("dict[bytes, bytes]", store.client.hgetall(keys.STATE(pNN=partition)))
    return {text(subject): packed for subject, packed in fields.items()}


def load_checkpoint(store: Store, subject: str, at: Instant) -> tuple[int, bytes] | None:
    """Return the newest checkpoint at or before an instant as (hour, packed truth)."""
    key = keys.CHECKPOINTS(pNN=keys.partition_of(subject), subject=subject)
    hours = sorted(int(hour) for hour in cast("list[bytes]", store.client.hkeys(key)))
    reachable = [hour for hour in hours if hour * HOUR <= at]
    if not reachable:
        return None
    packed = cast("bytes | None", store.client.hget(key, str(reachable[-1])))
    return None if packed is None else (reachable[-1], packed)


def checkpoint_hours(store: Store, subject: str) -> list[int]:
    """Return the hours that have a checkpoint."""
    key = keys.CHECKPOINTS(pNN=keys.partition_of(subject), subject=subject)
    return sorted(int(hour) for hour in cast("list[bytes]", store.client.hkeys(key)))


def load_status(store: Store, partition: int) -> dict[str, int]:
    """Return a partition's status as it was last committed."""
    fields = cast("dict[bytes, bytes]", store.client.hgetall(keys.STATUS(pNN=partition)))
    return {text(name): int(value) for name, value in fields.items()}
