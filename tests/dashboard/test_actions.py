import pytest

from dashboard.actions.alerts import Verdict, last_move, perform
from dashboard.page import Context
from puente.instant import MINUTE
from puente.model import Phase
from puente.store.alerts import Write, act, get_alert, read_audit, write
from puente.store.connection import Store, connect
from puente.triage import Action, AlertState, fold
from tests.dashboard.rigs import context_over
from tests.dashboard.seeds import NOW, event, put_events

pytestmark = pytest.mark.redis


@pytest.fixture
def context(store: Store) -> Context:
    return context_over(store)


def test_an_acknowledgement_is_kept_with_who_and_when(context: Context, store: Store) -> None:
    (alert,) = put_events(store, event("S1"))
    outcome = perform(context, alert.id, "acknowledge", " Ana ", revision=alert.revision)
    assert (outcome.ok, outcome.message) == (True, "Acknowledged")
    kept = get_alert(store, alert.id)
    assert kept is not None
    assert kept.state is AlertState.ACTIVE_ACKNOWLEDGED
    assert (kept.acknowledged_by, kept.acknowledged_at) == ("Ana", NOW)
    assert next((e.by, e.action) for e in read_audit(store, alert.id)) == ("Ana", "acknowledge")


def test_of_two_people_the_second_is_told_who_was_faster_and_when(
    context: Context, store: Store
) -> None:
    (alert,) = put_events(store, event("S1"))
    act(store, alert.id, Action.ASSIGN, by="Ana", now=NOW - MINUTE)
    outcome = perform(context, alert.id, "assign", "Luz", revision=alert.revision)
    assert not outcome.ok
    assert outcome.verdict is Verdict.CONFLICT
    assert outcome.message == (
        "Ana was faster: assigned to Ana at 19:59:00 UTC. You see it as it is now."
    )
    assert (outcome.by, outcome.at) == ("Ana", NOW - MINUTE)
    assert outcome.alert is not None
    assert outcome.alert.assigned_to == "Ana"


def test_acknowledging_what_somebody_acknowledged_names_them(
    context: Context, store: Store
) -> None:
    (alert,) = put_events(store, event("S1"))
    act(store, alert.id, Action.ACKNOWLEDGE, by="Ana", now=NOW - MINUTE)
    outcome = perform(context, alert.id, "acknowledge", "Luz")
    assert outcome.message.startswith("Ana was faster: acknowledged at 19:59:00 UTC")


def test_the_engine_can_be_the_faster_one(context: Context, store: Store) -> None:
    (alert,) = put_events(store, event("S1"))
    cleared = event(
        "S1", phase=Phase.CLEARED, at=NOW - 2 * MINUTE, episode=alert.episode,
        learned_at=NOW - MINUTE,
    )  # fmt: skip
    after = fold(alert, cleared)
    assert after is not None
    assert write(store, [Write(after, alert.revision, ())]) == "ok"
    outcome = perform(context, alert.id, "assign", "Luz", revision=alert.revision)
    assert outcome.by == "Puente"
    assert "cleared by the condition ending" in outcome.message


@pytest.mark.parametrize(
    ("action", "by", "note", "verdict", "said"),
    [
        pytest.param(
            "close", "Ana", "done", Verdict.CONFLICT, "Acknowledge the alert", id="order"
        ),
        pytest.param("comment", "Ana", " ", Verdict.INVALID, "say why in 'note'", id="no note"),
        pytest.param("acknowledge", " ", "", Verdict.INVALID, "your name first", id="no name"),
        pytest.param("acknowledge", "x" * 81, "", Verdict.INVALID, "1 to 80", id="long name"),
        pytest.param("explode", "Ana", "", Verdict.INVALID, "not one of", id="no such action"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    context: Context, store: Store, action: str, by: str, note: str, verdict: Verdict, said: str
) -> None:
    (alert,) = put_events(store, event("S1"))
    outcome = perform(context, alert.id, action, by, note)
    assert (outcome.ok, outcome.verdict) == (False, verdict)
    assert said in outcome.message
    assert get_alert(store, alert.id) == alert


def test_an_alert_that_does_not_exist_is_named(context: Context) -> None:
    outcome = perform(context, "nothing", "acknowledge", "Ana")
    assert (outcome.verdict, outcome.message) == (
        Verdict.NOT_FOUND,
        "There is no alert nothing.",
    )


def test_a_store_that_is_away_changes_nothing_and_says_so() -> None:
    away = context_over(connect("redis://127.0.0.1:1/0"))
    outcome = perform(away, "x", "acknowledge", "Ana")
    assert outcome.verdict is Verdict.UNAVAILABLE
    assert "nothing was changed" in outcome.message


def test_a_closing_note_counts_as_the_closing(context: Context, store: Store) -> None:
    (alert,) = put_events(store, event("S1"))
    perform(context, alert.id, "acknowledge", "Ana")
    outcome = perform(context, alert.id, "close", "Ana", note="fixed")
    assert outcome.alert is not None
    move = last_move(outcome.alert)
    assert move is not None
    assert (move.by, move.words) == ("Ana", "closed")
