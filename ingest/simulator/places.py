"""Where trucks halt along each road, and the fences around those places.

Real stops are used where a road passes through them; between them a planned rest area is laid
down on the road, so that every journey can rest as NOM-087-SCT-2 asks without leaving its plan.
Distances at a crossing are layouts, not surveys: queue, Mexican customs, CBP and the state's
inspection follow each other along the road as they do in reality.
"""

from dataclasses import dataclass
from typing import NamedTuple

from ingest.simulator import gazetteer
from ingest.simulator.fences import Fence, FenceBook, compound
from ingest.simulator.roads import RoadRoute
from ingest.simulator.way import Way
from puente import geo
from puente.plan import FenceClass

REST_EVERY_S = 4.5 * 3600
"""NOM-087-SCT-2-2017: half an hour of rest within five hours of driving."""
REST_SEARCH_S = 1.3 * 3600
"""A real stop this long before the rest is due is taken instead of a planned one."""
REST_STEP_M = 400.0
REST_RADIUS_M = 450.0

PLACE_RADIUS_M = 700.0
"""Origin and destination: an industrial estate."""

DEEP_M = 200.0
"""A halt lies at least this far inside its fence: no noise of a fix can carry it out."""

MX_SIDE_M = {"PHR": 4800.0}
"""From CBP's lot to Mexican customs; Pharr's bridge is five kilometres long."""
USUAL_MX_SIDE_M = 1500.0
QUEUE_GAP_M = 700.0
QUEUE_LONGEST_M = 3300.0
QUEUE_HALF_WIDTH_M = 160.0
STATE_AFTER_M = 1100.0
BORDER_CLEAR_M = 2500.0
"""No other halt so near to the border."""

NO_GO_AREAS = (
    ("NG_VALLECILLO", "Brechas east of MX-85, Vallecillo", (26.7386, -99.8381), 1600.0),
    ("NG_HUIZACHE", "Dirt roads off MX-57, Huizache", (23.02, -100.43), 1600.0),
    ("NG_SAN_FERNANDO", "MX-101 San Fernando", (24.85, -98.15), 12_000.0),
)

DEAD_ZONES = (
    ("DZ_SABINAS", "No coverage, Sabinas Hidalgo", (26.5059, -100.01), 2300.0),
    ("DZ_VALLECILLO", "No coverage, Vallecillo", (26.66, -99.93), 2300.0),
)
"""Stretches of MX-85D without a network, small enough to be crossed in four minutes."""

_STOP_CLASS = {
    "secure_parking": FenceClass.SECURE_PARKING,
    "rest_stop": FenceClass.REST_STOP,
    "drop_yard": FenceClass.YARD,
    "checkpoint": FenceClass.CHECKPOINT,
}


class Border(NamedTuple):
    """Distances along a road at which the parts of its crossing lie."""

    crossing: gazetteer.Crossing
    northbound: bool
    queue_from_m: float
    queue_to_m: float
    export_m: float
    inspection_m: float | None
    state_m: float | None


@dataclass(frozen=True)
class Road:
    """A route with the places along it where a truck may halt (distances along the way)."""

    route: RoadRoute
    way: Way
    border: Border
    rests_m: tuple[float, ...]
    yards_m: tuple[float, ...]
    checkpoints_m: tuple[float, ...]


def known_fences() -> FenceBook:
    """Collect the fences that do not depend on which roads are driven."""
    book = FenceBook()
    for stop in gazetteer.stops():
        circle = geo.Circle(stop.centre, stop.radius_m)
        book.add(Fence(stop.id, stop.name, _STOP_CLASS[stop.kind], circle))
    for zone in gazetteer.hot_zones():
        book.add(Fence(zone.id, zone.name, FenceClass.HOT, geo.Circle(zone.centre, zone.radius_m)))
    for areas, fence_class in (
        (NO_GO_AREAS, FenceClass.NO_GO),
        (DEAD_ZONES, FenceClass.DEADZONE),
    ):
        for area_id, name, centre, radius_m in areas:
            book.add(Fence(area_id, name, fence_class, geo.Circle(centre, radius_m)))
    return book


def lay_out(route: RoadRoute, book: FenceBook) -> Road:
    """Find or make the places along a route; new fences go into the book."""
    way = Way(route.points, route.leg_speed_mps)
    border = _border(route, way, book)
    for cluster in (route.origin, route.destination):
        _yard_at(gazetteer.clusters()[cluster], book)
    clear = (border.queue_from_m - BORDER_CLEAR_M, _past_border_m(border) + BORDER_CLEAR_M)
    return Road(
        route=route,
        way=way,
        border=border,
        rests_m=_rests(route, way, book, clear),
        yards_m=_passed(way, book, FenceClass.YARD, clear),
        checkpoints_m=_passed(way, book, FenceClass.CHECKPOINT, clear),
    )


def _point(way: Way, along_m: float) -> geo.LatLon:
    spot = way.spot(along_m)
    return spot.lat_deg, spot.lon_deg


def _past_border_m(border: Border) -> float:
    return max(border.export_m, border.inspection_m or 0.0, border.state_m or 0.0)


