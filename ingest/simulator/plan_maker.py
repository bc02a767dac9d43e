"""The plan of a scenario, as a plan document (interfaces, section 3)."""

from typing import Any

from ingest.simulator.fences import lon_lat
from ingest.simulator.gazetteer import clusters
from ingest.simulator.journey import Activity
from ingest.simulator.places import PLACE_RADIUS_M, Road
from ingest.simulator.scenario import Scenario
from ingest.simulator.trip import Trip
from puente import instant
from puente.instant import HOUR, MINUTE, Instant

APPOINTMENT_MS = 15 * MINUTE
"""Planners think in quarters of an hour."""
SLACK_MS = HOUR


def make_plan(scenario: Scenario) -> dict[str, Any]:
    """Write what should happen; incidents are not in it."""
    return {
        "shipments": [_shipment(trip) for trip in scenario.trips],
        "geofences": {
            "type": "FeatureCollection",
            "features": [fence.feature() for fence in scenario.book],
        },
        "routes": {
            "type": "FeatureCollection",
            "features": [_route(road) for road in scenario.roads],
        },
    }


def _route(road: Road) -> dict[str, Any]:
    origin, destination = (clusters()[c] for c in (road.route.origin, road.route.destination))
    name = f"{origin.city} – {road.border.crossing.label} – {destination.city}"
    return {
        "type": "Feature",
        # Without a width of its own, so that each shipment's corridor counts.
        "properties": {"id": road.route.id, "name": name},
        "geometry": {
            "type": "LineString",
            "coordinates": [lon_lat(point) for point in road.way.points],
        },
    }


def _shipment(trip: Trip) -> dict[str, Any]:
    load, road = trip.load, trip.road
    devices = [
        {"device_id": load.trailer_id, "role": "trailer", "from": None, "to": None},
        {"device_id": load.seal_id, "role": "seal", "from": None, "to": None},
    ]
    if load.has_tractor:
        devices.append({"device_id": load.tractor_id, "role": "tractor", "from": None, "to": None})
    document: dict[str, Any] = {
        "id": load.shipment_id,
        "carrier": load.carrier,
        "sector": load.sector,
        "value_usd": load.value_usd,
        "high_value": load.high_value,
        "fast": load.fast,
        "consignments": [{"id": i, "customer": c} for i, c in load.consignments],
        "origin": _place(load.origin_name, road.route.origin),
        "destination": _place(load.destination_name, road.route.destination),
        "crossing": road.route.crossing,
        "route": road.route.id,
        "corridor_m": trip.corridor_m,
        "planned_departure": instant.text(_appointment(trip.journey.departure_at)),
        "planned_arrival": instant.text(_appointment(_expected_arrival(trip))),
        "devices": devices,
    }
    if load.band is not None:
        document["cargo_profile"] = load.band.code
    return document


def _place(name: str, cluster: str) -> dict[str, Any]:
    lat, lon = clusters()[cluster].centre
    return {"name": name, "lat": lat, "lon": lon, "radius_m": PLACE_RADIUS_M}


def _expected_arrival(trip: Trip) -> Instant:
    """When the truck would arrive without what goes wrong, with an hour to spare."""
    stages = trip.journey.stages
    lost = sum(s.end_at - s.start_at for s in stages if s.activity is Activity.HALTED)
    return stages[-1].start_at - lost + SLACK_MS


def _appointment(at: Instant) -> Instant:
    return at - at % APPOINTMENT_MS
