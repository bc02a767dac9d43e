"""The columns say the same as the rows, whatever comes and goes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashboard import status
from dashboard.live import frames
from dashboard.live.slots import Slots
from puente.instant import MINUTE
from puente.model import Severity
from puente.row import OpenEpisode, Row

NOW = 1_782_000_000_000

episodes = st.builds(
    OpenEpisode,
    kind=st.sampled_from(["route.deviation", "device.silent", "seal.tamper", "stop.unplanned"]),
    subject=st.just("x"),
    episode=st.just(NOW),
    severity=st.sampled_from(list(Severity)),
)
rows = st.builds(
    Row,
    id=st.sampled_from(["S1", "S2", "S3", "S4", "~D1", "~D2"]),
    lat_deg=st.one_of(st.none(), st.floats(14, 50)),
    lon_deg=st.just(-100.0),
    course_deg=st.one_of(st.none(), st.floats(0, 360)),
    speed_mps=st.one_of(st.none(), st.floats(0, 40)),
    fix_at=st.one_of(st.none(), st.integers(NOW - 60 * MINUTE, NOW)),
    heard_at=st.integers(NOW - 40 * MINUTE, NOW),
    stopped_since=st.one_of(st.none(), st.just(NOW - MINUTE)),
    classes=st.lists(st.sampled_from(["CBP", "ORIGIN", "DEST", "HOT"]), max_size=2).map(tuple),
    open=st.lists(episodes, max_size=3).map(tuple),
)
steps = st.lists(st.one_of(rows, st.sampled_from(["S1", "S3", "~D1"])), max_size=25)


@given(steps)
def test_the_columns_appear_as_the_rows_do(moves: list[Row | str]) -> None:
    slots, known = Slots(), {}
    for move in moves:
        if isinstance(move, str):
            slots.drop(move)
            known.pop(move, None)
        else:
            slots.put(move)
            known[move.id] = move
    columns = slots.columns(NOW)
    assert slots.rows == known
    assert int(np.count_nonzero(columns.state != frames.EMPTY)) == len(known)
    for subject, row in known.items():
        slot = slots.slot_of[subject]
        assert columns.state[slot] == status.state_of(row, NOW)
        assert bool(columns.flags[slot] & frames.FLAG_STALE) == status.silent(row, NOW)
        assert np.isnan(columns.lat_deg[slot]) == (row.lat_deg is None)
    assert slots.counts(NOW) == status.count(known.values(), NOW)


def test_a_vehicle_keeps_its_slot_and_a_freed_one_is_used_again() -> None:
    slots = Slots()
    for name in ("A", "B", "C"):
        slots.put(Row(id=name))
    assert slots.slot_of == {"A": 0, "B": 1, "C": 2}
    slots.drop("B")
    slots.put(Row(id="D"))
    slots.put(Row(id="A", speed_mps=3.0))
    assert slots.slot_of == {"A": 0, "C": 2, "D": 1}
    assert not slots.drop("nobody")


def test_a_thousand_vehicles_outgrow_the_first_columns() -> None:
    slots = Slots()
    for i in range(1000):
        slots.put(Row(id=f"S{i}", lat_deg=float(i % 90), lon_deg=0.0, heard_at=NOW))
    columns = slots.columns(NOW)
    assert len(columns) == 1000
    np.testing.assert_array_equal(columns.lat_deg, np.arange(1000) % 90)
    assert slots.counts(NOW).shipments == 1000
