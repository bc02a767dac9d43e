"""Plan files: what is read, what is refused and in which words, merging, and the round trip."""

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puente import geo, instant, planfile
from puente.model import Role
from puente.plan import (
    Binding,
    CargoProfile,
    Consignment,
    FenceClass,
    Geofence,
    Place,
    Route,
    Shipment,
)
from puente.plandocument import warnings
from puente.planfile import PlanDocument, PlanError, merge, parse, read_files, to_plan

SQUARE = [[-99.5, 27.5], [-99.4, 27.5], [-99.4, 27.6], [-99.5, 27.6], [-99.5, 27.5]]


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def feature(kind: str, coordinates: object, **properties: object) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {"id": "F", **properties},
    }


def shipment(identifier: str = "S", **values: object) -> dict[str, Any]:
    return {"id": identifier, "devices": [], **values}


def problems_of(document: dict[str, Any] | bytes) -> list[str]:
    with pytest.raises(PlanError) as caught:
        to_plan(parse(document, "plan.json"), 1)
    return caught.value.problems


def fence_of(kind: str, coordinates: object, **properties: object) -> Geofence:
    document = {"geofences": collection(feature(kind, coordinates, **properties))}
    return parse(document, "plan.json").geofences["F"]


def test_the_smallest_plan_has_every_default() -> None:
    plan = to_plan(parse(b'{"shipments": [{"id": "MX26-1", "devices": []}]}', "plan.json"), 3)
    assert plan.shipments == {"MX26-1": Shipment(id="MX26-1")}
    assert plan.version == 3
    assert plan.profiles["PH_2_8"].alarm_delay_s == 1800
    assert plan.profiles["AUTO"].critical_high_c is None