def _border(route: RoadRoute, way: Way, book: FenceBook) -> Border:
    crossing = gazetteer.crossings()[route.crossing]
    northbound = gazetteer.clusters()[route.origin].country == "MX"
    at_m = way.line.starts_m[route.crossing_index]
    mx_side_m = MX_SIDE_M.get(crossing.id, USUAL_MX_SIDE_M)
    export_m = at_m - mx_side_m if northbound else at_m + mx_side_m
    queue_to_m = (export_m if northbound else at_m) - QUEUE_GAP_M
    queue_from_m = max(PLACE_RADIUS_M + 300.0, queue_to_m - QUEUE_LONGEST_M)
    border = Border(
        crossing=crossing,
        northbound=northbound,
        queue_from_m=queue_from_m,
        queue_to_m=queue_to_m,
        export_m=export_m,
        inspection_m=at_m if northbound else None,
        state_m=at_m + STATE_AFTER_M if northbound else None,
    )
    _border_fences(border, way, at_m, book)
    return border


def _border_fences(border: Border, way: Way, at_m: float, book: FenceBook) -> None:
    crossing = border.crossing
    queue = way.between(border.queue_from_m, border.queue_to_m + 250.0)
    if book.holding(queue, {FenceClass.BORDER_QUEUE}, QUEUE_HALF_WIDTH_M - 20.0) is None:
        stem = f"BQ_{crossing.id}" + ("" if border.northbound else "_S")
        name = f"{crossing.label} queue" + ("" if border.northbound else ", southbound")
        corridor = geo.Corridor(queue, QUEUE_HALF_WIDTH_M)
        book.add(Fence(book.free_id(stem), name, FenceClass.BORDER_QUEUE, corridor))
    for along_m, fence_class, stem, name, length_m, width_m in (
        (border.export_m, FenceClass.MX_EXPORT, "MX", "Mexican customs", 800.0, 600.0),
        (at_m, FenceClass.CBP, "CBP", "CBP compound", 1100.0, 800.0),
        (border.state_m, FenceClass.STATE_INSP, "ST", "state inspection", 600.0, 500.0),
    ):
        if along_m is None:
            continue
        spot = way.spot(along_m)
        centre = (spot.lat_deg, spot.lon_deg)
        if book.holding([centre], {fence_class}, DEEP_M) is None:
            shape = compound(centre, spot.course_deg, length_m, width_m)
            fence_id = book.free_id(f"{stem}_{crossing.id}")
            book.add(Fence(fence_id, f"{crossing.label} {name}", fence_class, shape))


def _yard_at(cluster: gazetteer.Cluster, book: FenceBook) -> None:
    if book.holding([cluster.centre], {FenceClass.YARD}, DEEP_M) is None:
        circle = geo.Circle(cluster.centre, 900.0)
        book.add(Fence(f"YARD_{cluster.id}", f"{cluster.city} yard", FenceClass.YARD, circle))


def _passed(
    way: Way, book: FenceBook, fence_class: FenceClass, clear: tuple[float, float]
) -> tuple[float, ...]:
    """Return where a way passes nearest to the centres of fences that it runs well through."""
    found = []
    for fence in book:
        if fence.fence_class is not fence_class or not isinstance(fence.shape, geo.Circle):
            continue
        if not _near_box(way, fence.shape):
            continue
        along = way.line.locate(fence.shape.centre)
        free = along.along_m < clear[0] or along.along_m > clear[1]
        inside = fence.shape.radius_m - along.off_m >= DEEP_M
        if free and inside and 5_000.0 < along.along_m < way.length_m - 5_000.0:
            found.append(along.along_m)
    return tuple(sorted(found))


def _near_box(way: Way, circle: geo.Circle) -> bool:
    return geo.box_of(way.points).grown(circle.radius_m).holds(circle.centre)


def _rests(
    route: RoadRoute, way: Way, book: FenceBook, clear: tuple[float, float]
) -> tuple[float, ...]:
    rests: list[float] = []
    last_s, end_s = 0.0, way.seconds_to(way.length_m)
    while end_s - last_s > REST_EVERY_S:
        due_m = way.reached_m(last_s + REST_EVERY_S)
        from_m = way.reached_m(last_s + REST_EVERY_S - REST_SEARCH_S)
        if clear[0] < due_m < clear[1]:
            due_m = clear[0]
        rest_m = _known_rest(way, book, from_m, due_m, clear)
        if rest_m is None:
            rest_m = due_m
            _planned_rest(route, way, rest_m, book)
        rests.append(rest_m)
        last_s = way.seconds_to(rest_m)
    return tuple(rests)


_RESTING = frozenset({FenceClass.SECURE_PARKING, FenceClass.REST_STOP})


def _known_rest(
    way: Way, book: FenceBook, from_m: float, due_m: float, clear: tuple[float, float]
) -> float | None:
    """Find the last point before a rest is due that lies well inside a fence for resting."""
    grid = geo.Grid((f.shape.box, f) for f in book if f.fence_class in _RESTING)
    along_m = due_m
    while along_m > from_m:
        point = _point(way, along_m)
        if not clear[0] < along_m < clear[1] and any(
            fence.shape.depth_m(point) >= DEEP_M for fence in grid.at(point)
        ):
            return along_m
        along_m -= REST_STEP_M
    return None


def _planned_rest(route: RoadRoute, way: Way, along_m: float, book: FenceBook) -> None:
    mexican = (along_m < way.line.starts_m[route.crossing_index]) == (
        gazetteer.clusters()[route.origin].country == "MX"
    )
    origin = gazetteer.clusters()[route.origin].city
    destination = gazetteer.clusters()[route.destination].city
    fence_class = FenceClass.SECURE_PARKING if mexican else FenceClass.REST_STOP
    book.add(
        Fence(
            book.free_id("PR_1"),
            f"{'Paradero' if mexican else 'Rest area'} km {along_m / 1000:.0f} "
            f"{origin} – {destination}",
            fence_class,
            geo.Circle(_point(way, along_m), REST_RADIUS_M),
        )
    )
