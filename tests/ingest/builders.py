"""Short ways to say what a plan holds and what a device sent; distances are metres on the ground.

`AT` is the instant at which most tests begin; a reading is received when it is taken unless told
otherwise. Places are given as metres east and north of `HOME`.
"""

from typing import Any

import msgspec

from ingest.admission import identity_of, judge_fix
from puente import geo
from puente.instant import SECOND, Instant, parse
from puente.model import (
    Discard,
    Gap,
    Observation,
    Position,
    Reading,
    Role,
    SealReading,
    Telemetry,
)
from puente.plan import (
    Binding,
    CargoProfile,
    FenceClass,
    Geofence,
    Plan,
    Route,
    Shipment,
    ShipmentPlan,
)

AT = parse("2026-07-01T12:00:00Z")
HOME = (25.0, -100.0)
SHIPMENT = "MX1"
DEVICE = "TRK-1"

CHILLED = CargoProfile(
    "PH_2_8", 2.0, 8.0, warn_delay_s=600, alarm_delay_s=1800, critical_low_c=0, critical_high_c=15
)


def place(east_m: float = 0.0, north_m: float = 0.0) -> geo.LatLon:
    """Return the point so far east and north of HOME."""
    return geo.destination(geo.destination(HOME, 0.0, north_m), 90.0, east_m)


def circle(
    fence_id: str,
    east_m: float = 0.0,
    radius_m: float = 500.0,
    fence_class: FenceClass = FenceClass.CUSTOM,
    **more: Any,  # noqa: ANN401 - whatever a Geofence takes
) -> Geofence:
    """Return a round fence centred so far east of HOME."""
    shape = geo.Circle(place(east_m), radius_m)
    return Geofence(id=fence_id, shape=shape, fence_class=fence_class, **more)


def road(length_m: float = 100_000.0, corridor_m: float | None = 1000.0) -> Route:
    """Return a straight road that leads east from HOME."""
    steps = [place(length_m * i / 10) for i in range(11)]
    return Route("R1", geo.Line(tuple(steps)), corridor_m, "Road 1")


def plan_of(
    *fences: Geofence,
    route: Route | None = None,
    profile: CargoProfile | None = None,
    devices: tuple[tuple[str, Role], ...] = ((DEVICE, Role.TRAILER),),
    bindings: tuple[Binding, ...] | None = None,
    **more: Any,  # noqa: ANN401 - whatever a Shipment takes
) -> Plan:
    """Return a plan of one shipment."""
    if bindings is None:
        bindings = tuple(Binding(device, SHIPMENT, role) for device, role in devices)
    shipment = Shipment(
        id=SHIPMENT,
        devices=bindings,
        route=None if route is None else route.id,
        cargo_profile=None if profile is None else profile.code,
        **more,
    )
    return Plan(
        shipments={SHIPMENT: shipment},
        geofences={fence.id: fence for fence in fences},
        routes={} if route is None else {route.id: route},
        profiles={} if profile is None else {profile.code: profile},
    )


def view_of(*fences: Geofence, **more: Any) -> ShipmentPlan:  # noqa: ANN401 - as plan_of
    """Return what detectors see of a plan of one shipment."""
    view = plan_of(*fences, **more).view(SHIPMENT)
    assert view is not None
    return view


def telemetry(
    s: float = 0.0,
    point: geo.LatLon | None = None,
    *,
    device: str = DEVICE,
    **fields: Any,  # noqa: ANN401 - whatever a Telemetry takes
) -> Telemetry:
    """Return a telemetry taken `s` seconds after AT."""
    if point is not None:
        fields |= {"lat_deg": point[0], "lon_deg": point[1]}
    return Telemetry(device_id=device, at=AT + round(s * SECOND), **fields)


def reading(
    s: float = 0.0,
    point: geo.LatLon | None = None,
    *,
    device: str = DEVICE,
    delay_s: float = 0.0,
    gaps: tuple[Gap, ...] = (),
    **fields: Any,  # noqa: ANN401 - whatever a Telemetry takes
) -> Reading:
    """Return a reading taken `s` seconds after AT and received `delay_s` later."""
    t = telemetry(s, point, device=device, **fields)
    return Reading(
        telemetry=t,
        received_at=t.at + round(delay_s * SECOND),
        identity=identity_of(t),
        discard=judge_fix(t),
        gaps=gaps,
    )


def observation(
    s: float = 0.0,
    point: geo.LatLon | None = None,
    *,
    speed_mps: float | None = None,
    role: Role = Role.TRAILER,
    classes: frozenset[str] = frozenset(),
    slow_since: Instant | None = None,
    stands_at: geo.LatLon | None = None,
    faulty: bool = False,
    **fields: Any,  # noqa: ANN401 - whatever a reading takes
) -> Observation:
    """Return what a detector sees; a point makes a usable fix of the leading device."""
    r = reading(s, point, speed_mps=speed_mps, **fields)
    if faulty:
        r = msgspec.structs.replace(r, clock_fault=True)
    position = None
    if point is not None:
        position = Position(*point, r.telemetry.accuracy_m, speed_mps, None)
    known = position
    if known is None and stands_at is not None:
        known = Position(*stands_at, None, speed_mps, None)
    return Observation(
        shipment_id=SHIPMENT,
        role=role,
        reading=r,
        position=position,
        place=known,
        place_at=None if known is None else r.at,
        classes=classes,
        slow_since=slow_since,
        discard=r.discard if position is None else None,
    )


def locked(**more: Any) -> SealReading:  # noqa: ANN401 - whatever a SealReading takes
    """Return a seal with rope in and motor locked."""
    return SealReading(**{"state": "sealed", "rope": True, "motor": True, **more})


def unlocked(**more: Any) -> SealReading:  # noqa: ANN401 - whatever a SealReading takes
    """Return a seal that was unlocked and opened as it should be."""
    return SealReading(
        **{"state": "open", "rope": False, "motor": False, "event": "unlocked", **more}
    )


__all__ = ["AT", "DEVICE", "HOME", "SHIPMENT", "Discard"]
