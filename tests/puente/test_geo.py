"""Geometry: published vectors, and properties that hold anywhere on the globe."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from puente import geo
from puente.geo import Circle, Corridor, Grid, LatLon, Line, MultiPolygon, Polygon

APODACA, SABINAS = (25.9545, -100.16617), (26.50193, -100.18121)
HALF_ROUND_M = math.pi * geo.EARTH_RADIUS_M

lats = st.floats(-90.0, 90.0)
lons = st.floats(-180.0, 180.0)
points = st.tuples(lats, lons)
inner = st.tuples(st.floats(-85.0, 85.0), lons)
courses = st.floats(0.0, 359.999)


def angle_between(a: float, b: float) -> float:
    return abs(geo.lon_delta(a, b))


# -- vectors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        pytest.param(APODACA, SABINAS, 60_890.0, id="Apodaca to Sabinas"),
        pytest.param(
            (27.597291, -99.537119), (27.699716, -99.745646), 23_485.8, id="the two bridges"
        ),
        pytest.param((0.0, 0.0), (0.0, 180.0), HALF_ROUND_M, id="half round the equator"),
        pytest.param((90.0, 10.0), (-90.0, 50.0), HALF_ROUND_M, id="pole to pole"),
        pytest.param((10.0, 179.9), (10.0, -179.9), 21_901.2, id="over the antimeridian"),
    ],
)
def test_distances_are_those_of_published_vectors(a: LatLon, b: LatLon, metres: float) -> None:
    assert geo.distance_m(a, b) == pytest.approx(metres, abs=0.1)


def test_the_initial_bearing_is_that_of_the_published_vector() -> None:
    assert geo.bearing_deg(APODACA, SABINAS) == pytest.approx(358.592, abs=0.001)


@pytest.mark.parametrize(
    ("p", "signed_m", "along_m", "off_m"),
    [
        pytest.param((26.20, -100.15), 2_283.8, 27_250.6, 2_283.8, id="right of the course"),
        pytest.param((26.20, -100.30), -12_677.1, 27_625.2, 12_677.1, id="left of the course"),
        pytest.param(
            (25.9, -100.16), 468.0, 0.0, math.hypot(6_073.5, 468.0), id="behind the start"
        ),
    ],
)
def test_cross_track_is_that_of_the_published_vectors(
    p: LatLon, signed_m: float, along_m: float, off_m: float
) -> None:
    found = geo.cross_track(APODACA, SABINAS, p)
    assert found.signed_m == pytest.approx(signed_m, abs=0.1)
    assert found.along_m == pytest.approx(along_m, abs=0.1)
    assert found.off_m == pytest.approx(off_m, abs=0.5)


def test_beyond_the_end_of_a_leg_the_distance_is_to_its_end() -> None:
    p = geo.destination(SABINAS, 0.0, 5_000)
    found = geo.cross_track(APODACA, SABINAS, p)
    assert found.off_m == pytest.approx(5_000, abs=0.1)
    assert found.along_m == pytest.approx(60_890, abs=0.1)


def test_a_leg_without_length_is_a_point() -> None:
    found = geo.cross_track(APODACA, APODACA, SABINAS)
    assert found == (geo.distance_m(APODACA, SABINAS), 0.0, 0.0)


@pytest.mark.parametrize("metres", [0.01, 0.1, 1.0, 10.0])
def test_progress_is_exact_for_points_that_are_almost_the_same(metres: float) -> None:
    p = geo.destination(APODACA, geo.bearing_deg(APODACA, SABINAS), metres)
    assert geo.cross_track(APODACA, SABINAS, p).along_m == pytest.approx(metres, abs=1e-6)


# -- properties --------------------------------------------------------------------------------


@given(points, points)
def test_distance_is_symmetric_and_at_most_half_round(a: LatLon, b: LatLon) -> None:
    there, back = geo.distance_m(a, b), geo.distance_m(b, a)
    assert there == pytest.approx(back, abs=1e-6)
    assert 0.0 <= there <= HALF_ROUND_M + 1e-6


@given(points, points, points)
def test_no_way_round_is_shorter(a: LatLon, b: LatLon, c: LatLon) -> None:
    assert geo.distance_m(a, c) <= geo.distance_m(a, b) + geo.distance_m(b, c) + 1e-3


@given(points, points)
def test_a_whole_turn_of_longitude_changes_nothing(a: LatLon, b: LatLon) -> None:
    turned = (b[0], b[1] + 360.0)
    assert geo.distance_m(a, turned) == pytest.approx(geo.distance_m(a, b), abs=1e-3)


@given(lons, lons)
def test_a_longitude_difference_is_the_short_way_round(a: float, b: float) -> None:
    delta = geo.lon_delta(a, b)
    assert -180.0 <= delta < 180.0
    assert (a + delta - b) % 360.0 == pytest.approx(0.0, abs=1e-9) or (
        a + delta - b
    ) % 360.0 == pytest.approx(360.0, abs=1e-9)


@given(inner, courses, st.floats(1.0, 1_000_000.0))
@example((0.0, 179.99), 90.0, 50_000.0)
@example((84.9, 0.0), 0.0, 900_000.0)
def test_going_and_measuring_agree(a: LatLon, course: float, metres: float) -> None:
    b = geo.destination(a, course, metres)
    assert -180.0 <= b[1] <= 180.0
    assert geo.distance_m(a, b) == pytest.approx(metres, rel=1e-6, abs=1e-3)
    if metres > 10.0:
        assert angle_between(geo.bearing_deg(a, b), course) < 0.01


@given(points, points)
def test_a_bearing_is_a_course(a: LatLon, b: LatLon) -> None:
    assert 0.0 <= geo.bearing_deg(a, b) <= 360.0


@given(inner, courses, st.floats(10.0, 10_000.0), st.floats(0.0, 1.0))
def test_a_point_between_two_others_lies_on_the_way(
    a: LatLon, course: float, metres: float, fraction: float
) -> None:
    assume(abs(a[0]) < 60.0)
    b = geo.destination(a, course, metres)
    p = geo.interpolate(a, b, fraction)
    assert geo.distance_m(a, p) == pytest.approx(metres * fraction, abs=2.0 + metres * 0.002)
    assert geo.distance_m(a, p) + geo.distance_m(p, b) == pytest.approx(metres, abs=2.0)


@given(inner, courses, st.floats(100.0, 50_000.0), st.tuples(courses, st.floats(0.0, 900_000.0)))
def test_nothing_on_a_leg_is_nearer_than_cross_track_says(
    a: LatLon, course: float, metres: float, aside: tuple[float, float]
) -> None:
    p = geo.destination(a, *aside)
    b = geo.destination(a, course, metres)
    found = geo.cross_track(a, b, p)
    on_leg = [geo.destination(a, geo.bearing_deg(a, b), metres * i / 50) for i in range(51)]
    nearest = min(geo.distance_m(q, p) for q in on_leg)
    assert found.off_m <= nearest + 1.0
    assert nearest <= found.off_m + metres / 100 + 1.0
    assert 0.0 <= found.along_m <= metres + 0.01


# -- shapes ------------------------------------------------------------------------------------


def inside_by_degrees(rings: list[tuple[LatLon, ...]], p: LatLon) -> bool:
    """Even-odd rule in plain degrees: what GeoJSON means, written the slow way."""
    odd = False
    for ring in rings:
        for a, b in pairwise((*ring, ring[0])):
            if (a[0] > p[0]) != (b[0] > p[0]):
                at = a[1] + (b[1] - a[1]) * (p[0] - a[0]) / (b[0] - a[0])
                odd ^= p[1] < at
    return odd


small = st.tuples(st.floats(25.0, 26.0), st.floats(-101.0, -100.0))
rings = st.lists(small, min_size=3, max_size=9, unique=True).map(tuple)


@given(rings, st.lists(rings, max_size=2), small)
@settings(max_examples=100)
def test_inside_a_polygon_is_inside_by_the_even_odd_rule(
    outer: tuple[LatLon, ...], holes: list[tuple[LatLon, ...]], p: LatLon
) -> None:
    depth = Polygon(outer, tuple(holes)).depth_m(p)
    assume(abs(depth) > 1e-6)
    assert (depth > 0.0) == inside_by_degrees([outer, *holes], p)


@given(rings, courses, st.floats(0.0, 4_900.0))
@settings(max_examples=30)
def test_a_depth_is_the_distance_to_the_nearest_side(
    outer: tuple[LatLon, ...], course: float, away_m: float
) -> None:
    p = geo.destination(outer[0], course, away_m)
    depth = abs(Polygon(outer).depth_m(p))
    along = [
        geo.distance_m(p, geo.interpolate(a, b, i / 100))
        for a, b in pairwise((*outer, outer[0]))
        for i in range(101)
    ]
    # 100 steps of a side of at most 150 km: the nearest sample is at most 760 m along it.
    assert depth <= min(along) + 10.0
    assert min(along) ** 2 <= (depth + 10.0) ** 2 + 800.0**2


SQUARE = ((25.0, -100.0), (25.0, -99.9), (25.1, -99.9), (25.1, -100.0))
HOLE = ((25.04, -99.96), (25.04, -99.94), (25.06, -99.94), (25.06, -99.96))


@pytest.mark.parametrize(
    ("p", "inside"),
    [
        pytest.param((25.02, -99.95), True, id="in the ring"),
        pytest.param((25.05, -99.95), False, id="in the hole"),
        pytest.param((25.2, -99.95), False, id="north of it"),
        pytest.param((25.0, -99.95), True, id="on the southern side"),
        pytest.param((25.05, -100.0), True, id="on the western side"),
        pytest.param((25.1, -99.9), True, id="on a corner"),
        pytest.param((25.04, -99.95), True, id="on the side of the hole"),
        pytest.param((25.05, 80.05), False, id="on the other side of the Earth"),
    ],
)
def test_holes_are_outside_and_the_boundary_is_inside(p: LatLon, inside: bool) -> None:
    assert (Polygon(SQUARE, (HOLE,)).depth_m(p) >= 0.0) == inside


def test_a_ring_may_repeat_its_first_point() -> None:
    closed = Polygon((*SQUARE, SQUARE[0]))
    assert closed.depth_m((25.05, -99.95)) == Polygon(SQUARE).depth_m((25.05, -99.95))
    assert geo.is_closed((*SQUARE, SQUARE[0]))
    assert not geo.is_closed(SQUARE)


def test_depth_counts_metres_from_the_boundary() -> None:
    square = Polygon(SQUARE)
    hundred_north = geo.destination((25.0, -99.95), 0.0, 100.0)
    hundred_south = geo.destination((25.0, -99.95), 180.0, 100.0)
    assert square.depth_m(hundred_north) == pytest.approx(100.0, abs=0.1)
    assert square.depth_m(hundred_south) == pytest.approx(-100.0, abs=0.1)
    hole = Polygon(SQUARE, (HOLE,))
    assert hole.depth_m(geo.destination((25.04, -99.95), 0.0, 30.0)) == pytest.approx(-30, abs=0.1)


def test_a_multipolygon_is_as_deep_as_its_deepest_part() -> None:
    east = tuple((lat, lon + 1.0) for lat, lon in SQUARE)
    both = MultiPolygon((Polygon(SQUARE), Polygon(east)))
    assert both.depth_m((25.05, -99.95)) > 4_000
    assert both.depth_m((25.05, -98.95)) > 4_000
    assert both.depth_m((25.05, -99.5)) < -30_000
    assert both.box == (25.0, -100.0, 25.1, -98.9)


def test_a_corridor_is_what_lies_within_its_half_width() -> None:
    corridor = Corridor((APODACA, SABINAS), 500.0)
    middle = geo.interpolate(APODACA, SABINAS, 0.5)
    assert corridor.depth_m(middle) == pytest.approx(500, abs=1)
    assert corridor.depth_m(geo.destination(middle, 90, 400)) == pytest.approx(100, abs=2)
    assert corridor.depth_m(geo.destination(middle, 90, 700)) == pytest.approx(-200, abs=2)
    assert corridor.depth_m(geo.destination(SABINAS, 0, 600)) == pytest.approx(-100, abs=2)
    assert corridor.box.holds(geo.destination(SABINAS, 0, 400))


def test_a_circle_is_inside_at_its_radius() -> None:
    circle = Circle(APODACA, 500.0)
    assert circle.depth_m(APODACA) == 500.0
    assert circle.depth_m(geo.destination(APODACA, 77.0, 500.0)) == pytest.approx(0, abs=1e-6)
    assert circle.depth_m(geo.destination(APODACA, 77.0, 600.0)) == pytest.approx(-100, abs=1e-3)


def test_a_corridor_over_the_antimeridian_does_not_run_around_the_earth() -> None:
    corridor = Corridor(((0.0, 180.0), (0.0, -179.9)), 10.0)
    assert corridor.depth_m((0.0, -179.95)) == pytest.approx(10.0)
    assert corridor.depth_m((0.0, 1e-7)) < 0.0


def test_shapes_may_lie_across_the_antimeridian() -> None:
    across = Polygon(((10.0, 179.9), (10.0, -179.9), (10.2, -179.9), (10.2, 179.9)))
    for lon in (179.95, 180.0, -180.0, -179.95):
        assert across.depth_m((10.1, lon)) > 0.0
        assert across.box.holds((10.1, lon))
    for lon in (179.8, -179.8, 0.0):
        assert across.depth_m((10.1, lon)) < 0.0
        assert not across.box.holds((10.1, lon))


# -- boxes and the grid ------------------------------------------------------------------------


@given(points, st.floats(0.0, 100_000.0), courses, st.floats(0.0, 1.0))
@example((89.99, 0.0), 5_000.0, 90.0, 1.0)
@example((89.5, 0.0), 500.0, 90.0, 1.0)
@example((-89.999, 20.0), 50_000.0, 180.0, 1.0)
@settings(max_examples=100)
def test_a_grown_box_holds_everything_within_its_margin(
    centre: LatLon, margin_m: float, course: float, share: float
) -> None:
    box = Circle(centre, margin_m + 0.01).box
    assert box.holds(geo.destination(centre, course, margin_m * share))


shapes = st.one_of(
    st.builds(Circle, points, st.floats(1.0, 200_000.0)),
    st.builds(
        lambda c, r: Corridor((c, geo.destination(c, 80.0, r)), r / 10),
        st.tuples(st.floats(-80, 80), lons),
        st.floats(100.0, 400_000.0),
    ),
    st.builds(
        lambda c, r: Polygon(tuple(geo.destination(c, a, r) for a in (10, 100, 190, 280))),
        st.tuples(st.floats(-80, 80), lons),
        st.floats(100.0, 300_000.0),
    ),
)


@given(st.lists(shapes, max_size=6), points, courses, st.floats(0.0, 1.1))
@settings(max_examples=60)
def test_the_grid_finds_everything_that_a_scan_finds(
    found: list[geo.Shape], anywhere: LatLon, course: float, share: float
) -> None:
    grid = Grid((shape.box.grown(150.0), i) for i, shape in enumerate(found))
    near = [
        geo.destination(shape.centre, course, shape.radius_m * share)
        for shape in found
        if isinstance(shape, Circle)
    ]
    for p in (anywhere, *near):
        scanned = {i for i, shape in enumerate(found) if shape.depth_m(p) >= -100.0}
        assert scanned <= set(grid.at(p))


@given(st.lists(shapes, max_size=6), inner, courses, st.floats(0.0, 30_000.0))
@settings(max_examples=40)
def test_the_grid_finds_every_shape_that_a_leg_runs_through(
    found: list[geo.Shape], a: LatLon, course: float, metres: float
) -> None:
    b = geo.destination(a, course, metres)
    grid = Grid((shape.box, i) for i, shape in enumerate(found))
    way = [geo.interpolate(a, b, i / 20) for i in range(21)]
    scanned = {i for i, s in enumerate(found) if any(s.depth_m(p) >= 0.0 for p in way)}
    listed = grid.between(a, b)
    assert scanned <= set(listed)
    assert len(listed) == len(set(listed))


# -- passages ----------------------------------------------------------------------------------


@given(st.floats(100.0, 2_000.0), st.floats(-0.9, 0.9), courses, st.floats(100.0, 3_000.0))
def test_a_passage_is_where_the_leg_crosses_the_circle(
    radius_m: float, aside: float, course: float, before_m: float
) -> None:
    circle = Circle(APODACA, radius_m)
    middle = geo.destination(APODACA, course + 90.0, radius_m * aside)
    half = radius_m * math.sqrt(1.0 - aside * aside)
    a = geo.destination(middle, course + 180.0, half + before_m)
    b = geo.destination(middle, course, half + before_m)
    length = 2 * (half + before_m)
    found = geo.passage(circle, a, b)
    assert found is not None
    assert found.enter * length == pytest.approx(before_m, abs=5.0)
    assert found.exit * length == pytest.approx(before_m + 2 * half, abs=5.0)
    assert found.depth_m <= radius_m * (1 - abs(aside)) + 1.0


@pytest.mark.parametrize(
    ("from_m", "to_m", "crosses"),
    [
        pytest.param(-2_000, 2_000, True, id="from outside to outside"),
        pytest.param(-2_000, 0, False, id="ends inside"),
        pytest.param(0, 2_000, False, id="begins inside"),
        pytest.param(-2_000, -1_000, False, id="stops before it"),
        pytest.param(-2_000, -2_000, False, id="stands outside"),
    ],
)
def test_a_passage_needs_both_ends_outside(from_m: float, to_m: float, crosses: bool) -> None:
    a = geo.destination(APODACA, 90.0, from_m)
    b = geo.destination(APODACA, 90.0, to_m)
    assert (geo.passage(Circle(APODACA, 500.0), a, b) is not None) == crosses


def test_a_small_fence_on_a_long_leg_is_not_missed() -> None:
    a, b = geo.destination(APODACA, 270.0, 9_013.0), geo.destination(APODACA, 90.0, 8_977.0)
    for radius_m in (10.0, 15.0, 20.0, 30.0):
        found = geo.passage(Circle(APODACA, radius_m), a, b)
        assert found is not None
        assert found.enter * 17_990 == pytest.approx(9_013 - radius_m, abs=3.0)
        assert found.depth_m == pytest.approx(radius_m, abs=4.0)


def test_a_passage_may_cross_the_antimeridian() -> None:
    found = geo.passage(Circle((10.0, 180.0), 500.0), (10.0, 179.99), (10.0, -179.99))
    assert found is not None
    assert found.enter + found.exit == pytest.approx(1.0, abs=0.01)


# -- lines -------------------------------------------------------------------------------------


WINDING = Line(((25.0, -100.0), (25.0, -99.5), (25.3, -99.5), (25.3, -99.0), (26.0, -98.8)))


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.3))
def test_progress_never_falls_along_the_line(start: float, further: float) -> None:
    first = WINDING.length_m * start
    second = min(WINDING.length_m, first + WINDING.length_m * further)
    here = WINDING.locate(WINDING.at(first))
    there = WINDING.locate(WINDING.at(second), here.along_m, window_m=WINDING.length_m)
    assert there.along_m >= here.along_m - 60.0
    assert here.along_m == pytest.approx(first, abs=60.0)
    assert here.off_m < 60.0


def test_with_a_progress_only_the_road_near_it_is_looked_at() -> None:
    there_and_back = Line(((25.0, -100.0), (25.0, -99.0), (25.01, -99.0), (25.01, -100.0)))
    p = (25.006, -99.5)
    assert there_and_back.locate(p).along_m == pytest.approx(152_260, abs=200)
    assert there_and_back.locate(p, 50_000).along_m == pytest.approx(50_387, abs=200)


def test_far_from_the_progress_the_whole_line_is_looked_at() -> None:
    found = WINDING.locate((26.0, -98.8), 0.0)
    assert found.along_m == pytest.approx(WINDING.length_m, abs=1.0)


@pytest.mark.parametrize("progress_m", [-1e9, 0.0, 1e5, 1e9])
def test_a_progress_beyond_the_line_is_no_error(progress_m: float) -> None:
    """A plan may replace a route by a shorter one while a truck is under way."""
    assert WINDING.locate((25.3, -99.2), progress_m).off_m < 100.0


@pytest.mark.parametrize(
    ("along_m", "expected"),
    [
        pytest.param(-5.0, (25.0, -100.0), id="before the start"),
        pytest.param(0.0, (25.0, -100.0), id="at the start"),
        pytest.param(1e9, (26.0, -98.8), id="after the end"),
    ],
)
def test_a_distance_along_a_line_is_clamped_to_its_ends(along_m: float, expected: LatLon) -> None:
    assert WINDING.at(along_m) == pytest.approx(expected)


@given(rings, st.integers(0, 8), st.floats(0.0, 1.0))
def test_the_boundary_itself_is_inside(outer: tuple[LatLon, ...], side: int, share: float) -> None:
    a, b = outer[side % len(outer)], outer[(side + 1) % len(outer)]
    p = (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
    assert Polygon(outer).depth_m(p) >= 0.0
