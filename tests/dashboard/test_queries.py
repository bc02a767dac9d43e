import pandas as pd
import pytest

from dashboard.queries import alerts as alert_queries
from dashboard.queries import devices as device_queries
from dashboard.queries import events as event_queries
from dashboard.queries import track as track_queries
from dashboard.queries.board import NOT_HEARD, TILES, Board, board_frame, live_rows
from dashboard.queries.frames import frame, records
from dashboard.queries.plans import current_plan
from dashboard.queries.stops import stops_frame
from puente.instant import HOUR, MINUTE, SECOND
from puente.model import FixSource, SealState, Severity
from puente.plan import Plan
from puente.store.connection import Store
from puente.store.devices import DeviceRecord
from tests.dashboard.seeds import (
    NOW,
    episode,
    event,
    journey,
    load_plan,
    note,
    put_devices,
    put_events,
    put_rejections,
    put_rows,
    put_track,
    reading,
    rejection,
    row,
    shipment,
)

pytestmark = pytest.mark.redis


def test_frames_have_a_utc_index_and_keep_their_columns_when_empty() -> None:
    table = frame([], index="at", columns=["fix_at", "speed_mps", "device_id"])
    assert str(table.index.dtype).endswith("UTC]")
    assert list(table.columns) == ["fix_at", "speed_mps", "device_id"]


def test_rows_of_a_frame_have_instants_and_none_instead_of_missing() -> None:
    table = frame(
        [{"at": NOW, "fix_at": None, "speed_mps": None, "device_id": "x"}],
        index="at",
        columns=["fix_at", "speed_mps", "device_id"],
    )
    assert records(table) == [{"at": NOW, "fix_at": None, "speed_mps": None, "device_id": "x"}]


def test_a_track_has_units_in_its_names_and_says_what_was_late(store: Store) -> None:
    put_track(
        store,
        "S1",
        [
            reading("T", NOW, lat_deg=25.0, lon_deg=-100.0, speed_mps=20.0),
            reading("T", NOW + MINUTE, lat_deg=25.0, lon_deg=-100.0, received_at=NOW + HOUR),
            reading("T", NOW + 2 * MINUTE, battery_pct=80.0),
        ],
    )
    table = track_queries.track_frame(track_queries.readings(store, "S1"))
    assert table["late"].tolist() == [False, True]
    assert table["speed_mps"].iloc[0] == 20.0
    assert table.index[0] == pd.Timestamp("2026-11-21T20:00:00Z")


def test_positions_from_networks_are_not_usable() -> None:
    found = [reading("T", NOW, lat_deg=25.0, lon_deg=-100.0, fix=FixSource.CELL)]
    assert track_queries.track_frame(found)["usable"].tolist() == [False]


def test_sensors_are_wide_with_one_column_a_probe(store: Store) -> None:
    put_track(store, "S1", journey("S1", hours=1, step_s=600))
    table = track_queries.sensor_frame(track_queries.readings(store, "S1"))
    assert {"product_c", "return_c", "supply_c", "seal"} <= set(table.columns)
    assert table["supply_c"].isna().all()
    assert table["product_c"].between(4, 12).all()


def test_a_stop_has_begin_end_and_place() -> None:
    def at(minute: float, lat: float, speed: float) -> object:
        return reading(
            "T", NOW + int(minute * MINUTE), lat_deg=lat, lon_deg=-100.0, speed_mps=speed
        )

    drive = [at(m, 25.0 + m / 100, 20.0) for m in range(3)]
    stand = [at(3 + m, 25.03, 0.1) for m in range(6)]
    again = [at(9 + m, 25.1 + m / 100, 20.0) for m in range(3)]
    table = track_queries.track_frame([*drive, *stand, *again])  # type: ignore[list-item]
    (stop,) = records(stops_frame(table))
    assert (stop["from_at"], stop["to_at"]) == (NOW + 3 * MINUTE, NOW + 8 * MINUTE)
    assert (stop["duration_s"], stop["fixes"]) == (300.0, 6)


def test_two_and_a_half_minutes_are_no_stop_and_a_silence_ends_one() -> None:
    short = [
        reading("T", NOW + i * 30 * SECOND, lat_deg=25.0, lon_deg=-100.0, speed_mps=0.0)
        for i in range(6)
    ]
    assert stops_frame(track_queries.track_frame(short)).empty
    later = [
        reading("T", NOW + HOUR + i * 30 * SECOND, lat_deg=25.0, lon_deg=-100.0, speed_mps=0.0)
        for i in range(6)
    ]
    assert stops_frame(track_queries.track_frame([*short, *later])).empty


def test_the_file_of_an_alert_has_its_history_oldest_first(store: Store) -> None:
    (alert,) = put_events(store, event("S1"))
    found = alert_queries.alert_file(store, alert.id)
    assert found is not None
    assert [entry.action for entry in found.audit] == ["raised"]
    assert alert_queries.alert_file(store, "nothing") is None


def test_the_worst_alert_of_a_shipment_is_the_first_of_the_worst(store: Store) -> None:
    alerts = put_events(
        store,
        event("S1", "stop.unplanned", severity=Severity.MEDIUM),
        event("S1", at=NOW - HOUR),
        event("S1", "seal.tamper", at=NOW - 2 * HOUR),
    )
    assert alert_queries.worst_by_shipment(alerts)["S1"].kind == "seal.tamper"


def test_all_alerts_of_a_shipment_are_found_by_its_events(store: Store) -> None:
    put_events(store, event("S1"), event("S2"))
    assert [a.shipment_id for a in alert_queries.of_shipment(store, "S1")] == ["S1"]


