"""The summary of a replay: counted over the final truth, by published vectors where there are."""

from typing import Any

import pytest

from ingest.partition import Partition
from ingest.summary import Probe, mean_kinetic_temperature, shipment_summary
from puente.instant import MINUTE, SECOND, text
from puente.model import Reading
from puente.plan import Plan
from tests.ingest.builders import (
    AT,
    CHILLED,
    SHIPMENT,
    circle,
    locked,
    place,
    plan_of,
    reading,
)


@pytest.mark.parametrize(
    ("weighed", "expected"),
    [
        pytest.param([(5.0, 1.0)] * 10, 5.0, id="always 5"),
        pytest.param([(2.0, 1.0), (8.0, 1.0)], 5.5364, id="2 and 8"),
        pytest.param([*[(5.0, 1.0)] * 23, (15.0, 1.0)], 5.7635, id="an hour of 15 in a day"),
        pytest.param([(5.0, 18.0), (14.0, 6.0)], 8.2852, id="weighed by hours"),
        pytest.param([(20.0, 29.0), (30.0, 1.0)], 20.5775, id="weighed by days"),
        pytest.param([(20.0, 1.0), (25.0, 1.0), (30.0, 1.0)], 25.8582, id="20, 25, 30"),
        pytest.param([(20.0, 0.0), (25.0, 0.0), (30.0, 0.0)], 25.8582, id="without weights"),
    ],
)
def test_the_mean_kinetic_temperature_is_that_of_the_vectors(
    weighed: list[tuple[float, float]], expected: float
) -> None:
    assert mean_kinetic_temperature(weighed) == pytest.approx(expected, abs=1e-4)


def test_nothing_has_no_mean() -> None:
    assert mean_kinetic_temperature([]) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([2.0, 8.0], 5.5364, id="two readings"),
        pytest.param([*[5.0] * 23, 15.0], 5.7635, id="the newest counts as well"),
        pytest.param([*[5.0] * 18, *[14.0] * 6], 8.2852, id="18 and 6 hours"),
        pytest.param([5.0], 5.0, id="one reading"),
    ],
)
def test_readings_at_a_steady_rhythm_count_alike(values: list[float], expected: float) -> None:
    probe = Probe()
    for i, celsius in enumerate(values):
        probe.note(AT + i * MINUTE, celsius, CHILLED)
    assert probe.told()["mkt_c"] == pytest.approx(expected, abs=1e-4)


def test_a_probe_counts_minutes_out_and_faults() -> None:
    probe = Probe()
    for minute, celsius in ((0, 9.0), (10, 85.0), (20, 5.0), (30, 1.0), (45, 2.0)):
        probe.note(AT + minute * MINUTE, celsius, CHILLED)
    told = probe.told()
    assert (told["n"], told["faults"], told["min_c"], told["max_c"]) == (4, 1, 1.0, 9.0)
    assert told["minutes_out"] == 35.0


def test_a_probe_that_only_failed_has_no_temperatures() -> None:
    probe = Probe()
    probe.note(AT, 85.0, CHILLED)
    assert probe.told() == {
        "n": 0, "min_c": None, "max_c": None, "mkt_c": None, "minutes_out": 0.0, "faults": 1,
    }  # fmt: skip


def told(plan: Plan, *readings: Reading) -> dict[str, Any]:
    partition = Partition(plan)
    for r in readings:
        partition.read(r)
    view = plan.view(SHIPMENT)
    assert view is not None
    return shipment_summary(partition.subjects[SHIPMENT], view)


def at(s: float) -> str:
    return text(AT + round(s * SECOND))


def test_fixes_and_discards_are_counted_by_reason() -> None:
    summary = told(
        plan_of(),
        reading(0, place(0)),
        reading(1),
        reading(2, place(0), accuracy_m=251.0),
        reading(3, (0.0, 0.0)),
        reading(4, place(90_000)),
        reading(60, place(100), seal=locked()),
    )
    assert summary["fixes"] == 2
    assert summary["discarded"] == {"accuracy": 1, "implausible_speed": 1, "null_island": 1}
    assert summary["seal"] == "sealed"
    assert (summary["lat"], summary["lon"]) == place(100)


def test_a_parked_truck_does_not_gather_distance() -> None:
    jitter = [reading(60 * i, place(20.0 * (i % 2))) for i in range(50)]
    assert told(plan_of(), *jitter)["distance_m"] == 0.0
    moving = [reading(60 * i, place(1_000.0 * i)) for i in range(6)]
    assert told(plan_of(), *moving)["distance_m"] == pytest.approx(5_000, abs=1)


@pytest.mark.parametrize(
    ("until_s", "stops"),
    [
        pytest.param(279, [], id="179 s are no stop"),
        pytest.param(280, [(100, 280)], id="180 s are one"),
    ],
)
def test_a_stop_lasts_180_s(until_s: int, stops: list[tuple[float, float]]) -> None:
    summary = told(
        plan_of(),
        reading(0, place(0), speed_mps=20.0),
        reading(100, place(2_000), speed_mps=0.0),
        reading(until_s, place(2_500), speed_mps=20.0),
    )
    assert [(s["from"], s["to"]) for s in summary["stops"]] == [(at(a), at(b)) for a, b in stops]


def test_a_stop_that_lasts_is_told_up_to_its_newest_fix() -> None:
    summary = told(
        plan_of(),
        reading(0, place(0), speed_mps=0.0),
        reading(400, place(5), speed_mps=0.0),
        reading(9_000),
    )
    (stop,) = summary["stops"]
    assert (stop["from"], stop["to"]) == (at(0), at(400))
    assert (stop["lat"], stop["lon"]) == place(0)


def test_time_inside_counts_to_the_last_reading_and_from_a_silent_first_fix() -> None:
    plan = plan_of(circle("F"), circle("G", 9_000))
    inside = told(plan, reading(0, place(0)), reading(100, place(0)), reading(250))
    assert inside["geofences"] == {"F": {"enters": 0, "exits": 0, "inside_s": 250.0}}
    left = told(
        plan, *(reading(s, place(m)) for s, m in ((0, 0), (100, 900), (130, 900), (500, 900)))
    )
    assert left["geofences"] == {"F": {"enters": 0, "exits": 1, "inside_s": 100.0}}


def test_open_episodes_are_those_not_cleared() -> None:
    warm = [reading(s, temperature_c={"product": 9.0}) for s in (0, 600)]
    summary = told(plan_of(profile=CHILLED), *warm)
    assert summary["open_episodes"] == [
        {"kind": "temperature.warning", "subject": "TRK-1/product", "episode": at(0)}
    ]
