"""A plan document as a plan file: the form that is stored and that `puente.planfile` reads."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from puente import instant, planshapes
from puente.plan import CargoProfile, Geofence, Place, Route, Shipment
from puente.plandocument import PlanDocument

T = TypeVar("T")


def encode(document: PlanDocument) -> bytes:
    """Write a document as a plan file, defaults left out, ids in order: equal in, equal out."""
    whole = {
        "shipments": [_written_shipment(s) for s in _by_id(document.shipments)],
        "geofences": _collection([_written_fence(f) for f in _by_id(document.geofences)]),
        "routes": _collection([_written_route(r) for r in _by_id(document.routes)]),
        "cargo_profiles": [_written_profile(p) for p in _by_id(document.profiles)],
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _by_id(items: Mapping[str, T]) -> Sequence[T]:
    return [items[identifier] for identifier in sorted(items)]


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def _given(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a reader would assume anyway."""
    return {
        name: value
        for name, value in values.items()
        if value is not None and (name not in defaults or defaults[name] != value)
    }


def _written_shipment(shipment: Shipment) -> dict[str, Any]:
    return _given(
        {
            "id": shipment.id,
            "carrier": shipment.carrier,
            "sector": shipment.sector,
            "cargo_profile": shipment.cargo_profile,
            "value_usd": shipment.value_usd,
            "high_value": shipment.high_value,
            "fast": shipment.fast,
            "consignments": [
                _given({"id": c.id, "customer": c.customer}, {"customer": ""})
                for c in shipment.consignments
            ],
            "origin": _written_place(shipment.origin),
            "destination": _written_place(shipment.destination),
            "crossing": shipment.crossing,
            "route": shipment.route,
            "corridor_m": shipment.corridor_m,
            "planned_departure": _written_instant(shipment.planned_departure),
            "planned_arrival": _written_instant(shipment.planned_arrival),
            "devices": [
                _given(
                    {
                        "device_id": binding.device_id,
                        "role": binding.role.value,
                        "from": _written_instant(binding.from_at),
                        "to": _written_instant(binding.to_at),
                    },
                    {},
                )
                for binding in shipment.devices
            ],
        },
        {"carrier": "", "sector": "other", "high_value": False, "fast": False, "consignments": []},
    )


def _written_place(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return _given(
        {
            "name": place.name,
            "lat": place.lat_deg,
            "lon": place.lon_deg,
            "radius_m": place.radius_m,
        },
        {"name": ""},
    )


def _written_instant(at: int | None) -> str | None:
    return None if at is None else instant.text(at)


def _written_fence(fence: Geofence) -> dict[str, Any]:
    geometry, measures = planshapes.write_shape(fence.shape)
    properties = _given(
        {
            "id": fence.id,
            "name": fence.name,
            "class": fence.fence_class.value,
            **measures,
            "enter_m": fence.enter_m,
            "exit_m": fence.exit_m,
            "confirm_fixes": fence.confirm_fixes,
            "confirm_s": fence.confirm_s,
            "dwell_s": fence.dwell_s,
            "schedule": fence.schedule,
            "timezone": fence.timezone,
        },
        {"name": ""},
    )
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _written_route(route: Route) -> dict[str, Any]:
    properties = _given(
        {"id": route.id, "name": route.name, "corridor_m": route.corridor_m}, {"name": ""}
    )
    return {
        "type": "Feature",
        "geometry": planshapes.write_line(route.line.points),
        "properties": properties,
    }


def _written_profile(profile: CargoProfile) -> dict[str, Any]:
    return _given(
        {
            "code": profile.code,
            "low_c": profile.low_c,
            "high_c": profile.high_c,
            "warn_delay_s": profile.warn_delay_s,
            "alarm_delay_s": profile.alarm_delay_s,
            "critical_low_c": profile.critical_low_c,
            "critical_high_c": profile.critical_high_c,
            "commodity": profile.commodity,
        },
        {"commodity": ""},
    )
