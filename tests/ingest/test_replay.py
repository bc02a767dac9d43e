"""Replay: the whole decision path over files written by hand (interfaces, section 4).

Expected events are spelled out from the rules, not taken from an output. The fence is a square of
0.02 degrees around 27.5, -99.5 under the plain rule unless a test says otherwise.
"""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ingest.replay import replay, round_floats
from puente.instant import parse, text
from puente.planfile import parse as parse_plan
from puente.planfile import to_plan
from tests.ingest.replaying import run_lines

START = parse("2026-07-01T12:00:00Z")
SQUARE = [[-99.51, 27.49], [-99.49, 27.49], [-99.49, 27.51], [-99.51, 27.51], [-99.51, 27.49]]

PLAN: dict[str, Any] = {
    "shipments": [
        {
            "id": "MX1",
            "cargo_profile": "PH_2_8",
            "devices": [{"device_id": "TRK-1", "role": "trailer"}],
        }
    ],
    "geofences": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
                "properties": {
                    "id": "yard",
                    "class": "YARD",
                    "confirm_fixes": 1,
                    "enter_m": 0,
                    "exit_m": 0,
                },
            }
        ],
    },
}

IN, OUT = (27.5, -99.5), (27.5, -99.4)


def at(s: float) -> str:
    return text(START + round(s * 1000))


def line(
    s: float, received_s: float | None = None, device: str = "TRK-1", **fields: object
) -> dict[str, Any]:
    point = fields.pop("point", None)
    if isinstance(point, tuple):
        fields |= {"lat": point[0], "lon": point[1]}
    return {
        "topic": f"puente/v1/{device}/telemetry",
        "payload": {"at": at(s), **fields},
        "received_at": at(s if received_s is None else received_s),
    }


def plan(document: dict[str, Any] = PLAN) -> Any:  # noqa: ANN401 - a Plan
    return to_plan(parse_plan(document, "test"), 1)


