"""The highway graph that both the drawn roads and the simulated journeys come from.

Development time only. One module loads it, so that a truck of `build_roads.py` always stands on a
line drawn by `build_basemap.py`.

The source is the `world_highways` table of the registry package scgraph-data: junctions and road
lengths derived from OpenStreetMap. Between junctions it is straight, so long legs in Mexico are
bent through the corridor waypoints of `puente/geodata` wherever the road's own length agrees.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parent.parent
GEODATA = ROOT / "puente" / "geodata"

WEST, SOUTH, EAST, NORTH = -126.0, 12.5, -66.0, 50.5
"""The corridor and its context: from Guatemala to the Great Lakes, coast to coast."""

EARTH_RADIUS_KM = 6371.0088

TOUCHING_KM = 0.15
"""Dead ends this near to another junction meet it: coordinates are rounded to 0.1 km."""

MISSING_ROADS: tuple[tuple[tuple[float, float], tuple[float, float]], ...] = (
    ((-108.229, 25.489), (-108.461, 25.579)),  # MX-15 at Guamúchil
)
"""Gaps of the source on a corridor: without this one Sinaloa's produce would cross the sierra."""

LONG_LEG_KM = 20.0
"""A straight leg longer than this is worth bending."""

Floats = NDArray[np.float64]
LonLat = tuple[float, float]


def read_table(name: str) -> list[dict[str, str]]:
    """Rows of one table of `puente/geodata`."""
    with (GEODATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def distance_km(a: LonLat, b: LonLat) -> float:
    """Great-circle distance between two (lon, lat) points."""
    lon_a, lat_a, lon_b, lat_b = map(math.radians, (*a, *b))
    chord = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord))


def polyline_km(points: list[LonLat]) -> float:
    """Length of a polyline."""
    return sum(distance_km(a, b) for a, b in pairwise(points))


def flat_km(points: Floats) -> Floats:
    """Points scaled so that plain Euclidean distance is kilometres, near enough for searching."""
    return np.asarray(points, dtype=np.float64) * [111.195 * math.cos(math.radians(27.0)), 111.195]


@dataclass(frozen=True)
class RoadGraph:
    """Junctions, the roads between them, and the bends of the long ones."""

    points: Floats
    """One row (lon, lat) for each junction."""
    edges: NDArray[np.int64]
    """One row (a, b) with a < b for each road."""
    road_km: Floats
    """Driven length of each road."""
    bends: dict[tuple[int, int], list[LonLat]] = field(default_factory=dict)
    """Points between a and b, for roads that are not drawn straight."""

    def line(self, a: int, b: int) -> list[LonLat]:
        """The drawn line of the road from a to b, both ends included."""
        inner = self.bends.get((min(a, b), max(a, b)), [])
        return [self.lonlat(a), *(inner if a < b else inner[::-1]), self.lonlat(b)]

    def lonlat(self, node: int) -> LonLat:
        """Where a junction is."""
        return float(self.points[node, 0]), float(self.points[node, 1])

    def matrix(self, cost: Floats | None = None) -> csr_matrix:
        """The graph as a symmetric sparse matrix, weighted by length unless told otherwise."""
        weight = np.maximum(self.road_km if cost is None else cost, 1e-4)
        a, b = self.edges[:, 0], self.edges[:, 1]
        n = len(self.points)
        half = csr_matrix((weight, (a, b)), shape=(n, n))
        return half.maximum(half.T)


def load() -> RoadGraph:
    """Read the graph, cut it to the map's extent and bend its long Mexican legs."""
    nodes, adjacency = _read_package()
    keep = [
        i for i, (lat, lon) in enumerate(nodes) if WEST <= lon <= EAST and SOUTH <= lat <= NORTH
    ]
    index = {old: new for new, old in enumerate(keep)}
    roads: dict[tuple[int, int], float] = {}
    for old in keep:
        for neighbour, km in adjacency[old].items():
            new = index.get(int(neighbour))
            if new is not None and new != index[old]:
                pair = (min(index[old], new), max(index[old], new))
                roads[pair] = min(km, roads.get(pair, math.inf))
    points = np.array([(nodes[i][1], nodes[i][0]) for i in keep])
    _mend(points, roads)
    edges = np.array(sorted(roads), dtype=np.int64)
    road_km = np.array([roads[int(a), int(b)] for a, b in edges])
    straight = RoadGraph(points, edges, road_km)
    return RoadGraph(points, edges, road_km, _bend(straight))


