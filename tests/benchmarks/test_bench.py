"""`puente bench ingest`: the promised JSON, nothing lost, nothing doubled; and its pure parts."""

import json
import math
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks import ingest, scenario
from benchmarks.publisher import remaining_length
from benchmarks.report import Throughput, percentile, summed, table, together
from benchmarks.scenario import Payloads, Scenario
from ingest.admission import Admitted, admit
from puente import planfile
from puente.model import Delivery
from puente.row import Row

ROOT = Path(__file__).parents[2]
NOW = 1_783_000_000_000

PROMISED = {
    "plain_messages_per_s",
    "messages_per_s",
    "ratio",
    "published",
    "committed",
    "lost",
    "doubled",
    "latency_ms",
    "latency_rate_per_s",
    "cpu_us_per_message",
    "rss_mb",
    "redis_bytes_per_shipment",
}


@pytest.mark.system
@pytest.mark.timeout(300)
def test_a_short_run_says_all_that_is_promised_and_loses_and_doubles_nothing() -> None:
    words = ("--seconds", "2", "--shipments", "50", "--geofences", "80", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "puente.cli", "bench", "ingest", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert set(found) >= PROMISED
    assert set(found["latency_ms"]) == {"p50", "p95", "p99"}
    assert set(found["cpu_us_per_message"]) == {"broker", "gateway", "engine", "redis"}
    assert set(found["rss_mb"]) == {"broker", "gateway", "engine", "redis"}
    assert found["published"] == found["committed"] > 0
    assert found["lost"] == 0
    assert found["doubled"] == 0
    assert list(table(found))


@pytest.mark.parametrize("shipments", [10, 1_000, 20_000])
@pytest.mark.parametrize("seconds", [1.0, 20.0, 120.0])
def test_a_load_is_neither_late_nor_in_the_future_and_no_truck_flies(
    shipments: int, seconds: float
) -> None:
    sized = Scenario.sized(shipments, 1_000, seconds)
    first, last = sized.at(NOW, 0), sized.at(NOW, sized.budget - 1)
    assert NOW - first < 600_000
    assert last - NOW < 120_000
    assert sized.index(NOW, last) == sized.budget - 1
    assert sized.step_m / sized.step_s == pytest.approx(scenario.SPEED_MPS)
    assert scenario.read(sized.encode()) == sized


def test_the_plan_is_one_that_puente_takes_and_every_reading_is_admitted() -> None:
    sized = Scenario.sized(120, 100, 2.0)
    document = planfile.parse(scenario.plan(sized), "test")
    planfile.check(document)
    assert len(document.shipments) == 120
    assert len(document.geofences) == 100
    payloads = Payloads(sized)
    for truck in range(120):
        for index in (0, 29, 30, sized.budget - 1):
            at = sized.at(NOW, index)
            body = b'{"at":%d,"boot":1,"seq":%d,' % (at, index + 1) + payloads.tail(truck, index)
            topic = f"puente/v1/{scenario.device_id(truck)}/telemetry"
            verdict = admit(Delivery(topic, body, NOW))
            assert isinstance(verdict, Admitted)
            assert verdict.ignored == 0
            assert verdict.reading.discard is None


@pytest.mark.parametrize(
    ("n", "encoded"),
    [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (16_383, b"\xff\x7f"), (400, b"\x90\x03")],
)
def test_lengths_are_written_as_mqtt_wants_them(n: int, encoded: bytes) -> None:
    assert remaining_length(n) == encoded


def test_a_percentile_is_a_measured_value() -> None:
    values = [float(v) for v in range(1, 101)]
    assert [percentile(values, p) for p in (50, 95, 99, 100)] == [50.0, 95.0, 99.0, 100.0]
    assert percentile([7.0], 99) == 7.0
    assert percentile([], 50) == 0.0


def test_stretches_add_up_and_processes_of_one_kind_count_together() -> None:
    whole = together(
        [Throughput(100, 1.0, {"redis": 0.1}), Throughput(300, 1.0, {"redis": 0.3, "x": 0.4})]
    )
    assert whole.per_s == 200.0
    assert whole.cpu_us() == pytest.approx({"redis": 1000.0, "x": 1000.0})
    assert summed({"engine-0": 1.0, "engine-1": 2.0, "publisher": 9.0}) == {"engine": 3.0}


def test_latency_counts_from_when_a_reading_was_due_to_the_commit_that_shows_it() -> None:
    sized = Scenario(shipments=10, geofences=8, step_s=1.0, budget=100)
    # Readings 20 to 29: one of each truck, 100 a second, the first due at 5,000 ms.
    due = ingest._Due(sized, NOW, first=20, end=30, from_ms=5_000, rate=100)
    rows = [_row(truck, sized.at(NOW, 2)) for truck in range(10)]
    entries = [
        (5_100, msgspec.msgpack.encode([_row(0, sized.at(NOW, 1)), *rows[:5]])),
        (5_200, msgspec.msgpack.encode(rows)),
    ]
    found = ingest.latencies_ms(entries, due)
    assert sorted(found) == [60.0, 70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0]
    assert not math.isnan(sum(found))


def _row(truck: int, fix_at: int) -> Row:
    return Row(
        id=scenario.shipment_id(truck),
        device_id=scenario.device_id(truck),
        fix_at=fix_at,
        heard_at=fix_at,
    )
