import pytest

from puente.supervision import Attempts, Probes, delay_s


@pytest.mark.parametrize(
    ("failures", "expected"),
    [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 16.0), (7, 30.0), (1000, 30.0)],
)
def test_the_pause_doubles_up_to_half_a_minute(failures: int, expected: float) -> None:
    assert delay_s(failures) == expected


@pytest.mark.parametrize(
    ("lived_s", "failures", "due_in_s"),
    [
        pytest.param(0.1, 4, 4.0, id="died at once: one more failure in a row"),
        pytest.param(59.9, 4, 4.0, id="died within a minute: still the same trouble"),
        pytest.param(60.0, 1, 0.5, id="lived a minute: a new trouble"),
    ],
)
def test_a_minute_of_health_forgets_earlier_failures(
    lived_s: float, failures: int, due_in_s: float
) -> None:
    before = Attempts(started_at_s=100.0, failures=3, restarts=3)
    after = before.died(100.0 + lived_s)
    assert after.failures == failures
    assert after.due_at_s == pytest.approx(100.0 + lived_s + due_in_s)
    assert after.restarts == 3


def test_a_start_is_due_only_after_its_pause_and_counted_when_it_happens() -> None:
    dead = Attempts(started_at_s=0.0).died(10.0)
    assert not dead.due(10.4)
    assert dead.due(10.5)
    again = dead.started(10.5)
    assert again == Attempts(started_at_s=10.5, failures=1, restarts=1, due_at_s=None)
    assert not again.due(1000.0)


@pytest.mark.parametrize(
    ("answers", "dead"),
    [
        ([], False),
        ([False, False], False),
        ([False, False, False], True),
        ([False, False, True, False, False], False),
        ([True, False, False, False], True),
    ],
)
def test_three_failed_probes_in_a_row_are_a_dead_server(answers: list[bool], dead: bool) -> None:
    probes = Probes()
    for answer in answers:
        probes = probes.heard(answer)
    assert probes.dead is dead
