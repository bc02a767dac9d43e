"""The native dialect, version 1: `puente/v1/<device_id>/telemetry` (interfaces, section 2).

Units are SI already, so decoding is checking. `null` is read as "not given": devices that fill a
fixed template send it for a sensor they do not have. Unknown fields are ignored.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

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
from puente.instant import from_datetime
from puente.model import CellFix, FixSource, Reject, SealReading, Telemetry

NAME = "native"
SUBSCRIPTIONS: tuple[str, ...] = ("puente/+/+/telemetry",)

_Door = Literal["open", "closed"]
_SealStates = Literal["sealed", "open", "tampered"]
_SealEvents = Literal["cut", "forced", "shell", "removed", "unlocked", "locked", "denied"]


class _Probes(Struct, rename={"return_": "return"}):
    supply: float | None = None
    return_: float | None = None
    product: float | None = None
    ambient: float | None = None


class _Seal(Struct):
    state: _SealStates
    rope: bool | None = None
    motor: bool | None = None
    event: _SealEvents | None = None
    actor: str | None = None
    number: str | None = None


class _Cell(Struct):
    lat: float
    lon: float
    accuracy_m: float | None = None


class _Payload(Struct):
    at: Annotated[datetime, Meta(tz=True)] | int
    boot: int | None = None
    seq: int | None = None
    oldest: int | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    hdop: float | None = None
    satellites: int | None = None
    altitude_m: float | None = None
    fix: FixSource | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    odometer_m: float | None = None
    ignition: bool | None = None
    motion: bool | None = None
    temperature_c: float | _Probes | None = None
    humidity_pct: float | None = None
    light_lux: float | None = None
    shock_g: float | None = None
    tilt_deg: float | None = None
    door: _Door | None = None
    seal: _Seal | None = None
    battery_pct: float | None = None
    jamming: int | None = None
    panic: bool | None = None
    cell: _Cell | None = None


KNOWN_FIELDS = frozenset(_Payload.__struct_fields__)

_LIMITS: tuple[tuple[str, float, float], ...] = (
    ("boot", 0, (1 << 53) - 1),
    ("seq", 0, (1 << 53) - 1),
    ("oldest", 0, (1 << 53) - 1),
    ("lon", -180, 180),
    ("accuracy_m", 0, 1e7),
    ("hdop", 0, 1e4),
    ("satellites", 0, 1000),
    ("altitude_m", -1000, 100_000),
    ("speed_mps", 0, 1000),
    ("course_deg", 0, 360),
    ("odometer_m", 0, 1e11),
    ("humidity_pct", 0, 100),
    ("light_lux", 0, 1e6),
    ("shock_g", 0, 1e4),
    ("tilt_deg", -360, 360),
    ("battery_pct", 0, 100),
    ("jamming", 0, 2),
)
"""What no working device can exceed; plausibility is judged later, with history."""

_COLDEST_C, _HOTTEST_C = -273.15, 1000.0
"""Absolute zero, and above every error code a probe is known to send (400.0)."""

_YEAR_1, _YEAR_9999 = -62_135_596_800_000, 253_402_300_799_999
"""What RFC 3339 can write: a date with a zone may lie outside once it is UTC."""


def claims(topic: str) -> bool:
    """Tell whether a topic is of this dialect, in any version."""
    parts = topic.split("/")
    return len(parts) == 4 and parts[0] == "puente" and parts[3] == "telemetry"


def decode(topic: str, payload: bytes) -> Decoded:
    """Read one payload; raises `DecodeError`."""
    _, version, device_id, _ = topic.split("/")
    if version != "v1":
        raise DecodeError(Reject.UNKNOWN_DIALECT, f"version {clean(version, 20)!r} is not known")
    if DEVICE_ID.fullmatch(device_id) is None:
        raise DecodeError(
            Reject.BAD_DEVICE_ID, f"{clean(device_id, 80)!r} is not 1-64 of A-Z a-z 0-9 . _ -"
        )
    try:
        fields = parse_object(payload)
        ignored = len(fields.keys() - KNOWN_FIELDS)
        return Decoded(_telemetry(device_id, fields), ignored)
    except DecodeError as error:
        error.device_id = device_id
        raise


def _telemetry(device_id: str, fields: dict[str, Any]) -> Telemetry:
    p = to_struct(fields, _Payload)
    ranges = Ranges(fields)
    ranges.pair(("lat", "lon"), (p.lat, p.lon))
    ranges.pair(("boot", "seq"), (p.boot, p.seq))
    swapped = p.lat is not None and p.lon is not None and looks_swapped(p.lat, p.lon)
    if not swapped:
        ranges.check("lat", p.lat, -90, 90)
    for name, low, high in _LIMITS:
        ranges.check(name, getattr(p, name), low, high)
    if p.oldest is not None and p.seq is not None:
        # A device holds the reading it sends: numbers above it are not gone, they are to come.
        ranges.check("oldest", p.oldest, 0, p.seq)
    at = p.at if isinstance(p.at, int) else from_datetime(p.at)
    ranges.check("at", at, 0 if isinstance(p.at, int) else _YEAR_1, _YEAR_9999)
    if p.cell is not None:
        ranges.check("cell.lat", p.cell.lat, -90, 90)
        ranges.check("cell.lon", p.cell.lon, -180, 180)
        ranges.check("cell.accuracy_m", p.cell.accuracy_m, 0, 1e7)
    # What comes beside `fix: none` is where the device last was, not where it is.
    lat, lon = (None, None) if p.fix is FixSource.NONE else (p.lat, p.lon)
    return Telemetry(
        device_id=device_id,
        at=at,
        boot=p.boot,
        seq=p.seq,
        oldest=p.oldest,
        lat_deg=lat,
        lon_deg=lon,
        accuracy_m=p.accuracy_m,
        hdop=p.hdop,
        satellites=p.satellites,
        altitude_m=p.altitude_m,
        fix=p.fix or FixSource.GNSS,
        speed_mps=p.speed_mps,
        course_deg=None if p.course_deg is None else p.course_deg % 360.0,
        odometer_m=p.odometer_m,
        ignition=p.ignition,
        motion=p.motion,
        temperature_c=_temperatures(p.temperature_c, ranges),
        humidity_pct=p.humidity_pct,
        light_lux=p.light_lux,
        shock_g=p.shock_g,
        tilt_deg=p.tilt_deg,
        door=p.door,
        seal=_seal(p.seal),
        battery_pct=p.battery_pct,
        jamming=p.jamming,
        panic=p.panic,
        cell=None if p.cell is None else CellFix(p.cell.lat, p.cell.lon, p.cell.accuracy_m),
    )


def _temperatures(given: float | _Probes | None, ranges: Ranges) -> dict[str, float] | None:
    match given:
        case None:
            return None
        case _Probes():
            named = {
                "product": given.product,
                "return": given.return_,
                "supply": given.supply,
                "ambient": given.ambient,
            }
        case _:
            named = {"product": given}
    found = {probe: value for probe, value in named.items() if value is not None}
    for probe, value in found.items():
        ranges.check(f"temperature_c.{probe}", value, _COLDEST_C, _HOTTEST_C)
    return found or None


def _seal(given: _Seal | None) -> SealReading | None:
    if given is None:
        return None
    return SealReading(
        state=given.state,
        rope=given.rope,
        motor=given.motor,
        event=given.event,
        actor=None if given.actor is None else clean(given.actor, 80),
        number=None if given.number is None else clean(given.number, 80),
    )
