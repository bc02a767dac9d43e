"""The life of an alert: every state against everything that can happen to it."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from puente import triage
from puente.model import Event, Phase, Severity, event_id
from puente.triage import MAX_NAME, MAX_NOTE, TRANSITIONS, Action, Alert, AlertState, Change
from puente.triage import IllegalAction as Illegal

AT = 1_782_907_200_000
AU, AA = AlertState.ACTIVE_UNACKNOWLEDGED, AlertState.ACTIVE_ACKNOWLEDGED
CU, CA = AlertState.CLEARED_UNACKNOWLEDGED, AlertState.CLEARED_ACKNOWLEDGED
CLOSED, RETRACTED = AlertState.CLOSED, AlertState.RETRACTED

BY_PERSON = {
    (AU, Action.ACKNOWLEDGE): AA,
    (CU, Action.ACKNOWLEDGE): CA,
    **{(s, Action.ASSIGN): s for s in (AU, AA, CU, CA)},
    **{(s, Action.COMMENT): s for s in AlertState},
    (AA, Action.CLOSE): CLOSED,
    (CA, Action.CLOSE): CLOSED,
}
BY_EVENT = {
    (AU, Phase.RAISED): AU, (AU, Phase.CLEARED): CU, (AU, Phase.RETRACTED): RETRACTED,
    (AA, Phase.RAISED): AA, (AA, Phase.CLEARED): CA, (AA, Phase.RETRACTED): RETRACTED,
    (CU, Phase.RAISED): AU, (CU, Phase.CLEARED): CU, (CU, Phase.RETRACTED): RETRACTED,
    (CA, Phase.RAISED): AA, (CA, Phase.CLEARED): CA, (CA, Phase.RETRACTED): RETRACTED,
    (CLOSED, Phase.RAISED): CLOSED, (CLOSED, Phase.CLEARED): CLOSED,
    (CLOSED, Phase.RETRACTED): CLOSED,
    (RETRACTED, Phase.RAISED): AU, (RETRACTED, Phase.CLEARED): RETRACTED,
    (RETRACTED, Phase.RETRACTED): RETRACTED,
}  # fmt: skip


def event(
    phase: Phase = Phase.RAISED, at: int = AT, severity: Severity = Severity.HIGH, ended: int = 0
) -> Event:
    return Event(
        id=event_id("stop.unplanned", "S", "stop", AT, phase),
        shipment_id="S",
        device_id="D",
        kind="stop.unplanned",
        phase=phase,
        subject="stop",
        episode=AT,
        severity=severity,
        occurred_at=AT + ended,
        confirmed_at=AT,
        learned_at=at,
        late=False,
        lat=25.0,
        lon=-100.0,
        title="Unplanned stop",
        summary="Standing",
        response="Call",
        respond_within_s=900,
        evidence={"stopped_s": 900.0},
    )


def fold(alert: Alert | None, what: Event) -> Alert:
    after = triage.fold(alert, what)
    assert after is not None
    return after


def alert_in(state: AlertState) -> Alert:
    """Bring an alert into a state the way it gets there."""
    alert = fold(None, event())
    if state in (AA, CA, CLOSED):
        alert = triage.apply(alert, Action.ACKNOWLEDGE, "Ana", AT + 1)
    if state in (CU, CA):
        alert = fold(alert, event(Phase.CLEARED, AT + 2, ended=60_000))
    if state is CLOSED:
        alert = triage.apply(alert, Action.CLOSE, "Ana", AT + 3, note="driver confirmed")
    if state is RETRACTED:
        alert = fold(alert, event(Phase.RETRACTED, AT + 2))
    assert alert.state is state
    return alert


@pytest.mark.parametrize(("state", "action"), list(itertools.product(AlertState, Action)))
def test_a_person_may_do_what_the_table_says_and_nothing_else(
    state: AlertState, action: Action
) -> None:
    alert = alert_in(state)
    copy = msgspec.structs.replace(alert)
    if (state, action) in BY_PERSON:
        after = triage.apply(alert, action, "Bea", AT + 9, note="seen on camera")
        assert after.state is BY_PERSON[state, action]
        assert after.revision == alert.revision + 1
        assert after.updated_at == AT + 9
        assert after.comments[-1] == triage.Comment("Bea", AT + 9, "seen on camera")
        assert action in triage.allowed(state)
    else:
        with pytest.raises(Illegal, match=r".+"):
            triage.apply(alert, action, "Bea", AT + 9, note="seen on camera")
        assert action not in triage.allowed(state)
    assert alert == copy


@pytest.mark.parametrize(
    ("state", "phase"),
    list(itertools.product(AlertState, (Phase.RAISED, Phase.CLEARED, Phase.RETRACTED))),
)
def test_events_move_an_alert_as_the_table_says(state: AlertState, phase: Phase) -> None:
    alert = alert_in(state)
    after = fold(alert, event(phase, AT + 50, Severity.CRITICAL, ended=120_000))
    assert after.state is BY_EVENT[state, phase]
    assert after.revision in (alert.revision, alert.revision + 1)
    assert after.acknowledged_by == alert.acknowledged_by
    assert after.comments == alert.comments


def test_the_table_has_no_other_rows() -> None:
    changes = {Phase.RAISED: Change.RAISE, Phase.CLEARED: Change.CLEAR}
    by_event = {(s, changes.get(p, Change.RETRACT)): to for (s, p), to in BY_EVENT.items()}
    assert {**BY_PERSON, **by_event} == TRANSITIONS


phases = st.sampled_from((Phase.RAISED, Phase.CLEARED, Phase.RETRACTED))
happenings = st.lists(
    st.one_of(
        st.builds(
            event,
            phases,
            st.integers(AT, AT + 20),
            st.sampled_from((Severity.MEDIUM, Severity.HIGH)),
            st.integers(0, 3),
        ),
        st.tuples(st.sampled_from(Action), st.integers(AT, AT + 20)),
    ),
    max_size=12,
)


@given(happenings)
def test_no_path_leaves_the_table_and_folding_twice_changes_nothing(
    path: list[Event | tuple[Action, int]],
) -> None:
    alert = fold(None, event())
    for step in path:
        before = alert
        if isinstance(step, Event):
            alert = fold(alert, step)
            assert triage.fold(alert, step) == alert
        else:
            try:
                alert = triage.apply(alert, step[0], "Ana", step[1], note="x")
            except Illegal:
                assert (before.state, step[0]) not in TRANSITIONS
        assert alert.revision - before.revision == (alert != before)
        assert alert.id == before.id
        assert len(alert.comments) >= len(before.comments)
        assert (not alert.state.acknowledged) <= (alert.acknowledged_by is None)


def test_an_alert_opens_with_what_the_event_says() -> None:
    alert = fold(None, event())
    assert alert.id == event().alert_id
    assert (alert.title, alert.response, alert.respond_within_s) == ("Unplanned stop", "Call", 900)
    assert (alert.state, alert.revision, alert.lat, alert.lon) == (AU, 1, 25.0, -100.0)


@pytest.mark.parametrize(
    "first",
    [event(severity=Severity.INFO), event(Phase.CLEARED), event(Phase.RETRACTED)],
    ids=["an info", "a clear without a raise", "a retraction without a raise"],
)
def test_some_events_open_no_alert(first: Event) -> None:
    assert triage.fold(None, first) is None


def test_a_clear_that_moved_moves_the_alerts_end() -> None:
    alert = fold(alert_in(CU), event(Phase.CLEARED, AT + 9, ended=90_000))
    assert alert.cleared_at == AT + 90_000


def test_an_episode_that_is_said_again_after_its_retraction_keeps_its_acknowledgement() -> None:
    alert = fold(alert_in(AA), event(Phase.RETRACTED, AT + 5))
    again = fold(alert, event(Phase.RAISED, AT + 5))
    assert again.state is AA
    assert again.acknowledged_by == "Ana"


def test_a_raise_after_a_clear_makes_the_alert_active_again() -> None:
    again = fold(alert_in(CA), event(Phase.RAISED, AT + 60))
    assert (again.state, again.cleared_at) == (AA, None)


def test_a_raise_that_is_delivered_again_after_the_clear_wakes_nobody() -> None:
    cleared = alert_in(CU)
    assert triage.fold(cleared, event()) is cleared


def test_a_successor_inherits_owner_acknowledgement_and_comments() -> None:
    old = triage.apply(alert_in(AA), Action.ASSIGN, "Ana", AT + 4, to="Bea", note="call him")
    new = msgspec.structs.replace(fold(None, event()), id="other")
    heir = triage.inherit(new, old, AT + 9)
    assert heir.state is AA
    assert (heir.acknowledged_by, heir.acknowledged_at) == ("Ana", AT + 1)
    assert (heir.assigned_to, heir.assigned_by, heir.assigned_at) == ("Bea", "Ana", AT + 4)
    assert heir.comments == (triage.Comment("Ana", AT + 4, "call him"),)
    assert (heir.supersedes, heir.revision, heir.id) == (old.id, 2, "other")


def test_a_successor_of_an_alert_nobody_saw_is_unacknowledged() -> None:
    heir = triage.inherit(fold(None, event()), alert_in(CU), AT + 9)
    assert heir.state is AU
    assert heir.acknowledged_by is None


def test_an_assignment_without_a_name_is_to_oneself() -> None:
    alert = triage.apply(alert_in(AU), Action.ASSIGN, "Ana", AT + 1)
    assert (alert.assigned_to, alert.assigned_by, alert.comments) == ("Ana", "Ana", ())


@pytest.mark.parametrize(
    ("action", "by", "note", "to"),
    [
        pytest.param(Action.ACKNOWLEDGE, "", "", None, id="nobody acts"),
        pytest.param(Action.ACKNOWLEDGE, "  ", "", None, id="a blank name"),
        pytest.param(Action.ACKNOWLEDGE, "x" * (MAX_NAME + 1), "", None, id="a long name"),
        pytest.param(Action.ASSIGN, "Ana", "", " ", id="assigned to a blank"),
        pytest.param(Action.ASSIGN, "Ana", "", "x" * (MAX_NAME + 1), id="assigned to a long name"),
        pytest.param(Action.COMMENT, "Ana", "", None, id="a comment without words"),
        pytest.param(Action.CLOSE, "Ana", " \n", None, id="closed without saying why"),
        pytest.param(Action.COMMENT, "Ana", "x" * (MAX_NOTE + 1), None, id="a novel"),
    ],
)
def test_names_and_notes_are_checked(action: Action, by: str, note: str, to: str | None) -> None:
    with pytest.raises(ValueError, match=r"'(by|to|note)'"):
        triage.apply(alert_in(AA), action, by, AT + 9, note=note, to=to)


@pytest.mark.parametrize(
    ("state", "action", "words"),
    [
        pytest.param(AA, Action.ACKNOWLEDGE, "already acknowledged by Ana", id="someone faster"),
        pytest.param(CLOSED, Action.CLOSE, "already closed by Ana", id="closed by someone"),
        pytest.param(AU, Action.CLOSE, "acknowledge the alert before", id="closed unseen"),
        pytest.param(RETRACTED, Action.ASSIGN, "did not happen as reported", id="retracted"),
        pytest.param(CLOSED, Action.ASSIGN, "already closed by Ana", id="assigned too late"),
    ],
)
def test_a_refusal_says_in_whose_hands_the_alert_is(
    state: AlertState, action: Action, words: str
) -> None:
    with pytest.raises(Illegal, match=words):
        triage.apply(alert_in(state), action, "Bea", AT + 9, note="n")
