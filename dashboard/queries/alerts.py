"""The queue, one alert with its history, and their frame."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from dashboard.queries.frames import frame
from puente.store.alerts import (
    AuditEntry,
    closed_alerts,
    get_alert,
    get_alerts,
    open_alerts,
    read_audit,
)
from puente.store.connection import Store
from puente.store.events import read_history
from puente.triage import Alert

HISTORY_PAGE = 500
"""Closed alerts shown at most; older ones are reached through the API."""

COLUMNS = (
    "id",
    "severity",
    "rank",
    "kind",
    "title",
    "summary",
    "shipment_id",
    "subject",
    "device_id",
    "occurred_at",
    "learned_at",
    "cleared_at",
    "acknowledged_at",
    "closed_at",
    "late",
    "state",
    "owner",
    "acknowledged_by",
    "closed_by",
    "respond_within_s",
    "comments",
    "revision",
    "lat_deg",
    "lon_deg",
)


@dataclass(frozen=True)
class AlertFile:
    """Everything about one alert: what it says and what was done about it, oldest first."""

    alert: Alert
    audit: tuple[AuditEntry, ...]


def queue(store: Store) -> list[Alert]:
    """Return the open alerts, newest first."""
    return open_alerts(store)


def history(store: Store, limit: int = HISTORY_PAGE) -> list[Alert]:
    """Return the closed alerts, the last closed first."""
    return closed_alerts(store, limit=limit)


def alert_file(store: Store, alert_id: str) -> AlertFile | None:
    """Return one alert with its history, or None when there is no such alert."""
    alert = get_alert(store, alert_id)
    if alert is None:
        return None
    # In the order of writing: two entries may have one instant.
    return AlertFile(alert, tuple(reversed(read_audit(store, alert_id=alert_id))))


def of_shipment(store: Store, shipment_id: str) -> list[Alert]:
    """Return all alerts of a shipment, retracted ones included, newest first."""
    history_ids = {i: None for e in read_history(store, shipment_id) for i in (e.alert_id, e.id)}
    found = get_alerts(store, history_ids)
    return sorted(found, key=lambda alert: -alert.learned_at)


def alerts_frame(alerts: Iterable[Alert]) -> pd.DataFrame:
    """Put alerts into a frame indexed by `raised_at`, which is when we learned of them."""
    return frame(
        [
            {
                "raised_at": a.learned_at,
                "id": a.id,
                "severity": a.severity.value,
                "rank": a.severity.rank,
                "kind": a.kind,
                "title": a.title,
                "summary": a.summary,
                "shipment_id": a.shipment_id,
                "subject": a.subject,
                "device_id": a.device_id,
                "occurred_at": a.occurred_at,
                "learned_at": a.learned_at,
                "cleared_at": a.cleared_at,
                "acknowledged_at": a.acknowledged_at,
                "closed_at": a.closed_at,
                "late": a.late,
                "state": a.state.value,
                "owner": a.assigned_to or a.acknowledged_by,
                "acknowledged_by": a.acknowledged_by,
                "closed_by": a.closed_by,
                "respond_within_s": a.respond_within_s,
                "comments": len(a.comments),
                "revision": a.revision,
                "lat_deg": a.lat,
                "lon_deg": a.lon,
            }
            for a in alerts
        ],
        index="raised_at",
        columns=COLUMNS,
    )


def worst_by_shipment(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """Pick the worst open alert of each shipment; of equals the one we learned of first."""
    worst: dict[str, Alert] = {}
    for alert in alerts:
        held = worst.get(alert.shipment_id)
        if held is None or (alert.severity.rank, -alert.learned_at) > (
            held.severity.rank,
            -held.learned_at,
        ):
            worst[alert.shipment_id] = alert
    return worst
