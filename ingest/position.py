"""Position sense: which fix is the shipment's, and whether it can be believed.

A shipment may carry several devices. Its position follows the lead: the device of the most
trusted role (`Role`) that had a usable fix within `LEAD_STALE_MS`. A fix that implies more than
60 m/s from the device's last accepted one is discarded, until three in a row agree with each
other: then they are the truth and the old anchor was wrong, so no device can be locked out.
"""

from msgspec import Struct
from msgspec.structs import replace

from puente import geo
from puente.instant import MINUTE, SECOND, Instant
from puente.model import Discard, Observation, Position, Reading, Role, Telemetry
from puente.plan import ShipmentPlan

MAX_SPEED_MPS = 60.0
"""Interfaces, section 4: no truck does 216 km/h."""

REANCHOR_FIXES = 3
"""Consistent fixes in a row after which a discarded position is believed."""

LEAD_STALE_MS = 15 * MINUTE
"""Age of the lead's fix at which the next device takes over: the silence limit."""

WALKING_MPS = 0.83
"""3 km/h (facts, domain section 5): what a parked truck's receiver shows at most."""

_ROLES = {role: rank for rank, role in enumerate(Role)}


class Anchor(Struct, frozen=True, omit_defaults=True):
    """The last accepted fix of one device, and the run of discarded ones that may replace it."""

    lat_deg: float
    lon_deg: float
    at: Instant
    run: tuple[tuple[float, float, Instant], ...] = ()


class Sense(Struct, frozen=True, omit_defaults=True):
    """Where the shipment is, and which device says so."""

    anchors: dict[str, Anchor] = {}
    lead: str | None = None
    lead_role: Role | None = None
    place: Position | None = None
    place_at: Instant | None = None
    place_received_at: Instant | None = None
    classes: frozenset[str] = frozenset()
    slow_since: Instant | None = None


def observe(
    sense: Sense, reading: Reading, role: Role, plan: ShipmentPlan
) -> tuple[Sense, Observation]:
    """Judge a reading's fix and bind the reading to its shipment."""
    t = reading.telemetry
    discard = reading.discard
    position: Position | None = None
    if t.lat_deg is not None and t.lon_deg is not None and discard is None:
        here = (t.lat_deg, t.lon_deg, t.at)
        known = _knows(sense, t.device_id, here)
        sense, discard = _believe(sense, t.device_id, here)
        if discard is None and not known and _leads(sense, t.device_id, role, t.at):
            position = _position(sense, t)
            sense = _moved(sense, reading, role, position, plan)
    return sense, Observation(
        shipment_id=plan.shipment.id,
        role=role,
        reading=reading,
        position=position,
        place=sense.place,
        place_at=sense.place_at,
        classes=sense.classes,
        slow_since=sense.slow_since,
        discard=discard,
    )


def _knows(sense: Sense, device_id: str, here: tuple[float, float, Instant]) -> bool:
    """Whether this very fix was the last one: sent again, it is no second fix that confirms."""
    anchor = sense.anchors.get(device_id)
    return anchor is not None and (anchor.lat_deg, anchor.lon_deg, anchor.at) == here


def _believe(
    sense: Sense, device_id: str, here: tuple[float, float, Instant]
) -> tuple[Sense, Discard | None]:
    anchor = sense.anchors.get(device_id)
    if anchor is None or _plausible((anchor.lat_deg, anchor.lon_deg, anchor.at), here):
        anchors = {**sense.anchors, device_id: Anchor(*here)}
        return replace(sense, anchors=anchors), None
    if anchor.run and anchor.run[-1] == here:
        return sense, Discard.IMPLAUSIBLE_SPEED
    run = (*anchor.run, here) if anchor.run and _plausible(anchor.run[-1], here) else (here,)
    if len(run) >= REANCHOR_FIXES:
        anchors = {**sense.anchors, device_id: Anchor(*here)}
        return replace(sense, anchors=anchors), None
    anchors = {**sense.anchors, device_id: replace(anchor, run=run)}
    return replace(sense, anchors=anchors), Discard.IMPLAUSIBLE_SPEED


def _plausible(a: tuple[float, float, Instant], b: tuple[float, float, Instant]) -> bool:
    # Two fixes of one second say nothing about speed: a second is what receivers resolve.
    elapsed_s = max(1.0, (b[2] - a[2]) / SECOND)
    return geo.distance_m((a[0], a[1]), (b[0], b[1])) <= MAX_SPEED_MPS * elapsed_s


def _leads(sense: Sense, device_id: str, role: Role, at: Instant) -> bool:
    if sense.lead is None or sense.lead == device_id or sense.lead_role is None:
        return True
    if _ROLES[role] < _ROLES[sense.lead_role]:
        return True
    return sense.place_at is None or at - sense.place_at > LEAD_STALE_MS


def _position(sense: Sense, t: Telemetry) -> Position:
    lat, lon = t.lat_deg or 0.0, t.lon_deg or 0.0
    speed = t.speed_mps
    if speed is None and sense.lead == t.device_id and sense.place is not None:
        elapsed_s = (t.at - (sense.place_at or t.at)) / SECOND
        if elapsed_s >= 1.0:
            last = (sense.place.lat_deg, sense.place.lon_deg)
            speed = geo.distance_m(last, (lat, lon)) / elapsed_s
    return Position(lat, lon, t.accuracy_m, speed, t.course_deg)


def _moved(
    sense: Sense, reading: Reading, role: Role, position: Position, plan: ShipmentPlan
) -> Sense:
    at = reading.at
    slow = position.speed_mps is not None and position.speed_mps <= WALKING_MPS
    return Sense(
        anchors=sense.anchors,
        lead=reading.device_id,
        lead_role=role,
        place=position,
        place_at=at,
        place_received_at=reading.received_at,
        classes=plan.classes_at((position.lat_deg, position.lon_deg), at),
        slow_since=(at if sense.slow_since is None else sense.slow_since) if slow else None,
    )
