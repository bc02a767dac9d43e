import json

import pytest

from ingest.simulator.plan_maker import make_plan
from ingest.simulator.roads import load_routes
from ingest.simulator.scenario import Scenario, Settings, build
from puente import planfile
from puente.plan import FenceClass, Plan
from tests.ingest.simulator.conftest import NOW


@pytest.fixture(scope="module")
def plan(scenario: Scenario) -> Plan:
    document = planfile.parse(make_plan(scenario), "simulator")
    assert document.ignored == {}
    return planfile.to_plan(document, 1)


def test_the_plan_is_a_plan_file_without_unknown_fields(plan: Plan) -> None:
    assert len(plan.shipments) == 60


def test_every_device_belongs_to_its_shipment(scenario: Scenario, plan: Plan) -> None:
    for trip in scenario.trips:
        for device in trip.device_ids:
            binding = plan.bind(device, NOW)
            assert binding is not None
            assert binding.shipment_id == trip.load.shipment_id


def test_every_kind_of_place_on_the_way_is_a_fence(plan: Plan) -> None:
    classes = {fence.fence_class for fence in plan.geofences.values()}
    assert classes == set(FenceClass) - {FenceClass.ORIGIN, FenceClass.DEST, FenceClass.CUSTOM}


def test_each_road_is_in_the_plan_once(scenario: Scenario, plan: Plan) -> None:
    assert set(plan.routes) == {trip.road.route.id for trip in scenario.trips}


def test_reefers_carry_a_profile_and_dry_vans_none(scenario: Scenario, plan: Plan) -> None:
    for trip in scenario.trips:
        shipment = plan.shipments[trip.load.shipment_id]
        assert (shipment.cargo_profile is None) == (trip.load.band is None)
        if shipment.sector in ("pharma", "produce"):
            assert shipment.cargo_profile in plan.profiles


def test_the_planned_times_hold_the_journey_that_is_driven(scenario: Scenario, plan: Plan) -> None:
    for trip in scenario.trips:
        shipment = plan.shipments[trip.load.shipment_id]
        assert shipment.planned_departure is not None
        assert shipment.planned_arrival is not None
        assert abs(shipment.planned_departure - trip.journey.departure_at) <= 15 * 60_000
        assert shipment.planned_departure < shipment.planned_arrival


def test_a_demo_of_three_hundred_uses_every_road_and_stays_below_a_megabyte() -> None:
    made = build(Settings(300, 1, NOW))
    assert {road.route.id for road in made.roads} == {route.id for route in load_routes()}
    assert len(json.dumps(make_plan(made))) < 1_000_000
