import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puente import keys, ranges
from puente.instant import DAY
from puente.model import Reject, Rejection
from puente.store import devices
from puente.store.connection import Store
from puente.store.devices import DeviceNote
from tests.store.samples import NOW

pytestmark = pytest.mark.redis


def note(
    store: Store,
    *seqs: int,
    boot: int = 1,
    oldest: int | None = None,
    device: str = "D1",
    at: int = NOW,
) -> int:
    """Note numbers of one device; returns its watermark, -1 while the start is missing."""
    found = DeviceNote(device, "topic", at, at + 500)
    found.numbers[boot] = list(seqs)
    if oldest is not None:
        found.oldest[boot] = oldest
    return devices.note_devices(store, [found], 90)[device][boot]


@pytest.mark.parametrize(
    ("seqs", "oldest", "watermark"),
    [
        pytest.param([0, 1, 2], None, 2, id="numbering from 0"),
        pytest.param([1, 2, 3], None, 3, id="numbering from 1: a missing 0 holds nothing back"),
        pytest.param([2, 3], None, -1, id="the start is missing"),
        pytest.param([0, 1, 3, 4], None, 1, id="a hole"),
        pytest.param([4, 3, 1, 0, 2], None, 4, id="in any order"),
        pytest.param([5, 6], 5, 6, id="below oldest nothing will come"),
        pytest.param([0, 1, 5, 6], 3, 2, id="a hole that oldest fills only partly"),
        pytest.param([0, 1, 5, 6], 5, 6, id="a hole that oldest fills"),
        pytest.param([3], 0, -1, id="oldest 0 declares nothing gone"),
        pytest.param([3], 1, 0, id="oldest 1 declares number 0 gone"),
        pytest.param([], 4, 3, id="only oldest"),
    ],
)
def test_the_watermark_never_passes_a_hole_but_below_oldest(
    store: Store, seqs: list[int], oldest: int | None, watermark: int
) -> None:
    assert note(store, *seqs, oldest=oldest) == watermark
    # Every batch, duplicates included, is answered with the current watermark.
    assert note(store, *seqs) == watermark


def test_a_late_number_closes_its_hole(store: Store) -> None:
    assert note(store, 0, 1, 4, 5) == 1
    assert note(store, 3) == 1
    assert note(store, 2) == 5


def test_boots_are_counted_apart_and_the_record_shows_the_newest(store: Store) -> None:
    assert note(store, 0, 1, 2, boot=1) == 2
    assert note(store, 0, boot=2) == 0
    assert note(store, 3, boot=1) == 3
    (record,) = devices.list_devices(store)
    assert record.watermark == (2, 0)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.lists(st.integers(0, 25), max_size=6), max_size=10))
def test_the_watermark_is_the_one_of_the_python_ranges(
    store: Store, batches: list[list[int]]
) -> None:
    store.client.flushall()
    expected: ranges.Ranges = ()
    for batch in batches:
        for seq in batch:
            expected = ranges.add(expected, seq, seq)
        reached = ranges.watermark(expected)
        assert note(store, *batch) == (-1 if reached is None else reached)
    assert devices.received_ranges(store, [("D1", 1)]) == [expected]


def test_a_record_tells_what_arrived(store: Store) -> None:
    found = DeviceNote("D1", "puente/v1/D1/telemetry", NOW, NOW + 2000)
    for name in ("readings", "readings", "duplicates", "conflicts", "rejected"):
        found.count(name)
    devices.note_devices(store, [found], 90)
    (record,) = devices.list_devices(store)
    assert record == devices.DeviceRecord(
        "D1", NOW, NOW + 2000, 2, 1, 1, 1, None, "puente/v1/D1/telemetry"
    )


def test_older_news_does_not_set_a_device_back(store: Store) -> None:
    note(store, 2, at=NOW)
    note(store, 1, at=NOW - DAY)
    (record,) = devices.list_devices(store)
    assert (record.last_at, record.last_received_at) == (NOW, NOW + 500)


def test_devices_are_listed_newest_first_until_their_retention_is_over(store: Store) -> None:
    note(store, 0, device="old", at=NOW - 100 * DAY)
    note(store, 0, device="A", at=NOW - DAY)
    note(store, 0, device="B", at=NOW)
    assert [d.device_id for d in devices.list_devices(store)] == ["B", "A"]
    ttl_s = int(str(store.client.ttl(keys.DEVICE(device="B"))))
    assert 89 * 86_400 < ttl_s <= 90 * 86_400


def test_rejections_are_kept_newest_first_and_counted_by_reason(store: Store) -> None:
    reasons = [Reject.NOT_JSON, Reject.TOO_LARGE, Reject.NOT_JSON]
    kept = [
        Rejection(rejection=r, detail=f"{n}", topic="t", received_at=NOW, excerpt="<b>\x07")
        for n, r in enumerate(reasons)
    ]
    devices.store_rejections(store, kept)
    devices.store_rejections(store, [])
    assert devices.read_rejections(store) == kept[::-1]
    assert devices.read_rejections(store, limit=1) == kept[2:]
    assert devices.read_counts(store) == {"rejected:not_json": 2, "rejected:too_large": 1}


def test_rejections_stay_bounded(store: Store) -> None:
    flood = [Rejection(rejection=Reject.NOT_JSON, detail="", topic="t")] * 2000
    for _ in range(4):
        devices.store_rejections(store, flood)
    kept = int(str(store.client.xlen(keys.REJECTIONS())))
    assert devices.KEPT_REJECTIONS <= kept < devices.KEPT_REJECTIONS + 200
    assert devices.read_counts(store)["rejected:not_json"] == 8000


def test_counters_add_up_and_zero_leaves_no_trace(store: Store) -> None:
    devices.count(store, {"received": 3, "late": 0})
    devices.count(store, {"received": 2})
    assert devices.read_counts(store) == {"received": 5}
