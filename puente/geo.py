"""Pure geometry on the WGS-84 sphere of mean radius: distances, fences and routes.

Distances are great-circle metres on a sphere of 6,371,008.8 m, within 0.6 % of the ellipsoid,
far below the noise of a fix. Distance to a boundary is measured in a plane that touches the
sphere at the point asked about: exact near the boundary, which is where a fence decides.
Points are `(lat_deg, lon_deg)`. Longitude differences are taken the short way round, so shapes
and legs may cross the antimeridian.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the IUGG."""

M_PER_DEG = EARTH_RADIUS_M * math.pi / 180.0

LatLon = tuple[float, float]
Ring = tuple[LatLon, ...]


def lon_delta(from_deg: float, to_deg: float) -> float:
    """Return the longitude difference in degrees, the short way round, in [-180, 180)."""
    return (to_deg - from_deg + 180.0) % 360.0 - 180.0


def distance_m(a: LatLon, b: LatLon) -> float:
    """Great-circle distance between two points (haversine)."""
    phi1, phi2 = math.radians(a[0]), math.radians(b[0])
    half_dphi = (phi2 - phi1) / 2
    half_dlam = math.radians(b[1] - a[1]) / 2
    h = math.sin(half_dphi) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_dlam) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def bearing_deg(a: LatLon, b: LatLon) -> float:
    """Initial course from a to b, clockwise from true north, in [0, 360)."""
    phi1, phi2 = math.radians(a[0]), math.radians(b[0])
    dlam = math.radians(b[1] - a[1])
    y = math.sin(dlam) * math.cos(phi2)
    x = math.cos(phi1) * math.sin(phi2) - math.sin(phi1) * math.cos(phi2) * math.cos(dlam)
    return math.degrees(math.atan2(y, x)) % 360.0


def destination(a: LatLon, course_deg: float, travelled_m: float) -> LatLon:
    """Return the point reached from a on an initial course after a distance in metres."""
    phi, lam = math.radians(a[0]), math.radians(a[1])
    theta, delta = math.radians(course_deg), travelled_m / EARTH_RADIUS_M
    sin_phi2 = math.sin(phi) * math.cos(delta) + math.cos(phi) * math.sin(delta) * math.cos(theta)
    phi2 = math.asin(max(-1.0, min(1.0, sin_phi2)))
    y = math.sin(theta) * math.sin(delta) * math.cos(phi)
    lam2 = lam + math.atan2(y, math.cos(delta) - math.sin(phi) * sin_phi2)
    return math.degrees(phi2), (math.degrees(lam2) + 180.0) % 360.0 - 180.0


def interpolate(a: LatLon, b: LatLon, fraction: float) -> LatLon:
    """Return the point at a fraction (0 to 1) of a leg, on the straight line in degrees.

    Legs between two fixes are short; the difference to the great circle stays below a metre
    for 10 km at these latitudes.
    """
    lat = a[0] + (b[0] - a[0]) * fraction
    lon = a[1] + lon_delta(a[1], b[1]) * fraction
    return lat, (lon + 180.0) % 360.0 - 180.0


class CrossTrack(NamedTuple):
    """Where a point lies beside a leg.

    `off_m` is the distance to the nearest point of the leg, `signed_m` the cross-track distance
    to the great circle of the leg (right of the course is positive), `along_m` how far along the
    leg the nearest point lies, from 0 to the length of the leg.
    """

    off_m: float
    signed_m: float
    along_m: float


def cross_track(a: LatLon, b: LatLon, p: LatLon) -> CrossTrack:
    """Measure a point against the great-circle leg from a to b, clamped to its ends."""
    d_ap, d_ab = distance_m(a, p), distance_m(a, b)
    if d_ab == 0.0:
        return CrossTrack(d_ap, 0.0, 0.0)
    delta = d_ap / EARTH_RADIUS_M
    turn = math.radians(bearing_deg(a, p) - bearing_deg(a, b))
    xt = math.asin(max(-1.0, min(1.0, math.sin(delta) * math.sin(turn))))
    # The same as acos(cos delta / cos xt), but exact for points that are metres apart.
    along = math.atan2(math.sin(delta) * math.cos(turn), math.cos(delta)) * EARTH_RADIUS_M
    signed = xt * EARTH_RADIUS_M
    if along <= 0.0:
        return CrossTrack(d_ap, signed, 0.0)
    if along >= d_ab:
        return CrossTrack(distance_m(b, p), signed, d_ab)
    return CrossTrack(abs(signed), signed, along)