def test_a_full_shipment_is_read_field_by_field() -> None:
    document = {
        "shipments": [
            {
                "id": "MX24-000123",
                "carrier": "Transportes",
                "sector": "pharma",
                "cargo_profile": "PH_2_8",
                "value_usd": 250000,
                "high_value": True,
                "fast": True,
                "consignments": [{"id": "C/1", "customer": "Customer"}],
                "origin": {"name": "Plant", "lat": 20.6, "lon": -100.4},
                "destination": {"lat": 29.4, "lon": -98.5, "radius_m": 800},
                "crossing": "WTB",
                "route": "MX57",
                "corridor_m": 900,
                "planned_departure": "2026-07-01T06:00:00-06:00",
                "planned_arrival": "2026-07-03T18:00:00-05:00",
                "devices": [
                    {
                        "device_id": "TRK-1",
                        "role": "tractor",
                        "from": "2026-07-01T00:00:00Z",
                        "to": None,
                    },
                    {"device_id": "SEAL-1", "role": "seal"},
                ],
            }
        ],
        "geofences": collection(),
        "routes": collection(
            {**feature("LineString", [[-100.4, 20.6], [-99.5, 27.5]], id="MX57", corridor_m=700)}
        ),
    }
    plan = to_plan(parse(document, "plan.json"), 1)
    assert plan.shipments["MX24-000123"] == Shipment(
        id="MX24-000123",
        carrier="Transportes",
        sector="pharma",
        cargo_profile="PH_2_8",
        value_usd=250000,
        high_value=True,
        fast=True,
        consignments=(Consignment("C/1", "Customer"),),
        origin=Place(20.6, -100.4, "Plant", 500.0),
        destination=Place(29.4, -98.5, "", 800.0),
        crossing="WTB",
        route="MX57",
        corridor_m=900.0,
        planned_departure=instant.parse("2026-07-01T12:00:00Z"),
        planned_arrival=instant.parse("2026-07-03T23:00:00Z"),
        devices=(
            Binding(
                "TRK-1", "MX24-000123", Role.TRACTOR, instant.parse("2026-07-01T00:00:00Z"), None
            ),
            Binding("SEAL-1", "MX24-000123", Role.SEAL),
        ),
    )
    view = plan.view("MX24-000123")
    assert view is not None
    assert view.corridor_m == 700.0
    assert view.profile == plan.profiles["PH_2_8"]
    assert [fence.id for fence in view.own] == ["MX24-000123:origin", "MX24-000123:destination"]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        pytest.param(
            {"shipments": [shipment("MX26-1", planned_arrival="tomorrow")]},
            "plan.json: shipment MX26-1: planned_arrival: 'tomorrow' is not an RFC 3339 date and "
            "time with a zone",
            id="a time that is not RFC 3339",
        ),
        pytest.param(
            {"shipments": [shipment(planned_departure="2026-07-01T06:00:00")]},
            "plan.json: shipment S: planned_departure: '2026-07-01T06:00:00' is not an RFC 3339 "
            "date and time with a zone",
            id="a time without a zone",
        ),
        pytest.param(
            {
                "shipments": [
                    shipment(
                        planned_departure="2026-07-02T06:00:00Z",
                        planned_arrival="2026-07-01T06:00:00Z",
                    )
                ]
            },
            "plan.json: shipment S: planned_arrival: is before planned_departure",
            id="arrival before departure",
        ),
        pytest.param(
            {"shipments": [{"devices": []}]},
            "plan.json: shipment #1: id: is missing",
            id="a shipment without id",
        ),
        pytest.param(
            {"shipments": [shipment("a b")]},
            "plan.json: shipment a b: id: 'a b' is not an id of 1 to 64 letters, digits, '.', '_' "
            "or '-'",
            id="an id with a space",
        ),
        pytest.param(
            {"shipments": [{"id": "S"}]},
            "plan.json: shipment S: devices: is missing",
            id="a shipment without devices",
        ),
        pytest.param(
            {"shipments": [shipment(devices=[{"device_id": "T", "role": "truck"}])]},
            "plan.json: shipment S: devices[1].role: 'truck' is not one of trailer tractor seal "
            "covert probe",
            id="an unknown role",
        ),
        pytest.param(
            {
                "shipments": [
                    shipment(
                        devices=[
                            {
                                "device_id": "T",
                                "from": "2026-07-02T00:00:00Z",
                                "to": "2026-07-02T00:00:00Z",
                            }
                        ]
                    )
                ]
            },
            "plan.json: shipment S: devices[1].to: is not after from",
            id="a binding that ends where it begins",
        ),
        pytest.param(
            {"shipments": [shipment(origin={"lat": 20.6})]},
            "plan.json: shipment S: origin.lon: is missing",
            id="half a place",
        ),
        pytest.param(
            {"shipments": [shipment(destination={"lat": 91, "lon": 0})]},
            "plan.json: shipment S: destination.lat: 91 is outside -90 to 90",
            id="a latitude beyond the pole",
        ),
        pytest.param(
            {"shipments": [shipment(origin={"lat": 1, "lon": 1, "radius_m": -5})]},
            "plan.json: shipment S: origin.radius_m: -5 is not above 0",
            id="a negative radius",
        ),
        pytest.param(
            {"shipments": [shipment(sector="toys")]},
            "plan.json: shipment S: sector: 'toys' is not one of automotive electronics aerospace "
            "consumer pharma produce other",
            id="an unknown sector",
        ),
        pytest.param(
            {"shipments": [shipment(cargo_profile="NOPE")]},
            "plan.json: shipment S: cargo_profile: there is no profile 'NOPE'",
            id="an unknown profile",
        ),
        pytest.param(
            {"shipments": [shipment(high_value="yes")]},
            "plan.json: shipment S: high_value: 'yes' is neither true nor false",
            id="a word for a boolean",
        ),
        pytest.param(
            {"shipments": [shipment(value_usd=True)]},
            "plan.json: shipment S: value_usd: True is not a number",
            id="a boolean for a number",
        ),
        pytest.param(
            {"shipments": [shipment(), shipment()]},
            "plan.json: shipment S: id: is used twice",
            id="the same id twice",
        ),
        pytest.param(
            {"shipments": {"id": "S"}},
            "plan.json: shipments: {'id': 'S'} is not a list",
            id="shipments that are no list",
        ),
        pytest.param(
            {"shipments": [7]},
            "plan.json: shipment #1: 7 is not an object",
            id="a shipment that is a number",
        ),
        pytest.param(
            {"geofences": [1]},
            "plan.json: geofences: [1] is not a GeoJSON FeatureCollection",
            id="geofences that are no collection",
        ),
        pytest.param(
            b"[]", "plan.json: [] is not an object with shipments or features", id="list"
        ),
        pytest.param(b"{", "plan.json: line 1: is not JSON (", id="broken JSON"),
        pytest.param(b"\xff\xfe{", "plan.json: is not UTF-8 (", id="UTF-16"),
        pytest.param(
            b'{"shipments": [], "shipments": []}',
            "plan.json: an object has 'shipments' more than once",
            id="a key twice",
        ),
        pytest.param(
            b"[" * 200_000, "plan.json: is JSON with a number or a depth", id="a deep document"
        ),
        pytest.param(
            b'{"shipments": [{"id": "S", "devices": [], "value_usd": NaN}]}',
            "plan.json: shipment S: value_usd: nan is not a number",
            id="NaN",
        ),
        pytest.param(
            {"cargo_profiles": [{"code": "X", "low_c": 5, "high_c": 2}]},
            "plan.json: cargo profile X: high_c: is not above low_c",
            id="a profile upside down",
        ),
        pytest.param(
            {"cargo_profiles": [{"code": "X", "low_c": 5}]},
            "plan.json: cargo profile X: high_c: is missing",
            id="half a band",
        ),
    ],
)
def test_a_problem_names_file_item_and_field(
    document: dict[str, Any] | bytes, problem: str
) -> None:
    found = problems_of(document)
    assert len(found) == 1
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    ("kind", "coordinates", "properties", "problem"),
    [
        pytest.param(
            "Polygon", [SQUARE], {"class": "MOON"}, "class: 'MOON' is not one of", id="class"
        ),
        pytest.param(
            "Polygon",
            [[[0, 0], [1, 1], [1, 0], [0, 1]]],
            {},
            "geometry: the ring crosses itself (side 1 and side 3)",
            id="bow tie",
        ),
        pytest.param(
            "Polygon",
            [[[0, 0], [1, 1]]],
            {},
            "geometry: a ring needs at least three",
            id="two points",
        ),
        pytest.param(
            "Polygon",
            [[[0, 0], [1, 1], [2, 2]]],
            {},
            "geometry: the ring encloses no area",
            id="line",
        ),
        pytest.param("Polygon", [], {}, "geometry: a Polygon needs a ring", id="no ring"),
        pytest.param("MultiPolygon", [], {}, "geometry: a MultiPolygon needs", id="no polygon"),
        pytest.param(
            "Polygon",
            [SQUARE, [[0, 0], [0.1, 0], [0, 0.1]]],
            {},
            "geometry: hole 1 reaches outside its polygon",
            id="hole outside",
        ),
        pytest.param(
            "Point", [0, 0], {}, "geometry: a Point needs radius_m", id="circle, no radius"
        ),
        pytest.param(
            "Point", [0, 0], {"radius_m": 0}, "radius_m: 0 is not above 0", id="radius 0"
        ),
        pytest.param(
            "LineString", [[0, 0], [1, 1]], {}, "geometry: a LineString needs", id="width"
        ),
        pytest.param(
            "LineString",
            [[0, 0], [0, 0]],
            {"corridor_m": 5},
            "geometry: a line needs at least two different points",
            id="line of one point",
        ),
        pytest.param(
            "Point",
            [27.5, -99.5],
            {"radius_m": 5},
            "geometry: coordinates: [27.5, -99.5] lies outside the Earth; the order is",
            id="latitude first",
        ),
        pytest.param(
            "Point", ["a", 0], {"radius_m": 5}, "geometry: coordinates: ['a', 0] is", id="text"
        ),
        pytest.param(
            "Sphere", [0, 0], {}, "geometry: 'Sphere' is not Polygon", id="geometry type"
        ),
        pytest.param(
            "Point", [0, 0], {"radius_m": 5, "enter_m": -1}, "enter_m: -1 is below 0", id="enter"
        ),
        pytest.param(
            "Point",
            [0, 0],
            {"radius_m": 5, "confirm_fixes": 0},
            "confirm_fixes: 0 is below 1",
            id="fixes",
        ),
        pytest.param(
            "Point",
            [0, 0],
            {"radius_m": 5, "dwell_s": 1.5},
            "dwell_s: 1.5 is not a whole",
            id="dwell",
        ),
        pytest.param(
            "Point",
            [0, 0],
            {"radius_m": 5, "schedule": "always"},
            "schedule: schedule part",
            id="schedule",
        ),
        pytest.param(
            "Point",
            [0, 0],
            {"radius_m": 5, "timezone": "CST6"},
            "timezone: 'CST6' is not",
            id="zone",
        ),
        pytest.param(
            "Polygon", [SQUARE], {"id": "a:b"}, "id: 'a:b' is not an id", id="id with colon"
        ),
        pytest.param("Polygon", [SQUARE], {"id": None}, "id: is missing", id="no id"),
    ],
)
def test_a_fence_that_means_nothing_is_refused(
    kind: str, coordinates: object, properties: dict[str, Any], problem: str
) -> None:
    found = problems_of({"geofences": collection(feature(kind, coordinates, **properties))})
    assert len(found) == 1
    assert problem in found[0]
    assert found[0].startswith("plan.json: geofence ")