def _mend(points: Floats, roads: dict[tuple[int, int], float]) -> None:
    """Join dead ends that touch another junction, and close the known gaps."""
    tree = cKDTree(flat_km(points))
    ends = np.bincount(np.array(list(roads)).ravel(), minlength=len(points)) == 1
    joins = [
        (int(a), int(b))
        for a, b in tree.query_pairs(TOUCHING_KM, output_type="ndarray")
        if ends[a] or ends[b]
    ]
    for gap in MISSING_ROADS:
        a, b = (int(tree.query(flat_km(np.array(point)))[1]) for point in gap)
        joins.append((min(a, b), max(a, b)))
    for a, b in joins:
        km = distance_km((points[a, 0], points[a, 1]), (points[b, 0], points[b, 1]))
        roads.setdefault((a, b), km)


def _read_package() -> tuple[list[list[float]], list[dict[str, float]]]:
    """Parse the package's source text: importing it would build objects nobody needs."""
    spec = importlib.util.find_spec("scgraph_data")
    if spec is None or spec.origin is None:
        raise SystemExit("scgraph-data is not installed; see the pip line of the calling script")
    text = (Path(spec.origin).parent / "world_highways.py").read_text(encoding="utf-8")
    tables = {
        name: json.loads(re.sub(r"(\d+):", r'"\1":', body))
        for name, body in re.findall(r"^(graph|nodes)=(.*)$", text, re.MULTILINE)
    }
    return tables["nodes"], tables["graph"]


def corridors() -> dict[str, list[LonLat]]:
    """The named freight corridors as ordered waypoints."""
    lines: dict[str, list[LonLat]] = {}
    for row in read_table("corridor_waypoints"):
        lines.setdefault(row["corridor_id"], []).append(
            (float(row["lon_deg"]), float(row["lat_deg"]))
        )
    return lines


def _bend(graph: RoadGraph) -> dict[tuple[int, int], list[LonLat]]:
    """Bend long legs through corridor waypoints, where the stored road length allows it.

    A road cannot be shorter than a line it follows. So a run of waypoints is accepted only if the
    bent line is no longer than the road, and closer to its length than the straight line was.
    """
    a, b = graph.points[graph.edges[:, 0]], graph.points[graph.edges[:, 1]]
    straight_km = np.hypot(*(flat_km(a) - flat_km(b)).T)
    junctions = cKDTree(flat_km(graph.points))
    bends: dict[tuple[int, int], list[LonLat]] = {}
    lines = list(corridors().values())
    taken: set[LonLat] = set()
    for i in np.flatnonzero(straight_km > LONG_LEG_KM):
        start, end = int(graph.edges[i, 0]), int(graph.edges[i, 1])
        best = [graph.lonlat(start), graph.lonlat(end)]
        gap = graph.road_km[i] - polyline_km(best)
        for line in lines:
            inner = _between(line, graph.lonlat(start), graph.lonlat(end))
            # A waypoint in a town that has junctions of its own belongs to another road.
            # One waypoint bends one road: parallel toll and free roads do not meet at it.
            inner = [
                p
                for p in inner
                if p not in taken and junctions.query(flat_km(np.array(p)))[0] > 3.0
            ]
            bent = [graph.lonlat(start), *inner, graph.lonlat(end)]
            surplus = graph.road_km[i] * 1.01 - polyline_km(bent)
            if inner and surplus >= 0 and graph.road_km[i] - polyline_km(bent) < gap:
                best, gap = bent, graph.road_km[i] - polyline_km(bent)
        if len(best) > 2:
            bends[start, end] = best[1:-1]
            taken.update(best[1:-1])
    return bends


def _between(line: list[LonLat], start: LonLat, end: LonLat) -> list[LonLat]:
    """Waypoints that lie alongside the leg from start to end, in driving order."""
    ends = flat_km(np.array([start, end]))
    along = ends[1] - ends[0]
    length = float(np.hypot(*along))
    chosen: list[tuple[float, LonLat]] = []
    for point in line:
        offset = flat_km(np.array(point)) - ends[0]
        share = float(offset @ along) / length**2
        aside = abs(float(along[0] * offset[1] - along[1] * offset[0])) / length
        if 0.03 < share < 0.97 and aside < 0.2 * length:
            chosen.append((share, point))
    return [point for _, point in sorted(chosen)]