def run(
    *lines: object, end_at: float | None = None, document: dict[str, Any] = PLAN
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    end = None if end_at is None else START + round(end_at * 1000)
    return run_lines(plan(document), lines, end)


def short(events: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    return [
        (e["kind"], e["phase"], e["occurred_at"], e["learned_at"])
        if "kind" in e
        else ("rejection", e["rejection"], e["detail"], "")
        for e in events
    ]


def test_an_event_is_written_as_promised() -> None:
    (entered,), _ = run(line(0, point=OUT), line(600, 605, point=IN))
    assert list(entered) == sorted(entered)
    # printf 'geofence.enter\x1fMX1\x1fyard\x1f1782907800000\x1fnoted' | sha256sum
    assert {k: entered[k] for k in ("id", "shipment_id", "device_id", "kind", "phase")} == {
        "id": "76c19cf69d2a1ddc",
        "shipment_id": "MX1",
        "device_id": "TRK-1",
        "kind": "geofence.enter",
        "phase": "noted",
    }
    assert (entered["subject"], entered["severity"], entered["late"]) == ("yard", "info", False)
    assert entered["occurred_at"] == entered["confirmed_at"] == entered["episode"]
    assert entered["episode"] == "2026-07-01T12:10:00.000Z"
    assert entered["learned_at"] == "2026-07-01T12:10:05.000Z"
    assert (entered["lat"], entered["lon"]) == IN
    assert entered["title"]
    assert entered["summary"]
    assert isinstance(entered["evidence"], dict)


def test_a_journey_is_told_in_order_of_decision() -> None:
    events, summary = run(
        line(0, point=OUT, speed_mps=10, temperature_c=5),
        line(600, point=IN, speed_mps=0, temperature_c=9),
        line(1200, point=IN, speed_mps=0, temperature_c=9),
        line(1800, point=OUT, speed_mps=10, temperature_c=5),
        line(2400, point=OUT, speed_mps=10, temperature_c=5),
    )
    assert short(events) == [
        ("geofence.enter", "noted", at(600), at(600)),
        ("temperature.warning", "raised", at(600), at(1200)),
        ("geofence.exit", "noted", at(1800), at(1800)),
        ("temperature.warning", "cleared", at(1800), at(2400)),
    ]
    told = summary["shipments"]["MX1"]
    assert told["fixes"] == 5
    assert (told["first_at"], told["last_at"]) == (at(0), at(2400))
    assert told["geofences"] == {"yard": {"enters": 1, "exits": 1, "inside_s": 1200.0}}
    assert told["stops"] == [
        {"from": at(600), "to": at(1800), "lat": IN[0], "lon": IN[1]},
    ]
    # 0.1 degree of longitude at 27.5 N, there and back
    assert told["distance_m"] == pytest.approx(2 * 9_863, abs=5)
    probe = told["temperature"]["TRK-1/product"]
    assert (probe["n"], probe["min_c"], probe["max_c"], probe["faults"]) == (5, 5.0, 9.0, 0)
    assert probe["minutes_out"] == 20.0
    assert told["open_episodes"] == []
    assert summary["events"] == {
        "geofence.enter": 1,
        "geofence.exit": 1,
        "temperature.warning": 1,
    }


def test_deadlines_fire_up_to_the_last_reception_and_no_further() -> None:
    cold = line(0, temperature_c=1)
    assert short(run(cold)[0]) == []
    assert short(run(cold, line(599.999, device="other"))[0]) == []
    warned = ("temperature.warning", "raised", at(0), at(600))
    assert short(run(cold, line(600, device="other"))[0]) == [warned]
    assert short(run(cold, {**line(600), "topic": "x"})[0])[1:] == [warned]
    assert short(run(cold, end_at=600)[0]) == [warned]
    assert short(run(cold, end_at=599.999)[0]) == []


def test_an_end_before_the_last_reception_changes_nothing() -> None:
    lines = [line(0, temperature_c=1), line(700, temperature_c=1)]
    assert run(*lines, end_at=10) == run(*lines)


def test_the_clock_never_goes_back() -> None:
    events, _ = run(line(0, point=OUT), line(100, 1000, point=OUT), line(500, 600, point=IN))
    assert short(events)[-1] == ("geofence.enter", "noted", at(500), at(1000))


def test_events_of_one_instant_are_sorted_and_an_episode_begins_before_it_ends() -> None:
    """Everything of a whole excursion is learned at once when it arrives as a backfill."""
    late = [line(s, 9000, point=p, temperature_c=c) for s, p, c in (
        (600, IN, 9), (1300, IN, 9), (1900, OUT, 5), (2600, OUT, 5),
    )]  # fmt: skip
    events, _ = run(line(0, point=OUT, speed_mps=9), line(9000, point=OUT, speed_mps=9), *late)
    now = [(e["kind"], e["subject"], e["phase"]) for e in events if e["learned_at"] == at(9000)]
    life = ["retracted", "raised", "noted", "cleared"]
    assert now == sorted(now, key=lambda e: (e[0], e[1], life.index(e[2])))
    assert [p for k, _, p in now if k == "temperature.warning"] == ["raised", "cleared"]
    assert all(e["late"] for e in events if e["kind"] == "temperature.warning")


def test_a_retracted_episode_comes_before_what_replaces_it() -> None:
    events, summary = run(
        line(0, point=OUT), line(1000, point=IN), line(500, 1010, point=IN),
    )  # fmt: skip
    told = [(e["phase"], e["episode"]) for e in events if e["kind"] == "geofence.enter"]
    assert told == [("noted", at(1000)), ("retracted", at(1000)), ("noted", at(500))]
    assert events[-1]["evidence"]["supersedes"] == at(1000)
    assert events[-2]["evidence"]["superseded_by"] == at(500)
    assert summary["events"]["geofence.enter"] == 1


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "[]",
        "{}",
        '{"topic": "t", "payload": {}}',
        '{"topic": "t", "received_at": "2026-07-01T12:00:00Z"}',
        '{"topic": "t", "payload": {}, "received_at": "yesterday"}',
        '{"topic": "t", "payload": {}, "received_at": 5}',
        '{"topic": 5, "payload": {}, "received_at": "2026-07-01T12:00:00Z"}',
        '{"topic": "t", "payload_base64": "?", "received_at": "2026-07-01T12:00:00Z"}',
        '{"topic": "t", "payload": {}, "received_at": "2026-07-01T12:00:00Z"',
        "\xff",
    ],
)
def test_a_line_that_is_no_delivery_is_a_bad_line(bad: str) -> None:
    events, summary = run(bad or "null", line(0))
    assert events == [{"rejection": "bad_line", "detail": "line 1"}]
    assert (summary["deliveries"], summary["rejected"]) == (1, {"bad_line": 1})


