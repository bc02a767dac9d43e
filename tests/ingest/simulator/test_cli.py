import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ingest.simulator.cli import main
from puente import planfile
from puente.store.connection import Store
from puente.store.plans import load_plan

START = "2026-07-01T16:00:00Z"
OUTPUT = ("--start", START, "--shipments", "12", "--minutes", "3")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLOCK_START", "CLOCK_ANCHOR", "CLOCK_RATE", "MQTT_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(words))
    return result.exit_code, result.output


def test_it_writes_deliveries_labels_and_plan_without_any_server(tmp_path: Path) -> None:
    deliveries, labels, plan = (tmp_path / n for n in ("d.jsonl", "labels.jsonl", "plan.json"))
    code, said = run(
        *OUTPUT, "--incidents", "0.8", "--output", str(deliveries),
        "--labels", str(labels), "--plan-out", str(plan),
    )  # fmt: skip
    assert code == 0, said
    assert "deliveries of 12 shipments" in said
    assert len(planfile.read_files([plan]).shipments) == 12
    assert all("incident" in json.loads(line) for line in labels.read_text().splitlines())
    assert labels.read_text()
    assert deliveries.stat().st_size > 50_000


def test_labels_of_what_has_not_happened_by_the_end_are_left_out(tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    code, _ = run(
        *OUTPUT, "--incidents", "1", "--output", str(tmp_path / "d.jsonl"), "--labels", str(labels)
    )
    assert code == 0
    ends = "2026-07-01T16:03:00.000Z"
    assert all(json.loads(x)["occurred_at"] < ends for x in labels.read_text().splitlines())


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(("--speed", "3"), 2, "CLOCK_RATE=3", id="a speed of its own"),
        pytest.param(("--start", START), 2, "--output", id="published elsewhen"),
        pytest.param(
            (*OUTPUT[2:], "--output", "x", "--start", "noon"), 2, "noon", id="no instant"
        ),
        pytest.param(("--shipments", "0"), 2, "0", id="no shipments"),
        pytest.param(("--shipments", "2"), 2, "--no-load", id="nowhere to store the plan"),
        pytest.param(
            ("--shipments", "2", "--no-load", "--mqtt", "http://x"),
            1,
            "mqtt://",
            id="not a broker",
        ),
        pytest.param(
            ("--shipments", "2", "--no-load", "--mqtt", "mqtt://127.0.0.1:1"),
            1,
            "no MQTT broker at 127.0.0.1:1",
            id="nobody there",
        ),
    ],
)
def test_wrong_use_says_what_to_do(words: tuple[str, ...], code: int, says: str) -> None:
    got, said = run(*words)
    assert got == code
    assert says in said


def test_help_has_an_example() -> None:
    code, said = run("--help")
    assert code == 0
    assert "Example: puente simulate" in said


@pytest.mark.redis
def test_the_plan_is_stored_before_anything_is_sent(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    code, said = run("--shipments", "3", "--mqtt", "mqtt://127.0.0.1:1")
    assert code == 1
    assert "no MQTT broker" in said
    assert len(load_plan(store).shipments) == 3
