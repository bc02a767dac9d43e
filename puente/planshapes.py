"""GeoJSON geometry to shapes and back, with the checks that keep a fence meaning what it shows.

GeoJSON writes `[longitude, latitude]`; shapes are `(lat_deg, lon_deg)`. Rings are kept open (the
first point is not repeated) and written closed. A third coordinate, the altitude, is ignored.
"""

import math
from collections.abc import Sequence
from typing import Any

from puente import geo
from puente.geo import LatLon, Ring
from puente.planfields import Fields, finite, shown

MIN_AREA_M2 = 1.0
"""A ring that encloses less cannot hold a truck: its points lie on one line or coincide."""

_HOLE_TOLERANCE_M = 1.0


class ShapeError(ValueError):
    """A geometry that cannot be a shape; the message says why."""


def read_fence_shape(
    geometry: Fields, radius_m: float | None, corridor_m: float | None
) -> geo.Shape:
    """Read the area of a geofence.

    Raises:
        ShapeError: not a geometry of interfaces section 3, or one that makes no area.
    """
    kind, coordinates = geometry.take("type"), geometry.take("coordinates")
    match kind:
        case "Point":
            if radius_m is None:
                raise ShapeError("a Point needs radius_m, the radius of the circle in metres")
            return geo.Circle(_point(coordinates), radius_m)
        case "LineString":
            if corridor_m is None:
                raise ShapeError("a LineString needs corridor_m, the half width in metres")
            return geo.Corridor(_line(coordinates), corridor_m)
        case "Polygon":
            return _polygon(coordinates)
        case "MultiPolygon":
            parts = tuple(_polygon(part) for part in _list(coordinates, "a list of polygons"))
            if not parts:
                raise ShapeError("a MultiPolygon needs at least one polygon")
            return geo.MultiPolygon(parts)
        case _:
            raise ShapeError(f"{shown(kind)} is not Polygon, MultiPolygon, Point or LineString")


def read_line(geometry: Fields) -> geo.Line:
    """Read the line of a route.

    Raises:
        ShapeError: not a LineString of at least two different points.
    """
    kind, coordinates = geometry.take("type"), geometry.take("coordinates")
    if kind != "LineString":
        raise ShapeError(f"{shown(kind)} is not LineString")
    return geo.Line(_line(coordinates))


def write_shape(shape: geo.Shape) -> tuple[dict[str, Any], dict[str, float]]:
    """Return the GeoJSON geometry of a fence and the properties that complete it."""
    match shape:
        case geo.Circle(centre, radius_m):
            return {"type": "Point", "coordinates": _written(centre)}, {"radius_m": radius_m}
        case geo.Corridor(line, half_width_m):
            return write_line(line), {"corridor_m": half_width_m}
        case geo.Polygon():
            return {"type": "Polygon", "coordinates": _rings(shape)}, {}
        case geo.MultiPolygon(parts):
            return {"type": "MultiPolygon", "coordinates": [_rings(part) for part in parts]}, {}
        case _:
            raise TypeError(f"{type(shape).__name__} has no GeoJSON form")


def write_line(line: Sequence[LatLon]) -> dict[str, Any]:
    """Return the GeoJSON geometry of a line."""
    return {"type": "LineString", "coordinates": [_written(point) for point in line]}


def _written(point: LatLon) -> list[float]:
    return [point[1], point[0]]


def _rings(polygon: geo.Polygon) -> list[list[list[float]]]:
    rings = (polygon.outer, *polygon.holes)
    return [[_written(point) for point in (*ring, ring[0])] for ring in rings]


def _list(value: object, wanted: str) -> list[object]:
    if isinstance(value, list | tuple):
        return list(value)
    raise ShapeError(f"coordinates: {shown(value)} is not {wanted}")


def _point(value: object) -> LatLon:
    match value:
        case [lon, lat] | [lon, lat, _]:
            lon_deg, lat_deg = finite(lon), finite(lat)
        case _:
            lon_deg = lat_deg = None
    if lon_deg is None or lat_deg is None:
        raise ShapeError(f"coordinates: {shown(value)} is not [longitude, latitude]")
    if not -90.0 <= lat_deg <= 90.0 or not -180.0 <= lon_deg <= 180.0:
        raise ShapeError(
            f"coordinates: {shown(value)} lies outside the Earth; the order is longitude, latitude"
        )
    return lat_deg, lon_deg