def test_a_rejection_says_what_and_where_and_later_lines_still_count() -> None:
    bad = {"topic": "puente/v1/TRK-1/telemetry", "payload": {"lat": 1}, "received_at": at(0)}
    events, summary = run(bad, line(1, point=OUT), line(600, point=IN))
    assert events[0]["rejection"] == "missing_field"
    assert set(events[0]) == {"rejection", "detail", "topic", "received_at"}
    assert events[0]["received_at"] == at(0)
    assert [e.get("kind") for e in events[1:]] == ["geofence.enter"]
    assert summary["rejected"] == {"missing_field": 1}


def test_a_payload_may_be_base64() -> None:
    raw = json.dumps({"at": at(600), "lat": IN[0], "lon": IN[1]}).encode()
    coded = {
        "topic": "puente/v1/TRK-1/telemetry",
        "payload_base64": base64.b64encode(raw).decode(),
        "received_at": at(600),
    }
    assert run(line(0, point=OUT), coded) == run(line(0, point=OUT), line(600, point=IN))
    events, _ = run({**coded, "payload_base64": base64.b64encode(b"\xff\x00").decode()})
    assert events[0]["rejection"] == "not_utf8"


def test_duplicates_conflicts_and_late_readings_are_counted() -> None:
    _, summary = run(
        line(0, boot=1, seq=1, point=OUT),
        line(0, 10, boot=1, seq=1, point=OUT),
        line(0, 20, boot=1, seq=1, point=IN),
        line(5, 20, point=OUT),
        line(5, 30, point=OUT),
        line(60, 660, boot=1, seq=2),
        line(61, 662, boot=1, seq=3),
        line(61, 663, device="X"),
    )
    assert (summary["deliveries"], summary["readings"]) == (8, 5)
    assert (summary["duplicates"], summary["conflicts"], summary["late"]) == (3, 1, 2)
    assert summary["unassigned"] == {"X": 1}


def test_a_resent_reading_with_a_wrong_clock_is_a_duplicate_and_no_conflict() -> None:
    cut = line(-1_000_000_000, 0, boot=1, seq=1, door="open")
    events, summary = run(cut, {**cut, "received_at": at(60)})
    assert [e["kind"] for e in events] == ["device.clock_fault"]
    assert (summary["duplicates"], summary["conflicts"]) == (1, 0)


def test_what_a_device_no_longer_holds_is_noted_once() -> None:
    events, _ = run(
        line(0, boot=1, seq=1),
        line(10, boot=1, seq=2, lat=91, lon=0),
        line(20, boot=1, seq=6, oldest=5),
        line(30, boot=1, seq=7, oldest=5),
        line(40, boot=1, seq=8, oldest=6),
    )
    gaps = [e for e in events if e.get("kind") == "telemetry.gap"]
    assert [e["evidence"] for e in gaps] == [
        {"missing": 2, "ranges": [[1, 3, 4]]},
        {"missing": 1, "ranges": [[1, 5, 5]]},
    ]
    assert [e["learned_at"] for e in gaps] == [at(20), at(40)]


