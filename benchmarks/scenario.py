"""The load: distinct trucks on routes, what they send, and the plan that binds them. Pure.

Reading `n` of a run is reading `n // shipments` of truck `n % shipments`. A reading is fixed by
these two numbers but for the instant at which the run began, so that publisher and measurement
agree without talking. Trucks drive their route to and fro past fences: two events (enter, exit)
about every 25 readings. Of every 100, two carry warm cargo, one has its seal cut, two drive beside
their corridor and one stands in a hot zone, so that every detector has something to decide.
"""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

SPAN_S = 570.0
"""Device time of one run. A reading is neither late (600 s) nor in the future (120 s)."""

BEHIND_S = 480.0
"""How far behind the clock a run's device time begins."""

SPEED_MPS = 25.0
LEAST_STEP_S = 0.5
MOST_STEP_S = 10.0
PLANNED_RATE_PER_S = 15_000
"""The load is prepared for this throughput; a faster program ends its run early."""

ROUTES = 8
FENCE_EVERY = 25
"""Readings from one fence on the road to the next."""

_ON_THE_ROAD = 0.75
_ASIDE_M = 3_000.0
_M_PER_DEG = 111_320.0
_CUT_AT = 30
"""From this reading on a cut seal says so."""


@dataclass(frozen=True)
class Scenario:
    """`step_s`: device time between two readings of a truck; `budget`: readings a truck has."""

    shipments: int
    geofences: int
    step_s: float
    budget: int

    @classmethod
    def sized(cls, shipments: int, geofences: int, seconds: float) -> "Scenario":
        """Prepare enough readings for `seconds` at the planned rate and a latency run after it."""
        wanted = 1.5 * PLANNED_RATE_PER_S * seconds / shipments
        step_s = min(MOST_STEP_S, max(LEAST_STEP_S, SPAN_S / max(1.0, wanted)))
        step_s = round(step_s, 3)
        return cls(shipments, geofences, step_s, int(SPAN_S / step_s))

    def encode(self) -> str:
        """Write the scenario for another process."""
        return json.dumps(asdict(self))

    @property
    def step_ms(self) -> int:
        """Device time between two readings of a truck."""
        return round(self.step_s * 1000)

    @property
    def step_m(self) -> float:
        """Road between two readings of a truck."""
        return SPEED_MPS * self.step_s

    @property
    def spacing_m(self) -> float:
        """Road between two fences."""
        return FENCE_EVERY * self.step_m

    @property
    def route_m(self) -> float:
        """Length of every route."""
        on_the_road = math.ceil(self.geofences * _ON_THE_ROAD / ROUTES)
        return max(4, on_the_road) * self.spacing_m

    @property
    def positions(self) -> int:
        """Readings on one way along a route."""
        return int(self.route_m / self.step_m)

    def at(self, began_at: int, index: int) -> int:
        """Return the device time of a truck's reading in a run that began at an instant."""
        return began_at - round(BEHIND_S * 1000) + index * self.step_ms

    def index(self, began_at: int, at: int) -> int:
        """Return which reading of a truck has a device time."""
        return round((at - began_at + BEHIND_S * 1000) / self.step_ms)


def read(encoded: str) -> Scenario:
    """Read what `encode` wrote."""
    return Scenario(**json.loads(encoded))


def device_id(truck: int) -> str:
    """Name a truck's device."""
    return f"BENCH-{truck:06d}"


def shipment_id(truck: int) -> str:
    """Name a truck's shipment."""
    return f"LOAD-{truck:06d}"


# Where things are.


def place(route: int, along_m: float, aside_m: float = 0.0) -> tuple[float, float]:
    """Return (lat, lon) of a point on or beside a route, which winds from west to east."""
    lat = 20.5 + 0.6 * route + (800.0 * math.sin(along_m / 4_000.0) + aside_m) / _M_PER_DEG
    return lat, -101.0 + along_m / (_M_PER_DEG * math.cos(math.radians(20.5 + 0.6 * route)))


def _course_deg(along_m: float) -> float:
    return math.degrees(math.atan2(1.0, 0.2 * math.cos(along_m / 4_000.0)))


