"""Small values to put into a store: readings, events, alerts, and owners of partitions."""

from typing import Any

import msgspec

from ingest.admission import identity_of
from puente import keys
from puente.instant import MINUTE, SECOND, Instant, parse
from puente.model import Event, Phase, Reading, Severity, Telemetry, event_id
from puente.settings import Settings
from puente.store import leases
from puente.store.connection import Store
from puente.store.states import Commit, Offsets

NOW: Instant = parse("2026-07-01T12:00:00Z")

SETTINGS = Settings()


def reading(
    seq: int | None = 0,
    *,
    device: str = "D1",
    boot: int | None = 1,
    at: Instant | None = None,
    received_at: Instant | None = None,
    **telemetry: Any,  # noqa: ANN401 - whatever a Telemetry takes
) -> Reading:
    """One reading, 10 s after the one with the number before; `seq=None`: of one without."""
    taken_at = NOW + (seq or 0) * 10 * SECOND if at is None else at
    t = Telemetry(
        device_id=device, at=taken_at, boot=None if seq is None else boot, seq=seq, **telemetry
    )
    return Reading(
        telemetry=t,
        received_at=taken_at + SECOND if received_at is None else received_at,
        identity=identity_of(t),
    )


def late(seq: int, **more: Any) -> Reading:  # noqa: ANN401 - as reading
    """A reading that arrived eleven minutes after it was taken."""
    fresh = reading(seq, **more)
    return msgspec.structs.replace(fresh, received_at=fresh.at + 11 * MINUTE)


def event(
    shipment: str = "S1",
    *,
    kind: str = "stop.unplanned",
    phase: Phase = Phase.RAISED,
    episode: Instant = NOW,
    at: Instant | None = None,
    severity: Severity = Severity.MEDIUM,
    evidence: dict[str, Any] | None = None,
) -> Event:
    """One decision about a shipment."""
    learned_at = episode + 30 * MINUTE if at is None else at
    return Event(
        id=event_id(kind, shipment, "stop", episode, phase),
        shipment_id=shipment,
        device_id="D1",
        kind=kind,
        phase=phase,
        subject="stop",
        episode=episode,
        severity=severity,
        occurred_at=episode if phase is not Phase.CLEARED else learned_at,
        confirmed_at=learned_at,
        learned_at=learned_at,
        late=False,
        lat=25.0,
        lon=-100.0,
        title="Unplanned stop",
        summary="Standing",
        response="Call the driver",
        evidence=evidence or {},
    )


def own(store: Store, partition: int, owner: str = "engine-1") -> str:
    """Take a partition's lease; returns the token."""
    names = leases.lease_keys(keys.LEASE, keys.FENCING, pNN=partition)
    token = leases.renew(store, names, owner)
    assert token is not None
    return token


def commit_from(partition: int, token: str, before: str = "0-0", after: str = "1-0") -> Commit:
    """An empty commit that moves the log's offset."""
    return Commit(partition, token, Offsets(before), Offsets(after))
