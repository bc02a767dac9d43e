"""Committed files that scripts have made: still what the script makes, and fit for their use."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.basemap import SOURCES
from ingest.simulator.roads import RoadRoute, load_routes
from puente.geo import distance_m

ROOT = Path(__file__).resolve().parent.parent
GEO = ROOT / "assets" / "geo"
RECORD: dict[str, Any] = json.loads((ROOT / "scripts" / "generated.json").read_text("utf-8"))

Nested = Sequence[Any] | np.ndarray
"""Coordinates, however deeply nested."""

WEST, SOUTH, EAST, NORTH = -126.0, 12.5, -66.0, 50.5


def features(layer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((GEO / f"{layer}.geojson").read_text("utf-8"))[
        "features"
    ]
    return found


def rows(table: str) -> dict[str, dict[str, str]]:
    path = ROOT / "puente" / "geodata" / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def positions(coordinates: Nested) -> np.ndarray:
    """All (lon, lat) of a geometry."""
    if isinstance(coordinates[0], (int, float)):
        return np.array([coordinates], dtype=float)
    return np.concatenate([positions(part) for part in coordinates])


def flat_km(points: Nested) -> np.ndarray:
    return np.asarray(points, dtype=float) * [111.195 * np.cos(np.radians(28.0)), 111.195]


# --- the record --------------------------------------------------------------------------------


@pytest.mark.parametrize("script", sorted(RECORD))
def test_files_are_what_their_script_made(script: str) -> None:
    entry = RECORD[script]
    for name, recorded in (entry["inputs"] | entry["outputs"]).items():
        found = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        assert found == recorded, f"{name} changed: run {script} again"


def test_every_generated_file_has_a_script() -> None:
    recorded = {name for entry in RECORD.values() for name in entry["outputs"]}
    kept = [*GEO.iterdir(), *(ROOT / "assets" / "fonts").iterdir()]
    assert {path.relative_to(ROOT).as_posix() for path in kept} <= recorded
    assert "ingest/simulator/routes.json.gz" in recorded
    assert set(RECORD) >= {f"scripts/build_{name}.py" for name in ("assets", "basemap", "roads")}


# --- the basemap -------------------------------------------------------------------------------


def test_the_basemap_stays_small() -> None:
    assert sum(path.stat().st_size for path in GEO.iterdir()) < 4_000_000


@pytest.mark.parametrize("layer", SOURCES)
def test_layers_lie_within_the_map(layer: str) -> None:
    found = np.concatenate([positions(f["geometry"]["coordinates"]) for f in features(layer)])
    assert len(found) > 20
    assert ((found >= [WEST, SOUTH]) & (found <= [EAST, NORTH])).all()


def test_cities_bear_their_own_names() -> None:
    from_zoom: dict[str, float] = {}
    for city in (f["properties"] for f in features("cities")):
        from_zoom[city["n"]] = min(city["z"], from_zoom.get(city["n"], 99.0))
    for name in ("Ciudad de México", "Querétaro", "Ciudad Juárez", "León", "Torreón", "Mérida"):
        assert from_zoom[name] < 5
    for name in ("Laredo", "Nuevo Laredo", "Tijuana", "Reynosa", "Nogales", "Mexicali"):
        assert from_zoom[name] < 6


def test_boroughs_and_namesakes_are_not_cities() -> None:
    cities = [f["properties"] for f in features("cities")]
    large = {city["n"] for city in cities if city["p"] > 100_000}
    assert not large & {"Iztapalapa", "Brooklyn", "Manhattan", "Queens", "New South Memphis"}
    # Baja California has a small Puebla and a small Lázaro Cárdenas.
    namesakes = [c for c in cities if c["n"] in {"Puebla", "Lázaro Cárdenas"}]
    assert all((c["z"] < 6) == (c["p"] > 100_000) for c in namesakes)


def test_labels_of_one_zoom_level_do_not_crowd() -> None:
    early = [f for f in features("cities") if f["properties"]["z"] <= 4.6]
    assert 30 < len(early) < 90


def test_every_commercial_crossing_is_on_the_map() -> None:
    drawn = {
        f["properties"]["id"]: tuple(f["geometry"]["coordinates"]) for f in features("crossings")
    }
    assert len(drawn) == 22
    for crossing_id, row in rows("crossings").items():
        lon, lat = drawn[crossing_id]
        assert (lon, lat) == pytest.approx(
            (float(row["lon_deg"]), float(row["lat_deg"])), abs=1e-5
        )


def test_the_border_that_matters_is_marked() -> None:
    main = [f for f in features("admin0") if f["properties"]["main"]]
    found = np.concatenate([positions(f["geometry"]["coordinates"]) for f in main])
    assert found[:, 0].min() < -117.0
    assert found[:, 0].max() > -97.3


# --- journeys ----------------------------------------------------------------------------------

ROUTES = load_routes()


def at(row: dict[str, str]) -> tuple[float, float]:
    return float(row["lat_deg"]), float(row["lon_deg"])


def test_there_are_journeys_both_ways_over_many_crossings() -> None:
    assert (ROOT / "ingest" / "simulator" / "routes.json.gz").stat().st_size < 2_000_000
    assert len(ROUTES) >= 40
    assert len({route.id for route in ROUTES}) == len(ROUTES)
    northbound = [route for route in ROUTES if rows("clusters")[route.origin]["country"] == "MX"]
    assert len(northbound) >= 40
    assert len(ROUTES) - len(northbound) >= 10
    used = {route.crossing for route in ROUTES}
    assert used >= {"WTB", "COL", "PHR", "EGP2", "BOTA", "YSL", "NOG", "OTM", "CLX"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_a_journey_leads_from_cluster_over_crossing_to_cluster(route: RoadRoute) -> None:
    clusters = rows("clusters")
    assert route.points[0] == pytest.approx(at(clusters[route.origin]), abs=1e-5)
    assert route.points[-1] == pytest.approx(at(clusters[route.destination]), abs=1e-5)
    crossing = at(rows("crossings")[route.crossing])
    assert route.points[route.crossing_index] == pytest.approx(crossing, abs=1e-5)
    assert clusters[route.origin]["country"] != clusters[route.destination]["country"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_a_journey_can_be_driven(route: RoadRoute) -> None:
    legs_m = [distance_m(a, b) for a, b in pairwise(route.points)]
    assert min(legs_m) > 0.5
    assert sum(legs_m) == pytest.approx(route.length_m, rel=0.002)
    assert len(route.leg_speed_mps) == len(legs_m)
    assert all(8 <= speed <= 27 for speed in route.leg_speed_mps)
    # The roads detour, but no journey goes round by another state.
    crossing = route.points[route.crossing_index]
    direct_m = distance_m(route.points[0], crossing) + distance_m(crossing, route.points[-1])
    assert route.length_m < 1.6 * direct_m + 15_000


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_a_journey_never_turns_on_the_spot(route: RoadRoute) -> None:
    line = flat_km([(lon, lat) for lat, lon in route.points])
    legs = np.diff(line, axis=0)
    lengths = np.hypot(*legs.T)
    cosine = (legs[:-1] * legs[1:]).sum(axis=1) / (lengths[:-1] * lengths[1:])
    long = np.minimum(lengths[:-1], lengths[1:]) > 1.0
    assert not (long & (cosine < -0.9)).any()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_a_journey_crosses_the_border_at_its_crossing_only(route: RoadRoute) -> None:
    line = flat_km([(lon, lat) for lat, lon in route.points])
    crossing = line[route.crossing_index]
    touched = []
    for border in (f["geometry"] for f in features("admin0") if f["properties"]["main"]):
        single = border["type"] == "LineString"
        for part in [border["coordinates"]] if single else border["coordinates"]:
            touched += intersections(line, flat_km(part))
    assert touched
    # The drawn border is coarse: a kilometre or two beside the river.
    assert max(np.hypot(*(point - crossing)) for point in touched) < 4.0


def intersections(line: np.ndarray, other: np.ndarray) -> list[np.ndarray]:
    """Where two polylines meet."""
    p, r = line[:-1, None], np.diff(line, axis=0)[:, None]
    q, s = other[None, :-1], np.diff(other, axis=0)[None]
    cross = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    gap = q - p
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (gap[..., 0] * s[..., 1] - gap[..., 1] * s[..., 0]) / cross
        u = (gap[..., 0] * r[..., 1] - gap[..., 1] * r[..., 0]) / cross
    hits = np.argwhere((t >= 0) & (t <= 1) & (u >= 0) & (u <= 1))
    return [line[i] + t[i, j] * (line[i + 1] - line[i]) for i, j in hits]


def test_trucks_sit_on_drawn_roads() -> None:
    drawn = [
        flat_km(part)
        for feature in features("roads1")
        for part in feature["geometry"]["coordinates"]
    ]
    start = np.concatenate([line[:-1] for line in drawn])
    along = np.concatenate([np.diff(line, axis=0) for line in drawn])
    squared = np.maximum((along**2).sum(axis=1), 1e-12)
    for route in ROUTES:
        # Clusters and the lot at the crossing lie beside the road.
        halts = (route.points[0], route.points[route.crossing_index], route.points[-1])
        for i in range(1, len(route.points), 17):
            lat, lon = route.points[i]
            if min(distance_m((lat, lon), halt) for halt in halts) < 5_000:
                continue
            offset = flat_km((lon, lat)) - start
            share = np.clip((offset * along).sum(axis=1) / squared, 0, 1)
            nearest = np.hypot(*(offset - share[:, None] * along).T).min()
            assert nearest < 0.3, f"{route.id} point {i} is {nearest:.1f} km from any main road"


# --- fonts, icons, sprite ----------------------------------------------------------------------


def test_icons_are_complete_and_local() -> None:
    text = (ROOT / "assets" / "00-icons.js").read_text("utf-8")
    assert "http" not in text
    body = text[text.index("concat(") + len("concat(") : text.rindex(")")]
    icons = json.loads(body)
    names = set(icons["icons"]) | set(icons["aliases"])
    assert {"truck", "alert-triangle", "building-bridge", "lock-x", "bell-ringing"} <= names


def test_fonts_are_local() -> None:
    sheet = (ROOT / "assets" / "fonts.css").read_text("utf-8")
    assert "http" not in sheet
    for family in ("Inter", "Inter Medium", "Inter Semibold", "Inter Bold", "Inter Italic"):
        assert f'font-family: "{family}";' in sheet
    for part in sheet.split('url("')[1:]:
        assert (ROOT / "assets" / part.split('"')[0]).stat().st_size > 10_000
