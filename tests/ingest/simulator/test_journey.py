from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.simulator.gazetteer import clusters
from ingest.simulator.journey import (
    Activity,
    Journey,
    moved,
    retimed,
    with_detour,
    with_halt,
)
from ingest.simulator.places import PLACE_RADIUS_M
from ingest.simulator.scenario import Scenario
from ingest.simulator.trip import Trip
from puente import geo
from puente.instant import HOUR, MINUTE, SECOND
from puente.plan import FenceClass

FASTEST_MPS = 31.0
"""112 km/h: above any road's cruising speed with haste and waves on top."""

LAWFUL_AT = {
    Activity.RESTING: {FenceClass.SECURE_PARKING, FenceClass.REST_STOP},
    Activity.IN_YARD: {FenceClass.YARD},
    Activity.AT_CHECKPOINT: {FenceClass.CHECKPOINT},
    Activity.QUEUEING: {FenceClass.BORDER_QUEUE},
    Activity.AT_MX_CUSTOMS: {FenceClass.MX_EXPORT},
    Activity.AT_CBP: {FenceClass.CBP},
    Activity.AT_STATE_INSPECTION: {FenceClass.STATE_INSP},
}


def stages_of(scenario: Scenario, activity: Activity) -> Iterator[tuple[Trip, geo.LatLon]]:
    for trip in scenario.trips:
        for stage in trip.journey.stages:
            if stage.activity is activity:
                for share in (0.0, 0.5, 1.0):
                    at = stage.start_at + round(share * (stage.end_at - stage.start_at))
                    yield trip, stage.where(at).point


@pytest.mark.parametrize("activity", LAWFUL_AT, ids=str)
def test_trucks_halt_well_inside_the_fences_made_for_it(
    scenario: Scenario, activity: Activity
) -> None:
    points = list(stages_of(scenario, activity))
    assert points
    for trip, point in points:
        depth_m = scenario.book.depth_m(point, LAWFUL_AT[activity])
        assert depth_m > 80.0, (trip.load.shipment_id, point)


@pytest.mark.parametrize(
    ("activity", "end"), [(Activity.LOADING, "origin"), (Activity.UNLOADING, "destination")]
)
def test_loads_are_loaded_at_the_origin_and_unloaded_at_the_destination(
    scenario: Scenario, activity: Activity, end: str
) -> None:
    for trip, point in stages_of(scenario, activity):
        place = clusters()[getattr(trip.road.route, end)].centre
        assert geo.distance_m(point, place) < PLACE_RADIUS_M / 2


def test_stages_follow_each_other_without_gaps_in_time_and_place(scenario: Scenario) -> None:
    for trip in scenario.trips:
        for a, b in pairwise(trip.journey.stages):
            assert a.end_at == b.start_at
            assert geo.distance_m(a.where(a.end_at).point, b.where(b.start_at).point) < 15.0


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_trucks_never_teleport(scenario: Scenario, data: st.DataObject) -> None:
    trip = scenario.trips[data.draw(st.integers(0, 59))]
    journey = trip.journey
    at = data.draw(st.integers(journey.start_at, journey.finish_at))
    step = data.draw(st.integers(1, 600))
    here, there = journey.where(at), journey.where(at + step * SECOND)
    assert geo.distance_m(here.point, there.point) <= FASTEST_MPS * step + 15.0
    assert 0.0 <= here.speed_mps <= FASTEST_MPS


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_trucks_are_on_their_road_unless_they_went_astray(
    scenario: Scenario, data: st.DataObject
) -> None:
    trip = scenario.trips[data.draw(st.integers(0, 59))]
    at = data.draw(st.integers(trip.journey.start_at, trip.journey.finish_at))
    truth = trip.journey.where(at)
    if truth.activity is not Activity.ASTRAY:
        assert trip.road.way.line.locate(truth.point).off_m < 60.0


def test_nobody_drives_longer_than_five_hours_without_a_rest(scenario: Scenario) -> None:
    for trip in scenario.trips:
        driven = 0
        for stage in trip.journey.stages:
            if stage.activity.under_way:
                driven += stage.end_at - stage.start_at
            elif stage.end_at - stage.start_at >= 30 * MINUTE:
                driven = 0
            assert driven < 5.2 * HOUR, trip.load.shipment_id


def test_a_truck_far_from_lawful_places_stands_only_because_of_an_incident(
    scenario: Scenario,
) -> None:
    for trip in scenario.trips:
        for stage in trip.journey.stages:
            standing = stage.from_m == stage.to_m and stage.end_at - stage.start_at > MINUTE
            ends = stage.activity in (Activity.LOADING, Activity.UNLOADING)
            if standing and not ends and stage.activity is not Activity.HALTED:
                point = stage.where(stage.start_at).point
                assert scenario.book.lawful_depth_m(point) > 0.0


def long_drive(scenario: Scenario) -> tuple[Journey, int]:
    """A journey and an instant in the middle of three hours of driving."""
    for trip in scenario.trips:
        for stage in trip.journey.stages:
            if stage.activity is Activity.DRIVING and stage.end_at - stage.start_at > 3 * HOUR:
                return trip.journey, (stage.start_at + stage.end_at) // 2
    raise AssertionError("no long drive in the scenario")


def test_a_halt_stands_where_and_when_it_was_put_and_delays_all_that_follows(
    scenario: Scenario,
) -> None:
    journey, at = long_drive(scenario)
    halted = with_halt(journey, at, 20 * MINUTE)
    assert halted is not None
    assert halted.where(at + MINUTE).activity is Activity.HALTED
    assert halted.where(at + MINUTE).speed_mps == 0.0
    assert halted.where(at + MINUTE).point == halted.where(at + 19 * MINUTE).point
    delay = halted.finish_at - journey.finish_at
    assert 20 * MINUTE <= delay <= 22 * MINUTE
    before = at - 10 * MINUTE
    assert geo.distance_m(halted.where(before).point, journey.where(before).point) < 1_500.0


def test_a_detour_leaves_the_road_and_comes_back_to_it(scenario: Scenario) -> None:
    journey, at = long_drive(scenario)
    here = journey.where(at)
    aside = geo.destination(here.point, here.course_deg + 60.0, 8_000.0)
    astray = with_detour(journey, at, 12_000.0, [aside])
    assert astray is not None
    stage = next(s for s in astray.stages if s.activity is Activity.ASTRAY)
    passed = min(
        geo.distance_m(stage.where(t).point, aside)
        for t in range(stage.start_at, stage.end_at, 5 * SECOND)
    )
    assert passed < 100.0
    assert astray.where(stage.end_at + MINUTE).activity is Activity.DRIVING


def test_a_halt_cannot_be_put_into_a_rest(scenario: Scenario) -> None:
    journey = next(t.journey for t in scenario.trips if t.journey.first(Activity.RESTING))
    rest = journey.first(Activity.RESTING)
    assert rest is not None
    assert with_halt(journey, rest.start_at + MINUTE, MINUTE) is None


def test_a_journey_can_be_moved_so_that_it_passes_a_place_at_a_given_instant(
    scenario: Scenario,
) -> None:
    journey, at = long_drive(scenario)
    along_m = journey.stage_at(at).along_m(at)
    later = retimed(journey, along_m, at + 5 * HOUR)
    assert later is not None
    assert later.stage_at(at + 5 * HOUR).along_m(at + 5 * HOUR) == pytest.approx(along_m, abs=40)
    assert moved(journey, HOUR).finish_at == journey.finish_at + HOUR
