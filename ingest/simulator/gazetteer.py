"""The places the simulator knows, read from `puente/geodata/*.csv` and typed.

Reading happens once per process; nothing in here decides anything.
"""

import csv
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

from puente.geo import LatLon


class Cluster(NamedTuple):
    """An industrial cluster: where loads come from and go to."""

    id: str
    city: str
    country: str
    sectors: str
    centre: LatLon


class Crossing(NamedTuple):
    """A commercial border crossing; `timezone` is the one of its US side."""

    id: str
    label: str
    centre: LatLon
    timezone: str
    us_state: str


class Spot(NamedTuple):
    """A circle with a purpose: a rest stop, a yard, a checkpoint, a hot zone."""

    id: str
    name: str
    kind: str
    centre: LatLon
    radius_m: float


class Band(NamedTuple):
    """The temperatures a commodity bears, in degrees Celsius; None is no limit."""

    code: str
    commodity: str
    kind: str
    low_c: float
    high_c: float
    set_c: float
    critical_high_c: float | None


def _rows(name: str) -> Iterator[dict[str, str]]:
    path = resources.files("puente").joinpath("geodata", f"{name}.csv")
    with path.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _point(row: dict[str, str]) -> LatLon:
    return float(row["lat_deg"]), float(row["lon_deg"])


@cache
def clusters() -> dict[str, Cluster]:
    """All clusters by id."""
    return {
        r["id"]: Cluster(r["id"], r["city"], r["country"], r["sectors"], _point(r))
        for r in _rows("clusters")
    }


@cache
def crossings() -> dict[str, Crossing]:
    """All crossings by id."""
    return {
        r["id"]: Crossing(r["id"], r["label"], _point(r), r["tz"], r["us_state"])
        for r in _rows("crossings")
    }


@cache
def stops() -> tuple[Spot, ...]:
    """Known places to halt; `kind` is secure_parking, rest_stop, drop_yard or checkpoint."""
    return tuple(
        Spot(r["id"], r["name"], r["type"], _point(r), float(r["radius_m"]))
        for r in _rows("stops")
    )


@cache
def hot_zones() -> tuple[Spot, ...]:
    """Areas where cargo is stolen."""
    return tuple(
        Spot(r["id"], r["name"], "hot", _point(r), float(r["radius_km"]) * 1000.0)
        for r in _rows("hotzones")
    )


@cache
def bands() -> dict[str, Band]:
    """Cargo profiles with a refrigerated setpoint, by code."""
    return {
        r["code"]: Band(
            r["code"],
            r["commodity"],
            r["class"],
            float(r["low_c"]),
            float(r["high_c"]),
            float(r["set_c"]),
            float(r["critical_high_c"]) if r["critical_high_c"] else None,
        )
        for r in _rows("temp_bands")
        if r["set_c"]
    }
