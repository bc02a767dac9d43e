"""The summary of a replay: what became of each shipment, told from its final truth.

Counted over the steps of the timeline after everything came in, so that late readings, gaps and
stops are in it as they were, not as they arrived.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ingest.detectors.geofence import State as GeofenceState
from ingest.detectors.seal import State as SealDetectorState
from ingest.detectors.stop import State as StopState
from ingest.detectors.temperature import is_fault
from ingest.partition import MIN_STOP_MS, Subject
from ingest.timeline import Step
from puente import geo
from puente.instant import MINUTE, SECOND, Instant, text
from puente.model import Finding, Phase, Reading
from puente.plan import CargoProfile, ShipmentPlan

DISTANCE_STEP_M = 50.0
"""Movement below this is receiver jitter: the distance of a parked truck must not grow."""

MKT_ENERGY_K = 10_000.0
"""Activation energy over the gas constant, 83.144 / 8.3144e-3 K (facts, domain section 4.2)."""

_KELVIN = 273.15


@dataclass
class Probe:
    """What one probe measured. Times weigh each value by how long it stood."""

    n: int = 0
    faults: int = 0
    low: float = math.inf
    high: float = -math.inf
    out_ms: int = 0
    last: tuple[Instant, float] | None = None
    weighed: list[tuple[float, float]] = field(default_factory=list)

    def note(self, at: Instant, celsius: float, profile: CargoProfile | None) -> None:
        """Add one value; values come in order of time."""
        if is_fault(celsius):
            self.faults += 1
            return
        self.n += 1
        self.low, self.high = min(self.low, celsius), max(self.high, celsius)
        if self.last is not None:
            since, before = self.last
            self.weighed.append((before, (at - since) / SECOND))
            if profile is not None and not profile.low_c <= before <= profile.high_c:
                self.out_ms += at - since
        self.last = (at, celsius)

    def told(self) -> dict[str, Any]:
        """Write the probe's part of the summary."""
        weighed = list(self.weighed)
        if self.last is not None:
            # Nobody knows how long the newest value stood: as long as the one before it.
            weighed.append((self.last[1], weighed[-1][1] if weighed else 1.0))
        return {
            "n": self.n,
            "min_c": None if self.n == 0 else self.low,
            "max_c": None if self.n == 0 else self.high,
            "mkt_c": mean_kinetic_temperature(weighed),
            "minutes_out": self.out_ms / MINUTE,
            "faults": self.faults,
        }


def mean_kinetic_temperature(weighed: list[tuple[float, float]]) -> float | None:
    """Mean kinetic temperature in C of (celsius, weight) pairs (USP <1079.2>); None of nothing."""
    total = sum(weight for _, weight in weighed)
    if total <= 0.0:
        if not weighed:
            return None
        weighed, total = [(celsius, 1.0) for celsius, _ in weighed], float(len(weighed))
    mean = sum(w * math.exp(-MKT_ENERGY_K / (c + _KELVIN)) for c, w in weighed) / total
    return MKT_ENERGY_K / -math.log(mean) - _KELVIN


def shipment_summary(subject: Subject, view: ShipmentPlan) -> dict[str, Any]:
    """Tell one shipment's final truth (interfaces, section 4, `shipments`)."""
    steps = subject.timeline.steps
    tail = subject.timeline.tail
    observed = [s.observation for s in steps if s.observation is not None]
    discards = Counter(o.discard.value for o in observed if o.discard is not None)
    positions = [(o.at, o.position) for o in observed if o.position is not None]
    last_at = observed[-1].at if observed else None
    place = tail.sense.place
    return {
        "fixes": sum(1 for o in observed if o.telemetry.lat_deg is not None and o.discard is None),
        "discarded": dict(sorted(discards.items())),
        "distance_m": _distance_m([(p.lat_deg, p.lon_deg) for _, p in positions]),
        "first_at": text(observed[0].at) if observed else None,
        "last_at": None if last_at is None else text(last_at),
        "lat": None if place is None else place.lat_deg,
        "lon": None if place is None else place.lon_deg,
        "seal": next(
            (s.worst.value for s in tail.states if isinstance(s, SealDetectorState)), "unknown"
        ),
        "stops": _stops(steps),
        "temperature": _temperatures([s.reading for s in steps], view.profile),
        "geofences": _geofences(subject, last_at),
        "open_episodes": [
            {"kind": e.kind, "subject": e.subject, "episode": text(e.episode)}
            for e in sorted(subject.open.values(), key=lambda e: (e.kind, e.subject, e.episode))
        ],
    }


def _distance_m(points: list[geo.LatLon]) -> float:
    total = 0.0
    counted = points[0] if points else None
    for point in points:
        step = 0.0 if counted is None else geo.distance_m(counted, point)
        if step >= DISTANCE_STEP_M:
            total += step
            counted = point
    return total


def _stops(steps: list[Step]) -> list[dict[str, Any]]:
    stops: list[dict[str, Any]] = []
    current: StopState | None = None
    for step in steps:
        state = next(s for s in step.truth.states if isinstance(s, StopState))
        if current is not None and current.since != state.since:
            _add_stop(stops, current, step.reading.at)
        current = state if state.since is not None else None
    if current is not None:
        _add_stop(stops, current, current.last_at)
    return stops


def _add_stop(stops: list[dict[str, Any]], state: StopState, until: Instant) -> None:
    if state.since is None or state.anchor is None:
        return
    until = until if state.moving_at is None else state.moving_at
    if until - state.since >= MIN_STOP_MS:
        stops.append(
            {
                "from": text(state.since),
                "to": text(until),
                "lat": state.anchor.lat_deg,
                "lon": state.anchor.lon_deg,
            }
        )


def _temperatures(readings: list[Reading], profile: CargoProfile | None) -> dict[str, Any]:
    probes: dict[str, Probe] = {}
    for reading in readings:
        for name, celsius in (reading.telemetry.temperature_c or {}).items():
            probe = probes.setdefault(f"{reading.device_id}/{name}", Probe())
            probe.note(reading.at, celsius, profile)
    return {subject: probe.told() for subject, probe in sorted(probes.items())}


@dataclass
class _Visits:
    enters: int = 0
    exits: int = 0
    inside_ms: int = 0


def _geofences(subject: Subject, last_at: Instant | None) -> dict[str, Any]:
    visits: dict[str, _Visits] = {}
    findings = [f for step in subject.timeline.steps for f in step.findings]
    findings += subject.timeline.tail_findings
    for finding in findings:
        if finding.phase is Phase.NOTED:
            _count_visit(visits, finding)
    state = next(s for s in subject.timeline.tail.states if isinstance(s, GeofenceState))
    for fence_id, inside in state.fences.items():
        visit = visits.setdefault(fence_id, _Visits())
        if inside.entered and last_at is not None:
            visit.inside_ms += max(0, last_at - inside.since)
    return {
        fence_id: {
            "enters": visit.enters,
            "exits": visit.exits,
            "inside_s": visit.inside_ms / SECOND,
        }
        for fence_id, visit in sorted(visits.items())
        if visit.enters or visit.exits or visit.inside_ms
    }


def _count_visit(visits: dict[str, _Visits], finding: Finding) -> None:
    if finding.kind == "geofence.enter":
        visits.setdefault(finding.subject, _Visits()).enters += 1
    elif finding.kind == "geofence.exit":
        visit = visits.setdefault(finding.subject, _Visits())
        visit.exits += 1
        visit.inside_ms += round(finding.evidence["inside_s"] * SECOND)
