"""Where a point is, in words a dispatcher would use: `14 km north of Sabinas Hidalgo`."""

import csv
from functools import lru_cache
from importlib.resources import files

from dashboard.text import course, distance
from puente import geo

AT_M = 3_000.0
"""Nearer than this counts as being there."""

FAR_M = 200_000.0
"""Farther than this from every known place, coordinates say more than a name."""

_CELL_DEG = 1.0


class Gazetteer:
    """Known places on the corridors, found by nearness."""

    def __init__(self, places: list[tuple[str, geo.LatLon]]) -> None:
        self._cells: dict[tuple[int, int], list[tuple[str, geo.LatLon]]] = {}
        for name, point in places:
            self._cells.setdefault(_cell(point), []).append((name, point))

    def describe(self, lat_deg: float, lon_deg: float) -> str:
        """Name a point by the nearest known place, its distance and direction."""
        point = (lat_deg, lon_deg)
        row, column = _cell(point)
        near = [
            (geo.distance_m(place, point), name, place)
            for r in range(row - 2, row + 3)
            for c in range(column - 2, column + 3)
            for name, place in self._cells.get((r, c), ())
        ]
        if near:
            away_m, name, place = min(near)
            if away_m <= AT_M:
                return name
            if away_m <= FAR_M:
                return f"{distance(away_m)} {course(geo.bearing_deg(place, point))} of {name}"
        return coordinates(lat_deg, lon_deg)


def coordinates(lat_deg: float, lon_deg: float) -> str:
    """Write a point as latitude and longitude to about 100 m."""
    return (
        f"{abs(lat_deg):.3f}° {'N' if lat_deg >= 0 else 'S'} "
        f"{abs(lon_deg):.3f}° {'E' if lon_deg >= 0 else 'W'}"
    )


@lru_cache(maxsize=1)
def gazetteer() -> Gazetteer:
    """Load the towns along the corridors and the crossings that ship with Puente."""
    places = [
        (row[name], (float(row["lat_deg"]), float(row["lon_deg"])))
        for table, name in (("corridor_waypoints", "name"), ("crossings", "name"))
        for row in rows_of(table)
    ]
    return Gazetteer(list(dict.fromkeys(places)))


def rows_of(table: str) -> list[dict[str, str]]:
    """Read one of the tables of known places."""
    source = files("puente") / "geodata" / f"{table}.csv"
    return list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))


def _cell(point: geo.LatLon) -> tuple[int, int]:
    return int(point[0] // _CELL_DEG), int(point[1] // _CELL_DEG)
