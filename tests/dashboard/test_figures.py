import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.journey import journey, view
from dashboard.figures.sensors import Limits, sensors
from dashboard.queries.events import events_frame
from dashboard.queries.track import lead_track, sensor_frame, track_frame
from puente.instant import HOUR, MINUTE
from puente.model import Discard, Phase, SealReading, Severity
from tests.dashboard import seeds
from tests.dashboard.seeds import NOW, reading

EMPTY_EVENTS = events_frame([])


def traces(figure: go.Figure, name: str) -> list[Any]:
    return [t for t in figure.data if t.name == name]


def drive(*offsets_min: int) -> list[Any]:
    return [
        reading(
            "TRK-1",
            NOW + m * MINUTE,
            lat_deg=25.0 + m / 1000,
            lon_deg=-100.0,
            speed_mps=20.0,
            temperature_c={"product": 5.0 + m / 100},
            seal=SealReading("sealed"),
        )
        for m in offsets_min
    ]


def test_a_track_is_left_open_over_a_silence() -> None:
    track = lead_track(track_frame(drive(0, 5, 10, 120, 125)), None)
    figure = journey(track, route=[], fences=[], events=EMPTY_EVENTS, theme="dark", revision="S1")
    line = traces(figure, "Track")[0]
    assert list(line.lat) == [25.0, 25.005, 25.01, None, 25.12, 25.125]


def test_a_temperature_line_is_left_open_over_a_silence_and_nowhere_else() -> None:
    found = drive(0, 5, 10, 120, 125)
    figure = sensors(
        sensor_frame(found), track_frame(found), EMPTY_EVENTS, None, theme="dark", revision="S1"
    )
    line = traces(figure, "product TRK-1")[0]
    assert list(line.y) == [5.0, 5.05, 5.1, None, 6.2, 6.25]
    assert line.connectgaps is False


def test_all_sensors_share_one_cursor() -> None:
    found = drive(0, 5, 10)
    figure = sensors(
        sensor_frame(found), track_frame(found), EMPTY_EVENTS, None, theme="dark", revision="S1"
    )
    assert {t.xaxis for t in figure.data} == {"x3"}
    assert {t.yaxis for t in figure.data} == {"y", "y2", "y3"}
    assert figure.layout.hovermode == "x unified"


def test_without_temperature_its_row_is_dropped() -> None:
    found = [
        reading("TRK-1", NOW + m * MINUTE, lat_deg=25.0, lon_deg=-100.0, speed_mps=20.0)
        for m in (0, 5)
    ]
    figure = sensors(
        sensor_frame(found), track_frame(found), EMPTY_EVENTS, None, theme="dark", revision="S1"
    )
    assert {t.yaxis for t in figure.data} == {"y"}
    assert [a.yref for a in figure.layout.annotations] == ["paper"]


def test_the_axis_begins_shortly_before_the_first_reading() -> None:
    found = drive(0, 60, 120)
    window = tuple(pd.Timestamp(NOW + h * HOUR, unit="ms", tz="UTC") for h in (-22, 2))
    figure = sensors(
        sensor_frame(found), track_frame(found), EMPTY_EVENTS, None, theme="dark",
        revision="S1", window=window,
    )  # fmt: skip
    begin, end = figure.layout.xaxis3.range
    first = pd.Timestamp(NOW, unit="ms", tz="UTC")
    assert pd.Timedelta(0) < first - begin < pd.Timedelta(minutes=10)
    assert end == window[1]


def test_the_band_and_the_critical_limits_are_drawn() -> None:
    found = drive(0, 5, 10)
    figure = sensors(
        sensor_frame(found),
        track_frame(found),
        EMPTY_EVENTS,
        Limits(2.0, 8.0, 0.0, 15.0),
        theme="light",
        revision="S1",
    )
    band = [s for s in figure.layout.shapes if s.type == "rect"]
    assert [(s.y0, s.y1) for s in band] == [(2.0, 8.0)]
    assert sorted(s.y0 for s in figure.layout.shapes if s.type == "line") == [0.0, 15.0]


