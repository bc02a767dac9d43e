"""The desk: one alert per episode, whatever is replayed, retracted or done by people."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ingest import desk as desks
from ingest.desk import Desk
from puente import keys
from puente.clock import Clock, monotonic_s
from puente.instant import HOUR, MINUTE, text
from puente.model import Event, Phase, Severity
from puente.settings import Settings
from puente.store import alerts, states
from puente.store.connection import Store, connect
from puente.triage import Action, Alert, AlertState
from tests.store.samples import NOW, commit_from, event, own

pytestmark = pytest.mark.redis


def publish(store: Store, *events: Event) -> None:
    by_partition: dict[int, list[Event]] = {}
    for one in events:
        by_partition.setdefault(keys.partition_of(one.shipment_id), []).append(one)
    for partition, mine in by_partition.items():
        before = states.load_offsets(store, partition).log
        after = f"{int(before.partition('-')[0]) + 1}-0"
        wanted = commit_from(partition, own(store, partition), before, after)
        wanted.events(mine)
        assert states.commit(store, wanted)


def work(desk: Desk) -> Desk:
    while desk.turn():
        pass
    return desk


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(Settings(), store, Clock(), owner="desk-1")


def only(store: Store) -> Alert:
    (found,) = alerts.open_alerts(store)
    return found


CLEARED = event(phase=Phase.CLEARED, at=NOW + HOUR)
RETRACTED = event(
    phase=Phase.RETRACTED, at=NOW + HOUR, evidence={"superseded_by": text(NOW - MINUTE)}
)
SUCCESSOR = event(episode=NOW - MINUTE, at=NOW + HOUR, evidence={"supersedes": text(NOW)})


def test_a_raised_event_becomes_an_alert_and_a_clear_ends_its_condition(
    store: Store, desk: Desk
) -> None:
    publish(store, event())
    work(desk)
    assert only(store).state is AlertState.ACTIVE_UNACKNOWLEDGED
    assert only(store).id == event().alert_id
    publish(store, CLEARED)
    work(desk)
    assert only(store).state is AlertState.CLEARED_UNACKNOWLEDGED
    assert only(store).cleared_at == NOW + HOUR
    assert [(e.by, e.action) for e in alerts.read_audit(store)] == [
        ("engine", "cleared"),
        ("engine", "raised"),
    ]


@pytest.mark.parametrize(
    ("phase", "severity", "alerted"),
    [
        (Phase.RAISED, Severity.LOW, True),
        (Phase.RAISED, Severity.INFO, False),
        (Phase.NOTED, Severity.MEDIUM, True),
        (Phase.NOTED, Severity.LOW, False),
        (Phase.CLEARED, Severity.HIGH, False),
        (Phase.RETRACTED, Severity.HIGH, False),
    ],
)
def test_only_what_asks_for_a_person_becomes_an_alert(
    store: Store, desk: Desk, phase: Phase, severity: Severity, alerted: bool
) -> None:
    publish(store, event(phase=phase, severity=severity))
    work(desk)
    assert bool(alerts.open_alerts(store)) is alerted


def test_events_that_are_read_again_change_nothing(store: Store, desk: Desk) -> None:
    publish(store, event("A"), event("B"), event("C"), event("A", phase=Phase.CLEARED))
    work(desk)
    alerts.act(store, event("B").alert_id, Action.ACKNOWLEDGE, by="ana", now=NOW)

    def content() -> dict[bytes, object]:
        kept = (keys.ALERTS, keys.AUDIT, keys.OPEN_ALERTS, keys.ALERT_CHANGES, keys.REVISIONS)
        return {k().encode(): store.client.dump(k()) for k in kept}

    before = content()
    # As if the offsets had never been written.
    store.client.delete(keys.DESK_OFFSETS())
    store.client.delete(keys.DESK_LEASE())
    work(Desk(Settings(), store, Clock(), owner="desk-2"))
    assert content() == before


def test_a_batch_whose_reply_was_lost_is_not_written_twice(
    store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, event("A"))
    write = alerts.write
    lost: list[int] = []

    def and_lose_the_reply(*words: Any, **more: Any) -> str:  # noqa: ANN401 - as alerts.write
        answer = write(*words, **more)
        if not lost:
            lost.append(1)
            raise ConnectionError
        return answer

    monkeypatch.setattr(alerts, "write", and_lose_the_reply)
    with pytest.raises(ConnectionError):
        work(desk)
    desk._renew_at, desk.token = 0.0, ""
    work(desk)
    assert len(alerts.read_audit(store)) == 1
    assert only(store).revision == 1


def test_a_retraction_takes_the_alert_off_the_queue(store: Store, desk: Desk) -> None:
    publish(store, event(), RETRACTED)
    work(desk)
    assert alerts.open_alerts(store) == []
    kept = alerts.get_alert(store, event().alert_id)
    assert kept is not None
    assert kept.state is AlertState.RETRACTED


def test_a_noted_event_that_is_retracted_leaves_the_queue_too(store: Store, desk: Desk) -> None:
    noted = event(phase=Phase.NOTED, severity=Severity.HIGH)
    publish(store, noted)
    work(desk)
    assert only(store).id == noted.id
    publish(
        store,
        event(phase=Phase.RETRACTED, severity=Severity.HIGH, at=NOW + HOUR),
        event(
            phase=Phase.NOTED,
            severity=Severity.HIGH,
            episode=NOW - MINUTE,
            at=NOW + HOUR,
            evidence={"supersedes": text(NOW)},
        ),
    )
    work(desk)
    assert only(store).episode == NOW - MINUTE
    assert only(store).supersedes == noted.id


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
def test_a_successor_inherits_owner_acknowledgement_and_comments(
    store: Store, desk: Desk, together: bool
) -> None:
    publish(store, event())
    work(desk)
    old = event().alert_id
    alerts.act(store, old, Action.ACKNOWLEDGE, by="ana", now=NOW, note="on it")
    alerts.act(store, old, Action.ASSIGN, by="ana", to="luis", now=NOW)
    if together:
        publish(store, RETRACTED, SUCCESSOR)
        work(desk)
    else:
        publish(store, RETRACTED)
        work(desk)
        publish(store, SUCCESSOR)
        work(desk)
    successor = only(store)
    assert successor.id == SUCCESSOR.alert_id
    assert successor.state is AlertState.ACTIVE_ACKNOWLEDGED
    assert (successor.acknowledged_by, successor.assigned_to) == ("ana", "luis")
    assert [c.note for c in successor.comments] == ["on it"]
    assert successor.supersedes == old


def test_the_desk_folds_again_when_a_person_was_faster(
    store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, event())
    work(desk)
    publish(store, CLEARED)
    get = alerts.get_alerts

    def and_ana_acts(*words: Any) -> list[Alert]:  # noqa: ANN401 - as alerts.get_alerts
        found = get(*words)
        monkeypatch.setattr(alerts, "get_alerts", get)
        alerts.act(store, event().alert_id, Action.ACKNOWLEDGE, by="ana", now=NOW)
        return found

    monkeypatch.setattr(alerts, "get_alerts", and_ana_acts)
    work(desk)
    alert = only(store)
    assert (alert.state, alert.acknowledged_by) == (AlertState.CLEARED_ACKNOWLEDGED, "ana")
    assert alert.revision == 3
    assert [e.action for e in alerts.read_audit(store)] == ["cleared", "acknowledge", "raised"]


def test_people_and_the_desk_at_once_lose_nothing(store: Store, redis_url: str) -> None:
    publish(store, *(event(f"S{n}") for n in range(6)))
    desk = Desk(Settings(), store, Clock())
    work(desk)
    ids = [event(f"S{n}").alert_id for n in range(6)]

    def comment() -> None:
        mine = connect(redis_url)
        for n, alert_id in enumerate(ids * 5):
            alerts.act(mine, alert_id, Action.COMMENT, by="ana", now=NOW, note=f"{n}")
        mine.close()

    person = threading.Thread(target=comment)
    person.start()
    for step in range(5):
        phase = Phase.CLEARED if step % 2 == 0 else Phase.RAISED
        at = NOW + HOUR + step * MINUTE
        publish(store, *(event(f"S{n}", phase=phase, at=at) for n in range(6)))
        work(desk)
    person.join(30)
    work(desk)
    for alert in alerts.open_alerts(store):
        assert [c.note for c in alert.comments] == [
            str(n) for n, i in enumerate(ids * 5) if i == alert.id
        ]
        assert alert.state is AlertState.CLEARED_UNACKNOWLEDGED
        assert alert.cleared_at == NOW + HOUR + 4 * MINUTE
        assert len(alerts.read_audit(store, alert.id)) == alert.revision


def test_a_standby_takes_over_when_the_lease_is_over(store: Store, desk: Desk) -> None:
    standby = Desk(Settings(), store, Clock(), owner="desk-2")
    publish(store, event("A"))
    work(desk)
    assert not standby.turn()
    assert not standby.token
    publish(store, event("B"))
    # Ten seconds without renewal.
    store.client.delete(keys.DESK_LEASE())
    standby._renew_at = 0.0
    work(standby)
    assert standby.token
    assert len(alerts.open_alerts(store)) == 2
    # The first one was only paused; what it writes now is refused, and it stands by.
    publish(store, event("C"))
    desk.turn()
    assert len(alerts.open_alerts(store)) == 2
    assert not desk.turn()
    work(standby)
    assert len(alerts.open_alerts(store)) == 3
    assert len(alerts.read_audit(store)) == 3


def test_a_running_desk_gives_its_lease_back_and_survives_a_cut_connection(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "RETRY_S", 0.01)
    desk = Desk(Settings(), connect(redis_url), Clock(), owner="desk-1")
    thread = threading.Thread(target=desk.run)
    thread.start()

    def eventually(holds: Callable[[], bool]) -> bool:
        deadline = monotonic_s() + 20
        while not holds() and monotonic_s() < deadline:
            desk.stopping.wait(0.02)
        return holds()

    try:
        publish(store, event("A"))
        assert eventually(lambda: len(alerts.open_alerts(store)) == 1)
        began = monotonic_s()
        store.client.client_kill_filter(_type="normal", skipme=True)
        publish(store, event("B"))
        assert eventually(lambda: len(alerts.open_alerts(store)) == 2)
        assert monotonic_s() - began < 8.0
        assert store.client.hget(keys.DESK_STATUS(), "beat_at")
    finally:
        desk.stopping.set()
        thread.join(20)
        desk.store.close()
    assert not thread.is_alive()
    assert not store.client.exists(keys.DESK_LEASE())


def test_housekeeping_drops_what_is_in_the_alerts_and_old(store: Store) -> None:
    now = Clock().now()
    key = keys.EVENTS(pNN=keys.partition_of("S1"))
    publish(store, event("S1"))
    raw = store.client.xrange(key)[0][1]  # type: ignore[index]
    for n in range(200):
        store.client.xadd(key, raw, id=f"{now + 10_000 + n}-0")
    old_clock = Clock(start=now + 31 * 24 * HOUR, anchor=now)
    desk = Desk(Settings(), store, old_clock)
    work(desk)
    assert store.client.xlen(key) == 201
    desk._keep_house_at = 0.0
    desk.turn()
    assert int(str(store.client.xlen(key))) < 201