class Box(NamedTuple):
    """A bounding box in degrees; `west > east` never happens, longitudes may pass 180."""

    south: float
    west: float
    north: float
    east: float

    def grown(self, margin_m: float) -> "Box":
        """Return the box with a margin on every side."""
        dlat = margin_m / M_PER_DEG
        widest = max(abs(self.south), abs(self.north)) + dlat
        # At a pole every longitude is near.
        dlon = 180.0 if widest >= 90.0 else min(180.0, dlat / math.cos(math.radians(widest)))
        return Box(self.south - dlat, self.west - dlon, self.north + dlat, self.east + dlon)

    def holds(self, p: LatLon) -> bool:
        """Tell whether a point lies in the box."""
        if not self.south <= p[0] <= self.north:
            return False
        return (p[1] - self.west) % 360.0 <= self.east - self.west


def box_of(points: Iterable[LatLon]) -> Box:
    """Bound some points; longitudes are unrolled from the first point on."""
    iterator = iter(points)
    lat, lon = next(iterator)
    south = north = lat
    west = east = lon
    for next_lat, next_lon in iterator:
        lon = lon + lon_delta(lon, next_lon)
        south, north = min(south, next_lat), max(north, next_lat)
        west, east = min(west, lon), max(east, lon)
    return Box(south, west, north, east)


class Shape(Protocol):
    """An area on the ground."""

    @property
    def box(self) -> Box:
        """What bounds the area."""
        ...

    def depth_m(self, p: LatLon) -> float:
        """How far inside the boundary a point lies in metres; negative outside, 0 on it."""
        ...


@dataclass(frozen=True)
class Circle:
    """A centre and a radius in metres."""

    centre: LatLon
    radius_m: float

    @cached_property
    def box(self) -> Box:
        """What bounds the circle."""
        return box_of([self.centre]).grown(self.radius_m)

    def depth_m(self, p: LatLon) -> float:
        """How far inside the boundary a point lies in metres."""
        return _settled(self.radius_m - distance_m(self.centre, p))


@dataclass(frozen=True)
class Polygon:
    """One outer ring and any number of holes; rings may or may not repeat their first point."""

    outer: Ring
    holes: tuple[Ring, ...] = ()

    @cached_property
    def box(self) -> Box:
        """What bounds the outer ring."""
        return box_of(self.outer)

    def depth_m(self, p: LatLon) -> float:
        """How far inside the boundary a point lies in metres; the boundary itself counts as 0."""
        inside = False
        nearest = math.inf
        for ring in (self.outer, *self.holes):
            crossings, distance = _ring_crossings(ring, p)
            inside ^= crossings
            nearest = min(nearest, distance)
        return _settled(nearest if inside else -nearest)


@dataclass(frozen=True)
class MultiPolygon:
    """Several polygons that act as one area."""

    parts: tuple[Polygon, ...]

    @cached_property
    def box(self) -> Box:
        """What bounds all parts."""
        boxes = [part.box for part in self.parts]
        return Box(
            min(b.south for b in boxes),
            min(b.west for b in boxes),
            max(b.north for b in boxes),
            max(b.east for b in boxes),
        )

    def depth_m(self, p: LatLon) -> float:
        """How deep a point lies in the part that holds it, or how near the nearest part is."""
        return max(part.depth_m(p) for part in self.parts)


