from typing import cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puente import keys
from puente.instant import DAY, HOUR
from puente.model import Reading
from puente.store import log
from puente.store.connection import Store, StoreUnavailable
from puente.store.log import APPENDED, CONFLICT, DUPLICATE
from puente.store.packing import unpack_reading
from tests.store.samples import NOW, SETTINGS, late, reading

pytestmark = pytest.mark.redis


def append(store: Store, *readings: Reading, partition: int = 3) -> list[int]:
    return log.append(store, {partition: list(readings)}, SETTINGS)[partition]


def entries(store: Store, *, partition: int = 3, late: bool = False) -> list[log.Entry]:
    return log.read(store, {partition: log.FIRST}, 10_000, late=late).get(partition, [])


def stored_keys(store: Store) -> list[bytes]:
    return cast("list[bytes]", store.client.keys())


def numbers(store: Store, *, late: bool = False) -> list[int | None]:
    return [unpack_reading(e.body).telemetry.seq for e in entries(store, late=late)]


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        pytest.param(reading(5), reading(5), DUPLICATE, id="the same again"),
        pytest.param(reading(5), reading(6), APPENDED, id="the next number"),
        pytest.param(reading(5), reading(4), APPENDED, id="a number that was missing"),
        pytest.param(reading(5), reading(5, boot=2), APPENDED, id="the same number after a boot"),
        pytest.param(reading(5), reading(5, device="D2"), APPENDED, id="another device"),
        pytest.param(
            reading(5), reading(5, speed_mps=1.0), CONFLICT, id="known number, new words"
        ),
        pytest.param(
            reading(5),
            reading(5, received_at=NOW + HOUR),
            DUPLICATE,
            id="redelivered an hour later",
        ),
        pytest.param(
            reading(None, at=NOW),
            reading(None, at=NOW),
            DUPLICATE,
            id="unnumbered, the same again",
        ),
        pytest.param(
            reading(None, at=NOW),
            reading(None, at=NOW, speed_mps=1.0),
            APPENDED,
            id="unnumbered, same time and other content",
        ),
        pytest.param(
            reading(None, at=NOW),
            reading(None, at=NOW, device="D2"),
            APPENDED,
            id="unnumbered, another device",
        ),
        pytest.param(reading(5), reading(None, at=NOW + 50_000), APPENDED, id="with and without"),
    ],
)
def test_a_reading_is_appended_once(
    store: Store, first: Reading, second: Reading, verdict: int
) -> None:
    assert append(store, first) == [APPENDED]
    assert append(store, second) == [verdict]
    assert len(entries(store) + entries(store, late=True)) == (2 if verdict == APPENDED else 1)


def test_the_first_of_two_contents_under_one_number_wins(store: Store) -> None:
    append(store, reading(5, speed_mps=1.0))
    append(store, reading(5, speed_mps=2.0))
    (entry,) = entries(store)
    assert unpack_reading(entry.body).telemetry.speed_mps == 1.0


def test_duplicates_within_one_batch_are_found_too(store: Store) -> None:
    verdicts = append(store, reading(1), reading(1), reading(1, speed_mps=3.0), reading(2))
    assert verdicts == [APPENDED, DUPLICATE, CONFLICT, APPENDED]
    assert numbers(store) == [1, 2]


def test_a_batch_of_two_devices_keeps_their_numbers_apart(store: Store) -> None:
    mixed = [
        reading(1),
        reading(1, device="D2"),
        reading(None, device="D3", at=NOW),
        reading(2),
        reading(None, device="D4", at=NOW),
    ]
    assert append(store, *mixed) == [APPENDED] * 5
    assert append(store, *mixed) == [DUPLICATE] * 5
    bodies = [unpack_reading(e.body) for e in entries(store)]
    assert bodies == mixed


def test_a_call_repeated_after_a_lost_reply_changes_nothing(store: Store) -> None:
    batch = {3: [reading(n) for n in range(5)], 9: [reading(n, device="D2") for n in range(5)]}
    log.append(store, batch, SETTINGS)
    before = {key: store.client.dump(key) for key in stored_keys(store)}
    log.append(store, batch, SETTINGS)
    assert {key: store.client.dump(key) for key in stored_keys(store)} == before


def test_late_readings_wait_in_their_own_log_and_are_known_in_both(store: Store) -> None:
    assert append(store, reading(1), late(2), reading(3)) == [APPENDED] * 3
    assert (numbers(store), numbers(store, late=True)) == ([1, 3], [2])
    # The same readings, delivered again at another time of reception.
    assert append(store, late(1), reading(2)) == [DUPLICATE, DUPLICATE]
    assert (numbers(store), numbers(store, late=True)) == ([1, 3], [2])


def test_ten_minutes_are_not_late_yet(store: Store) -> None:
    append(
        store,
        reading(1, at=NOW, received_at=NOW + 600_000),
        reading(2, at=NOW, received_at=NOW + 600_001),
    )
    assert (numbers(store), numbers(store, late=True)) == ([1], [2])


