"""Incidents with labels: what goes wrong on a trip, written down before any sensor sees it.

An incident is a function from a trip and an instant to a changed trip and its labels, or None
where it cannot happen there and then. A label names the event kind that a detector is expected
to find; `occurred_at` is the true beginning, `until` the true end where there is one. The
simulator shares no threshold with the detectors: incidents are made clear, not borderline.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from ingest.simulator.fences import FenceBook
from ingest.simulator.gazetteer import clusters
from ingest.simulator.journey import Activity, Journey, moved, retimed, with_detour, with_halt
from ingest.simulator.places import DEAD_ZONES, NO_GO_AREAS, PLACE_RADIUS_M
from ingest.simulator.sensors import Reefer
from ingest.simulator.trip import Outage, SealMoment, Span, Trip
from puente import geo, instant
from puente.instant import HOUR, MINUTE, SECOND, Instant
from puente.plan import FenceClass

OUTSIDE_AIR_C = 33.0


class Incident(StrEnum):
    """What can go wrong."""

    HOT_STOP = "hot_zone_stop"
    DEVIATION = "deviation"
    SEAL_CUT = "seal_cut"
    REEFER_FAULT = "reefer_fault"
    SEAL_OPENED = "seal_opened_in_the_wrong_place"
    JAMMING = "jamming"
    SILENCE = "silence"
    NO_GO = "no_go_area"
    ROADSIDE_STOP = "roadside_stop"
    UNSEALED = "departed_unsealed"


@dataclass(frozen=True)
class Label:
    """One event that a perfect control tower would raise."""

    shipment_id: str
    kind: str
    occurred_at: Instant
    incident: Incident
    until: Instant | None = None
    device_id: str | None = None

    def document(self) -> dict[str, Any]:
        """Write the label as a line of the labels file."""
        line: dict[str, Any] = {
            "shipment_id": self.shipment_id,
            "kind": self.kind,
            "occurred_at": instant.text(self.occurred_at),
            "incident": self.incident.value,
        }
        if self.until is not None:
            line["until"] = instant.text(self.until)
        if self.device_id is not None:
            line["device_id"] = self.device_id
        return line


class Outcome(NamedTuple):
    """A trip after an incident, and what should be noticed."""

    trip: Trip
    labels: tuple[Label, ...]


class Scene(NamedTuple):
    """What an incident may know besides the trip."""

    book: FenceBook
    rng: random.Random


AWAY_M = 350.0
"""Incidents keep at least this far from places where the same act would be lawful."""


def apply(kind: Incident, trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    """Let an incident begin on a trip at `at`; None where it cannot."""
    outcome = _ACTS[kind](trip, at, scene)
    if outcome is None:
        return None
    named = (*outcome.trip.incidents, kind.value)
    return Outcome(replace(outcome.trip, incidents=named), outcome.labels)


def stage_for(kind: Incident, trip: Trip, at: Instant, scene: Scene) -> Iterator[Journey]:
    """Yield the trip's journey at other times, such that the incident may be possible at `at`."""
    journey, way = trip.journey, trip.road.way
    if kind is Incident.UNSEALED:
        yield moved(journey, at - journey.departure_at)
        return
    if kind is Incident.NO_GO:
        places = [
            along.along_m - _BEFORE_NO_GO_M
            for _, _, centre, _ in NO_GO_AREAS
            if (along := way.line.locate(centre)).off_m < _NO_GO_REACH_M
        ]
    else:
        places = [scene.rng.uniform(0.03, 0.97) * way.length_m for _ in range(12)]
    for along_m in places:
        candidate = retimed(journey, along_m, at)
        if candidate is not None:
            yield candidate


def _driving(trip: Trip, at: Instant, for_ms: int = 6 * MINUTE) -> bool:
    stage = trip.journey.stage_at(at)
    return (
        stage.activity is Activity.DRIVING
        and at - stage.start_at > 4 * MINUTE
        and stage.end_at - at > for_ms
    )


def _nowhere(trip: Trip, at: Instant, scene: Scene) -> bool:
    """Tell whether the truck is where neither a stop nor an opened seal is lawful."""
    point = trip.journey.where(at).point
    ends = (trip.road.route.origin, trip.road.route.destination)
    if any(geo.distance_m(point, clusters()[e].centre) < PLACE_RADIUS_M + AWAY_M for e in ends):
        return False
    return scene.book.lawful_depth_m(point) < -AWAY_M


def _hot_depth_m(point: geo.LatLon, scene: Scene) -> float:
    return scene.book.depth_m(point, {FenceClass.HOT})


def _stop(
    trip: Trip, at: Instant, scene: Scene, minutes: float, incident: Incident
) -> Outcome | None:
    if not _driving(trip, at) or not _nowhere(trip, at, scene):
        return None
    in_hot = _hot_depth_m(trip.journey.where(at).point, scene)
    if (in_hot < 500.0) if incident is Incident.HOT_STOP else (in_hot > -500.0):
        return None
    duration = round(minutes * MINUTE)
    journey = with_halt(trip.journey, at, duration)
    if journey is None:
        return None
    until = at + duration
    label = Label(trip.load.shipment_id, "stop.unplanned", at, incident, until)
    return Outcome(replace(trip, journey=journey), (label,))


