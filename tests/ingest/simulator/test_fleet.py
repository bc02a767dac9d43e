from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders import native
from ingest.simulator.devices import Window
from ingest.simulator.fleet import Fleet, Message
from ingest.simulator.scenario import Scenario, Settings, build
from puente import geo, instant
from puente.instant import HOUR, MINUTE, SECOND
from tests.ingest.simulator.conftest import NOW, WINDOW

SPAN = 2 * HOUR + 45 * MINUTE


def by_device(messages: list[Message]) -> dict[str, list[Message]]:
    devices: dict[str, list[Message]] = {}
    for message in messages:
        devices.setdefault(message.device_id, []).append(message)
    return devices


def at_of(message: Message) -> int:
    at = message.payload["at"]
    return at if isinstance(at, int) else instant.parse(at)


def test_the_same_seed_gives_the_same_messages() -> None:
    made = [
        list(Fleet(build(Settings(12, 5, NOW, 0.5)).trips, WINDOW).until(NOW + MINUTE))
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert len(made[0]) > 500


def test_another_seed_gives_other_messages() -> None:
    one, other = (build(Settings(12, seed, NOW)).trips for seed in (5, 6))
    assert [t.road.route.id for t in one] != [t.road.route.id for t in other]


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, SPAN), max_size=6))
def test_messages_do_not_depend_on_how_time_is_sliced(
    scenario: Scenario, messages: list[Message], cuts: list[int]
) -> None:
    few = scenario.trips[:4]
    ours = {device for trip in few for device in trip.device_ids}
    fleet = Fleet(few, WINDOW)
    sliced: list[Message] = []
    for cut in [*sorted(cuts), SPAN]:
        sliced += fleet.until(WINDOW.history_from + cut)
    assert sliced == [message for message in messages if message.device_id in ours]


def test_messages_come_in_order_of_sending(messages: list[Message]) -> None:
    times = [message.send_at for message in messages]
    assert times == sorted(times)


def test_each_device_numbers_without_holes_and_sends_in_order(messages: list[Message]) -> None:
    for device, sent in by_device(messages).items():
        assert [message.seq for message in sent] == list(range(1, len(sent) + 1)), device
        assert len({message.boot for message in sent}) == 1
        assert all(a < b for a, b in pairwise(map(at_of, sent)))


def test_a_later_run_numbers_under_a_later_boot() -> None:
    trips = build(Settings(3, 5, NOW)).trips
    first = next(Fleet(trips, WINDOW).until(NOW))
    hour_later = Window(NOW - HOUR, NOW + HOUR, 10.0)
    assert next(Fleet(trips, hour_later).until(NOW + HOUR)).boot > first.boot


def test_every_payload_is_understood_by_the_native_dialect(messages: list[Message]) -> None:
    for message in messages:
        payload = msgspec.json.encode(message.payload)
        decoded = native.decode(message.topic, payload)
        assert decoded.ignored == 0
        assert decoded.telemetry.device_id == message.device_id
        assert len(payload) < 16_384


def test_nothing_is_sent_before_it_was_read_or_from_the_future(messages: list[Message]) -> None:
    for message in messages:
        assert 0 < message.send_at - at_of(message) < 2 * HOUR


def test_fixes_lie_where_their_accuracy_says(scenario: Scenario, messages: list[Message]) -> None:
    trips = {trip.load.trailer_id: trip for trip in scenario.trips}
    inside = checked = 0
    for message in messages:
        trip = trips.get(message.device_id)
        if trip is None or "lat" not in message.payload:
            continue
        said = message.payload
        error_m = geo.distance_m(trip.journey.where(said["at"]).point, (said["lat"], said["lon"]))
        assert error_m < 2 * said["accuracy_m"] + 0.3
        checked += 1
        inside += error_m <= said["accuracy_m"]
    assert checked > 5_000
    assert 0.90 < inside / checked < 0.99


def test_fixes_that_claim_to_be_good_never_imply_an_impossible_speed(
    messages: list[Message],
) -> None:
    for sent in by_device(messages).values():
        good = [
            (at_of(m), (m.payload["lat"], m.payload["lon"]))
            for m in sent
            if m.payload.get("accuracy_m", 1e9) < 50.0
        ]
        for (at_a, a), (at_b, b) in pairwise(good):
            assert geo.distance_m(a, b) < 33.0 * (at_b - at_a) / SECOND + 60.0


def test_the_history_of_three_hundred_trucks_is_below_thirty_thousand_readings() -> None:
    history = list(Fleet(build(Settings(300, 1, NOW)).trips, WINDOW).until(NOW))
    assert 15_000 < len(history) < 30_000


def test_moving_trailers_report_every_interval_and_parked_ones_every_minute(
    scenario: Scenario, messages: list[Message]
) -> None:
    quiet = {t.load.trailer_id: t for t in scenario.trips if not t.incidents}
    for device, sent in by_device(messages).items():
        if device not in quiet:
            continue
        live = [at_of(m) for m in sent if at_of(m) > NOW]
        gaps = [b - a for a, b in pairwise(live)]
        assert max(gaps) <= MINUTE
        moving = quiet[device].journey.where(live[10]).activity.under_way
        assert moving == (gaps[10] <= 10 * SECOND) or min(gaps[8:12]) < 10 * SECOND


def test_a_reading_that_could_not_be_sent_leaves_late_and_in_order(
    messages: list[Message],
) -> None:
    late = [m for m in messages if m.send_at - at_of(m) > 30 * SECOND]
    assert late
    for device, sent in by_device(messages).items():
        numbers = [m.seq for m in sent]
        assert numbers == sorted(numbers), device
