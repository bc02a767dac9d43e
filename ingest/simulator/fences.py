"""Geofences the simulator puts into its plan, found by place and written as GeoJSON."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from puente import geo
from puente.plan import LAWFUL_STOPS, FenceClass

COORDINATE_DIGITS = 5
"""About a metre: fences and roads are not known better."""


@dataclass(frozen=True)
class Fence:
    """An area of the plan."""

    id: str
    name: str
    fence_class: FenceClass
    shape: geo.Circle | geo.Corridor | geo.Polygon

    def feature(self) -> dict[str, Any]:
        """Write the fence as a feature of a plan document."""
        properties: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "class": self.fence_class.value,
        }
        geometry: dict[str, Any]
        match self.shape:
            case geo.Circle(centre, radius_m):
                geometry = {"type": "Point", "coordinates": lon_lat(centre)}
                properties["radius_m"] = radius_m
            case geo.Corridor(line, half_width_m):
                geometry = {"type": "LineString", "coordinates": [lon_lat(p) for p in line]}
                properties["corridor_m"] = half_width_m
            case geo.Polygon(outer, _):
                ring = [lon_lat(p) for p in outer]
                geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        return {"type": "Feature", "properties": properties, "geometry": geometry}


def lon_lat(point: geo.LatLon) -> list[float]:
    """Write a point as GeoJSON does."""
    return [round(point[1], COORDINATE_DIGITS), round(point[0], COORDINATE_DIGITS)]


def compound(
    centre: geo.LatLon, course_deg: float, length_m: float, width_m: float
) -> geo.Polygon:
    """Draw a rectangle along a road."""
    half_diagonal = math.hypot(length_m, width_m) / 2
    turn = math.degrees(math.atan2(width_m, length_m))
    corners = (
        course_deg - turn,
        course_deg + turn,
        course_deg + 180 - turn,
        course_deg + 180 + turn,
    )
    return geo.Polygon(tuple(geo.destination(centre, c % 360, half_diagonal) for c in corners))


class FenceBook:
    """Fences collected while roads are laid out, so that roads share what they share."""

    def __init__(self) -> None:
        self._fences: dict[str, Fence] = {}

    def __iter__(self) -> Iterator[Fence]:
        return iter(self._fences.values())

    def add(self, fence: Fence) -> Fence:
        """Keep a fence; the same id again is an error of the caller."""
        if fence.id in self._fences:
            raise ValueError(f"fence {fence.id} exists")
        self._fences[fence.id] = fence
        return fence

    def free_id(self, stem: str) -> str:
        """Return an id that is not taken: the stem, else the stem with a number."""
        number, candidate = 1, stem
        while candidate in self._fences:
            number += 1
            candidate = f"{stem}_{number}"
        return candidate

    def holding(
        self, points: Iterable[geo.LatLon], classes: Iterable[FenceClass], depth_m: float
    ) -> Fence | None:
        """Find a fence of the given classes that holds all points at least so deep inside."""
        points, classes = list(points), frozenset(classes)
        for fence in self._fences.values():
            if fence.fence_class in classes and all(
                fence.shape.box.holds(p) and fence.shape.depth_m(p) >= depth_m for p in points
            ):
                return fence
        return None

    def depth_m(self, point: geo.LatLon, classes: Iterable[FenceClass]) -> float:
        """How deep a point lies in the fence of these classes that holds it best; < 0 outside."""
        classes = frozenset(classes)
        return max(
            (f.shape.depth_m(point) for f in self._fences.values() if f.fence_class in classes),
            default=-math.inf,
        )

    def lawful_depth_m(self, point: geo.LatLon) -> float:
        """How deep a point lies where a stop needs no explanation."""
        return self.depth_m(point, LAWFUL_STOPS)
