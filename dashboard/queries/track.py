"""One shipment's past: where it was and what its sensors said, from its readings."""

from collections.abc import Sequence

import pandas as pd

from dashboard.queries.frames import frame
from puente.instant import Instant
from puente.model import FixSource, Reading
from puente.plan import Shipment
from puente.store.connection import Store
from puente.store.tracks import read_track

LATE_MS = 600_000
"""Interfaces, section 4: a reading is late when it arrives more than 600 s after it was taken."""

TRACK_COLUMNS = (
    "received_at",
    "device_id",
    "lat_deg",
    "lon_deg",
    "speed_mps",
    "course_deg",
    "accuracy_m",
    "fix",
    "discard",
    "usable",
    "late",
)
SENSOR_COLUMNS = (
    "received_at",
    "device_id",
    "product_c",
    "supply_c",
    "return_c",
    "ambient_c",
    "humidity_pct",
    "light_lux",
    "shock_g",
    "battery_pct",
    "door",
    "seal",
    "late",
)


def readings(
    store: Store, subject: str, from_at: Instant | None = None, to_at: Instant | None = None
) -> list[Reading]:
    """Return a subject's readings in truth order."""
    return read_track(store, subject, from_at, to_at)


def track_frame(found: Sequence[Reading]) -> pd.DataFrame:
    """Keep the readings that carry a position, indexed by device time.

    `usable` tells whether the fix may be drawn as a place the truck was at; the others are kept
    with the reason in `discard`.
    """
    return frame(
        [
            {
                "at": r.at,
                "received_at": r.received_at,
                "device_id": r.device_id,
                "lat_deg": r.telemetry.lat_deg,
                "lon_deg": r.telemetry.lon_deg,
                "speed_mps": r.telemetry.speed_mps,
                "course_deg": r.telemetry.course_deg,
                "accuracy_m": r.telemetry.accuracy_m,
                "fix": r.telemetry.fix.value,
                "discard": r.discard.value if r.discard else None,
                "usable": r.discard is None and r.telemetry.fix is FixSource.GNSS,
                "late": r.received_at - r.at > LATE_MS,
            }
            for r in found
            if r.telemetry.lat_deg is not None
        ],
        index="at",
        columns=TRACK_COLUMNS,
    )


def sensor_frame(found: Sequence[Reading]) -> pd.DataFrame:
    """Keep what the sensors said, indexed by device time; a missing value is missing."""
    return frame([_sensors(r) for r in found], index="at", columns=SENSOR_COLUMNS)


def _sensors(r: Reading) -> dict[str, object]:
    t = r.telemetry
    probes = t.temperature_c or {}
    return {
        "at": r.at,
        "received_at": r.received_at,
        "device_id": r.device_id,
        "product_c": probes.get("product"),
        "supply_c": probes.get("supply"),
        "return_c": probes.get("return"),
        "ambient_c": probes.get("ambient"),
        "humidity_pct": t.humidity_pct,
        "light_lux": t.light_lux,
        "shock_g": t.shock_g,
        "battery_pct": t.battery_pct,
        "door": t.door,
        "seal": t.seal.state if t.seal else None,
        "late": r.received_at - r.at > LATE_MS,
    }


def lead_track(track: pd.DataFrame, shipment: Shipment | None) -> pd.DataFrame:
    """Keep the usable fixes of the device whose position is trusted most.

    Several devices on one truck would draw a zigzag between their antennas. The order of trust is
    the order of `Role`; of devices that no plan names, the one with the most fixes leads.
    """
    usable = track[track["usable"].astype(bool)] if len(track) else track
    if usable.empty:
        return usable
    if shipment is not None:
        order = {"trailer": 0, "tractor": 1, "seal": 2, "covert": 3, "probe": 4}
        bound = sorted(shipment.devices, key=lambda binding: order[binding.role.value])
        present = set(usable["device_id"])
        for binding in bound:
            if binding.device_id in present:
                return usable[usable["device_id"] == binding.device_id]
    return usable[usable["device_id"] == usable["device_id"].value_counts().idxmax()]
