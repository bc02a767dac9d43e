"""The life of an alert, as a table.

Two things happen to an alert: the engine's events fold into it (`fold`), and people act on it
(`apply`). Rules for this file: no clock, no storage; an illegal move raises and changes nothing;
every legal move is a row of `TRANSITIONS`, and the buttons of the dashboard come from that table.

States follow ISA-18.2: whether the condition is active, and whether a person has taken note.
`closed` ends an alert; a retracted episode (late truth moved or removed it) is `retracted`.
"""

from enum import StrEnum

import msgspec
from msgspec import Struct

from puente.instant import Instant
from puente.model import Event, Phase, Severity, is_alert


class AlertState(StrEnum):
    """Where an alert stands."""

    ACTIVE_UNACKNOWLEDGED = "active_unacknowledged"
    ACTIVE_ACKNOWLEDGED = "active_acknowledged"
    CLEARED_UNACKNOWLEDGED = "cleared_unacknowledged"
    CLEARED_ACKNOWLEDGED = "cleared_acknowledged"
    CLOSED = "closed"
    RETRACTED = "retracted"

    @property
    def open(self) -> bool:
        """Whether the alert is still in the queue."""
        return self not in (AlertState.CLOSED, AlertState.RETRACTED)

    @property
    def active(self) -> bool:
        """Whether the condition still holds."""
        return self in (AlertState.ACTIVE_UNACKNOWLEDGED, AlertState.ACTIVE_ACKNOWLEDGED)

    @property
    def acknowledged(self) -> bool:
        """Whether a person has taken note."""
        return self not in (
            AlertState.ACTIVE_UNACKNOWLEDGED,
            AlertState.CLEARED_UNACKNOWLEDGED,
        )


class Action(StrEnum):
    """What a person can do to an alert."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    COMMENT = "comment"
    CLOSE = "close"


class Change(StrEnum):
    """What the engine's events do to an alert."""

    RAISE = "raise"
    CLEAR = "clear"
    RETRACT = "retract"


_AU, _AA = AlertState.ACTIVE_UNACKNOWLEDGED, AlertState.ACTIVE_ACKNOWLEDGED
_CU, _CA = AlertState.CLEARED_UNACKNOWLEDGED, AlertState.CLEARED_ACKNOWLEDGED
_CLOSED, _RETRACTED = AlertState.CLOSED, AlertState.RETRACTED

TRANSITIONS: dict[tuple[AlertState, Action | Change], AlertState] = {
    (_AU, Action.ACKNOWLEDGE): _AA,
    (_CU, Action.ACKNOWLEDGE): _CA,
    (_AU, Action.ASSIGN): _AU,
    (_AA, Action.ASSIGN): _AA,
    (_CU, Action.ASSIGN): _CU,
    (_CA, Action.ASSIGN): _CA,
    (_AU, Action.COMMENT): _AU,
    (_AA, Action.COMMENT): _AA,
    (_CU, Action.COMMENT): _CU,
    (_CA, Action.COMMENT): _CA,
    (_CLOSED, Action.COMMENT): _CLOSED,
    (_RETRACTED, Action.COMMENT): _RETRACTED,
    (_AA, Action.CLOSE): _CLOSED,
    (_CA, Action.CLOSE): _CLOSED,
    (_AU, Change.CLEAR): _CU,
    (_AA, Change.CLEAR): _CA,
    (_CU, Change.CLEAR): _CU,
    (_CA, Change.CLEAR): _CA,
    (_CLOSED, Change.CLEAR): _CLOSED,
    (_AU, Change.RAISE): _AU,
    (_AA, Change.RAISE): _AA,
    (_CU, Change.RAISE): _AU,
    (_CA, Change.RAISE): _AA,
    (_CLOSED, Change.RAISE): _CLOSED,
    (_RETRACTED, Change.RAISE): _AU,
    (_AU, Change.RETRACT): _RETRACTED,
    (_AA, Change.RETRACT): _RETRACTED,
    (_CU, Change.RETRACT): _RETRACTED,
    (_CA, Change.RETRACT): _RETRACTED,
    (_CLOSED, Change.RETRACT): _CLOSED,
    (_RETRACTED, Change.RETRACT): _RETRACTED,
    (_RETRACTED, Change.CLEAR): _RETRACTED,
}
"""What may happen in which state. An alert must be acknowledged before it can be closed, so that
nothing leaves the queue unseen."""


class Comment(Struct, frozen=True):
    """A note that a person left on an alert."""

    by: str
    at: Instant
    note: str


