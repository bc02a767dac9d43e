"""The plan's geofences as GeoJSON for the map: shapes, names and what kind of place each is."""

import math
from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse

from dashboard.live.hub import Hub
from dashboard.safe_text import clean
from puente import geo
from puente.plan import BORDER, FenceClass, Geofence, Plan

PATH = "/map/fences.json"

_CIRCLE_POINTS = 48
_RISK = frozenset({FenceClass.HOT, FenceClass.NO_GO})
_SAFE = frozenset({FenceClass.SECURE_PARKING, FenceClass.REST_STOP, FenceClass.YARD})

FENCE_WORDS: dict[FenceClass, str] = {
    FenceClass.ORIGIN: "Origin",
    FenceClass.DEST: "Destination",
    FenceClass.YARD: "Yard",
    FenceClass.SECURE_PARKING: "Secure parking",
    FenceClass.REST_STOP: "Rest stop",
    FenceClass.BORDER_QUEUE: "Border queue",
    FenceClass.MX_EXPORT: "Mexican export customs",
    FenceClass.CBP: "US customs (CBP)",
    FenceClass.STATE_INSP: "State inspection",
    FenceClass.CHECKPOINT: "Checkpoint",
    FenceClass.HOT: "Theft hot zone",
    FenceClass.NO_GO: "No-go zone",
    FenceClass.DEADZONE: "No coverage",
    FenceClass.CUSTOM: "Area",
}


def group_of(fence_class: FenceClass) -> str:
    """Put a class into one of the four groups that the map colours."""
    if fence_class in BORDER:
        return "border"
    if fence_class in _RISK:
        return "risk"
    return "safe" if fence_class in _SAFE else "other"


def attach(server: FastAPI, hub: Hub) -> None:
    """Serve the fences of the newest plan."""

    def fences() -> JSONResponse:
        return JSONResponse(collection(hub.plan), headers={"Cache-Control": "no-cache"})

    server.add_api_route(PATH, fences, include_in_schema=False, response_model=None)


def collection(plan: Plan) -> dict[str, Any]:
    """Write the shared fences of a plan as a FeatureCollection; longitude first."""
    return {
        "type": "FeatureCollection",
        "features": [feature(fence) for fence in plan.geofences.values()],
    }


def feature(fence: Geofence) -> dict[str, Any]:
    """Write one fence."""
    return {
        "type": "Feature",
        "geometry": geometry(fence.shape),
        "properties": {
            "id": fence.id,
            "name": clean(fence.name or fence.id),
            "class": FENCE_WORDS[fence.fence_class],
            "group": group_of(fence.fence_class),
        },
    }


def geometry(shape: geo.Shape) -> dict[str, Any]:
    """Write a shape as a GeoJSON geometry; circles and corridors become polygons."""
    match shape:
        case geo.Circle():
            return {"type": "Polygon", "coordinates": [_circle(shape.centre, shape.radius_m)]}
        case geo.Polygon():
            return {"type": "Polygon", "coordinates": _rings(shape)}
        case geo.MultiPolygon():
            return {"type": "MultiPolygon", "coordinates": [_rings(p) for p in shape.parts]}
        case geo.Corridor():
            return {"type": "Polygon", "coordinates": [_ribbon(shape)]}
    raise TypeError(f"no geometry for {type(shape).__name__}")


def _rings(polygon: geo.Polygon) -> list[list[list[float]]]:
    return [_closed([[lon, lat] for lat, lon in ring]) for ring in (polygon.outer, *polygon.holes)]


def _closed(ring: list[list[float]]) -> list[list[float]]:
    return ring if ring and ring[0] == ring[-1] else [*ring, ring[0]]


def _lonlat(point: geo.LatLon) -> list[float]:
    return [round(point[1], 6), round(point[0], 6)]


def _circle(centre: geo.LatLon, radius_m: float) -> list[list[float]]:
    step = 360 / _CIRCLE_POINTS
    ring = [_lonlat(geo.destination(centre, i * step, radius_m)) for i in range(_CIRCLE_POINTS)]
    return _closed(ring)


def _ribbon(corridor: geo.Corridor) -> list[list[float]]:
    """Walk down one side of the line and back up the other; corners are mitred roughly."""
    left: list[list[float]] = []
    right: list[list[float]] = []
    line = corridor.line
    for i, point in enumerate(line):
        before = geo.bearing_deg(line[max(0, i - 1)], line[max(1, i)])
        after = geo.bearing_deg(line[min(i, len(line) - 2)], line[min(i + 1, len(line) - 1)])
        turn = (after - before + 180) % 360 - 180
        across = before + turn / 2 + 90
        # A sharp corner would throw the mitre far out: twice the width is enough.
        width = corridor.half_width_m / max(0.5, math.cos(math.radians(turn / 2)))
        right.append(_lonlat(geo.destination(point, across, width)))
        left.append(_lonlat(geo.destination(point, across + 180, width)))
    return _closed([*right, *reversed(left)])
