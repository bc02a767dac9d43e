import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.simulator.roads import load_routes
from ingest.simulator.way import Way
from puente import geo

ROUTE = load_routes()[0]
WAY = Way(ROUTE.points, ROUTE.leg_speed_mps)


@given(st.floats(0.0, 1.0))
def test_a_distance_and_the_time_to_it_are_two_names_of_one_place(share: float) -> None:
    along_m = share * WAY.length_m
    assert WAY.reached_m(WAY.seconds_to(along_m)) == pytest.approx(along_m, abs=0.01)


@given(st.floats(0.0, 1.0))
def test_a_point_of_the_way_lies_on_its_line(share: float) -> None:
    spot = WAY.spot(share * WAY.length_m)
    # A leg of 67 km is straight in degrees here and a great circle there: 28 m in its middle.
    assert WAY.line.locate((spot.lat_deg, spot.lon_deg)).off_m < 40.0


def test_points_beyond_the_ends_are_the_ends() -> None:
    assert WAY.spot(-5.0)[:2] == ROUTE.points[0]
    assert WAY.spot(1e9)[:2] == pytest.approx(ROUTE.points[-1])


def test_a_part_of_the_way_is_as_long_as_its_distances_say() -> None:
    part = geo.Line(WAY.between(200_000.0, 260_000.0))
    assert part.length_m == pytest.approx(60_000.0, rel=1e-3)
