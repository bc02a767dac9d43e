"""Who sends, who fell silent, who is in no plan, and what could not be used."""

from collections.abc import Iterable

import pandas as pd

from dashboard.queries.frames import frame
from dashboard.status import SILENT_AFTER
from puente.instant import Instant
from puente.model import Rejection
from puente.plan import Binding, Plan
from puente.store.connection import Store
from puente.store.devices import DeviceRecord, list_devices, read_counts, read_rejections

DEVICE_COLUMNS = (
    "device_id",
    "shipment_id",
    "role",
    "assigned",
    "silent",
    "news_at",
    "last_at",
    "readings",
    "duplicates",
    "conflicts",
    "rejected",
    "watermark",
    "topic",
)
REJECTION_COLUMNS = ("reason", "detail", "topic", "device_id", "excerpt")


def devices(store: Store) -> list[DeviceRecord]:
    """Return every device that was heard within the retention, newest first."""
    return list_devices(store)


def rejections(store: Store, limit: int = 500) -> list[Rejection]:
    """Return the newest rejections, newest first."""
    return read_rejections(store, limit=limit)


def rejection_counts(store: Store) -> dict[str, int]:
    """Return how often each reason was met since the store began, the commonest first."""
    counts = {
        name.removeprefix("rejected:"): n
        for name, n in read_counts(store).items()
        if name.startswith("rejected:")
    }
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def counters(store: Store) -> dict[str, int]:
    """Return the gateway's counters other than rejections."""
    return {n: v for n, v in read_counts(store).items() if not n.startswith("rejected:")}


def binding_now(plan: Plan, record: DeviceRecord) -> Binding | None:
    """Return the binding in force at the device's newest reading, on the device's own time."""
    return plan.bind(record.device_id, record.last_at)


def news_at(record: DeviceRecord) -> Instant:
    """Return how new what we know of a device is: its own time of it, not of its arrival.

    As for the map (`dashboard.status.news_at`): a backfill must not make a device look live.
    -1 when nothing was ever received.
    """
    if record.last_at < 0:
        return record.last_received_at
    return min(record.last_at, record.last_received_at)


def devices_frame(records: Iterable[DeviceRecord], plan: Plan, now: Instant) -> pd.DataFrame:
    """Put devices into a frame indexed by `heard_at`, when we last received anything of them."""
    lines = []
    for record in records:
        binding = binding_now(plan, record)
        lines.append(
            {
                "heard_at": record.last_received_at if record.last_received_at >= 0 else None,
                "device_id": record.device_id,
                "shipment_id": binding.shipment_id if binding else None,
                "role": binding.role.value if binding else None,
                "assigned": binding is not None,
                "silent": now - news_at(record) > SILENT_AFTER,
                "news_at": news_at(record) if news_at(record) >= 0 else None,
                "last_at": record.last_at if record.last_at >= 0 else None,
                "readings": record.readings,
                "duplicates": record.duplicates,
                "conflicts": record.conflicts,
                "rejected": record.rejected,
                "watermark": watermark_text(record),
                "topic": record.topic,
            }
        )
    return frame(lines, index="heard_at", columns=DEVICE_COLUMNS)


def watermark_text(record: DeviceRecord) -> str | None:
    """Write a watermark as `boot 3 · seq 1021`; None for devices that do not number."""
    if record.watermark is None:
        return None
    boot, seq = record.watermark
    return f"boot {boot} · seq {seq}"


def rejections_frame(found: Iterable[Rejection]) -> pd.DataFrame:
    """Put rejections into a frame indexed by `received_at`."""
    return frame(
        [
            {
                "received_at": r.received_at,
                "reason": r.rejection.value,
                "detail": r.detail,
                "topic": r.topic,
                "device_id": r.device_id,
                "excerpt": r.excerpt,
            }
            for r in found
        ],
        index="received_at",
        columns=REJECTION_COLUMNS,
    )