def test_all_problems_are_reported_together() -> None:
    document = {
        "shipments": [shipment("A", value_usd=-1, corridor_m=0), shipment("B", fast=3)],
        "routes": collection(feature("Point", [0, 0], id="R")),
    }
    assert problems_of(document) == [
        "plan.json: shipment A: value_usd: -1 is below 0",
        "plan.json: shipment A: corridor_m: 0 is not above 0",
        "plan.json: shipment B: fast: 3 is neither true nor false",
        "plan.json: route R: geometry: 'Point' is not LineString",
    ]


def test_a_device_on_two_shipments_at_one_instant_names_both() -> None:
    device = {"device_id": "TRK-1", "role": "trailer", "from": "2026-07-01T00:00:00Z"}
    document = {"shipments": [shipment("A", devices=[device]), shipment("B", devices=[device])]}
    assert problems_of(document) == [
        "plan.json: shipment B: devices: TRK-1 is at the same time on shipment A "
        "(from 2026-07-01T00:00:00.000Z to ever)"
    ]


def test_a_device_may_go_from_one_shipment_to_the_next_at_one_instant() -> None:
    change = "2026-07-02T00:00:00Z"
    document = {
        "shipments": [
            shipment("A", devices=[{"device_id": "T", "to": change}]),
            shipment("B", devices=[{"device_id": "T", "from": change}]),
        ]
    }
    plan = to_plan(parse(document, "plan.json"), 1)
    held = [plan.bind("T", instant.parse(change) + ms) for ms in (-1, 0)]
    assert [binding.shipment_id for binding in held if binding] == ["A", "B"]