@dataclass(frozen=True)
class Corridor:
    """Everything within `half_width_m` of a line."""

    line: tuple[LatLon, ...]
    half_width_m: float

    @cached_property
    def box(self) -> Box:
        """What bounds the corridor."""
        return box_of(self.line).grown(self.half_width_m)

    def depth_m(self, p: LatLon) -> float:
        """How far inside the corridor's edge a point lies in metres."""
        legs = zip(self.line, self.line[1:], strict=False)
        return _settled(self.half_width_m - min(_plane_distance_m(a, b, p) for a, b in legs))


_ROUNDING_M = 1e-6
"""Far above the rounding of coordinates, far below what any receiver resolves."""


def _settled(depth_m: float) -> float:
    """Take rounding away at the boundary, which is inside."""
    return 0.0 if abs(depth_m) < _ROUNDING_M else depth_m


def _distance_to_segment(ax: float, ay: float, bx: float, by: float) -> float:
    """Distance in the plane from the origin to the segment a-b."""
    dx, dy = bx - ax, by - ay
    squared = dx * dx + dy * dy
    if squared == 0.0:
        return math.hypot(ax, ay)
    t = max(0.0, min(1.0, -(ax * dx + ay * dy) / squared))
    return math.hypot(ax + t * dx, ay + t * dy)


def _plane_distance_m(a: LatLon, b: LatLon, p: LatLon) -> float:
    """Distance of a point from a leg, in the plane that touches the sphere at the point.

    One scale for both ends: a leg that is straight in degrees, as GeoJSON means it, stays so.
    """
    scale = M_PER_DEG * math.cos(math.radians(p[0]))
    a_deg = lon_delta(p[1], a[1])
    # Seen from its other end, so that no leg runs around the far side of the Earth.
    b_deg = a_deg + lon_delta(a[1], b[1])
    return _distance_to_segment(
        a_deg * scale, (a[0] - p[0]) * M_PER_DEG, b_deg * scale, (b[0] - p[0]) * M_PER_DEG
    )


def _ring_crossings(ring: Ring, p: LatLon) -> tuple[bool, float]:
    """Return whether a ray from p crosses the ring an odd number of times, and how near it is."""
    odd = False
    nearest = math.inf
    lat, lon = p
    scale = M_PER_DEG * math.cos(math.radians(lat))
    # Only the first point is taken the short way round from p; from there the ring leads on, or
    # it would close around the other side of the Earth.
    before = ring[-1][1]
    turns = round((lon_delta(lon, before) - (before - lon)) / 360.0) * 360.0
    ax, ay = (before - lon + turns) * scale, (ring[-1][0] - lat) * M_PER_DEG
    for vertex_lat, vertex_lon in ring:
        step = vertex_lon - before
        if not -180.0 <= step < 180.0:
            turns += -360.0 if step > 0.0 else 360.0
        before = vertex_lon
        bx, by = (vertex_lon - lon + turns) * scale, (vertex_lat - lat) * M_PER_DEG
        if (ay > 0.0) != (by > 0.0) and ax + (bx - ax) * (-ay) / (by - ay) > 0.0:
            odd = not odd
        distance = _distance_to_segment(ax, ay, bx, by)
        nearest = min(nearest, distance)
        ax, ay = bx, by
    return odd, nearest


class Passage(NamedTuple):
    """The part of a leg between two fixes that runs through a shape, as fractions of the leg."""

    enter: float
    exit: float
    depth_m: float


_NARROWEST_M = 2.0
"""A shape over which a leg runs for less than this may be missed."""

_MOST_STEPS = 2_000

_DEPTH_SAMPLES = 32


def passage(shape: Shape, a: LatLon, b: LatLon) -> Passage | None:
    """Find where a straight leg between two points outside a shape runs through it.

    From either end the leg is walked in steps as long as the shape is away, so that no fence of
    two metres or more is stepped over however long the leg. Where the shape is met several times
    the passage is from the first meeting to the last. Returns None when the leg misses the
    shape, or when an end point lies inside.
    """
    if not boxes_meet(shape.box, box_of((a, b))):
        return None
    if shape.depth_m(a) >= 0.0 or shape.depth_m(b) >= 0.0:
        return None
    length = distance_m(a, b)
    if length == 0.0:
        return None

    def depth(fraction: float) -> float:
        return shape.depth_m(interpolate(a, b, fraction))

    enter = _first_inside(depth, length)
    if enter is None:
        return None
    back = _first_inside(lambda fraction: depth(1.0 - fraction), length)
    leave = enter if back is None else max(enter, 1.0 - back)
    inner = [enter + (leave - enter) * i / _DEPTH_SAMPLES for i in range(_DEPTH_SAMPLES + 1)]
    return Passage(enter, leave, max(map(depth, inner)))


