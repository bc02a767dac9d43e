import threading

import pytest

from puente import keys
from puente.instant import DAY, MINUTE
from puente.model import Phase, Severity
from puente.store import alerts, leases
from puente.store.alerts import AuditEntry, Conflict, Write
from puente.store.connection import Store, connect
from puente.triage import Action, Alert, AlertState, IllegalAction, fold
from tests.store.samples import NOW, event

pytestmark = pytest.mark.redis

DESK = leases.lease_keys(keys.DESK_LEASE, keys.DESK_FENCING)


def alert(shipment: str = "S1", at: int = NOW) -> Alert:
    found = fold(None, event(shipment, at=at))
    assert found is not None
    return found


def audit(a: Alert, action: str = "raised") -> AuditEntry:
    return AuditEntry(NOW, "engine", action, a.id, "", a.state.value, "Standing since noon")


def put(store: Store, *found: Alert) -> None:
    assert alerts.write(store, [Write(a, 0, (audit(a),)) for a in found]) == "ok"


def content(store: Store) -> dict[bytes, object]:
    lease = {keys.DESK_LEASE().encode()}
    return {k: store.client.dump(k) for k in store.client.keys("{desk}*") if k not in lease}


def test_a_new_alert_is_open_audited_and_announced(store: Store) -> None:
    cursor = alerts.alert_cursor(store)
    put(store, alert())
    assert alerts.open_alerts(store) == [alert()]
    assert alerts.get_alert(store, alert().id) == alert()
    assert alerts.read_audit(store) == [audit(alert())]
    assert alerts.read_alert_changes(store, cursor).ids == [alert().id]


def test_the_queue_is_newest_first_and_unknown_ids_are_left_out(store: Store) -> None:
    a, b, c = (alert(s, NOW + n * MINUTE) for n, s in enumerate("ABC"))
    put(store, b, c, a)
    assert alerts.open_alerts(store) == [c, b, a]
    assert alerts.get_alerts(store, [a.id, "nobody", c.id]) == [a, c]
    assert alerts.get_alerts(store, []) == []
    assert alerts.get_alert(store, "nobody") is None


def test_acting_changes_the_alert_and_says_who(store: Store) -> None:
    put(store, alert())
    changed = alerts.act(store, alert().id, Action.ACKNOWLEDGE, by="ana", now=NOW + 5)
    assert (changed.state, changed.acknowledged_by) == (AlertState.ACTIVE_ACKNOWLEDGED, "ana")
    changed = alerts.act(
        store, alert().id, Action.ASSIGN, by="ana", to="luis", now=NOW + 6, note="on shift"
    )
    changed = alerts.act(store, alert().id, Action.CLOSE, by="luis", now=NOW + 7, note="all well")
    assert alerts.get_alert(store, alert().id) == changed
    assert [(e.by, e.action, e.before, e.after, e.note) for e in alerts.read_audit(store)] == [
        ("luis", "close", "active_acknowledged", "closed", "all well"),
        ("ana", "assign", "active_acknowledged", "active_acknowledged", "to luis on shift"),
        ("ana", "acknowledge", "active_unacknowledged", "active_acknowledged", ""),
        ("engine", "raised", "", "active_unacknowledged", "Standing since noon"),
    ]
    assert alerts.open_alerts(store) == []
    assert alerts.closed_alerts(store) == [changed]


def test_the_audit_of_one_alert_leaves_the_others_out(store: Store) -> None:
    a, b = alert("A"), alert("B")
    put(store, a, b)
    alerts.act(store, a.id, Action.COMMENT, by="ana", now=NOW, note="called")
    assert [e.action for e in alerts.read_audit(store, a.id)] == ["comment", "raised"]
    assert [e.alert_id for e in alerts.read_audit(store, b.id)] == [b.id]
    assert len(alerts.read_audit(store, limit=2)) == 2
    assert len(alerts.read_audit(store, a.id, limit=1)) == 1


@pytest.mark.parametrize(
    ("action", "words", "error"),
    [
        pytest.param(Action.CLOSE, {"note": "done"}, IllegalAction, id="not acknowledged yet"),
        pytest.param(Action.COMMENT, {"note": " "}, ValueError, id="a comment without words"),
        pytest.param(Action.ACKNOWLEDGE, {"by": ""}, ValueError, id="nobody"),
        pytest.param(Action.ACKNOWLEDGE, {"revision": 7}, Conflict, id="as nobody ever saw it"),
    ],
)
def test_what_is_refused_changes_nothing(
    store: Store, action: Action, words: dict[str, object], error: type[Exception]
) -> None:
    put(store, alert())
    before = content(store)
    with pytest.raises(error):
        alerts.act(store, alert().id, action, **{"by": "ana", "now": NOW, **words})  # type: ignore[arg-type]
    assert content(store) == before


def test_an_alert_that_is_not_there_is_a_key_error(store: Store) -> None:
    with pytest.raises(KeyError):
        alerts.act(store, "nobody", Action.ACKNOWLEDGE, by="ana", now=NOW)


def test_who_acts_on_what_they_saw_is_told_of_a_change(store: Store) -> None:
    put(store, alert())
    seen = alert().revision
    alerts.act(store, alert().id, Action.COMMENT, by="ana", now=NOW, note="calling", revision=seen)
    with pytest.raises(Conflict) as conflict:
        alerts.act(store, alert().id, Action.ASSIGN, by="luis", now=NOW, revision=seen)
    assert conflict.value.alert.comments[0].by == "ana"


