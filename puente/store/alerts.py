"""Alerts: what the desk keeps, and what people did about it.

Every write is one script with the audit entry in it. The desk writes with its lease and its
offset; a person's action needs neither, but names the revision it saw.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from puente import keys
from puente.instant import Instant
from puente.store.connection import Store
from puente.store.packing import number, pack, text, unpack_alert
from puente.triage import Action, Alert, AlertState, apply

_ATTEMPTS = 20
"""How often an action that named no revision is tried against a moving alert."""


@dataclass(frozen=True)
class AlertChanges:
    """Alerts that changed since a cursor. `gap` says that entries were trimmed: load again."""

    ids: list[str]
    cursor: str
    gap: bool


@dataclass(frozen=True)
class AuditEntry:
    """Who did what to which alert; `before` and `after` are states, `by` is `engine` or a name."""

    at: Instant
    by: str
    action: str
    alert_id: str
    before: str
    after: str
    note: str


@dataclass(frozen=True)
class Write:
    """One alert as it shall be, the revision it is expected to have, and what to note of it."""

    alert: Alert
    expected_revision: int
    audits: tuple[AuditEntry, ...]


class Conflict(RuntimeError):
    """Somebody else was faster; `alert` is what they made of it."""

    def __init__(self, alert: Alert) -> None:
        super().__init__(f"alert {alert.id} was changed by somebody else")
        self.alert = alert


def open_alerts(store: Store) -> list[Alert]:
    """Return the alerts in the queue, newest first."""
    ids = cast("list[bytes]", store.client.zrevrange(keys.OPEN_ALERTS(), 0, -1))
    return get_alerts(store, [text(i) for i in ids])


def closed_alerts(store: Store, limit: int = 500) -> list[Alert]:
    """Return the newest closed alerts, newest first."""
    ids = cast("list[bytes]", store.client.zrevrange(keys.CLOSED_ALERTS(), 0, limit - 1))
    return get_alerts(store, [text(i) for i in ids])


def get_alert(store: Store, alert_id: str) -> Alert | None:
    """Return one alert, None when there is none."""
    raw = cast("bytes | None", store.client.hget(keys.ALERTS(), alert_id))
    return None if raw is None else unpack_alert(raw)


def get_alerts(store: Store, ids: Iterable[str]) -> list[Alert]:
    """Return the alerts with these ids, in order; unknown ids are left out."""
    wanted = list(ids)
    if not wanted:
        return []
    raw = cast("list[bytes | None]", store.client.hmget(keys.ALERTS(), wanted))
    return [unpack_alert(found) for found in raw if found is not None]


def alert_cursor(store: Store) -> str:
    """Return where following has to begin for alerts that are loaded now."""
    newest = cast("list[Any]", store.client.xrevrange(keys.ALERT_CHANGES(), count=1))
    return text(newest[0][0]) if newest else "0-0"


def read_alert_changes(store: Store, cursor: str) -> AlertChanges:
    """Return the ids of the alerts that changed since a cursor, each once."""
    key = keys.ALERT_CHANGES()
    with store.client.pipeline(transaction=False) as pipe:
        pipe.xrange(key, "-", "+", 1)
        pipe.xrange(key, f"({cursor}", "+", 5000)
        oldest, entries = pipe.execute()
    trimmed = cursor != "0-0" and (not oldest or _after(text(oldest[0][0]), cursor))
    ids = dict.fromkeys(text(fields[b"id"]) for _, fields in entries)
    return AlertChanges(list(ids), text(entries[-1][0]) if entries else cursor, trimmed)


def _after(a: str, b: str) -> bool:
    return tuple(map(int, a.split("-"))) > tuple(map(int, b.split("-")))


def act(
    store: Store,
    alert_id: str,
    action: Action,
    *,
    by: str,
    now: Instant,
    note: str = "",
    to: str | None = None,
    revision: int | None = None,
) -> Alert:
    """Let a person act on an alert, once, and write it down.

    With `revision`, the action only happens if the alert is still as that person saw it.

    Raises:
        KeyError: there is no such alert.
        IllegalAction: its state does not allow the action; the message says who was faster.
        Conflict: it changed since `revision`.
        ValueError: a name or a note is missing or too long.
    """
    alert = _existing(store, alert_id)
    for _ in range(_ATTEMPTS):
        changed = apply(alert, action, by, now, note=note, to=to)
        if revision is not None and alert.revision != revision:
            raise Conflict(alert)
        audit = AuditEntry(
            at=now,
            by=by,
            action=action.value,
            alert_id=alert_id,
            before=alert.state.value,
            after=changed.state.value,
            note=note
            if action is not Action.ASSIGN
            else f"to {changed.assigned_to} {note}".strip(),
        )
        if write(store, [Write(changed, alert.revision, (audit,))]) == "ok":
            return changed
        alert = _existing(store, alert_id)
    raise Conflict(alert)


def _existing(store: Store, alert_id: str) -> Alert:
    alert = get_alert(store, alert_id)
    if alert is None:
        raise KeyError(alert_id)
    return alert


def write(
    store: Store,
    writes: list[Write],
    *,
    token: str = "",
    partition: int | None = None,
    expected_offset: str = "",
    offset: str = "",
) -> str:
    """Write alerts with their audit entries in one script; returns `ok` or why not."""
    names = [
        keys.DESK_LEASE(),
        keys.DESK_OFFSETS(),
        keys.ALERTS(),
        keys.REVISIONS(),
        keys.OPEN_ALERTS(),
        keys.CLOSED_ALERTS(),
        keys.ALERT_CHANGES(),
        keys.AUDIT(),
    ]
    place = "" if partition is None else str(partition)
    args: list[bytes | str | int] = [token, place, expected_offset, offset]
    for w in writes:
        args += [
            w.alert.id,
            w.expected_revision,
            w.alert.revision,
            pack(w.alert),
            _queue(w.alert.state),
            _score(w.alert),
            len(w.audits),
        ]
        for entry in w.audits:
            args += _fields(entry)
    return text(store.run("desk", names, args))


def _queue(state: AlertState) -> str:
    if state.open:
        return "open"
    return "closed" if state is AlertState.CLOSED else "none"


def _score(alert: Alert) -> int:
    return alert.learned_at if alert.closed_at is None else alert.closed_at


def _fields(entry: AuditEntry) -> list[str]:
    return [
        "at", str(entry.at), "by", entry.by, "action", entry.action, "alert", entry.alert_id,
        "before", entry.before, "after", entry.after, "note", entry.note,
    ]  # fmt: skip


def read_audit(store: Store, alert_id: str | None = None, limit: int = 500) -> list[AuditEntry]:
    """Return audit entries, newest first; of one alert when it is named."""
    count = limit if alert_id is None else 50_000
    answer = store.client.xrevrange(keys.AUDIT(), count=count)
    entries = (
        AuditEntry(
            at=number(f[b"at"]),
            by=text(f[b"by"]),
            action=text(f[b"action"]),
            alert_id=text(f[b"alert"]),
            before=text(f[b"before"]),
            after=text(f[b"after"]),
            note=text(f[b"note"]),
        )
        for _, f in cast("list[tuple[bytes, dict[bytes, bytes]]]", answer)
    )
    wanted = [entry for entry in entries if alert_id is None or entry.alert_id == alert_id]
    return wanted[:limit]


def desk_offsets(store: Store) -> dict[int, str]:
    """Return, per partition, the id of the last event that is in the alerts."""
    fields = cast("dict[bytes, bytes]", store.client.hgetall(keys.DESK_OFFSETS()))
    return {p: text(fields.get(str(p).encode()), "0-0") for p in range(keys.PARTITIONS)}


def beat_desk(store: Store, now: Instant) -> None:
    """Say that a desk is active."""
    store.client.hset(keys.DESK_STATUS(), "beat_at", str(now))


def forget_closed(store: Store, older_than: Instant) -> None:
    """Drop alerts that were closed before an instant; their audit entries stay."""
    old = cast(
        "list[bytes]",
        store.client.zrangebyscore(keys.CLOSED_ALERTS(), "-inf", f"({older_than}", 0, 1000),
    )
    if old:
        with store.client.pipeline(transaction=True) as pipe:
            pipe.hdel(keys.ALERTS(), *old)
            pipe.hdel(keys.REVISIONS(), *old)
            pipe.zrem(keys.CLOSED_ALERTS(), *old)
            pipe.execute()