def _first_inside(depth: Callable[[float], float], length_m: float) -> float | None:
    """Walk a leg from 0 to 1 until it is inside; the boundary is found to within a metre."""
    shortest = max(_NARROWEST_M / 2.0, length_m / _MOST_STEPS)
    outside = at = 0.0
    while at < 1.0:
        here = depth(at)
        if here >= 0.0:
            break
        outside = at
        # A tenth less than the distance: far away it is only nearly right.
        at += max(shortest, -0.9 * here) / length_m
    else:
        return None
    while (at - outside) * length_m > 1.0:
        middle = (outside + at) / 2.0
        outside, at = (outside, middle) if depth(middle) >= 0.0 else (middle, at)
    return at


def boxes_meet(a: Box, b: Box) -> bool:
    """Tell whether two boxes share a point."""
    if a.north < b.south or b.north < a.south:
        return False
    gap = (b.west - a.west) % 360.0
    return gap <= a.east - a.west or 360.0 - gap <= b.east - b.west


_BLOCK_LEGS = 8
"""Legs to a block: about as many as a truck has within a few kilometres."""


def _at_least_m(box: Box, p: LatLon) -> float:
    """Bound the distance from a point to a box from below, cheaply."""
    north_m = max(box.south - p[0], p[0] - box.north, 0.0) * M_PER_DEG
    east_deg = (p[1] - box.west) % 360.0
    if east_deg <= box.east - box.west:
        return north_m
    gap_deg = min(east_deg - (box.east - box.west), 360.0 - east_deg)
    # The meridians are nearest to each other at the latitude farther from the equator.
    widest = min(89.9, max(abs(p[0]), abs(box.south), abs(box.north)) + 1.0)
    return max(north_m, gap_deg * M_PER_DEG * math.cos(math.radians(widest)))


class Along(NamedTuple):
    """A point against a line: how far off it, how far along it, and the course of the leg."""

    off_m: float
    along_m: float
    leg_course_deg: float