def test_a_key_of_the_wrong_type_stops_the_batch_before_its_first_write(store: Store) -> None:
    store.client.set(keys.SEEN(pNN=3, device="D2"), "not a hash")
    with pytest.raises(StoreUnavailable, match="is a string, not a hash"):
        append(store, reading(1), reading(1, device="D2"))
    assert entries(store) == []
    assert not store.client.exists(keys.SEEN(pNN=3, device="D1"))


def test_a_conflict_is_told_for_the_newest_128_numbers_and_memory_stays_bounded(
    store: Store,
) -> None:
    append(store, *(reading(n) for n in range(400)))
    assert append(store, reading(399, speed_mps=9.0)) == [CONFLICT]
    assert append(store, reading(272, speed_mps=9.0)) == [CONFLICT]
    assert append(store, reading(271, speed_mps=9.0)) == [DUPLICATE]
    # 128 hashes and the ranges of one boot.
    assert store.client.hlen(keys.SEEN(pNN=3, device="D1")) == 129


def test_identities_without_a_number_are_forgotten_after_their_retention(store: Store) -> None:
    append(store, reading(None, at=NOW))
    append(store, reading(None, at=NOW + 8 * DAY))
    assert store.client.zcard(keys.IDENTITIES(pNN=3, device="D1")) == 1
    ttl_ms = store.client.pttl(keys.IDENTITIES(pNN=3, device="D1"))
    assert 0 < int(str(ttl_ms)) <= SETTINGS.identity_retention_h * HOUR


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), max_size=30), st.integers(1, 30))
def test_any_order_and_any_batching_of_deliveries_stores_each_reading_once(
    store: Store, deliveries: list[tuple[int, int]], size: int
) -> None:
    store.client.flushall()
    for start in range(0, len(deliveries), size):
        append(store, *(reading(seq, boot=boot) for boot, seq in deliveries[start : start + size]))
    stored = [unpack_reading(e.body).telemetry for e in entries(store)]
    assert [(t.boot, t.seq) for t in stored] == list(dict.fromkeys(deliveries))


def test_heartbeats_and_plan_changes_reach_every_partition(store: Store) -> None:
    log.beat(store, NOW, NOW + 1000)
    log.announce_plan(store, 7, NOW)
    for partition in range(keys.PARTITIONS):
        said = [(e.kind, e.body) for e in entries(store, partition=partition)]
        assert said == [
            ("h", str(NOW).encode()),
            ("h", str(NOW + 1000).encode()),
            ("p", f"7:{NOW}".encode()),
        ]


def test_reading_goes_on_after_an_offset_and_leaves_empty_partitions_out(store: Store) -> None:
    append(store, *(reading(n) for n in range(10)))
    first = log.read(store, {3: log.FIRST, 4: log.FIRST}, 4)
    assert list(first) == [3]
    rest = log.read(store, {3: first[3][-1].id}, 100)[3]
    assert [unpack_reading(e.body).telemetry.seq for e in rest] == [4, 5, 6, 7, 8, 9]
    assert log.newest(store, 3) == rest[-1].id
    assert log.newest(store, 4) == log.FIRST


def test_a_log_is_trimmed_only_below_what_is_committed(store: Store) -> None:
    for n in range(300):
        store.client.xadd(keys.LOG(pNN=3), {"k": "h", "b": "0"}, id=f"{1000 + n}-0")
    log.trim(store, 3, log.FIRST, older_than=5000)
    assert store.client.xlen(keys.LOG(pNN=3)) == 300
    log.trim(store, 3, "1200-0", older_than=5000)
    assert 100 <= int(str(store.client.xlen(keys.LOG(pNN=3)))) < 300
    assert log.read(store, {3: "1199-0"}, 1)[3][0].id == "1200-0"
    log.trim(store, 3, "1299-0", older_than=1210)
    assert log.read(store, {3: "1209-0"}, 1)[3][0].id == "1210-0"


def test_a_move_is_one_entry_however_often_it_is_made(store: Store) -> None:
    moved = [reading(n) for n in range(1200)]
    for _ in range(2):
        log.move(store, 3, moved, "p01/log/5-0", NOW, SETTINGS)
    (entry,) = entries(store)
    assert entry.kind == "m"
    assert log.unpack_moved(entry.body) == moved
    # The device that sends them again is told from who never sent them.
    assert append(store, reading(7), reading(8, speed_mps=1.0)) == [DUPLICATE, DUPLICATE]
    assert append(store, reading(1199, speed_mps=1.0)) == [CONFLICT]


def test_readings_that_were_moved_away_can_be_moved_back(store: Store) -> None:
    append(store, reading(1), late(2), reading(None, at=NOW))
    back = [reading(1), late(2), reading(None, at=NOW)]
    log.move(store, 3, back, "p01/log/9-0", NOW, SETTINGS)
    (entry,) = [e for e in entries(store) if e.kind == "m"]
    assert log.unpack_moved(entry.body) == back


def test_a_reading_survives_the_log_with_every_field(store: Store) -> None:
    full = reading(
        3,
        lat_deg=25.1,
        lon_deg=-100.2,
        temperature_c={"product": 4.25},
        door="open",
        oldest=1,
        panic=True,
    )
    full = msgspec.structs.replace(full, clock_fault=True)
    append(store, full)
    assert unpack_reading(entries(store)[0].body) == full
