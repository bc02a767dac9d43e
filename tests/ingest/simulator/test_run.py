import gzip
import json
from pathlib import Path

from ingest.simulator.fleet import Fleet, Message
from ingest.simulator.outbox import MOST_HELD, RESEND_AFTER_S, Outbox
from ingest.simulator.publisher import Watermark
from ingest.simulator.run import RESEND_EVERY_S, Courier, live, write_deliveries
from ingest.simulator.scenario import Scenario
from puente.clock import Clock, real_now
from puente.instant import MINUTE
from tests.ingest.simulator.conftest import NOW, WINDOW


class RememberingLine:
    """A line that keeps what it carries and lets a test play the server."""

    def __init__(self) -> None:
        self.carried: list[tuple[str, bytes]] = []
        self.marks: list[Watermark] = []
        self.came_back = False

    def publish(self, topic: str, payload: bytes) -> None:
        self.carried.append((topic, payload))

    def connection_came_back(self) -> bool:
        came_back, self.came_back = self.came_back, False
        return came_back

    def take_watermarks(self) -> list[Watermark]:
        marks, self.marks = self.marks, []
        return marks


class Steady:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def message(seq: int, device: str = "TRK-1") -> Message:
    payload = {"at": NOW + seq, "boot": 3, "seq": seq}
    return Message(NOW + seq, f"puente/v1/{device}/telemetry", payload, device, 3, seq)


def numbers(letters: object) -> list[int]:
    return [json.loads(letter.payload)["seq"] for letter in letters]  # type: ignore[attr-defined]


def test_a_reading_is_held_until_the_watermark_passes_it() -> None:
    outbox = Outbox()
    for seq in range(1, 6):
        outbox.post(message(seq), 0.0)
    outbox.acknowledge("TRK-1", 3, 2, 1.0)
    assert numbers(outbox.everything(2.0)) == [3, 4, 5]


def test_watermarks_of_other_boots_and_devices_change_nothing() -> None:
    outbox = Outbox()
    outbox.post(message(1), 0.0)
    outbox.acknowledge("TRK-1", 2, 9, 1.0)
    outbox.acknowledge("TRK-9", 3, 9, 1.0)
    assert len(outbox) == 1


def test_a_reading_sent_again_is_the_same_bytes() -> None:
    outbox = Outbox()
    letter = outbox.post(message(1), 0.0)
    outbox.post(message(2), 0.0)
    assert next(outbox.everything(1.0)) == letter


def test_a_full_memory_drops_the_oldest_and_says_which_it_still_holds() -> None:
    outbox = Outbox()
    for seq in range(1, MOST_HELD + 3):
        last = outbox.post(message(seq), 0.0)
    assert len(outbox) == MOST_HELD
    assert outbox.dropped == 2
    assert json.loads(last.payload)["oldest"] == 3


def test_only_readings_without_progress_are_overdue() -> None:
    outbox = Outbox()
    outbox.post(message(1), 0.0)
    outbox.post(message(1, "TRK-2"), 0.0)
    outbox.post(message(2, "TRK-2"), 0.0)
    outbox.acknowledge("TRK-2", 3, 1, RESEND_AFTER_S)
    late = list(outbox.overdue(RESEND_AFTER_S + 1.0))
    assert [letter.topic for letter in late] == ["puente/v1/TRK-1/telemetry"]
    assert list(outbox.overdue(RESEND_AFTER_S + 2.0)) == []


def test_after_a_lost_connection_everything_unconfirmed_is_sent_again(
    scenario: Scenario,
) -> None:
    line, steady = RememberingLine(), Steady()
    courier = Courier(Fleet(scenario.trips[:3], WINDOW), line, steady)
    courier.deliver_until(NOW)
    first = list(line.carried)
    line.came_back = True
    courier.send_again()
    assert sorted(line.carried[len(first) :]) == sorted(first)
    assert courier.totals.resent == len(first)


def test_confirmed_readings_are_not_sent_again(scenario: Scenario) -> None:
    line, steady = RememberingLine(), Steady()
    fleet = Fleet(scenario.trips[:3], WINDOW)
    courier = Courier(fleet, line, steady)
    courier.deliver_until(NOW)
    for topic, payload in line.carried:
        said = json.loads(payload)
        line.marks.append(Watermark(topic.split("/")[2], said["boot"], said["seq"]))
    courier.deliver_until(NOW)
    line.came_back = True
    courier.send_again()
    assert courier.totals.resent == 0
    assert courier.totals.unacknowledged == 0


def test_a_server_that_was_never_heard_is_not_flooded(scenario: Scenario) -> None:
    line, steady = RememberingLine(), Steady()
    courier = Courier(Fleet(scenario.trips[:3], WINDOW), line, steady)
    courier.deliver_until(NOW)
    steady.now_s += 10 * RESEND_AFTER_S
    courier.send_again()
    assert courier.totals.resent == 0


def test_a_server_that_answers_others_gets_what_it_missed(scenario: Scenario) -> None:
    line, steady = RememberingLine(), Steady()
    courier = Courier(Fleet(scenario.trips[:3], WINDOW), line, steady)
    courier.deliver_until(NOW)
    steady.now_s += RESEND_AFTER_S + RESEND_EVERY_S
    line.marks.append(Watermark("TRK-999999", 1, 1))
    courier.deliver_until(NOW)
    courier.send_again()
    assert courier.totals.resent == courier.totals.published


def test_live_time_follows_the_clock_and_ends_when_told(scenario: Scenario) -> None:
    line = RememberingLine()
    courier = Courier(Fleet(scenario.trips[:3], WINDOW), line, Steady())
    # A clock that is past the end already: everything due is sent in the first tick.
    clock = Clock(start=NOW + 10 * MINUTE, anchor=real_now())
    live(courier, clock, NOW + 5 * MINUTE, lambda _seconds: False)
    expected = list(Fleet(scenario.trips[:3], WINDOW).until(NOW + 5 * MINUTE))
    assert len(line.carried) == len(expected)


def test_live_time_ends_when_the_wait_is_interrupted(scenario: Scenario) -> None:
    line = RememberingLine()
    courier = Courier(Fleet(scenario.trips[:1], WINDOW), line, Steady())
    live(courier, Clock(start=NOW, anchor=real_now()), None, lambda _seconds: True)
    assert line.carried


def test_deliveries_are_lines_for_replay_and_the_same_bytes_each_time(
    scenario: Scenario, tmp_path: Path
) -> None:
    paths = [tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"]
    counts = {write_deliveries(Fleet(scenario.trips[:2], WINDOW), NOW, path) for path in paths}
    assert paths[0].read_bytes() == paths[1].read_bytes()
    lines = [json.loads(line) for line in gzip.decompress(paths[0].read_bytes()).splitlines()]
    assert counts == {len(lines)}
    assert set(lines[0]) == {"topic", "payload", "received_at"}
