import pytest

from puente import keys
from puente.row import Row
from puente.store import devices, live, states
from puente.store.connection import Store, server_info
from puente.store.states import KEPT_CHANGES
from tests.store.samples import NOW, commit_from, own

pytestmark = pytest.mark.redis


def change(
    store: Store, step: int, *rows: Row, removed: tuple[str, ...] = (), partition: int = 2
) -> None:
    wanted = commit_from(partition, own(store, partition), f"{step}-0", f"{step + 1}-0")
    wanted.rows(list(rows), removed)
    assert states.commit(store, wanted)


def row(subject: str, heard_at: int = NOW) -> Row:
    return Row(id=subject, heard_at=heard_at)


def test_rows_are_loaded_once_and_then_followed(store: Store) -> None:
    change(store, 0, row("A"), row("B"))
    change(store, 0, row("C"), partition=7)
    cursors = live.change_cursors(store)
    assert {r.id for r in live.load_rows(store)} == {"A", "B", "C"}
    assert live.read_changes(store, cursors) == live.Changes([], [], cursors, gap=False)
    change(store, 1, row("A", NOW + 1))
    change(store, 1, row("C", NOW + 2), partition=7)
    changes = live.read_changes(store, cursors)
    assert changes.rows == [row("A", NOW + 1), row("C", NOW + 2)]
    assert not changes.gap
    assert live.read_changes(store, changes.cursors).rows == []


def test_nothing_is_missed_between_taking_the_cursors_and_loading(store: Store) -> None:
    cursors = live.change_cursors(store)
    change(store, 0, row("A"))
    assert live.read_changes(store, cursors).rows == [row("A")]


def test_what_changed_several_times_comes_once_as_it_is_in_the_end(store: Store) -> None:
    cursors = live.change_cursors(store)
    change(store, 0, row("A", 1), row("B", 1))
    change(store, 1, row("A", 2))
    assert live.read_changes(store, cursors).rows == [row("B", 1), row("A", 2)]


@pytest.mark.parametrize(
    ("steps", "rows", "removed"),
    [
        pytest.param([("put", 1), ("drop", 0)], [], ["A"], id="removed in the end"),
        pytest.param([("drop", 0), ("put", 2)], [row("A", 2)], [], id="back in the end"),
        pytest.param(
            [("put", 1), ("drop", 0), ("put", 2)], [row("A", 2)], [], id="gone for a moment"
        ),
    ],
)
def test_a_subject_is_either_there_or_removed(
    store: Store, steps: list[tuple[str, int]], rows: list[Row], removed: list[str]
) -> None:
    cursors = live.change_cursors(store)
    for step, (what, at) in enumerate(steps):
        if what == "put":
            change(store, step, row("A", at))
        else:
            change(store, step, removed=("A",))
    changes = live.read_changes(store, cursors)
    assert (changes.rows, changes.removed) == (rows, removed)
    assert [r.id for r in live.load_rows(store)] == [r.id for r in rows]


def test_a_reader_that_was_away_too_long_is_told_of_the_gap(store: Store) -> None:
    change(store, 0, row("A"))
    cursors = live.change_cursors(store)
    key = keys.CHANGES(pNN=2)
    change(store, 1, row("A"))
    store.client.xtrim(key, maxlen=1, approximate=False)
    assert live.read_changes(store, cursors).gap
    store.client.delete(key)
    assert live.read_changes(store, cursors).gap
    assert not live.read_changes(store, live.change_cursors(store)).gap


def test_a_reader_that_began_before_the_first_change_is_told_of_the_gap_too(store: Store) -> None:
    cursors = live.change_cursors(store)
    packed = {"r": b"\x90"}
    with store.client.pipeline(transaction=False) as pipe:
        for _ in range(KEPT_CHANGES + 200):
            pipe.xadd(keys.CHANGES(pNN=2), packed, maxlen=KEPT_CHANGES, approximate=True)
        pipe.execute()
    assert live.read_changes(store, cursors).gap


def test_changes_are_read_in_portions(store: Store) -> None:
    cursors = live.change_cursors(store)
    for step in range(5):
        change(store, step, row(f"S{step}"))
    first = live.read_changes(store, cursors, count=3)
    rest = live.read_changes(store, first.cursors, count=3)
    assert [r.id for r in first.rows + rest.rows] == ["S0", "S1", "S2", "S3", "S4"]


def test_the_status_of_a_partition_is_known_after_its_first_commit(store: Store) -> None:
    assert live.read_status(store) == []
    wanted = commit_from(5, own(store, 5))
    wanted.status(clock=NOW, committed_at=NOW + 1, readings=3, events=2, outage_s=40)
    states.commit(store, wanted)
    assert live.read_status(store) == [live.PartitionStatus(5, NOW, NOW + 1, 3, 2, 40)]


def test_the_gateway_says_what_it_did(store: Store) -> None:
    assert live.read_gateway_status(store) is None
    devices.beat_gateway(
        store, NOW, connected=True, broker="127.0.0.1:1883", received=12, appended=9
    )
    assert live.read_gateway_status(store) == live.GatewayStatus(
        NOW, connected=True, broker="127.0.0.1:1883", received=12, appended=9
    )


def test_a_server_says_what_it_lacks(store: Store) -> None:
    info = server_info(store)
    assert (info.name, info.durable, info.lacks) == ("valkey", True, ())
    try:
        store.client.config_set("appendfsync", "everysec")
        store.client.config_set("maxmemory-policy", "allkeys-lru")
        poor = server_info(store)
        store.client.config_set("appendonly", "no")
        poorer = server_info(store)
    finally:
        store.client.config_set("maxmemory-policy", "noeviction")
        store.client.config_set("appendonly", "yes")
        store.client.config_set("appendfsync", "always")
    assert not poor.durable
    assert [lack.partition(":")[0] for lack in poor.lacks] == [
        "appendfsync is not always",
        "maxmemory-policy is not noeviction",
    ]
    assert poorer.lacks[0].startswith("appendonly is off")
