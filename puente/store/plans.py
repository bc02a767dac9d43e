"""Plans: the loaded document, one version after the other, announced in every partition's log."""

import zlib
from typing import TYPE_CHECKING, cast

from redis.exceptions import WatchError

from puente import keys
from puente.instant import Instant
from puente.plan import Plan
from puente.planfile import PlanDocument, decode, encode, to_plan
from puente.store.connection import Store
from puente.store.log import announce_plan
from puente.store.packing import number

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT_VERSIONS = 50


def plan_version(store: Store) -> int:
    """Return the number of the newest plan, 0 before the first."""
    return number(cast("bytes | None", store.client.get(keys.PLAN_VERSION())))


def load_document(store: Store, version: int | None = None) -> PlanDocument | None:
    """Return a stored document, the newest when no version is named; None when there is none."""
    wanted = plan_version(store) if version is None else version
    raw = cast("bytes | None", store.client.hget(keys.PLAN_DOCUMENTS(), str(wanted)))
    return None if raw is None else decode(zlib.decompress(raw))


def load_plan(store: Store, version: int | None = None) -> Plan:
    """Return a stored plan compiled, an empty one when there is none."""
    wanted = plan_version(store) if version is None else version
    document = load_document(store, wanted)
    return Plan(version=wanted) if document is None else to_plan(document, wanted)


def save_plan(store: Store, document: PlanDocument, now: Instant) -> int:
    """Store a checked document as the next version and tell every partition; returns it.

    The document is written before its number, and the number before the announcement: whoever
    hears of a version can read it.
    """
    packed = zlib.compress(encode(document), 6)
    version = _write_next(store, packed)
    announce_plan(store, version, now)
    _forget_outdated(store, version)
    return version


def _write_next(store: Store, packed: bytes) -> int:
    key = keys.PLAN_VERSION()
    with store.client.pipeline(transaction=True) as pipe:
        while True:
            pipe.watch(key)  # type: ignore[no-untyped-call]
            version = number(cast("bytes | None", pipe.get(key))) + 1
            pipe.multi()
            pipe.hset(keys.PLAN_DOCUMENTS(), str(version), packed)
            pipe.set(key, str(version))
            try:
                pipe.execute()
            except WatchError:
                # Somebody else took this number meanwhile.
                continue
            return version


def _forget_outdated(store: Store, version: int) -> None:
    """Drop old versions, but none that an engine which is behind has yet to read."""
    with store.client.pipeline(transaction=False) as pipe:
        for partition in range(keys.PARTITIONS):
            pipe.hget(keys.STATUS(pNN=partition), "plan")
        in_force = [number(raw) for raw in pipe.execute() if raw is not None]
    oldest = min([version - _KEPT_VERSIONS + 1, *in_force])
    kept = cast("Sequence[bytes]", store.client.hkeys(keys.PLAN_DOCUMENTS()))
    outdated = [field for field in kept if int(field) < oldest]
    if outdated:
        store.client.hdel(keys.PLAN_DOCUMENTS(), *outdated)