def test_a_device_listed_twice_in_one_shipment_is_refused() -> None:
    document = {"shipments": [shipment("A", devices=[{"device_id": "T"}, {"device_id": "T"}])]}
    assert problems_of(document) == [
        "plan.json: shipment A: devices: T is listed twice for the same time"
    ]


def test_unknown_fields_are_ignored_and_counted() -> None:
    document = {
        "shipments": [shipment("A", colour="red"), shipment("B", colour="red", origin=None)],
        "geofences": collection(feature("Polygon", [SQUARE], stroke="#f00")),
        "comment": "x",
    }
    found = parse(document, "plan.json")
    assert found.ignored == {"shipment.colour": 2, "geofence.stroke": 1, "plan.comment": 1}


@pytest.mark.parametrize(
    ("fence", "inside", "outside"),
    [
        pytest.param(
            fence_of("Polygon", [SQUARE]), (27.55, -99.45), (27.55, -99.55), id="polygon"
        ),
        pytest.param(
            fence_of("Polygon", [SQUARE[:-1]]), (27.55, -99.45), (27.0, -99.4), id="open ring"
        ),
        pytest.param(
            fence_of("Polygon", [SQUARE, [[-99.46, 27.54], [-99.44, 27.54], [-99.45, 27.56]]]),
            (27.52, -99.45),
            (27.545, -99.45),
            id="hole",
        ),
        pytest.param(
            fence_of("MultiPolygon", [[SQUARE], [[[-90, 20], [-89, 20], [-89, 21]]]]),
            (20.2, -89.2),
            (24.0, -95.0),
            id="several parts",
        ),
        pytest.param(
            fence_of("Point", [-99.5, 27.5], radius_m=500),
            (27.5, -99.5),
            (27.6, -99.5),
            id="circle",
        ),
        pytest.param(
            fence_of("LineString", [[-99.5, 27.5], [-99.4, 27.5]], corridor_m=300),
            (27.501, -99.45),
            (27.51, -99.45),
            id="corridor",
        ),
        pytest.param(
            fence_of("Polygon", [[[179.9, 0], [-179.9, 0], [-179.9, 0.1], [179.9, 0.1]]]),
            (0.05, 180.0),
            (0.05, 179.8),
            id="antimeridian",
        ),
        pytest.param(
            fence_of("Point", [-99.5, 27.5, 210], radius_m=9), (27.5, -99.5), (0, 0), id="altitude"
        ),
    ],
)
def test_shapes_hold_what_they_enclose(
    fence: Geofence, inside: geo.LatLon, outside: geo.LatLon
) -> None:
    assert fence.shape.depth_m(inside) > 0
    assert fence.shape.depth_m(outside) < 0


