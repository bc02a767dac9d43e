"""What should happen: shipments, routes, geofences, cargo profiles and who carries which device.

A `Plan` is an immutable value built by `puente.planfile`; detectors see one shipment's view of
it, a `ShipmentPlan`, compiled once per plan. Reading and checking files is not done here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from msgspec import Struct

from puente import geo, schedule
from puente.instant import Instant
from puente.model import Role


class FenceClass(StrEnum):
    """What a fenced area is for; classes decide what is lawful inside."""

    ORIGIN = "ORIGIN"
    DEST = "DEST"
    YARD = "YARD"
    SECURE_PARKING = "SECURE_PARKING"
    REST_STOP = "REST_STOP"
    BORDER_QUEUE = "BORDER_QUEUE"
    MX_EXPORT = "MX_EXPORT"
    CBP = "CBP"
    STATE_INSP = "STATE_INSP"
    CHECKPOINT = "CHECKPOINT"
    HOT = "HOT"
    NO_GO = "NO_GO"
    DEADZONE = "DEADZONE"
    CUSTOM = "CUSTOM"


LAWFUL_STOPS = frozenset(
    {
        FenceClass.ORIGIN,
        FenceClass.DEST,
        FenceClass.YARD,
        FenceClass.SECURE_PARKING,
        FenceClass.REST_STOP,
        FenceClass.BORDER_QUEUE,
        FenceClass.MX_EXPORT,
        FenceClass.CBP,
        FenceClass.STATE_INSP,
        FenceClass.CHECKPOINT,
    }
)
"""Classes inside which a stop needs no explanation (interfaces, default rules)."""

BORDER = frozenset(
    {FenceClass.BORDER_QUEUE, FenceClass.MX_EXPORT, FenceClass.CBP, FenceClass.STATE_INSP}
)
"""Classes that make a crossing."""


class Place(Struct, frozen=True, omit_defaults=True):
    """Where a journey begins or ends."""

    lat_deg: float
    lon_deg: float
    name: str = ""
    radius_m: float = 500.0


class Consignment(Struct, frozen=True, omit_defaults=True):
    """Goods of one customer inside a shipment."""

    id: str
    customer: str = ""


class Binding(Struct, frozen=True, omit_defaults=True):
    """A device belongs to a shipment in `[from_at, to_at)`, device time; None is unbounded."""

    device_id: str
    shipment_id: str
    role: Role
    from_at: Instant | None = None
    to_at: Instant | None = None

    def holds(self, at: Instant) -> bool:
        """Tell whether the binding is in force at a device time."""
        return (self.from_at is None or self.from_at <= at) and (
            self.to_at is None or at < self.to_at
        )

    def overlaps(self, other: "Binding") -> bool:
        """Tell whether two bindings share an instant."""
        starts_before = self.from_at is None or other.to_at is None or self.from_at < other.to_at
        ends_after = self.to_at is None or other.from_at is None or other.from_at < self.to_at
        return starts_before and ends_after


class CargoProfile(Struct, frozen=True, omit_defaults=True):
    """The temperatures a cargo bears, in degrees Celsius; delays in seconds."""

    code: str
    low_c: float
    high_c: float
    warn_delay_s: int
    alarm_delay_s: int
    critical_low_c: float | None = None
    critical_high_c: float | None = None
    commodity: str = ""


class Shipment(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A load that is watched from origin to destination."""

    id: str
    carrier: str = ""
    sector: str = "other"
    cargo_profile: str | None = None
    value_usd: float | None = None
    high_value: bool = False
    fast: bool = False
    consignments: tuple[Consignment, ...] = ()
    origin: Place | None = None
    destination: Place | None = None
    crossing: str | None = None
    route: str | None = None
    corridor_m: float | None = None
    planned_departure: Instant | None = None
    planned_arrival: Instant | None = None
    devices: tuple[Binding, ...] = ()


@dataclass(frozen=True)
class Geofence:
    """An area with a class and the rule by which it is entered and left."""

    id: str
    shape: geo.Shape
    name: str = ""
    fence_class: FenceClass = FenceClass.CUSTOM
    enter_m: float | None = None
    exit_m: float | None = None
    confirm_fixes: int = 2
    confirm_s: int | None = None
    dwell_s: int | None = None
    schedule: str | None = None
    timezone: str | None = None

    @property
    def plain(self) -> bool:
        """Whether the fence follows the plain rule: inside is inside, fix by fix."""
        return self.confirm_fixes == 1 and self.enter_m == 0 and self.exit_m == 0

    def in_force(self, at: Instant) -> bool:
        """Tell whether the fence's schedule covers an instant."""
        return schedule.in_force(self.schedule, self.timezone, at)


@dataclass(frozen=True)
class Route:
    """A planned road with the width within which a truck is on it."""

    id: str
    line: geo.Line
    corridor_m: float | None = None
    name: str = ""


DEFAULT_CORRIDOR_M = 1000.0
"""Interfaces, default rules: where neither the route nor the shipment gives a width."""

FENCE_MARGIN_M = 120.0
"""Beyond the widest `exit_m` a default rule can ask for (80 m), so that leaving is seen."""


def _margin_box(fence: Geofence) -> geo.Box:
    return fence.shape.box.grown(max(FENCE_MARGIN_M, fence.exit_m or 0.0))