def _line(value: object) -> tuple[LatLon, ...]:
    points = _without_repeats([_point(p) for p in _list(value, "a list of points")])
    if len(points) < 2:
        raise ShapeError("a line needs at least two different points")
    return points


def _without_repeats(points: Sequence[LatLon]) -> tuple[LatLon, ...]:
    """Drop points that repeat the one before them: they add a leg of no length."""
    return tuple(p for i, p in enumerate(points) if i == 0 or p != points[i - 1])


def _polygon(value: object) -> geo.Polygon:
    rings = [_ring(ring) for ring in _list(value, "a list of rings")]
    if not rings:
        raise ShapeError("a Polygon needs a ring")
    outer, holes = rings[0], tuple(rings[1:])
    whole = geo.Polygon(outer)
    for number, hole in enumerate(holes, start=1):
        if any(whole.depth_m(point) < -_HOLE_TOLERANCE_M for point in hole):
            raise ShapeError(f"hole {number} reaches outside its polygon")
    return geo.Polygon(outer, holes)


def _ring(value: object) -> Ring:
    points = _without_repeats([_point(p) for p in _list(value, "a list of points")])
    if geo.is_closed(points):
        points = points[:-1]
    if len(set(points)) < 3:
        raise ShapeError("a ring needs at least three different points")
    plane = _unrolled(points)
    crossing = _first_crossing(plane)
    if crossing is not None:
        i, j = crossing
        raise ShapeError(f"the ring crosses itself (side {i + 1} and side {j + 1})")
    if _area_m2(points, plane) < MIN_AREA_M2:
        raise ShapeError("the ring encloses no area")
    return points


def _unrolled(points: Ring) -> list[tuple[float, float]]:
    """Return (x, y) in degrees with longitudes that do not jump at the antimeridian."""
    plane: list[tuple[float, float]] = []
    x = points[0][1]
    for lat, lon in points:
        x += geo.lon_delta(x, lon)
        plane.append((x, lat))
    return plane


def _area_m2(points: Ring, plane: Sequence[tuple[float, float]]) -> float:
    x0, y0 = plane[0]
    twice = 0.0
    for i, (x, y) in enumerate(plane):
        bx, by = plane[(i + 1) % len(plane)]
        twice += (x - x0) * (by - y0) - (bx - x0) * (y - y0)
    middle_deg = sum(lat for lat, _ in points) / len(points)
    per_degree_m2 = geo.M_PER_DEG**2 * max(1e-6, math.cos(math.radians(middle_deg)))
    return abs(twice) / 2 * per_degree_m2


def _first_crossing(plane: Sequence[tuple[float, float]]) -> tuple[int, int] | None:
    """Find two sides that cross, sweeping from west to east so that few pairs are compared.

    Sides that only touch are let through: which points lie inside is clear all the same.
    """
    n = len(plane)
    sides = [(plane[i], plane[(i + 1) % n]) for i in range(n)]
    order = sorted(range(n), key=lambda i: min(sides[i][0][0], sides[i][1][0]))
    open_sides: list[int] = []
    for i in order:
        (ax, ay), (bx, by) = sides[i]
        west, south, north = min(ax, bx), min(ay, by), max(ay, by)
        open_sides = [j for j in open_sides if max(sides[j][0][0], sides[j][1][0]) >= west]
        for j in open_sides:
            (cx, cy), (dx, dy) = sides[j]
            if max(cy, dy) < south or min(cy, dy) > north:
                continue
            if _cross((ax, ay), (bx, by), (cx, cy), (dx, dy)):
                return min(i, j), max(i, j)
        open_sides.append(i)
    return None


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _cross(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> bool:
    """Tell whether the inner parts of two sides cross in one point."""
    return _turn(a, b, c) * _turn(a, b, d) < 0.0 and _turn(c, d, a) * _turn(c, d, b) < 0.0
