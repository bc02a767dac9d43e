import pytest

from puente import keys
from puente.instant import HOUR
from puente.row import Row
from puente.store import leases, states
from puente.store.connection import Store, StoreUnavailable
from puente.store.states import Commit, Offsets
from tests.store.samples import NOW, commit_from, event, own, reading

pytestmark = pytest.mark.redis

SUBJECT = "S1"
P = keys.partition_of(SUBJECT)


def full(token: str, before: str = "0-0", after: str = "1-0") -> Commit:
    """One of every kind of operation."""
    wanted = commit_from(P, token, before, after)
    wanted.state(SUBJECT, b"\x80state")
    wanted.readings(SUBJECT, [reading(1), reading(2)])
    wanted.checkpoint(SUBJECT, NOW // HOUR, b"truth")
    wanted.rows([Row(id=SUBJECT, heard_at=NOW)])
    wanted.events([event(SUBJECT)])
    wanted.status(clock=NOW, committed_at=NOW, readings=2, events=1)
    return wanted


def content(store: Store) -> dict[bytes, object]:
    kept = store.client.keys("{p*")
    lease = keys.LEASE(pNN=P).encode()
    return {k: store.client.dump(k) for k in kept if k != lease}


def test_a_commit_writes_everything_and_the_offset(store: Store) -> None:
    assert states.commit(store, full(own(store, P)))
    assert states.load_offsets(store, P) == Offsets("1-0", "0-0")
    assert states.load_states(store, P) == {SUBJECT: b"\x80state"}
    assert states.load_status(store, P) == {
        "clock": NOW, "committed_at": NOW, "readings": 2, "events": 1,
    }  # fmt: skip
    assert states.load_checkpoint(store, SUBJECT, NOW + HOUR) == (NOW // HOUR, b"truth")
    assert store.client.xlen(keys.EVENTS(pNN=P)) == 1
    assert store.client.zcard(keys.HISTORY(pNN=P, subject=SUBJECT)) == 1
    assert store.client.zcard(keys.TRACK(pNN=P, subject=SUBJECT)) == 2


def test_a_repeated_commit_whose_reply_was_lost_counts_as_done_and_writes_once(
    store: Store,
) -> None:
    token = own(store, P)
    assert states.commit(store, full(token))
    before = content(store)
    assert states.commit(store, full(token))
    assert content(store) == before


@pytest.mark.parametrize(
    ("token", "before", "after"),
    [
        pytest.param("0:engine-0", "0-0", "1-0", id="an older owner"),
        pytest.param("", "0-0", "1-0", id="no token"),
        pytest.param(None, "5-0", "6-0", id="the log is elsewhere"),
        pytest.param(None, "0-0", "2-0", id="the log has moved on by another step"),
    ],
)
def test_who_does_not_own_the_partition_or_its_place_writes_nothing(
    store: Store, token: str | None, before: str, after: str
) -> None:
    current = own(store, P)
    if after == "2-0":
        assert states.commit(store, commit_from(P, current))
    kept = content(store)
    wanted = full(current if token is None else token, before, after)
    assert not states.commit(store, wanted)
    assert content(store) == kept


def test_a_lease_that_ran_out_commits_nothing_even_if_nobody_took_it(store: Store) -> None:
    token = own(store, P)
    store.client.delete(keys.LEASE(pNN=P))
    kept = content(store)
    assert not states.commit(store, full(token))
    assert content(store) == kept


def test_an_owner_that_was_paused_cannot_commit_after_its_successor(store: Store) -> None:
    stale = own(store, P, "a")
    store.client.delete(keys.LEASE(pNN=P))
    own(store, P, "b")
    assert not states.commit(store, full(stale))
    assert states.load_states(store, P) == {}


def test_the_late_offset_is_checked_as_well(store: Store) -> None:
    token = own(store, P)
    moved = Commit(P, token, Offsets(), Offsets("0-0", "3-0"))
    assert states.commit(store, moved)
    assert states.load_offsets(store, P) == Offsets("0-0", "3-0")
    assert not states.commit(store, full(token))


@pytest.mark.parametrize(
    "family", [keys.STATE, keys.TRACK, keys.CHECKPOINTS, keys.ROWS, keys.EVENTS, keys.STATUS]
)
def test_a_key_of_the_wrong_type_stops_the_commit_before_its_first_write(
    store: Store, family: keys.Key
) -> None:
    token = own(store, P)
    key = family(pNN=P, subject=SUBJECT) if "subject" in family.pattern else family(pNN=P)
    store.client.set(key, "in the way")
    kept = content(store)
    with pytest.raises(StoreUnavailable, match="is a string, not a"):
        states.commit(store, full(token))
    assert content(store) == kept


def test_a_command_that_is_not_on_the_list_stops_the_commit(store: Store) -> None:
    wanted = full(own(store, P))
    wanted.operations.append(["FLUSHALL", keys.STATE(pNN=P)])
    kept = content(store)
    with pytest.raises(StoreUnavailable, match="no such operation"):
        states.commit(store, wanted)
    assert content(store) == kept


def test_a_month_of_readings_fits_one_commit(store: Store) -> None:
    # More than Lua can pass on at once, which once tore a commit in the middle.
    wanted = commit_from(P, own(store, P))
    wanted.forget_track(SUBJECT)
    wanted.readings(SUBJECT, [reading(n) for n in range(9_000)])
    assert states.commit(store, wanted)
    assert store.client.zcard(keys.TRACK(pNN=P, subject=SUBJECT)) == 9_000


def test_an_operation_that_lua_cannot_pass_on_stops_the_commit_before_its_first_write(
    store: Store,
) -> None:
    wanted = full(own(store, P))
    wanted.operations.append(
        ["HDEL", keys.CHECKPOINTS(pNN=P, subject=SUBJECT), *map(str, range(9_000))]
    )
    kept = content(store)
    with pytest.raises(StoreUnavailable, match="too long"):
        states.commit(store, wanted)
    assert content(store) == kept


def test_a_commit_without_offset_change_is_fenced_too(store: Store) -> None:
    token = own(store, P)
    house = commit_from(P, token, "0-0", "0-0")
    house.forget_checkpoints(SUBJECT, [1, 2])
    assert states.commit(store, house)
    assert states.commit(store, commit_from(P, token, "0-0", "4-0"))
    house.state(SUBJECT, b"too late")
    assert not states.commit(store, house)
    assert states.load_states(store, P) == {}


def test_the_newest_checkpoint_at_or_before_an_instant_is_found(store: Store) -> None:
    wanted = commit_from(P, own(store, P))
    for hour in (10, 12):
        wanted.checkpoint(SUBJECT, hour, b"before %d" % hour)
    states.commit(store, wanted)
    found = [
        states.load_checkpoint(store, SUBJECT, at)
        for at in (10 * HOUR - 1, 10 * HOUR, 12 * HOUR - 1, 12 * HOUR, 99 * HOUR)
    ]
    ten, twelve = (10, b"before 10"), (12, b"before 12")
    assert found == [None, ten, ten, twelve, twelve]
    assert states.checkpoint_hours(store, SUBJECT) == [10, 12]
    wanted = commit_from(P, own(store, P), "1-0", "2-0")
    wanted.forget_checkpoints(SUBJECT, [10])
    assert states.commit(store, wanted)
    assert states.checkpoint_hours(store, SUBJECT) == [12]


def test_old_events_leave_the_history_of_a_shipment(store: Store) -> None:
    token = own(store, P)
    wanted = commit_from(P, token)
    wanted.events([event(SUBJECT, at=NOW), event(SUBJECT, episode=NOW + 1, at=NOW + HOUR)])
    states.commit(store, wanted)
    wanted = commit_from(P, token, "1-0", "1-0")
    wanted.expire_history(SUBJECT, NOW + HOUR)
    assert states.commit(store, wanted)
    assert store.client.zcard(keys.HISTORY(pNN=P, subject=SUBJECT)) == 1


def test_a_released_partition_keeps_its_state_for_the_next_owner(store: Store) -> None:
    token = own(store, P, "a")
    states.commit(store, full(token))
    leases.release(store, leases.lease_keys(keys.LEASE, keys.FENCING, pNN=P), token)
    successor = own(store, P, "b")
    assert states.commit(store, full(successor, "1-0", "2-0"))