def test_what_a_device_calls_itself_opens_no_tag_in_a_figure() -> None:
    found = [
        reading("<b>x</b>", NOW + i * MINUTE, lat_deg=25.0, lon_deg=-100.0,
                temperature_c={"product": 5.0})
        for i in range(3)
    ]  # fmt: skip
    event = seeds.event("S1", title="<a href='http://x'>x</a>", lat=25.0, lon=-100.0)
    events = events_frame([event])
    chart = sensors(
        sensor_frame(found), track_frame(found), events, None, theme="dark", revision="S1"
    )
    track = lead_track(track_frame(found), None)
    drawn = journey(track, route=[], fences=[], events=events, theme="dark", revision="S1")
    said = [t.name for t in chart.data] + [
        text for t in [*chart.data, *drawn.data] if t.text is not None for text in t.text
    ]
    assert any("&lt;b&gt;" in text for text in said)
    assert any("&lt;a href" in text for text in said)
    assert not any("<a" in text or "<b>" in text for text in said)


def test_hover_of_a_fix_says_when_how_fast_and_who() -> None:
    track = lead_track(track_frame(drive(0)), None)
    figure = journey(track, route=[], fences=[], events=EMPTY_EVENTS, theme="dark", revision="S1")
    assert list(traces(figure, "Fixes")[0].text) == ["21 Nov 20:00:00 UTC<br>72 km/h, TRK-1"]


def test_discarded_fixes_are_not_drawn_and_not_forgotten() -> None:
    good, bad = drive(0, 5)
    null_island = reading("TRK-1", bad.at, lat_deg=0.0, lon_deg=0.0, discard=Discard.NULL_ISLAND)
    table = track_frame([good, null_island])
    assert table["discard"].tolist()[1] == "null_island"
    figure = journey(
        lead_track(table, None), route=[], fences=[], events=EMPTY_EVENTS, theme="dark",
        revision="S1",
    )  # fmt: skip
    assert list(traces(figure, "Track")[0].lat) == [25.0]


def test_the_zoom_is_kept_while_the_shipment_is_the_same() -> None:
    first = journey(
        lead_track(track_frame(drive(0)), None),
        route=[], fences=[], events=EMPTY_EVENTS, theme="dark", revision="S1",
    )  # fmt: skip
    assert first.layout.uirevision == "S1"
    assert first.layout.map.style == "/basemap/dark.json"


def test_cleared_events_and_events_without_a_place_are_not_on_the_map() -> None:
    events = events_frame(
        [
            seeds.event("S1"),
            seeds.event("S1", phase=Phase.CLEARED, at=NOW - HOUR),
            seeds.event("S1", "device.silent", lat=None, lon=None, severity=Severity.MEDIUM),
        ]
    )
    figure = journey(
        track_frame([]), route=[], fences=[], events=events, theme="dark", revision="S1"
    )
    assert [t.name for t in figure.data] == ["Critical events"]


def test_an_empty_time_says_so_instead_of_drawing_axes() -> None:
    figure = sensors(
        sensor_frame([]), track_frame([]), EMPTY_EVENTS, None, theme="dark", revision="S1"
    )
    assert "Nothing was received" in figure.layout.annotations[0].text


def test_the_view_holds_all_points() -> None:
    (lat, lon), zoom = view([(20.0, -100.0), (30.0, -98.0)])
    assert (lat, lon) == (25.0, -99.0)
    assert 3.5 < zoom < 5.5
    assert view([(25.0, -100.0)])[1] == view([(25.0, -100.0), (25.001, -100.001)])[1]


def test_a_track_of_two_devices_follows_the_one_that_is_trusted_more() -> None:
    found = [
        reading(name, NOW + i * MINUTE, lat_deg=lat, lon_deg=-100.0)
        for i in range(3)
        for name, lat in (("TRK-9", 25.0), ("SEAL-9", 25.1))
    ]
    track = lead_track(track_frame(found), None)
    assert set(track["device_id"]) <= {"TRK-9", "SEAL-9"}
    assert len(set(track["device_id"])) == 1


def test_missing_speeds_are_not_zero() -> None:
    found = [reading("TRK-1", NOW, lat_deg=25.0, lon_deg=-100.0)]
    assert math.isnan(track_frame(found)["speed_mps"].iloc[0])
    assert isinstance(track_frame(found).index, pd.DatetimeIndex)