class Alert(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One episode that asks for a person, and what people did about it.

    `revision` grows by one with every change; who acts names the revision they saw, so that of
    two people acting at once exactly one wins.
    """

    id: str
    shipment_id: str
    kind: str
    subject: str
    episode: Instant
    severity: Severity
    title: str
    summary: str
    response: str
    occurred_at: Instant
    learned_at: Instant
    state: AlertState = AlertState.ACTIVE_UNACKNOWLEDGED
    respond_within_s: int | None = None
    device_id: str | None = None
    late: bool = False
    lat: float | None = None
    lon: float | None = None
    evidence: dict[str, object] = {}
    cleared_at: Instant | None = None
    acknowledged_by: str | None = None
    acknowledged_at: Instant | None = None
    assigned_to: str | None = None
    assigned_by: str | None = None
    assigned_at: Instant | None = None
    closed_by: str | None = None
    closed_at: Instant | None = None
    comments: tuple[Comment, ...] = ()
    supersedes: str | None = None
    superseded_by: str | None = None
    revision: int = 1
    updated_at: Instant = 0


class IllegalAction(ValueError):
    """The table has no such move; the message says in whose hands the alert is."""


MAX_NOTE = 4_000
"""Characters of a note: a page of text, so that an alert stays small."""

MAX_NAME = 80
"""Characters of a person's name."""


def fold(alert: Alert | None, event: Event) -> Alert | None:
    """Fold one event into its alert; None when the event asks for no alert.

    Folding the same event again changes nothing.
    """
    if alert is None:
        return _open(event) if is_alert(event) else None
    match event.phase:
        case Phase.RAISED | Phase.NOTED:
            if alert.state is not _RETRACTED and not _news(alert, event):
                return alert
            state = TRANSITIONS[alert.state, Change.RAISE]
            if alert.state is _RETRACTED and alert.acknowledged_by is not None:
                # The same episode after all: who has taken note need not do so again.
                state = TRANSITIONS[state, Action.ACKNOWLEDGE]
            return _changed(
                alert,
                event.learned_at,
                state=state,
                severity=event.severity,
                summary=event.summary,
                evidence=event.evidence,
                cleared_at=None if state.open else alert.cleared_at,
            )
        case Phase.CLEARED:
            if alert.cleared_at == event.occurred_at:
                return alert
            state = TRANSITIONS[alert.state, Change.CLEAR]
            return _changed(alert, event.learned_at, state=state, cleared_at=event.occurred_at)
        case Phase.RETRACTED:
            state = TRANSITIONS[alert.state, Change.RETRACT]
            if state is alert.state:
                return alert
            return _changed(alert, event.learned_at, state=state)


def _news(alert: Alert, event: Event) -> bool:
    """Whether a raise says something new: a changed severity, or active again after a clear."""
    return event.severity is not alert.severity or (
        alert.cleared_at is not None and event.learned_at > alert.updated_at
    )


def _open(event: Event) -> Alert:
    return Alert(
        id=event.alert_id if event.phase is not Phase.NOTED else event.id,
        shipment_id=event.shipment_id,
        kind=event.kind,
        subject=event.subject,
        episode=event.episode,
        severity=event.severity,
        title=event.title,
        summary=event.summary,
        response=event.response,
        respond_within_s=event.respond_within_s,
        occurred_at=event.occurred_at,
        learned_at=event.learned_at,
        device_id=event.device_id,
        late=event.late,
        lat=event.lat,
        lon=event.lon,
        evidence=event.evidence,
        updated_at=event.learned_at,
    )


def inherit(successor: Alert, predecessor: Alert, now: Instant) -> Alert:
    """Carry owner, acknowledgement and comments over to the alert that replaces one."""
    acknowledged = predecessor.acknowledged_by is not None
    state = successor.state
    if acknowledged and state.open and not state.acknowledged:
        state = TRANSITIONS[state, Action.ACKNOWLEDGE]
    return _changed(
        successor,
        now,
        state=state,
        acknowledged_by=predecessor.acknowledged_by,
        acknowledged_at=predecessor.acknowledged_at,
        assigned_to=predecessor.assigned_to,
        assigned_by=predecessor.assigned_by,
        assigned_at=predecessor.assigned_at,
        comments=(*predecessor.comments, *successor.comments),
        supersedes=predecessor.id,
    )


def allowed(state: AlertState) -> tuple[Action, ...]:
    """Return what a person may do in a state, in the order of the buttons."""
    return tuple(action for action in Action if (state, action) in TRANSITIONS)


def apply(
    alert: Alert, action: Action, by: str, now: Instant, *, note: str = "", to: str | None = None
) -> Alert:
    """Let a person act on an alert.

    `by` is who acts, `note` what they say (required for a comment and for closing), `to` whom
    an assignment goes to (the actor when not given).

    Raises:
        IllegalAction: the table does not allow it; the message names who was faster, if anyone.
        ValueError: a name or a note is missing or too long.
    """
    _check_words(action, by, note, to)
    state = TRANSITIONS.get((alert.state, action))
    if state is None:
        raise IllegalAction(_refusal(alert, action))
    comments = (*alert.comments, Comment(by, now, note)) if note else alert.comments
    match action:
        case Action.ACKNOWLEDGE:
            return _changed(
                alert, now, state=state, acknowledged_by=by, acknowledged_at=now, comments=comments
            )
        case Action.ASSIGN:
            return _changed(
                alert,
                now,
                state=state,
                assigned_to=to or by,
                assigned_by=by,
                assigned_at=now,
                comments=comments,
            )
        case Action.COMMENT:
            return _changed(alert, now, state=state, comments=comments)
        case Action.CLOSE:
            return _changed(
                alert, now, state=state, closed_by=by, closed_at=now, comments=comments
            )


def _check_words(action: Action, by: str, note: str, to: str | None) -> None:
    for name, what in ((by, "by"), (to or by, "to")):
        if not name.strip() or len(name) > MAX_NAME:
            raise ValueError(f"'{what}' must be a name of 1 to {MAX_NAME} characters")
    if action in (Action.COMMENT, Action.CLOSE) and not note.strip():
        raise ValueError(f"to {action.value} an alert, say why in 'note'")
    if len(note) > MAX_NOTE:
        raise ValueError(f"'note' is longer than {MAX_NOTE} characters")


def _refusal(alert: Alert, action: Action) -> str:
    if action is Action.ACKNOWLEDGE and alert.acknowledged_by is not None:
        return f"already acknowledged by {alert.acknowledged_by}"
    if alert.state is _CLOSED:
        return f"already closed by {alert.closed_by}"
    if alert.state is _RETRACTED:
        return "retracted: late readings showed that it did not happen as reported"
    if action is Action.CLOSE:
        return "acknowledge the alert before closing it"
    return f"an alert that is {alert.state.value} cannot be changed by {action.value}"


def _changed(alert: Alert, now: Instant, **changes: object) -> Alert:
    return msgspec.structs.replace(alert, revision=alert.revision + 1, updated_at=now, **changes)
