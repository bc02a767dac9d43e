"""Events: the engine's decisions, per partition for the desk, per shipment for the pages."""

import re
from typing import cast

from puente import keys
from puente.model import Event
from puente.store.connection import Store
from puente.store.packing import text, unpack_event

_ID_PART = re.compile(r"[0-9]{1,18}")
"""Half of a stream id; Redis refuses longer numbers than 64 bits."""


def read_history(store: Store, shipment_id: str) -> list[Event]:
    """Return one shipment's events in order of learning."""
    key = keys.HISTORY(pNN=keys.partition_of(shipment_id), subject=shipment_id)
    found = cast("list[bytes]", store.client.zrange(key, 0, -1))
    return [unpack_event(raw) for raw in found]


def read_partition(
    store: Store, partition: int, after: str, count: int
) -> list[tuple[str, Event]]:
    """Return a partition's events after an id, with their ids."""
    answer = store.client.xrange(keys.EVENTS(pNN=partition), f"({after}", "+", count)
    return [
        (text(i), unpack_event(f[b"e"]))
        for i, f in cast("list[tuple[bytes, dict[bytes, bytes]]]", answer)
    ]


def read_events(
    store: Store, since: str | None = None, limit: int = 1000
) -> tuple[list[Event], str]:
    """Return events of all shipments in order of learning, and the cursor to continue with.

    The cursor names the position in every partition; it is opaque to callers.

    Raises:
        ValueError: `since` is not a cursor that this function returned.
    """
    positions = _parse_cursor(since)
    with store.client.pipeline(transaction=False) as pipe:
        for partition, position in positions.items():
            pipe.xrange(keys.EVENTS(pNN=partition), f"({position}", "+", limit)
        answers = pipe.execute()
    found: list[tuple[int, int, int, str, Event]] = []
    for partition, answer in zip(positions, answers, strict=True):
        reached = 0
        for place, (entry_id, fields) in enumerate(answer):
            event = unpack_event(fields[b"e"])
            # Never before an earlier entry of its partition, or the cursor would pass that one.
            reached = max(reached, event.learned_at)
            found.append((reached, partition, place, text(entry_id), event))
    found.sort(key=lambda item: item[:3])
    taken = found[:limit]
    for _, partition, _, entry_id, _ in taken:
        positions[partition] = entry_id
    return [item[-1] for item in taken], _write_cursor(positions)


def _write_cursor(positions: dict[int, str]) -> str:
    return ".".join(positions[p] for p in range(keys.PARTITIONS))


def _parse_cursor(since: str | None) -> dict[int, str]:
    if not since:
        return dict.fromkeys(range(keys.PARTITIONS), "0-0")
    parts = since.split(".")
    valid = len(parts) == keys.PARTITIONS and all(
        len(halves := part.split("-")) == 2 and all(map(_ID_PART.fullmatch, halves))
        for part in parts
    )
    if not valid:
        raise ValueError("'since' is not a cursor that this API returned")
    return dict(enumerate(parts))


def trim(store: Store, partition: int, desk_offset: str, older_than: int) -> None:
    """Drop events that are in the alerts and older than an instant."""
    below = min(int(desk_offset.partition("-")[0]), older_than)
    if below > 0:
        store.client.xtrim(keys.EVENTS(pNN=partition), minid=f"{below}-0", approximate=True)
