"""What a person does to an alert: one attempt, one answer in plain words."""

from dataclasses import dataclass
from enum import StrEnum

from dashboard.page import Context
from dashboard.safe_text import clean
from puente import instant
from puente.instant import Instant
from puente.store.alerts import Conflict, act, get_alert
from puente.store.connection import StoreUnavailable
from puente.triage import Action, Alert, AlertState, IllegalAction

DONE_WORDS = {
    Action.ACKNOWLEDGE: "acknowledged",
    Action.ASSIGN: "assigned",
    Action.COMMENT: "commented",
    Action.CLOSE: "closed",
}


class Verdict(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, in words for a person; `alert` is what it is now, if it exists.

    After a conflict `by` and `at` say who was faster and when, where that is known.
    """

    ok: bool
    message: str
    alert: Alert | None = None
    verdict: Verdict = Verdict.DONE
    by: str | None = None
    at: Instant | None = None


@dataclass(frozen=True)
class Move:
    """The last thing that happened to an alert."""

    by: str
    at: Instant
    words: str


def perform(
    context: Context,
    alert_id: str,
    action: str,
    by: str,
    note: str = "",
    to: str | None = None,
    revision: int | None = None,
) -> Outcome:
    """Let a person act on an alert.

    `action` is a value of `triage.Action`; `revision` is the one the person saw, and if anyone
    changed the alert since, the attempt fails and says who and when. Nothing is ever raised.
    """
    try:
        wanted = Action(action)
    except ValueError:
        known = ", ".join(a.value for a in Action)
        return Outcome(False, f"'{clean(action)}' is not one of {known}", None, Verdict.INVALID)
    by, note, to = clean(by).strip(), note.strip(), clean(to).strip() or None
    if not by:
        return Outcome(False, "Enter your name first: actions are kept with who did them.",
                       None, Verdict.INVALID)  # fmt: skip
    try:
        alert = act(
            context.store,
            alert_id,
            wanted,
            by=by,
            now=context.clock.now(),
            note=note,
            to=to,
            revision=revision,
        )
    except KeyError:
        return Outcome(False, f"There is no alert {clean(alert_id)}.", None, Verdict.NOT_FOUND)
    except Conflict as conflict:
        return _conflict(conflict.alert, "it changed while you were looking")
    except IllegalAction as refusal:
        return _refused(context, alert_id, wanted, str(refusal))
    except ValueError as error:
        return Outcome(False, _sentence(str(error)), None, Verdict.INVALID)
    except StoreUnavailable:
        return Outcome(
            False,
            "The store cannot be reached: nothing was changed. Try again when the banner is gone.",
            None,
            Verdict.UNAVAILABLE,
        )
    target = f" to {alert.assigned_to}" if wanted is Action.ASSIGN else ""
    return Outcome(True, f"{_sentence(DONE_WORDS[wanted])}{target}", alert)


def _refused(context: Context, alert_id: str, action: Action, why: str) -> Outcome:
    try:
        alert = get_alert(context.store, alert_id)
    except StoreUnavailable:
        alert = None
    if alert is None:
        return Outcome(False, _sentence(why), None, Verdict.CONFLICT)
    if action is Action.CLOSE and alert.state.open:
        # Nobody was faster: the order of steps is wrong.
        return Outcome(False, _sentence(why), alert, Verdict.CONFLICT)
    return _conflict(alert, why)


def _conflict(alert: Alert, why: str) -> Outcome:
    move = last_move(alert)
    if move is None:
        return Outcome(False, _sentence(why), alert, Verdict.CONFLICT)
    return Outcome(
        False,
        f"{move.by} was faster: {move.words} at {clock_words(move.at)}. You see it as it is now.",
        alert,
        Verdict.CONFLICT,
        move.by,
        move.at,
    )


def last_move(alert: Alert) -> Move | None:
    """Name who last changed an alert and how; late truth and clears are `Puente`'s own."""
    moves = [
        Move(who, at, words)
        for who, at, words in (
            # The last step first: of moves at one instant the latest in life counts.
            (alert.closed_by, alert.closed_at, "closed"),
            (alert.assigned_by, alert.assigned_at, f"assigned to {alert.assigned_to}"),
            (alert.acknowledged_by, alert.acknowledged_at, "acknowledged"),
        )
        if who is not None and at is not None
    ]
    moves += [Move(c.by, c.at, "commented") for c in alert.comments]
    newest = max(moves, key=lambda move: move.at, default=None)
    if newest is not None and newest.at >= alert.updated_at:
        # A move with a note is also a comment of the same instant; the move says more.
        return next(m for m in moves if m.at == newest.at)
    if alert.state is AlertState.RETRACTED:
        return Move("Puente", alert.updated_at, "retracted after late readings")
    if alert.cleared_at is not None:
        return Move("Puente", alert.updated_at, "cleared by the condition ending")
    return newest


def clock_words(at: Instant) -> str:
    """Write an instant as a time of day that needs no calendar: `14:02:11 UTC`."""
    return instant.to_datetime(at).strftime("%H:%M:%S UTC")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
