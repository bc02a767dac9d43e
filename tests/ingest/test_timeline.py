"""Late truth: what is published when a reading belongs between others."""

import pytest

from ingest.timeline import BEFORE_ALL, Timeline, correction
from puente.instant import SECOND
from puente.model import Finding, Phase, Reading, Severity
from tests.ingest.builders import AT, circle, place, reading, view_of

VIEW = view_of(circle("F", confirm_fixes=1, enter_m=0.0, exit_m=0.0))
LATER = AT + 100_000 * SECOND


def finding(
    phase: Phase,
    episode: int = 0,
    at: int | None = None,
    severity: Severity = Severity.HIGH,
    kind: str = "k",
) -> Finding:
    return Finding(
        kind=kind,
        phase=phase,
        subject="s",
        episode=episode,
        severity=severity,
        occurred_at=episode if at is None else at,
        confirmed_at=0,
        device_id=None,
        title="t",
        summary="s",
    )


R0, C9 = finding(Phase.RAISED), finding(Phase.CLEARED, 0, 9)
N0 = finding(Phase.NOTED)


@pytest.mark.parametrize(
    ("old", "new", "earlier", "retracted", "published"),
    [
        pytest.param([R0], [R0], [], [], [], id="nothing changed"),
        pytest.param([], [R0, C9], [], [], [R0, C9], id="a new episode"),
        pytest.param([R0, C9], [], [], [R0], [], id="it did not happen"),
        pytest.param([R0], [R0, C9], [], [], [C9], id="it has ended"),
        pytest.param(
            [R0, C9],
            [R0, finding(Phase.CLEARED, 0, 7)],
            [],
            [],
            [finding(Phase.CLEARED, 0, 7)],
            id="it ended earlier",
        ),
        pytest.param([R0, C9], [R0], [], [R0], [R0], id="it has not ended after all"),
        pytest.param([C9], [], [R0], [R0], [R0], id="the same, raised before the change"),
        pytest.param(
            [R0],
            [finding(Phase.RAISED, 5)],
            [],
            [R0],
            [finding(Phase.RAISED, 5)],
            id="it began at another time",
        ),
        pytest.param(
            [R0],
            [finding(Phase.RAISED, severity=Severity.LOW)],
            [],
            [R0],
            [finding(Phase.RAISED, severity=Severity.LOW)],
            id="it was less bad",
        ),
        pytest.param([N0], [], [], [N0], [], id="a note is taken back"),
    ],
)
def test_only_the_difference_is_published(
    old: list[Finding],
    new: list[Finding],
    earlier: list[Finding],
    retracted: list[Finding],
    published: list[Finding],
) -> None:
    assert correction(old, new, earlier) == (tuple(retracted), tuple(published))


def test_an_episode_older_than_memory_is_opened_again_by_what_its_end_says() -> None:
    changed = correction([C9], [])
    (opening,) = changed.published
    assert (opening.phase, opening.episode, opening.occurred_at) == (Phase.RAISED, 0, 0)
    assert changed.retracted == changed.published


def enters(timeline: Timeline, *readings: Reading) -> list[tuple[str, float]]:
    changed = timeline.add(readings, LATER, VIEW)
    return [(f.kind, (f.episode - AT) / SECOND) for f in changed.published]


def test_readings_are_folded_at_their_own_times() -> None:
    timeline = Timeline()
    assert enters(timeline, reading(0, place(900)), reading(100, place(0), speed_mps=9.0)) == [
        ("geofence.enter", 100.0)
    ]
    assert enters(timeline, reading(50, place(0), speed_mps=9.0)) == [("geofence.enter", 50.0)]
    assert [s.reading.at - AT for s in timeline.steps] == [0, 50_000, 100_000]


def test_a_reading_that_is_there_changes_nothing() -> None:
    timeline = Timeline()
    first, second = reading(0, place(900)), reading(100, place(0), speed_mps=9.0)
    enters(timeline, first, second)
    before = list(timeline.steps)
    assert enters(timeline, first) == []
    assert enters(timeline, first, second) == []
    assert timeline.steps == before
    assert timeline.holds(first.order)
    assert not timeline.holds(reading(50).order)


def test_a_reading_of_a_device_that_is_not_bound_is_not_kept() -> None:
    timeline = Timeline()
    assert enters(timeline, reading(0, place(0), device="stranger")) == []
    enters(timeline, reading(10, place(0)))
    assert enters(timeline, reading(5, place(0), device="stranger")) == []
    assert len(timeline.steps) == 1


def test_what_is_forgotten_is_out_of_reach() -> None:
    timeline = Timeline()
    readings = [reading(s, place(900)) for s in (0, 10, 20, 30)]
    enters(timeline, *readings)
    assert timeline.reaches(reading(-5).order)
    assert timeline.base_order == BEFORE_ALL
    timeline.trim(AT + 10_000, most=10)
    assert [s.reading.at - AT for s in timeline.steps] == [20_000, 30_000]
    assert not timeline.reaches(readings[1].order)
    assert timeline.reaches(reading(15).order)
    timeline.trim(AT, most=1)
    assert [s.reading.at - AT for s in timeline.steps] == [30_000]
    timeline.trim(AT + 99_000, most=1)
    assert timeline.newest == readings[3].order
    assert not timeline.reaches(reading(25).order)


def test_a_deadline_that_fired_in_forgotten_truth_bounds_the_reach() -> None:
    timeline = Timeline(base_at=AT + 50_000, base_order=reading(10).order)
    assert not timeline.reaches(reading(40).order)
    assert timeline.reaches(reading(50).order)


def test_a_deadline_that_the_clock_passed_is_undone_by_a_reading_before_it() -> None:
    view = view_of(circle("F"))
    timeline = Timeline()
    fixes = [reading(0, place(900)), reading(60, place(0))]
    changed = timeline.add(fixes, AT + 300_000, view)
    assert [f.kind for f in changed.published] == ["geofence.enter"]
    undone = timeline.add([reading(90, place(900))], AT + 300_000, view)
    assert [f.kind for f in undone.retracted] == ["geofence.enter"]
    assert undone.published == ()