def _fence_centre(scenario: Scenario, number: int) -> tuple[int, float, float]:
    on_the_road = round(scenario.geofences * _ON_THE_ROAD)
    aside_m = 0.0
    if number >= on_the_road:
        number, aside_m = number - on_the_road, _ASIDE_M
    return number % ROUTES, (number // ROUTES + 0.5) * scenario.spacing_m, aside_m


# The plan.


def plan(scenario: Scenario) -> dict[str, Any]:
    """Write the plan file of all trucks."""
    return {
        "shipments": [_shipment(scenario, truck) for truck in range(scenario.shipments)],
        "geofences": _collection([_fence(scenario, n) for n in range(scenario.geofences)]),
        "routes": _collection([_route(scenario, route) for route in range(ROUTES)]),
    }


def _shipment(scenario: Scenario, truck: int) -> dict[str, Any]:
    route = truck % ROUTES
    ends = {}
    for name, along_m in (("origin", 0.0), ("destination", scenario.route_m)):
        lat, lon = place(route, along_m, 1_500.0)
        ends[name] = {"name": f"{name} {route}", "lat": lat, "lon": lon, "radius_m": 300}
    return {
        "id": shipment_id(truck),
        "carrier": f"Carrier {truck % 20}",
        "sector": "pharma",
        "cargo_profile": "PH_2_8",
        "route": f"ROUTE-{route}",
        "devices": [{"device_id": device_id(truck), "role": "trailer"}],
        **ends,
    }


def _fence(scenario: Scenario, number: int) -> dict[str, Any]:
    route, along_m, aside_m = _fence_centre(scenario, number)
    radius_m = 0.2 * scenario.spacing_m
    properties: dict[str, Any] = {
        "id": f"FENCE-{number:05d}",
        "name": f"Fence {number}",
        "class": "HOT" if number < ROUTES else ("REST_STOP" if number % 10 == 0 else "CUSTOM"),
    }
    lat, lon = place(route, along_m, aside_m)
    geometry: dict[str, Any] = {"type": "Point", "coordinates": [lon, lat]}
    if number % 2:
        geometry = {"type": "Polygon", "coordinates": [_ring(lat, lon, radius_m)]}
    else:
        properties["radius_m"] = radius_m
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _ring(lat: float, lon: float, radius_m: float, corners: int = 16) -> list[list[float]]:
    stretch = math.cos(math.radians(lat))
    ring = []
    for corner in range(corners):
        angle = 2 * math.pi * corner / corners
        east, north = radius_m * math.cos(angle), radius_m * math.sin(angle)
        ring.append([lon + east / (_M_PER_DEG * stretch), lat + north / _M_PER_DEG])
    return [*ring, ring[0]]


def _route(scenario: Scenario, route: int) -> dict[str, Any]:
    points = math.ceil(scenario.route_m / 250.0) + 1
    line = [place(route, i * scenario.route_m / (points - 1)) for i in range(points)]
    return {
        "type": "Feature",
        "properties": {"id": f"ROUTE-{route}", "name": f"Route {route}", "corridor_m": 1000},
        "geometry": {"type": "LineString", "coordinates": [[lon, lat] for lat, lon in line]},
    }


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


# What trucks send.


class Payloads:
    """Everything of a payload but its time and number, encoded before the run."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._tails: dict[tuple[int, str], list[bytes]] = {}
        self._trucks = [self._prepare(truck) for truck in range(scenario.shipments)]

    def tail(self, truck: int, index: int) -> bytes:
        """Return what follows the number in a truck's reading."""
        start, before, after = self._trucks[truck]
        tails = before if index < _CUT_AT else after
        return tails[(start + index) % len(tails)]

    def _prepare(self, truck: int) -> tuple[int, list[bytes], list[bytes]]:
        route, kind = truck % ROUTES, truck % 100
        # Spread evenly over both ways of the route.
        start = int(truck * 0.618034 % 1.0 * 2 * self._scenario.positions)
        if kind == 5:
            return 0, *2 * (self._standing(route),)
        if kind == 2:
            return start, self._way(route, "usual"), self._way(route, "cut")
        way = self._way(route, {0: "warm", 1: "warm", 3: "aside", 4: "aside"}.get(kind, "usual"))
        return start, way, way

    def _way(self, route: int, kind: str) -> list[bytes]:
        if (route, kind) not in self._tails:
            there = range(self._scenario.positions)
            self._tails[route, kind] = [
                *(self._encode(route, i, kind, i) for i in there),
                *(self._encode(route, i, kind, i, back=True) for i in reversed(there)),
            ]
        return self._tails[route, kind]

    def _standing(self, route: int) -> list[bytes]:
        index = round(0.5 * FENCE_EVERY)
        return [self._encode(route, index, "standing", k) for k in range(50)]

    def _encode(
        self, route: int, position: int, kind: str, phase: int, back: bool = False
    ) -> bytes:
        along_m = position * self._scenario.step_m
        aside_m = _ASIDE_M if kind == "aside" else 0.0
        lat, lon = place(route, along_m, aside_m)
        celsius = (18.0 if kind == "warm" else 5.0) + 0.6 * math.sin(phase / 20.0)
        seal: dict[str, Any] = {"state": "sealed", "rope": True, "motor": True}
        if kind == "cut":
            seal = {"state": "tampered", "rope": False, "motor": True, "event": "cut"}
        reading = {
            "lat": round(lat, 6),
            "lon": round(lon, 6),
            "accuracy_m": 6.0,
            "satellites": 11,
            "speed_mps": 0.0 if kind == "standing" else SPEED_MPS,
            "course_deg": round((_course_deg(along_m) + (180.0 if back else 0.0)) % 360.0, 1),
            "ignition": True,
            "motion": kind != "standing",
            "temperature_c": {"product": round(celsius, 2), "return": round(celsius + 0.4, 2)},
            "humidity_pct": 61,
            "door": "closed",
            "seal": seal,
            "battery_pct": 87,
        }
        # The leading brace makes way for time and number.
        return json.dumps(reading, separators=(",", ":")).encode()[1:]