def test_the_same_input_gives_the_same_output_byte_for_byte(tmp_path: Path) -> None:
    lines = [
        line(s, point=IN if s // 1500 % 2 else OUT, temperature_c=s % 17)
        for s in range(0, 20_000, 300)
    ]
    first, second = (call(tmp_path / name, lines) for name in ("a", "b"))
    assert first == second
    assert len(first[0]) > 1_000


def call(folder: Path, lines: list[dict[str, Any]]) -> tuple[bytes, bytes]:
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(PLAN))
    packed = gzip.compress("\n".join(map(json.dumps, lines)).encode())
    (folder / "in.jsonl.gz").write_bytes(packed)
    arguments = ["--plan", folder / "plan.json", "--input", folder / "in.jsonl.gz"]
    arguments += ["--output", folder / "out", "--summary", folder / "sum"]
    done = CliRunner().invoke(replay, list(map(str, arguments)))
    assert (done.exit_code, done.output) == (0, "")
    return (folder / "out").read_bytes(), (folder / "sum").read_bytes()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        pytest.param({"--plan": None}, 2, "Missing option '--plan'", id="no plan named"),
        pytest.param({"--plan": "nowhere.json"}, 1, "nowhere.json", id="no such plan"),
        pytest.param({"--input": "nowhere.jsonl"}, 1, "nowhere.jsonl", id="no such input"),
        pytest.param({"--input": "broken.gz"}, 1, "broken.gz", id="not gzip"),
        pytest.param({"--end-at": "tomorrow"}, 2, "RFC 3339", id="no instant"),
        pytest.param({"--plan": "bad.json"}, 1, "not an object", id="no plan"),
        pytest.param({"--input": "bad.json"}, 0, "bad_line", id="a bad line is no failure"),
    ],
)
def test_the_exit_code_tells_wrong_use_from_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], code: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_text(json.dumps(PLAN))
    Path("in.jsonl").write_text("")
    Path("bad.json").write_text("[]")
    Path("broken.gz").write_bytes(b"no gzip")
    options = {"--plan": "plan.json", "--input": "in.jsonl", **change}
    arguments = [part for name, value in options.items() if value for part in (name, value)]
    done = CliRunner().invoke(replay, arguments)
    assert done.exit_code == code
    assert words in done.output


def test_floats_are_rounded_to_six_decimals_and_zero_has_no_sign() -> None:
    value = {"a": [1.23456789, -1e-9], "b": (2, True, None, "x")}
    assert json.dumps(round_floats(value)) == '{"a": [1.234568, 0.0], "b": [2, true, null, "x"]}'


def test_an_earlier_reception_counts_as_the_greatest_so_far() -> None:
    _, summary = run(line(2_000), line(1_399, 1_400), line(2_110, 100))
    assert (summary["late"], summary["rejected"], summary["readings"]) == (1, {}, 3)


def test_another_time_under_a_known_number_is_a_conflict() -> None:
    _, summary = run(line(0, boot=1, seq=1), line(1, boot=1, seq=1))
    assert (summary["duplicates"], summary["conflicts"]) == (1, 1)


def test_what_one_instant_says_and_takes_back_is_not_told() -> None:
    """Readings of one excursion, newest first, all received at once: one warning remains."""
    warm = [line(minute * 60, 2400, temperature_c=9) for minute in range(30, -1, -1)]
    events, summary = run(*warm)
    told = [(e["phase"], e["episode"]) for e in events if e["kind"] == "temperature.warning"]
    assert told == [("raised", at(0))]
    assert summary["events"]["temperature.warning"] == 1


def test_a_line_with_nothing_in_it_is_no_delivery() -> None:
    events, summary = run(line(0, point=OUT), "", line(60, point=OUT))
    assert events == [{"rejection": "bad_line", "detail": "line 2"}]
    assert summary["readings"] == 2