def test_a_ring_of_ten_thousand_corners_is_checked_in_a_moment() -> None:
    corners = [
        [-99 + math.cos(i / 5000 * math.pi) * (1 + i % 2 / 50), 27 + math.sin(i / 5000 * math.pi)]
        for i in range(10_000)
    ]
    assert len(fence_of("Polygon", [corners]).shape.outer) == 10_000  # type: ignore[attr-defined]


def test_a_plain_geojson_file_gives_fences_and_routes(tmp_path: Path) -> None:
    path = tmp_path / "places.geojson"
    line = [[-99.5, 27.5], [-99.4, 27.5]]
    path.write_text(
        json.dumps(
            collection(
                feature("LineString", line, id="R"),
                feature("LineString", line, id="F", **{"class": "HOT"}, corridor_m=500),
                {**feature("Polygon", [SQUARE], id=None), "id": 17},
            )
        )
    )
    found = read_files([path])
    assert set(found.routes) == {"R"}
    assert set(found.geofences) == {"F", "17"}
    assert found.geofences["F"].fence_class is FenceClass.HOT


def test_shipments_come_from_csv_too(tmp_path: Path) -> None:
    path = tmp_path / "loads.csv"
    path.write_text(
        "id,carrier,high_value,value_usd,origin_name,origin_lat,origin_lon,planned_departure,"
        "devices,consignments,colour\n"
        "A,Fleet,yes,1000,Plant,20.6,-100.4,2026-07-01T06:00:00-06:00,"
        "TRK-1:tractor; SEAL-1:seal@2026-07-01T06:00:00Z/,C-1=Customer; C-2,red\n"
        "B,,,,,,,,,,\n",
        encoding="utf-8-sig",
    )
    found = read_files([path])
    assert found.shipments["A"] == Shipment(
        id="A",
        carrier="Fleet",
        high_value=True,
        value_usd=1000.0,
        origin=Place(20.6, -100.4, "Plant"),
        planned_departure=instant.parse("2026-07-01T12:00:00Z"),
        devices=(
            Binding("TRK-1", "A", Role.TRACTOR),
            Binding("SEAL-1", "A", Role.SEAL, instant.parse("2026-07-01T06:00:00Z")),
        ),
        consignments=(Consignment("C-1", "Customer"), Consignment("C-2", "")),
    )
    assert found.shipments["B"] == Shipment(id="B")
    assert found.ignored == {"shipment.colour": 1}