def test_of_many_people_acknowledging_at_once_exactly_one_wins(
    store: Store, redis_url: str
) -> None:
    put(store, alert())
    start = threading.Barrier(6)
    won: list[str] = []
    lost: list[str] = []

    def acknowledge(name: str) -> None:
        mine = connect(redis_url)
        start.wait(10)
        try:
            alerts.act(mine, alert().id, Action.ACKNOWLEDGE, by=name, now=NOW, revision=1)
        except (Conflict, IllegalAction):
            lost.append(name)
        else:
            won.append(name)
        mine.close()

    threads = [threading.Thread(target=acknowledge, args=(f"p{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(won), len(lost)) == (1, 5)
    kept = alerts.get_alert(store, alert().id)
    assert kept is not None
    assert (kept.acknowledged_by, kept.revision) == (won[0], 2)
    assert [e.by for e in alerts.read_audit(store)] == [won[0], "engine"]


def test_comments_of_many_people_at_once_are_all_kept(store: Store, redis_url: str) -> None:
    put(store, alert())

    def comment(name: str) -> None:
        mine = connect(redis_url)
        for n in range(4):
            alerts.act(mine, alert().id, Action.COMMENT, by=name, now=NOW, note=f"{n}")
        mine.close()

    threads = [threading.Thread(target=comment, args=(f"p{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    kept = alerts.get_alert(store, alert().id)
    assert kept is not None
    assert len(kept.comments) == 16
    assert kept.revision == 17
    assert len(alerts.read_audit(store)) == 17


def test_the_desk_writes_with_its_lease_and_its_place_only(store: Store) -> None:
    token = leases.renew(store, DESK, "desk-1") or ""

    def take(token: str, expected: str, new: str, *found: Write) -> str:
        return alerts.write(
            store, list(found), token=token, partition=4, expected_offset=expected, offset=new
        )

    first = Write(alert(), 0, (audit(alert()),))
    before = content(store)
    assert take("0:desk-0", "0-0", "5-0", first) == "lease"
    assert take("", "0-0", "5-0", first) == "lease"
    assert take(token, "3-0", "5-0", first) == "offset"
    assert content(store) == before
    assert take(token, "0-0", "5-0", first) == "ok"
    assert alerts.desk_offsets(store)[4] == "5-0"
    # The same batch again, after its reply was lost.
    after = content(store)
    assert take(token, "0-0", "5-0", first) == "offset"
    assert take(token, "5-0", "6-0", first) == f"revision {alert().id}"
    assert content(store) == after
    assert take(token, "5-0", "6-0") == "ok"
    assert len(alerts.read_audit(store)) == 1


def test_one_alert_that_moved_stops_the_whole_batch(store: Store) -> None:
    a, b = alert("A"), alert("B")
    put(store, a)
    before = content(store)
    answer = alerts.write(store, [Write(b, 0, (audit(b),)), Write(a, 0, (audit(a),))])
    assert answer == f"revision {a.id}"
    assert content(store) == before


def test_a_retracted_alert_leaves_the_queue(store: Store) -> None:
    a = alert()
    put(store, a)
    gone = fold(a, event(phase=Phase.RETRACTED, severity=Severity.MEDIUM))
    assert gone is not None
    assert alerts.write(store, [Write(gone, 1, (audit(gone, "retracted"),))]) == "ok"
    assert alerts.open_alerts(store) == []
    assert alerts.closed_alerts(store) == []
    assert alerts.get_alert(store, a.id) == gone


def test_closed_alerts_are_forgotten_after_their_retention_their_audit_is_not(
    store: Store,
) -> None:
    old, new = alert("A"), alert("B")
    put(store, old, new)
    for a, at in ((old, NOW), (new, NOW + DAY)):
        alerts.act(store, a.id, Action.ACKNOWLEDGE, by="ana", now=at)
        alerts.act(store, a.id, Action.CLOSE, by="ana", now=at, note="well")
    alerts.forget_closed(store, NOW + DAY)
    assert [a.shipment_id for a in alerts.closed_alerts(store)] == ["B"]
    assert alerts.get_alert(store, old.id) is None
    assert store.client.hlen(keys.REVISIONS()) == 1
    assert len(alerts.read_audit(store, old.id)) == 3
    alerts.forget_closed(store, NOW)


def test_followers_hear_each_changed_alert_once_and_of_gaps(store: Store) -> None:
    a, b = alert("A"), alert("B")
    put(store, a)
    cursor = alerts.alert_cursor(store)
    put(store, b)
    alerts.act(store, a.id, Action.ACKNOWLEDGE, by="ana", now=NOW)
    alerts.act(store, a.id, Action.COMMENT, by="ana", now=NOW, note="called")
    changes = alerts.read_alert_changes(store, cursor)
    assert (changes.ids, changes.gap) == ([b.id, a.id], False)
    assert alerts.read_alert_changes(store, changes.cursor).ids == []
    store.client.xtrim(keys.ALERT_CHANGES(), maxlen=1, approximate=False)
    assert alerts.read_alert_changes(store, cursor).gap
    assert not alerts.read_alert_changes(store, changes.cursor).gap


def test_a_key_of_the_wrong_type_stops_the_write(store: Store) -> None:
    store.client.set(keys.AUDIT(), "in the way")
    before = content(store)
    with pytest.raises(Exception, match="is a string, not a stream"):
        put(store, alert())
    assert content(store) == before
