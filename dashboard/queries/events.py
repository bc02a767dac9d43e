"""What was decided about a shipment, as a frame."""

from collections.abc import Iterable

import pandas as pd

from dashboard.queries.frames import frame
from puente.instant import Instant
from puente.model import Event
from puente.store.connection import Store
from puente.store.events import read_events, read_history

COLUMNS = (
    "id",
    "kind",
    "phase",
    "severity",
    "rank",
    "subject",
    "title",
    "summary",
    "shipment_id",
    "device_id",
    "confirmed_at",
    "learned_at",
    "late",
    "lat_deg",
    "lon_deg",
    "evidence",
    "episode_at",
)


def of_shipment(
    store: Store, shipment_id: str, from_at: Instant | None = None, to_at: Instant | None = None
) -> list[Event]:
    """Return a shipment's events in order of learning that occurred in `[from_at, to_at)`."""
    return [
        event
        for event in read_history(store, shipment_id)
        if (from_at is None or event.occurred_at >= from_at)
        and (to_at is None or event.occurred_at < to_at)
    ]


def since(store: Store, cursor: str | None, limit: int) -> tuple[list[Event], str]:
    """Return events of all shipments after a cursor, and the cursor to continue with."""
    return read_events(store, since=cursor, limit=limit)


def events_frame(events: Iterable[Event]) -> pd.DataFrame:
    """Put events into a frame indexed by `occurred_at`."""
    return frame(
        [
            {
                "occurred_at": e.occurred_at,
                "id": e.id,
                "kind": e.kind,
                "phase": e.phase.value,
                "severity": e.severity.value,
                "rank": e.severity.rank,
                "subject": e.subject,
                "title": e.title,
                "summary": e.summary,
                "shipment_id": e.shipment_id,
                "device_id": e.device_id,
                "confirmed_at": e.confirmed_at,
                "learned_at": e.learned_at,
                "late": e.late,
                "lat_deg": e.lat,
                "lon_deg": e.lon,
                "evidence": e.evidence,
                "episode_at": e.episode,
            }
            for e in events
        ],
        index="occurred_at",
        columns=COLUMNS,
    )