def _hot_stop(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    return _stop(trip, at, scene, scene.rng.uniform(65, 95), Incident.HOT_STOP)


def _roadside_stop(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    return _stop(trip, at, scene, scene.rng.uniform(75, 120), Incident.ROADSIDE_STOP)


_DETOUR_M = (13_000.0, 19_000.0)
_NO_GO_REACH_M = 9_000.0
_BEFORE_NO_GO_M = 7_500.0
_CLEARLY_OFF_M = 2_200.0


def _deviation(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    if not _driving(trip, at, 20 * MINUTE):
        return None
    way = trip.road.way
    along_m = trip.journey.stage_at(at).along_m(at)
    length_m = scene.rng.uniform(*_DETOUR_M)
    aside_m = scene.rng.uniform(4_000.0, 8_000.0) * scene.rng.choice((-1, 1))
    if along_m + length_m > way.length_m:
        return None
    start, end = way.spot(along_m), way.spot(along_m + length_m)
    a, b = (start.lat_deg, start.lon_deg), (end.lat_deg, end.lon_deg)
    across = geo.bearing_deg(a, b) + 90.0
    corners = [
        geo.destination(geo.interpolate(a, b, share), across, aside_m * size)
        for share, size in ((0.22, 0.9), (0.5, 1.0), (0.75, 0.85))
    ]
    if any(way.line.locate(c).off_m < _CLEARLY_OFF_M for c in corners):
        return None
    if any(scene.book.depth_m(c, {FenceClass.NO_GO}) > -AWAY_M for c in corners):
        return None
    journey = with_detour(trip.journey, at, length_m, corners)
    return None if journey is None else _strayed(trip, journey, at, Incident.DEVIATION)


def _no_go(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    if not _driving(trip, at, 20 * MINUTE):
        return None
    way = trip.road.way
    along_m = trip.journey.stage_at(at).along_m(at)
    for fence_id, _, centre, radius_m in NO_GO_AREAS:
        abeam = way.line.locate(centre)
        ahead_m = abeam.along_m - along_m
        if not radius_m + 500.0 < abeam.off_m < _NO_GO_REACH_M:
            continue
        if not 5_000.0 < ahead_m < 10_000.0:
            continue
        journey = with_detour(trip.journey, at, 2 * ahead_m, [centre])
        if journey is None:
            return None
        outcome = _strayed(trip, journey, at, Incident.NO_GO)
        if outcome is None:
            return None
        fence = next(f for f in scene.book if f.id == fence_id)
        inside = _while(journey, at, lambda p: fence.shape.depth_m(p) >= 0.0)  # noqa: B023
        if inside is None:
            return None
        label = Label(
            trip.load.shipment_id,
            "geofence.forbidden",
            inside.from_at,
            Incident.NO_GO,
            inside.to_at,
        )
        return Outcome(outcome.trip, (*outcome.labels, label))
    return None


def _strayed(trip: Trip, journey: Journey, at: Instant, incident: Incident) -> Outcome | None:
    """Label a journey that leaves its corridor after `at`."""
    line = trip.road.way.line
    near_m = trip.journey.stage_at(at).along_m(at)
    corridor_m = trip.corridor_m
    off = _while(journey, at, lambda p: line.locate(p, near_m, 60_000.0).off_m > corridor_m)
    if off is None:
        return None
    label = Label(trip.load.shipment_id, "route.deviation", off.from_at, incident, off.to_at)
    return Outcome(replace(trip, journey=journey), (label,))


def _while(journey: Journey, at: Instant, holds: Callable[[geo.LatLon], bool]) -> Span | None:
    """Find the first time, to five seconds, in which something holds of an astray truck."""
    stage = journey.stage_at(at)
    step = 5 * SECOND
    moments = range(stage.start_at, stage.end_at + step, step)
    true_at = [m for m in moments if holds(stage.where(m).point)]
    return Span(true_at[0], true_at[-1]) if true_at else None


def _seal_cut(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    if not _driving(trip, at) or not _nowhere(trip, at, scene):
        return None
    number = trip.seal_at(at).number
    cut = SealMoment(at, "tampered", rope=False, motor=True, event="cut", number=number)
    label = Label(
        trip.load.shipment_id, "seal.tamper", at, Incident.SEAL_CUT, None, trip.load.seal_id
    )
    return Outcome(replace(trip, seal_surprises=(*trip.seal_surprises, cut)), (label,))


_PRY_HALT = 240 * SECOND
"""Long enough to open a door, too short to be a stop worth an alarm of its own."""


def _seal_opened(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    halt_at = at - 45 * SECOND
    if not _driving(trip, halt_at) or not _nowhere(trip, halt_at, scene):
        return None
    journey = with_halt(trip.journey, halt_at, _PRY_HALT)
    if journey is None:
        return None
    number = trip.seal_at(at).number
    actor = f"CARD-{scene.rng.randint(1000, 9999)}"
    moments = (
        SealMoment(at, "open", False, False, "unlocked", actor, number),
        SealMoment(at + 150 * SECOND, "sealed", True, True, "locked", actor, number),
    )
    label = Label(
        trip.load.shipment_id,
        "seal.unauthorised",
        at,
        Incident.SEAL_OPENED,
        None,
        trip.load.seal_id,
    )
    opened = replace(trip, journey=journey, seal_surprises=(*trip.seal_surprises, *moments))
    return Outcome(opened, (label,))


def _unsealed(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    journey = trip.journey
    if not at <= journey.departure_at <= at + 20 * MINUTE:
        return None
    origin = clusters()[trip.road.route.origin].centre
    left = journey.departure_at
    while geo.distance_m(origin, journey.where(left).point) <= PLACE_RADIUS_M:
        left += SECOND
    label = Label(
        trip.load.shipment_id,
        "seal.departed_unsealed",
        left,
        Incident.UNSEALED,
        None,
        trip.load.seal_id,
    )
    return Outcome(replace(trip, never_locked=True), (label,))


def _reefer_fault(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    band = trip.load.band
    if band is None or not _driving(trip, at):
        return None
    fault = Span(at, at + round(scene.rng.uniform(95, 140) * MINUTE))
    unloading = trip.journey.first(Activity.UNLOADING)
    if unloading is None or unloading.start_at < at + 4 * HOUR:
        return None
    changed = replace(trip, reefer_faults=(*trip.reefer_faults, fault))
    reefer = Reefer(band, trip.reefer_phase, changed.reefer_faults, OUTSIDE_AIR_C)
    warm = reefer.outside(fault, band.high_c)
    if warm is None:
        return None
    ident, device = trip.load.shipment_id, trip.load.trailer_id
    incident = Incident.REEFER_FAULT
    labels = [Label(ident, "temperature.warning", warm.from_at, incident, warm.to_at, device)]
    critical = reefer.outside(fault, band.critical_high_c) if band.critical_high_c else None
    if critical is not None:
        labels.append(
            Label(
                ident, "temperature.critical", critical.from_at, incident, critical.to_at, device
            )
        )
    return Outcome(changed, tuple(labels))


def _jamming(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    if not _driving(trip, at, 12 * MINUTE) or _near_dead_zone(trip, at):
        return None
    ends = at + round(scene.rng.uniform(35, 50) * MINUTE)
    # GNSS goes first; the network follows when the jammer's second band is switched on.
    unheard = Span(at + 4 * MINUTE, ends - MINUTE)
    devices = trip.device_ids
    ident, incident = trip.load.shipment_id, Incident.JAMMING
    jammed = Label(ident, "position.jamming", at, incident, ends, trip.load.trailer_id)
    silent = (
        Label(ident, "device.silent", unheard.from_at, incident, unheard.to_at, device)
        for device in sorted(devices)
    )
    changed = replace(
        trip,
        jammed=(*trip.jammed, Span(at, ends)),
        outages=(*trip.outages, Outage(unheard, devices)),
    )
    return Outcome(changed, (jammed, *silent))


def _silence(trip: Trip, at: Instant, scene: Scene) -> Outcome | None:
    truth = trip.journey.where(at)
    if not _driving(trip, at) or _near_dead_zone(trip, at):
        return None
    # Within a hot zone silence is noticed soonest; elsewhere only as often as chance has it.
    if _hot_depth_m(truth.point, scene) < 5_000.0:
        return None
    device = trip.load.trailer_id
    comes_back = scene.rng.random() < 0.5
    until = at + round(scene.rng.uniform(45, 70) * MINUTE) if comes_back else None
    outage = Outage(Span(at, until), frozenset({device}), lost=not comes_back)
    label = Label(trip.load.shipment_id, "device.silent", at, Incident.SILENCE, until, device)
    return Outcome(replace(trip, outages=(*trip.outages, outage)), (label,))


def _near_dead_zone(trip: Trip, at: Instant) -> bool:
    point = trip.journey.where(at).point
    return any(geo.distance_m(point, zone[2]) < 15_000.0 for zone in DEAD_ZONES)


_ACTS: dict[Incident, Callable[[Trip, Instant, Scene], Outcome | None]] = {
    Incident.HOT_STOP: _hot_stop,
    Incident.DEVIATION: _deviation,
    Incident.SEAL_CUT: _seal_cut,
    Incident.REEFER_FAULT: _reefer_fault,
    Incident.SEAL_OPENED: _seal_opened,
    Incident.JAMMING: _jamming,
    Incident.SILENCE: _silence,
    Incident.NO_GO: _no_go,
    Incident.ROADSIDE_STOP: _roadside_stop,
    Incident.UNSEALED: _unsealed,
}
