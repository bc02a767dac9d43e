import pytest

from puente import keys
from puente.instant import MINUTE
from puente.model import Event, Phase
from puente.store import events, states
from puente.store.connection import Store
from tests.store.samples import NOW, commit_from, event, own

pytestmark = pytest.mark.redis

_steps: dict[int, int] = {}


def publish(store: Store, *published: Event) -> None:
    """Write events to the partitions of their shipments, in the given order."""
    for one in published:
        partition = keys.partition_of(one.shipment_id)
        before = states.load_offsets(store, partition).log
        after = f"{int(before.partition('-')[0]) + 1}-0"
        wanted = commit_from(partition, own(store, partition), before, after)
        wanted.events([one])
        assert states.commit(store, wanted)


def at(minutes: int, shipment: str) -> Event:
    return event(shipment, episode=NOW + minutes, at=NOW + minutes * MINUTE)


def test_a_history_has_one_shipments_events_in_order_of_learning(store: Store) -> None:
    mine = [at(3, "S1"), at(1, "S1"), at(2, "S1")]
    publish(store, *mine, at(2, "S2"))
    assert [e.learned_at for e in events.read_history(store, "S1")] == [
        NOW + n * MINUTE for n in (1, 2, 3)
    ]
    assert events.read_history(store, "unknown") == []


def test_an_event_survives_the_store_with_every_field(store: Store) -> None:
    full = event("S1", phase=Phase.RETRACTED, evidence={"superseded_by": NOW, "x_m": 1.5})
    publish(store, full)
    assert events.read_history(store, "S1") == [full]
    assert events.read_events(store)[0] == [full]


def test_events_of_all_shipments_are_paged_without_loss_or_repetition(store: Store) -> None:
    published = [at(n, f"S{n % 5}") for n in range(23)]
    publish(store, *published)
    found: list[Event] = []
    cursor: str | None = None
    for _ in range(20):
        page, cursor = events.read_events(store, cursor, limit=4)
        found += page
    assert found == published
    publish(store, at(99, "S1"))
    page, cursor = events.read_events(store, cursor)
    assert page == [at(99, "S1")]
    assert events.read_events(store, cursor) == ([], cursor)


def test_paging_loses_nothing_even_when_learning_goes_back_within_a_partition(
    store: Store,
) -> None:
    published = [at(9, "S1"), at(2, "S1"), at(5, "S2"), at(6, "S2"), at(1, "S1")]
    publish(store, *published)
    found: list[str] = []
    cursor: str | None = None
    for _ in range(6):
        page, cursor = events.read_events(store, cursor, limit=2)
        found += [e.id for e in page]
    assert sorted(found) == sorted(e.id for e in published)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "0-0",
        "-",
        ".".join(["0-0"] * 15),
        ".".join(["0-0"] * 15 + ["²-0"]),
        ".".join(["0-0"] * 15 + ["9" * 30 + "-0"]),
        ".".join(["0-0"] * 15 + ["1-1-1"]),
        ".".join(["0-0"] * 15 + ["(1-0"]),
    ],
)
def test_a_cursor_that_is_none_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        events.read_events(store, cursor)


def test_a_partition_is_read_after_an_id(store: Store) -> None:
    publish(store, *(at(n, "S1") for n in range(5)))
    partition = keys.partition_of("S1")
    first = events.read_partition(store, partition, "0-0", 2)
    rest = events.read_partition(store, partition, first[-1][0], 10)
    assert [e for _, e in first + rest] == [at(n, "S1") for n in range(5)]


def test_events_are_trimmed_only_below_the_desk_and_past_their_age(store: Store) -> None:
    key = keys.EVENTS(pNN=1)
    for n in range(300):
        store.client.xadd(key, {"e": b"{}"}, id=f"{1000 + n}-0")
    events.trim(store, 1, "0-0", 9999)
    assert store.client.xlen(key) == 300
    events.trim(store, 1, "1150-0", 9999)
    assert store.client.xrange(key, count=1)[0][0] > b"1000-0"  # type: ignore[index]
    assert store.client.xrange(key, "1150-0", "1150-0")
