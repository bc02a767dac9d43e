"""The layout of a store: how many partitions it was made for, fixed at its first start."""

from puente import keys
from puente.instant import Instant
from puente.store.connection import Store
from puente.store.packing import number

SCHEMA = 1
"""Grows when what is kept changes in a way that older code would misread."""


class LayoutError(RuntimeError):
    """The store was made for another layout; the message says which."""


def ensure_layout(store: Store, now: Instant, partitions: int = keys.PARTITIONS) -> None:
    """Write the layout on a new store, compare it on an old one.

    Raises:
        LayoutError: the store has another number of partitions or another schema.
    """
    key = keys.META()
    store.client.hsetnx(key, "partitions", str(partitions))
    store.client.hsetnx(key, "schema", str(SCHEMA))
    store.client.hsetnx(key, "created_at", str(now))
    kept_partitions, kept_schema = store.client.hmget(key, ["partitions", "schema"])
    if number(kept_partitions) != partitions:
        raise LayoutError(
            f"the store has {number(kept_partitions)} partitions, this Puente uses {partitions}; "
            "readings would go to the wrong place: use another store"
        )
    if number(kept_schema) != SCHEMA:
        raise LayoutError(
            f"the store has schema {number(kept_schema)}, this Puente writes {SCHEMA}: "
            "use another store or the version of Puente that made it"
        )
