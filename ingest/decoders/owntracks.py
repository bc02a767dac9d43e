"""OwnTracks location JSON: `owntracks/<user>/<device>` (facts: domain, section 7.3).

Units differ from ours: `vel` is km/h, `batt` per cent, `tst` whole seconds. OwnTracks leaves out
`acc`, `alt`, `cog` and `vel` when they are zero, so a missing `vel` beside a `cog` or `acc` cannot
be told from an unknown one: only `vel` and `cog` that are there are used. The `tst` of a ping
(`t: p`) is when it was sent; it is the only time there is. Devices do not number.
"""

import re
from typing import Any

from msgspec import Struct

from ingest.decoders.payload import (
    DEVICE_ID,
    Decoded,
    DecodeError,
    Ranges,
    clean,
    looks_swapped,
    parse_object,
    to_struct,
)
from puente.model import Reject, Telemetry

NAME = "owntracks"
SUBSCRIPTIONS: tuple[str, ...] = ("owntracks/+/+",)

_KMH = 3.6
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)
_YEAR_9999_S = 253_402_300_799


class _Location(Struct):
    lat: float
    lon: float
    tst: int
    acc: float | None = None
    alt: float | None = None
    batt: float | None = None
    vel: float | None = None
    cog: float | None = None


KNOWN_FIELDS = frozenset(
    {"_type", "lat", "lon", "tst", "acc", "alt", "batt", "vel", "cog", "vac", "bs", "t", "tid"}
    | {"conn", "m", "inregions", "inrids", "p", "created_at", "topic", "tag", "poi", "_id"}
    | {"BSSID", "SSID", "image", "imagename"}
    # what Queclink trackers add
    | {"odometer", "ubatt", "uext", "vin", "imei", "ign", "motion", "tow", "din1", "din2"}
    | {"mcc", "mnc", "lac", "cid", "sent"}
)
"""What the OwnTracks format documents; most of it says nothing about a load."""


def claims(topic: str) -> bool:
    """Tell whether a topic is a phone's own location topic."""
    parts = topic.split("/")
    return len(parts) == 3 and parts[0] == "owntracks"


def device_id_of(topic: str) -> str:
    """Build the device id `<user>-<device>`; characters that an id may not hold become `_`."""
    _, user, device = topic.split("/")
    return _UNSAFE.sub("_", f"{user}-{device}")


def decode(topic: str, payload: bytes) -> Decoded:
    """Read one location; raises `DecodeError`, also for OwnTracks messages of other types."""
    device_id = device_id_of(topic)
    if DEVICE_ID.fullmatch(device_id) is None or len(device_id) < 3:
        raise DecodeError(Reject.BAD_DEVICE_ID, f"{clean(device_id, 80)!r} is longer than 64")
    try:
        fields = parse_object(payload)
        ignored = len(fields.keys() - KNOWN_FIELDS)
        return Decoded(_telemetry(device_id, fields), ignored)
    except DecodeError as error:
        error.device_id = device_id
        raise


def _telemetry(device_id: str, fields: dict[str, Any]) -> Telemetry:
    kind = fields.get("_type")
    if kind is None:
        raise DecodeError(Reject.MISSING_FIELD, "_type is missing")
    if kind != "location":
        raise DecodeError(
            Reject.UNKNOWN_DIALECT, f"an OwnTracks {clean(str(kind), 40)!r} is not a location"
        )
    p = to_struct(fields, _Location)
    ranges = Ranges({})
    if not looks_swapped(p.lat, p.lon):
        ranges.check("lat", p.lat, -90, 90)
    ranges.check("lon", p.lon, -180, 180)
    ranges.check("tst", p.tst, 0, _YEAR_9999_S)
    ranges.check("acc", p.acc, 0, 1e7)
    ranges.check("alt", p.alt, -1000, 100_000)
    ranges.check("vel", p.vel, 0, 3600)
    ranges.check("cog", p.cog, 0, 360)
    ranges.check("batt", p.batt, 0, 100)
    return Telemetry(
        device_id=device_id,
        at=p.tst * 1000,
        lat_deg=p.lat,
        lon_deg=p.lon,
        accuracy_m=p.acc,
        altitude_m=p.alt,
        speed_mps=None if p.vel is None else p.vel / _KMH,
        course_deg=None if p.cog is None else p.cog % 360.0,
        battery_pct=p.batt,
    )