def test_a_bad_cell_is_shown_with_its_shipment(tmp_path: Path) -> None:
    path = tmp_path / "loads.csv"
    path.write_text("id,value_usd,fast,origin_lat\nA,much,perhaps,20\n")
    with pytest.raises(PlanError) as caught:
        read_files([path])
    assert caught.value.problems == [
        f"{path}: shipment A: value_usd: 'much' is not a number",
        f"{path}: shipment A: fast: 'perhaps' is neither true nor false",
        f"{path}: shipment A: origin.lon: is missing",
    ]


def test_several_files_are_one_plan_and_an_id_in_two_of_them_is_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_text(json.dumps({"shipments": [shipment("A", route="F")]}))
    two.write_text(json.dumps({"routes": collection(feature("LineString", [[0, 0], [1, 1]]))}))
    assert set(to_plan(read_files([one, two]), 1).routes) == {"F"}
    two.write_text(json.dumps({"shipments": [shipment("A")]}))
    with pytest.raises(PlanError, match=f"{two}: shipment A: is also in {one}"):
        read_files([one, two])


def test_a_file_that_is_not_there_is_a_problem_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="No such file"):
        read_files([tmp_path / "nowhere.json"])


def test_loading_an_id_again_replaces_it_and_the_missing_stay() -> None:
    base = parse({"shipments": [shipment("A", carrier="old"), shipment("B")]}, "old.json")
    newer = parse({"shipments": [shipment("A", carrier="new")]}, "new.json")
    merged = merge(base, newer)
    assert set(merged.shipments) == {"A", "B"}
    assert merged.shipments["A"].carrier == "new"
    assert set(merge(base, newer, replace=True).shipments) == {"A"}


def test_a_load_is_checked_against_what_was_loaded_before() -> None:
    base = parse({"shipments": [shipment("A", devices=[{"device_id": "T"}])]}, "old.json")
    newer = parse({"shipments": [shipment("B", devices=[{"device_id": "T"}])]}, "new.json")
    with pytest.raises(PlanError, match=r"new\.json: shipment B: devices: T .* on shipment A"):
        merge(base, newer)
    assert set(merge(base, newer, replace=True).shipments) == {"B"}


def test_a_plan_may_add_and_replace_cargo_profiles() -> None:
    document = {
        "shipments": [shipment(cargo_profile="MINE")],
        "cargo_profiles": [
            {"code": "MINE", "low_c": 0, "high_c": 4},
            {"code": "PH_2_8", "low_c": 3, "high_c": 7, "warn_delay_s": 60, "alarm_delay_s": 60},
        ],
    }
    plan = to_plan(parse(document, "plan.json"), 1)
    assert plan.profiles["MINE"] == CargoProfile("MINE", 0.0, 4.0, 1800, 3600)
    assert plan.profiles["PH_2_8"].low_c == 3.0
    assert plan.profiles["BANA"].high_c == 14.0


ids = st.text("ABCxyz019._-", min_size=1, max_size=64)
instants = st.integers(1_577_836_800_000, 4_102_444_800_000)
lats, lons = st.floats(-89, 89), st.floats(-180, 180)
points = st.tuples(lats, lons)
metres = st.floats(0.001, 1e6)
names = st.text(max_size=12).filter(lambda t: t.isprintable())


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


lines = st.lists(points, min_size=2, max_size=6, unique=True).map(tuple)
boxes = st.builds(
    lambda lat, lon: geo.Polygon(
        ((lat, lon), (lat, lon + 0.5), (lat + 0.5, lon + 0.5), (lat + 0.5, lon))
    ),
    st.floats(-80, 80),
    st.floats(-179, 179),
)
shapes = (
    st.builds(geo.Circle, points, metres)
    | st.builds(geo.Corridor, lines, metres)
    | boxes
    | st.lists(boxes, min_size=1, max_size=3).map(lambda parts: geo.MultiPolygon(tuple(parts)))
)


