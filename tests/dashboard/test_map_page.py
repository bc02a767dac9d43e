"""What the map page builds on the server: the view of a URL, the selected journey, the fences."""

import pytest

from dashboard import fences
from dashboard.figures.selection import TrackPoint, thinned, traces
from dashboard.live.cards import card
from dashboard.pages.map import HOME, figure, style_url, view_of
from dashboard.places import Gazetteer, coordinates, gazetteer
from dashboard.theme import STATES, THEMES, css
from puente import geo
from puente.instant import MINUTE
from puente.model import SealState, Severity
from puente.plan import FenceClass, Geofence, Place, Route, Shipment
from puente.row import Row
from puente.triage import Alert

NOW = 1_782_000_000_000
SHIPMENT = Shipment(
    id="S1",
    carrier="Fletes <b>Bajío</b>",
    origin=Place(25.7, -100.3, "Monterrey <i>x</i>"),
    destination=Place(29.4, -98.5, "San Antonio"),
    route="R1",
)
ROUTE = Route("R1", geo.Line(((25.7, -100.3), (27.6, -99.5), (29.4, -98.5))))


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ({"lat": "28", "lon": "-99.5", "z": "8"}, (28.0, -99.5, 8.0)),
        ({}, HOME),
        ({"lat": "28", "lon": "-99.5"}, HOME),
        ({"lat": "91", "lon": "0", "z": "5"}, HOME),
        ({"lat": "nan", "lon": "0", "z": "5"}, HOME),
        ({"lat": "north", "lon": "0", "z": "5"}, HOME),
        ({"lat": "28", "lon": "-99.5", "z": "99"}, HOME),
    ],
)
def test_the_box_of_a_url_is_used_when_it_makes_sense(
    query: dict[str, str], view: tuple[float, float, float]
) -> None:
    assert view_of(query) == view


def test_the_figure_is_offline_and_has_a_place_to_begin() -> None:
    layout = figure(HOME, "light").to_plotly_json()["layout"]
    assert layout["map"]["style"] == "/basemap/light.json"
    assert layout["map"]["center"] == {"lat": HOME[0], "lon": HOME[1]}
    assert style_url("dark", lite=True) == "/basemap/dark.json?lite=1"


def test_a_selection_always_has_the_same_traces() -> None:
    empty = traces(None, None, (), None, "dark")
    full = traces(SHIPMENT, ROUTE, [TrackPoint(NOW, 25.7, -100.3, 20.0)], None, "dark")
    assert len(empty) == len(full) == 5
    assert all(trace.below == "city" for trace in full)
    assert list(full[0].lat) == [25.7, 27.6, 29.4]


def test_a_silence_leaves_a_gap_in_the_track() -> None:
    points = [TrackPoint(NOW + m * MINUTE, 25.0 + m / 100, -100.0) for m in (0, 1, 30, 31)]
    track = traces(None, None, points, None, "dark")[1]
    assert list(track.lat) == [25.0, 25.01, None, 25.3, 25.31]


def test_names_from_a_plan_are_shown_and_never_read_as_markup() -> None:
    ends = traces(SHIPMENT, None, (), None, "dark")[3]
    assert ends.text[0] == "Origin: Monterrey &lt;i&gt;x&lt;/i&gt;"


def test_an_alert_without_a_place_is_not_drawn() -> None:
    alert = Alert(
        id="a", shipment_id="S1", kind="k", subject="s", episode=NOW, severity=Severity.HIGH,
        title="T", summary="", response="", occurred_at=NOW, learned_at=NOW,
    )  # fmt: skip
    assert not traces(None, None, (), alert, "dark")[4].lat


@pytest.mark.parametrize("n", [0, 1, 800, 801, 5000])
def test_thinning_keeps_both_ends(n: int) -> None:
    points = [TrackPoint(i, 0.0, 0.0) for i in range(n)]
    kept = thinned(points)
    assert len(kept) <= 801
    assert kept[:1] == points[:1]
    assert kept[-1:] == points[-1:]