@dataclass(frozen=True)
class Line:
    """A planned road: at least two points, measured along."""

    points: tuple[LatLon, ...]

    @cached_property
    def starts_m(self) -> tuple[float, ...]:
        """Distance along the line at which each point lies."""
        starts = [0.0]
        for a, b in zip(self.points, self.points[1:], strict=False):
            starts.append(starts[-1] + distance_m(a, b))
        return tuple(starts)

    @property
    def length_m(self) -> float:
        """Length of the whole line."""
        return self.starts_m[-1]

    def locate(self, p: LatLon, near_m: float | None = None, window_m: float = 20_000.0) -> Along:
        """Find the nearest point of the line.

        With `near_m` only legs within `window_m` of that distance along the line are looked at,
        so that a point does not snap to a parallel or a returning leg; if nothing there is nearer
        than the window, the whole line is searched.
        """
        if near_m is not None:
            # The progress may be one along an earlier, longer version of this line.
            near_m = min(near_m, self.length_m)
            first = max(0, bisect_right(self.starts_m, near_m - window_m) - 1)
            last = bisect_right(self.starts_m, near_m + window_m)
            here = bisect_right(self.starts_m, near_m) - 1
            found = self._nearest(p, first, min(last, len(self.points) - 1), here)
            if found.off_m <= window_m:
                return found
        return self._nearest(p, 0, len(self.points) - 1, 0)

    @cached_property
    def _blocks(self) -> tuple[Box, ...]:
        """Boxes of runs of legs, so that a search can pass over what is far away."""
        starts = range(0, len(self.points) - 1, _BLOCK_LEGS)
        return tuple(box_of(self.points[i : i + _BLOCK_LEGS + 1]) for i in starts)

    def _nearest(self, p: LatLon, first: int, last: int, here: int) -> Along:
        """Search the legs from first to last (exclusive), those around `here` before others."""
        last = max(first + 1, last)
        low, high = first // _BLOCK_LEGS, (last - 1) // _BLOCK_LEGS
        begin = min(high, max(low, here // _BLOCK_LEGS))
        best, best_leg = math.inf, first
        for block in (begin, *range(begin - 1, low - 1, -1), *range(begin + 1, high + 1)):
            if _at_least_m(self._blocks[block], p) > best:
                continue
            start = max(first, block * _BLOCK_LEGS)
            for leg in range(start, min(last, (block + 1) * _BLOCK_LEGS)):
                off = _plane_distance_m(self.points[leg], self.points[leg + 1], p)
                # Of two legs equally near, the earlier one, in whatever order they are searched.
                if off < best or (off == best and leg < best_leg):
                    best, best_leg = off, leg
        a, b = self.points[best_leg], self.points[best_leg + 1]
        exact = cross_track(a, b, p)
        return Along(exact.off_m, self.starts_m[best_leg] + exact.along_m, bearing_deg(a, b))

    def at(self, along_m: float) -> LatLon:
        """Return the point at a distance along the line, clamped to its ends."""
        along_m = max(0.0, min(self.length_m, along_m))
        leg = min(bisect_right(self.starts_m, along_m) - 1, len(self.points) - 2)
        length = self.starts_m[leg + 1] - self.starts_m[leg]
        fraction = 0.0 if length == 0.0 else (along_m - self.starts_m[leg]) / length
        return interpolate(self.points[leg], self.points[leg + 1], fraction)


class Grid(Generic[T]):
    """Things with boxes, found by point: a dictionary of cells, one look-up a fix."""

    def __init__(self, items: Iterable[tuple[Box, T]], cell_deg: float = 0.25) -> None:
        self._cell_deg = cell_deg
        self._cells: dict[tuple[int, int], list[tuple[Box, T]]] = {}
        self._wide: list[tuple[Box, T]] = []
        for box, item in items:
            rows = range(self._cell(box.south), self._cell(box.north) + 1)
            columns = range(self._cell(box.west), self._cell(box.east) + 1)
            if len(rows) * len(columns) > _WIDE_CELLS:
                self._wide.append((box, item))
                continue
            for row in rows:
                for column in columns:
                    self._cells.setdefault((row, self._wrap(column)), []).append((box, item))

    def _cell(self, degrees: float) -> int:
        return math.floor(degrees / self._cell_deg)

    def _wrap(self, column: int) -> int:
        return column % round(360.0 / self._cell_deg)

    def at(self, p: LatLon) -> list[T]:
        """Return everything whose box holds the point."""
        cell = (self._cell(p[0]), self._wrap(self._cell(p[1])))
        near = self._cells.get(cell, ())
        found = [item for box, item in near if box.holds(p)]
        if self._wide:
            found += [item for box, item in self._wide if box.holds(p)]
        return found

    def between(self, a: LatLon, b: LatLon) -> list[T]:
        """Return everything whose box meets the box of the leg from a to b, once each."""
        box = box_of([a, b])
        found: dict[int, T] = {}
        for row in range(self._cell(box.south), self._cell(box.north) + 1):
            for column in range(self._cell(box.west), self._cell(box.east) + 1):
                for other, item in self._cells.get((row, self._wrap(column)), ()):
                    if boxes_meet(other, box):
                        found[id(item)] = item
        for other, item in self._wide:
            if boxes_meet(other, box):
                found[id(item)] = item
        return list(found.values())


_WIDE_CELLS = 4096
"""A shape over more cells than this is checked by its box alone instead of filling the grid."""


def is_closed(ring: Sequence[LatLon]) -> bool:
    """Tell whether a ring ends where it begins."""
    return len(ring) > 1 and ring[0] == ring[-1]