def test_events_of_a_shipment_are_cut_to_a_time(store: Store) -> None:
    put_events(store, event("S1", at=NOW - 5 * HOUR), event("S1", "seal.tamper", at=NOW - HOUR))
    found = event_queries.of_shipment(store, "S1", NOW - 2 * HOUR, NOW)
    assert [e.kind for e in found] == ["seal.tamper"]
    assert list(event_queries.events_frame(found)["severity"]) == ["critical"]


def test_the_board_joins_plan_rows_and_alerts(store: Store) -> None:
    load_plan(store, [shipment("S1"), shipment("S2")])
    put_rows(store, row("S1", temperature_c=9.0, speed_mps=10.0))
    alerts = put_events(store, event("S1"))
    table = board_frame(
        current_plan(store), live_rows(store), alert_queries.worst_by_shipment(alerts), {}, NOW
    ).set_index("id")
    assert table.loc["S1", "speed_kmh"] == 36.0
    assert table.loc["S1", "band_side"] == "high"
    assert table.loc["S1", "alert_title"] == "Cargo too warm"
    assert table.loc["S2", "state"] == NOT_HEARD


@pytest.mark.parametrize(
    ("changes", "tile"),
    [
        pytest.param({"stopped_since": NOW - HOUR}, "stopped", id="standing"),
        pytest.param({"classes": ("CBP",)}, "at_border", id="in a crossing"),
        pytest.param({"seal": SealState.TAMPERED}, "seal", id="seal"),
        pytest.param({"temperature_c": 1.0}, "temperature", id="too cold"),
        pytest.param({"heard_at": NOW - HOUR}, "silent", id="silent"),
        pytest.param({"open": (episode("route.deviation"),)}, "off_route", id="off route"),
    ],
)
def test_each_tile_counts_its_fact(store: Store, changes: dict[str, object], tile: str) -> None:
    load_plan(store, [shipment("S1")])
    put_rows(store, row("S1", **changes))
    counts = Board(store).since(None, NOW, 0).counts
    assert {name for name, n in counts.items() if n} == {"all", tile}
    assert set(counts) == set(TILES)


def test_a_browser_is_sent_only_what_changed(store: Store) -> None:
    load_plan(store, [shipment("S1"), shipment("S2")])
    put_rows(store, row("S1"), row("S2"))
    board = Board(store)
    first = board.since(None, NOW, 1_000)
    assert first.whole
    assert {line["id"] for line in first.lines} == {"S1", "S2"}
    put_rows(store, row("S2", speed_mps=1.0))
    second = board.since(first.sequence, NOW, 3_000)
    assert not second.whole
    assert [line["id"] for line in second.lines] == ["S2"]
    third = board.since(second.sequence, NOW, 5_000)
    assert (third.lines, third.added) == ([], [])


def test_a_new_shipment_is_added_and_a_lost_one_starts_everybody_again(store: Store) -> None:
    load_plan(store, [shipment("S1")])
    board = Board(store)
    first = board.since(None, NOW, 1_000)
    load_plan(store, [shipment("S1"), shipment("S2")])
    second = board.since(first.sequence, NOW, 3_000)
    assert [line["id"] for line in second.added] == ["S2"]
    load_plan(store, [shipment("S2")])
    third = board.since(second.sequence, NOW, 5_000)
    assert third.whole
    assert [line["id"] for line in third.lines] == ["S2"]


def test_a_number_of_another_process_counts_as_nothing(store: Store) -> None:
    load_plan(store, [shipment("S1")])
    assert Board(store).since(123, NOW, 10_000).whole


def test_devices_know_their_shipment_and_their_silence(store: Store) -> None:
    load_plan(store, [shipment("S1")])
    put_devices(store, note("TRK-S1"), note("SPARE", at=NOW - HOUR, numbers={}))
    table = device_queries.devices_frame(
        device_queries.devices(store), current_plan(store), NOW
    ).set_index("device_id")
    assert table.loc["TRK-S1", "shipment_id"] == "S1"
    assert table.loc["TRK-S1", "watermark"] == "boot 1 · seq 120"
    assert not table.loc["TRK-S1", "silent"]
    assert table.loc["SPARE", "silent"]
    assert not table.loc["SPARE", "assigned"]


@pytest.mark.parametrize(
    ("last_at", "received_at", "silent"),
    [
        pytest.param(NOW - HOUR, NOW, True, id="a backfill arrives now"),
        pytest.param(-1, NOW, False, id="only rejections, just now"),
        pytest.param(NOW + HOUR, NOW - HOUR, True, id="a clock ahead, heard an hour ago"),
        pytest.param(NOW, NOW, False, id="live"),
    ],
)
def test_a_device_is_as_silent_as_the_map_says(
    last_at: int, received_at: int, silent: bool
) -> None:
    record = DeviceRecord("TRK-1", last_at, received_at, 1, 0, 0, 0, None, "")
    table = device_queries.devices_frame([record], Plan(), NOW)
    assert bool(table["silent"].iloc[0]) is silent


def test_rejections_are_counted_by_reason_the_commonest_first(store: Store) -> None:
    put_rejections(store, rejection(), rejection(), rejection(rejection().rejection.TOO_LARGE))
    assert list(device_queries.rejection_counts(store).items()) == [
        ("not_json", 2),
        ("too_large", 1),
    ]
    assert len(device_queries.rejections_frame(device_queries.rejections(store))) == 3