SHAPES = [
    geo.Circle((27.0, -99.0), 500.0),
    geo.Polygon(((0.0, 0.0), (0.0, 1.0), (1.0, 1.0)), (((0.2, 0.4), (0.2, 0.6), (0.4, 0.6)),)),
    geo.MultiPolygon((geo.Polygon(((0.0, 0.0), (0.0, 1.0), (1.0, 1.0))),)),
    geo.Corridor(((25.0, -100.0), (26.0, -100.0), (26.0, -99.0)), 1000.0),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: type(s).__name__)
def test_every_shape_becomes_closed_rings_with_longitude_first(shape: geo.Shape) -> None:
    made = fences.geometry(shape)
    polygons = made["coordinates"] if made["type"] == "MultiPolygon" else [made["coordinates"]]
    for polygon in polygons:
        for ring in polygon:
            assert ring[0] == ring[-1]
            assert len(ring) >= 4
            for lon, lat in ring:
                assert shape.box.grown(3000).holds((lat, lon))


def test_a_drawn_circle_has_its_radius() -> None:
    ring = fences.geometry(geo.Circle((27.0, -99.0), 500.0))["coordinates"][0]
    for lon, lat in ring:
        assert geo.distance_m((27.0, -99.0), (lat, lon)) == pytest.approx(500, abs=0.5)


def test_every_class_of_fence_has_words_and_a_group() -> None:
    assert set(fences.FENCE_WORDS) == set(FenceClass)
    assert {fences.group_of(c) for c in FenceClass} == {"border", "risk", "safe", "other"}
    made = fences.feature(Geofence("F", SHAPES[0], "Zone", FenceClass.NO_GO))
    assert made["properties"] == {
        "id": "F", "name": "Zone", "class": "No-go zone", "group": "risk",
    }  # fmt: skip


def test_a_card_says_what_is_known_in_words_and_units() -> None:
    row = Row(
        id="S1", device_id="TRK-1", lat_deg=27.0, lon_deg=-99.0, speed_mps=22.3, course_deg=2.0,
        fix_at=NOW - 4000, heard_at=NOW, temperature_c=4.26, seal=SealState.SEALED,
        progress=0.31, remaining_m=520_400.0, off_route_m=4200.0, battery_pct=81.0,
    )  # fmt: skip
    made = card(row, SHIPMENT, NOW, lambda _lat, _lon: "here")
    assert dict(made["lines"]) == {
        "Where": "here",
        "Speed": "80 km/h, north",
        "Off its route by": "4.2 km",
        "Bound for": "San Antonio",
        "Progress": "31 %, 520 km to go",
        "Temperature": "4.3 °C",
        "Seal": "sealed",
        "Battery": "81 %",
        "Device": "TRK-1",
        "Last fix": "4 s ago",
    }


def test_a_card_of_a_silent_device_says_when_it_was_last_heard() -> None:
    made = card(Row(id="S1", heard_at=NOW - 20 * MINUTE), None, NOW)
    assert dict(made["lines"])["Last fix"] == "never"
    assert dict(made["lines"])["Last heard"] == "20 min ago"
    assert made["state"] == "silent"


def test_a_place_is_named_by_what_is_near() -> None:
    known = Gazetteer([("Sabinas", (27.85, -101.12)), ("Laredo", (27.51, -99.51))])
    assert known.describe(27.86, -101.12) == "Sabinas"
    assert known.describe(28.0, -101.12) == "16.7 km north of Sabinas"
    assert known.describe(10.0, 10.0) == coordinates(10.0, 10.0) == "10.000° N 10.000° E"
    assert "World Trade" in gazetteer().describe(27.5973, -99.5371)


@pytest.mark.parametrize("theme", THEMES)
def test_every_state_has_a_colour_of_its_own_in_the_style_sheet(theme: str) -> None:
    colours = STATES[theme]  # type: ignore[index]
    assert len(set(colours.values())) == len(colours)
    for state, colour in colours.items():
        assert f"--state-{state.key}: {colour};" in css()