class FenceIndex:
    """Geofences found by point, each with the margin its exit rule needs."""

    def __init__(self, fences: Iterable[Geofence]) -> None:
        self.by_id: dict[str, Geofence] = {fence.id: fence for fence in fences}
        self._grid = geo.Grid((_margin_box(fence), fence) for fence in self.by_id.values())

    def near(self, point: geo.LatLon) -> list[Geofence]:
        """Return the fences that may hold the point or lie within their margin of it."""
        return self._grid.at(point)

    def between(self, a: geo.LatLon, b: geo.LatLon) -> list[Geofence]:
        """Return the fences that a leg may run through."""
        return self._grid.between(a, b)


@dataclass(frozen=True)
class ShipmentPlan:
    """One shipment's view of the plan: what a detector may know about what should happen."""

    shipment: Shipment
    shared: FenceIndex
    own: tuple[Geofence, ...] = ()
    route: Route | None = None
    profile: CargoProfile | None = None

    @property
    def corridor_m(self) -> float:
        """How far from its route this shipment may be."""
        if self.route is not None and self.route.corridor_m is not None:
            return self.route.corridor_m
        return self.shipment.corridor_m or DEFAULT_CORRIDOR_M

    @cached_property
    def _own_boxes(self) -> tuple[tuple[geo.Box, Geofence], ...]:
        return tuple((_margin_box(fence), fence) for fence in self.own)

    def fence(self, fence_id: str) -> Geofence | None:
        """Find a fence by id among the shared and the shipment's own ones."""
        shared = self.shared.by_id.get(fence_id)
        if shared is not None:
            return shared
        return next((fence for fence in self.own if fence.id == fence_id), None)

    def fences_near(self, point: geo.LatLon) -> list[Geofence]:
        """Return the fences that may hold the point or lie within their margin of it."""
        near = [fence for box, fence in self._own_boxes if box.holds(point)]
        return [*self.shared.near(point), *near]

    def fences_between(self, a: geo.LatLon, b: geo.LatLon) -> list[Geofence]:
        """Return the fences that a leg may run through."""
        leg = geo.box_of((a, b))
        near = [fence for box, fence in self._own_boxes if geo.boxes_meet(box, leg)]
        return [*self.shared.between(a, b), *near]

    def classes_at(self, point: geo.LatLon, at: Instant) -> frozenset[str]:
        """Return the classes of all fences in force that hold the point."""
        return frozenset(
            fence.fence_class.value
            for fence in self.fences_near(point)
            if fence.shape.depth_m(point) >= 0.0 and fence.in_force(at)
        )

    def role_of(self, device_id: str, at: Instant) -> Role | None:
        """Return what a device is mounted on at a device time, None when it is not bound."""
        for binding in self.shipment.devices:
            if binding.device_id == device_id and binding.holds(at):
                return binding.role
        return None


@dataclass(frozen=True)
class Plan:
    """Everything that should happen, at one version."""

    shipments: Mapping[str, Shipment] = field(default_factory=dict)
    geofences: Mapping[str, Geofence] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    profiles: Mapping[str, CargoProfile] = field(default_factory=dict)
    version: int = 0

    @cached_property
    def _fence_index(self) -> FenceIndex:
        return FenceIndex(self.geofences.values())

    @cached_property
    def _views(self) -> dict[str, ShipmentPlan]:
        return {}

    @cached_property
    def _bindings(self) -> dict[str, list[Binding]]:
        by_device: dict[str, list[Binding]] = {}
        for shipment in self.shipments.values():
            for binding in shipment.devices:
                by_device.setdefault(binding.device_id, []).append(binding)
        for bindings in by_device.values():
            bindings.sort(key=_binding_start)
        return by_device

    def bindings_of(self, device_id: str) -> tuple[Binding, ...]:
        """Return all bindings of a device in order of their beginning."""
        return tuple(self._bindings.get(device_id, ()))

    def bind(self, device_id: str, at: Instant) -> Binding | None:
        """Find the binding that holds for a device at a device time."""
        bindings = self._bindings.get(device_id)
        if not bindings:
            return None
        index = bisect_right(bindings, at, key=_binding_start) - 1
        if index < 0:
            return None
        found = bindings[index]
        return found if found.holds(at) else None

    def view(self, shipment_id: str) -> ShipmentPlan | None:
        """Return one shipment's view, compiled at the first call."""
        view = self._views.get(shipment_id)
        if view is None and (shipment := self.shipments.get(shipment_id)) is not None:
            view = ShipmentPlan(
                shipment=shipment,
                shared=self._fence_index,
                own=tuple(own_fences(shipment)),
                route=self.routes.get(shipment.route) if shipment.route else None,
                profile=self.profiles.get(shipment.cargo_profile or ""),
            )
            self._views[shipment_id] = view
        return view


def _binding_start(binding: Binding) -> Instant:
    return binding.from_at if binding.from_at is not None else -(1 << 62)


def own_fences(shipment: Shipment) -> list[Geofence]:
    """Build the fences that a shipment's origin and destination act as."""
    ends = (
        (shipment.origin, "origin", FenceClass.ORIGIN),
        (shipment.destination, "destination", FenceClass.DEST),
    )
    return [
        Geofence(
            id=f"{shipment.id}:{suffix}",
            name=place.name or suffix,
            shape=geo.Circle((place.lat_deg, place.lon_deg), place.radius_m),
            fence_class=fence_class,
        )
        for place, suffix, fence_class in ends
        if place is not None
    ]