@st.composite
def documents(draw: st.DrawFn) -> PlanDocument:
    def by_id(strategy: st.SearchStrategy[Any], field: str = "id") -> dict[str, Any]:
        return {getattr(item, field): item for item in draw(st.lists(strategy, max_size=3))}

    places = st.builds(Place, lats, lons, names, metres)
    device = iter(range(100))
    found: dict[str, Shipment] = {}
    for identifier in draw(st.lists(ids, max_size=3, unique=True)):
        start, end = sorted(draw(st.tuples(instants, instants)))
        roles = draw(st.lists(st.sampled_from(Role), max_size=2))
        found[identifier] = Shipment(
            id=identifier,
            carrier=draw(names),
            sector=draw(st.sampled_from(planfile.SECTORS)),
            value_usd=draw(optional(st.floats(0, 1e9))),
            high_value=draw(st.booleans()),
            origin=draw(optional(places)),
            destination=draw(optional(places)),
            crossing=draw(optional(st.just("WTB"))),
            corridor_m=draw(optional(metres)),
            planned_departure=start,
            planned_arrival=end,
            consignments=tuple(draw(st.lists(st.builds(Consignment, ids, names), max_size=2))),
            devices=tuple(
                Binding(f"D{next(device)}", identifier, role, start, end + 1) for role in roles
            ),
        )
    fences = st.builds(
        Geofence,
        id=ids,
        shape=shapes,
        name=names,
        fence_class=st.sampled_from(FenceClass),
        enter_m=optional(st.floats(0, 100)),
        exit_m=optional(st.floats(0, 100)),
        confirm_fixes=st.integers(1, 9),
        confirm_s=optional(st.integers(0, 900)),
        dwell_s=optional(st.integers(1, 9000)),
        schedule=optional(st.just("Mon-Fri 18:00-06:00")),
        timezone=optional(st.just("America/Monterrey")),
    )
    routes = st.builds(
        Route, id=ids, line=lines.map(geo.Line), corridor_m=optional(metres), name=names
    )
    profiles = st.builds(
        CargoProfile,
        code=ids,
        low_c=st.floats(-90, 0),
        high_c=st.floats(1, 60),
        warn_delay_s=st.integers(0, 60),
        alarm_delay_s=st.integers(60, 9000),
        commodity=names,
    )
    return PlanDocument(found, by_id(fences), by_id(routes), by_id(profiles, "code"))


# Two bindings of one device that overlap are thrown away, which is often.
@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
@given(documents())
def test_what_is_written_is_read_again_unchanged(document: PlanDocument) -> None:
    read = planfile.decode(planfile.encode(document))
    assert read == document
    assert planfile.encode(planfile.decode(planfile.encode(read))) == planfile.encode(read)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_plan_or_a_plan_error(content: bytes) -> None:
    with suppress(PlanError):
        parse(content, "plan.json")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "type",
                    "geometry",
                    "coordinates",
                    "properties",
                    "features",
                    "devices",
                    "origin",
                    "lat",
                    "class",
                    "schedule",
                    "code",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(
            ["shipments", "geofences", "routes", "cargo_profiles", "type", "features"]
        ),
        json_values | st.lists(json_values, max_size=3),
    )
)
def test_any_json_is_a_plan_or_a_plan_error(document: dict[str, Any]) -> None:
    with suppress(PlanError):
        parse(document, "plan.json")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, [], id="nothing to say"),
        pytest.param(
            {"route": "NOPE"},
            ["plan.json: shipment S: route: there is no route 'NOPE', so no deviation is watched"],
            id="a route that no file has yet",
        ),
        pytest.param(
            {"crossing": "NOPE"},
            ["plan.json: shipment S: crossing: 'NOPE' is not in the built-in table"],
            id="a crossing of one's own",
        ),
    ],
)
def test_what_is_probably_a_mistake_is_loaded_with_a_warning(
    fields: dict[str, Any], expected: list[str]
) -> None:
    document = planfile.parse({"shipments": [shipment(**fields)]}, "plan.json")
    planfile.check(document)
    assert warnings(document) == expected
