import random
from typing import Any

import pytest

from puente import keys
from puente.instant import DAY, HOUR, MINUTE, SECOND
from puente.model import Reading
from puente.store import states, tracks
from puente.store.connection import Store
from tests.store.samples import NOW, commit_from, own, reading

pytestmark = pytest.mark.redis

SUBJECT = "S1"
P = keys.partition_of(SUBJECT)


class Writer:
    """Writes one subject's track as an engine does."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.token = own(store, P)
        self.step = 0

    def add(self, *readings: Reading) -> None:
        wanted = commit_from(P, self.token, f"{self.step}-0", f"{self.step + 1}-0")
        wanted.readings(SUBJECT, readings)
        self.step += 1
        assert states.commit(self.store, wanted)

    def keep_house(self, operations: list[tracks.Operation]) -> None:
        wanted = commit_from(P, self.token, f"{self.step}-0", f"{self.step}-0")
        wanted.operations += operations
        assert states.commit(self.store, wanted)

    def compact(self, below: int) -> None:
        self.keep_house(tracks.compact(self.store, SUBJECT, below))


@pytest.fixture
def writer(store: Store) -> Writer:
    return Writer(store)


def spread(count: int = 40, step: int = 7 * MINUTE) -> list[Reading]:
    return [reading(n, at=NOW + n * step) for n in range(count)]


def test_a_track_comes_back_in_truth_order_whatever_the_order_of_writing(
    store: Store, writer: Writer
) -> None:
    written = spread()
    shuffled = list(written)
    random.Random(4).shuffle(shuffled)
    for start in range(0, len(shuffled), 7):
        writer.add(*shuffled[start : start + 7])
    assert tracks.read_track(store, SUBJECT) == written
    writer.compact(NOW + 3 * HOUR)
    assert tracks.read_track(store, SUBJECT) == written
    writer.compact(NOW + 100 * HOUR)
    assert tracks.read_track(store, SUBJECT) == written
    assert store.client.exists(tracks.track_key(SUBJECT)) == 0


def test_readings_of_one_instant_are_ordered_by_device_and_number(
    store: Store, writer: Writer
) -> None:
    same = [
        reading(2, device="B", at=NOW),
        reading(None, device="A", at=NOW),
        reading(3, device="A", at=NOW),
        reading(1, device="A", boot=2, at=NOW),
    ]
    writer.add(*same)
    found = tracks.read_track(store, SUBJECT)
    assert found == sorted(same, key=lambda r: r.order)
    writer.compact(NOW + 5 * HOUR)
    assert tracks.read_track(store, SUBJECT) == found


def test_two_devices_whose_names_run_into_their_numbers_are_kept_apart(
    store: Store, writer: Writer
) -> None:
    # "1.1" of "2D" and "1.12" of "D" are the same characters.
    both = [reading(1, device="2D", at=NOW), reading(12, device="D", at=NOW)]
    writer.add(*both)
    assert tracks.read_track(store, SUBJECT) == both
    writer.compact(NOW + 5 * HOUR)
    assert tracks.read_track(store, SUBJECT) == both


def test_a_reading_that_is_written_twice_is_there_once(store: Store, writer: Writer) -> None:
    first, again = reading(1, at=NOW), reading(1, at=NOW, received_at=NOW + HOUR)
    writer.add(first)
    writer.add(again)
    assert len(tracks.read_track(store, SUBJECT)) == 1
    writer.compact(NOW + 2 * HOUR)
    writer.add(again)
    assert len(tracks.read_track(store, SUBJECT)) == 1
    writer.compact(NOW + 2 * HOUR)
    assert len(tracks.read_track(store, SUBJECT)) == 1


@pytest.mark.parametrize("compacted", [False, True], ids=["newest", "blocks"])
@pytest.mark.parametrize(
    ("from_at", "to_at", "expected"),
    [
        (None, None, [0, 1, 2, 3, 4, 5, 6, 7]),
        (NOW + 60 * MINUTE, None, [2, 3, 4, 5, 6, 7]),
        (None, NOW + 60 * MINUTE, [0, 1, 2]),
        (NOW + 30 * MINUTE, NOW + 90 * MINUTE, [1, 2, 3]),
        (NOW + 31 * MINUTE, NOW + 59 * MINUTE, []),
        (NOW + 30 * MINUTE, NOW + 30 * MINUTE, [1]),
        (NOW + DAY, None, []),
    ],
)
def test_a_range_of_time_includes_both_ends(
    store: Store,
    writer: Writer,
    compacted: bool,
    from_at: int | None,
    to_at: int | None,
    expected: list[int],
) -> None:
    writer.add(*spread(8, 30 * MINUTE))
    if compacted:
        writer.compact(NOW + 2 * HOUR)
    found = tracks.read_track(store, SUBJECT, from_at, to_at)
    assert [r.telemetry.seq for r in found] == expected


def test_late_readings_fall_into_their_block(store: Store, writer: Writer) -> None:
    written = spread(12, 10 * MINUTE)
    writer.add(*written[:3], *written[5:])
    writer.compact(NOW + 5 * HOUR)
    writer.add(*written[3:5])
    assert tracks.read_track(store, SUBJECT) == written
    writer.compact(NOW + 5 * HOUR)
    assert tracks.read_track(store, SUBJECT) == written
    assert store.client.hlen(tracks.blocks_key(SUBJECT)) == 2


def test_only_whole_hours_move_into_blocks(store: Store, writer: Writer) -> None:
    writer.add(*spread(8, 30 * MINUTE))
    writer.compact(NOW + 2 * HOUR + 59 * MINUTE)
    hours = sorted(int(h) for h in store.client.hkeys(tracks.blocks_key(SUBJECT)))
    assert hours == [NOW // HOUR, NOW // HOUR + 1]
    assert store.client.zcard(tracks.track_key(SUBJECT)) == 4


def test_whole_hours_expire_and_the_rest_stays(store: Store, writer: Writer) -> None:
    written = spread(8, 30 * MINUTE)
    writer.add(*written)
    writer.compact(NOW + 2 * HOUR)
    writer.keep_house(tracks.expire(store, SUBJECT, NOW + HOUR + 59 * MINUTE))
    assert tracks.read_track(store, SUBJECT) == written[2:]
    assert tracks.expire(store, SUBJECT, NOW) == []


def test_a_reader_sees_every_reading_while_they_move_into_a_block(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = spread(8, 10 * MINUTE)
    writer.add(*written)
    execute = store.client.execute_command
    moved: list[Any] = []

    def and_then_compact(*words: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        answer = execute(*words, **options)
        if not moved:
            moved.append(words)
            writer.compact(NOW + 5 * HOUR)
        return answer

    monkeypatch.setattr(store.client, "execute_command", and_then_compact)
    assert tracks.read_track(store, SUBJECT) == written
    assert moved


def test_a_reading_costs_about_forty_bytes_in_a_block() -> None:
    chance = random.Random(1)
    hour = []
    lat, lon = 25.0, -100.0
    for n in range(360):
        lat, lon = lat + chance.gauss(0.0015, 0.0003), lon + chance.gauss(0.0008, 0.0003)
        hour.append(
            reading(
                5000 + n,
                device="TRK-MX24-000123",
                at=NOW + n * 10 * SECOND,
                received_at=NOW + n * 10 * SECOND + chance.randint(200, 1500),
                lat_deg=round(lat, 6),
                lon_deg=round(lon, 6),
                accuracy_m=round(chance.uniform(3, 9), 1),
                speed_mps=round(chance.gauss(22, 2), 2),
                course_deg=round(chance.gauss(20, 4), 1),
                ignition=True,
                motion=True,
                temperature_c={"product": round(chance.gauss(4, 0.2), 2)},
                battery_pct=float(round(95 - n / 40)),
            )
        )
    block = tracks.pack_block(hour)
    assert tracks.unpack_block(block) == hour
    assert len(block) / len(hour) <= 45
