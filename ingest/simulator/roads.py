"""Journeys on real highways, as built by `scripts/build_roads.py`.

Each route runs from an industrial cluster over its crossing to its destination; ids are those of
`puente/geodata`. Road data © OpenStreetMap contributors, ODbL 1.0 (see NOTICE).
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources

import msgspec

LatLon = tuple[float, float]


class RoadRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One journey as a line of straight legs, driven in order."""

    id: str
    """Origin, crossing and destination, such as `QRO-WTB-DAL`."""
    origin: str
    """Cluster where the line starts."""
    crossing: str
    """Commercial crossing the line passes exactly over."""
    destination: str
    """Cluster where the line ends."""
    points: tuple[LatLon, ...]
    """The line as (lat_deg, lon_deg)."""
    leg_speed_mps: tuple[float, ...]
    """Cruising speed of each leg: `leg_speed_mps[i]` from `points[i]` to `points[i + 1]`."""
    length_m: float
    """Length along the line."""
    crossing_index: int
    """Which of `points` is the crossing."""


class _File(msgspec.Struct, frozen=True):
    """The stored form: the same fields, but longitude first, as in GeoJSON."""

    routes: tuple[RoadRoute, ...]


@cache
def load_routes() -> tuple[RoadRoute, ...]:
    """All journeys of the package, in the order they are stored."""
    packed = resources.files("ingest.simulator").joinpath("routes.json.gz").read_bytes()
    stored = msgspec.json.decode(gzip.decompress(packed), type=_File)
    return tuple(
        msgspec.structs.replace(
            route, points=tuple((lat_deg, lon_deg) for lon_deg, lat_deg in route.points)
        )
        for route in stored.routes
    )
