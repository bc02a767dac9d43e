"""Leases: one owner at a time, with a fencing number that a late owner cannot fake.

A token is `<fencing number>:<owner>`; it is checked inside every script that writes for the
owner, so a process that was paused past its lease writes nothing.
"""

from dataclasses import dataclass

from puente.keys import Key
from puente.store.connection import Store
from puente.store.packing import text

LEASE_MS = 8_000
"""How long a lease lasts without renewal: the longest a partition stands still after a crash."""


@dataclass(frozen=True)
class LeaseKeys:
    """The two keys of one lease."""

    lease: str
    fencing: str


def lease_keys(lease: Key, fencing: Key, **parameters: str | int) -> LeaseKeys:
    """Build the keys of one lease."""
    return LeaseKeys(lease(**parameters), fencing(**parameters))


def renew(store: Store, names: LeaseKeys, owner: str, token: str = "") -> str | None:
    """Take a free lease or renew one's own; None when somebody else holds it."""
    answer = store.run("renew", [names.lease, names.fencing], [token, owner, LEASE_MS])
    return text(answer) or None


def release(store: Store, names: LeaseKeys, token: str) -> None:
    """Give a lease back, so that a successor need not wait for it to expire."""
    store.run("release", [names.lease], [token])
