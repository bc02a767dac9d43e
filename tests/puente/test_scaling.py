import pytest

from puente.instant import HOUR, SECOND
from puente.scaling import ClockConflict, ScaledClock, decide
from puente.statedir import SavedClock

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("asked", "saved", "newest", "expected"),
    [
        pytest.param(None, None, 0, None, id="new folder, nothing asked: real time"),
        pytest.param(1.0, None, NOW - HOUR, None, id="real time goes on"),
        pytest.param(60.0, None, 0, ScaledClock(NOW, NOW, 60.0), id="new folder, scaled from now"),
        pytest.param(
            60.0,
            None,
            NOW + SECOND,
            ScaledClock(NOW + SECOND + 1, NOW, 60.0),
            id="never before what the store has seen",
        ),
        pytest.param(
            None,
            SavedClock(NOW + HOUR, 60.0),
            NOW + HOUR - SECOND,
            ScaledClock(NOW + HOUR + 120 * SECOND + 1, NOW, 60.0),
            id="a restart goes on at the same speed where the clock stood",
        ),
        pytest.param(
            30.0,
            SavedClock(NOW + HOUR, 60.0),
            NOW + 2 * HOUR,
            ScaledClock(NOW + 2 * HOUR + 1, NOW, 30.0),
            id="another speed goes on from the latest instant known",
        ),
        pytest.param(
            1.0,
            SavedClock(NOW - HOUR, 2.0),
            0,
            None,
            id="real time has overtaken the scaled clock",
        ),
        pytest.param(
            None,
            SavedClock(NOW - HOUR, 2.0),
            0,
            ScaledClock(NOW - HOUR + 4 * SECOND + 1, NOW, 2.0),
            id="a clock that stood still long ago goes on from there",
        ),
    ],
)
def test_a_clock_goes_on_and_never_back(
    asked: float | None, saved: SavedClock | None, newest: int, expected: ScaledClock | None
) -> None:
    assert decide(asked, saved, newest, NOW) == expected


@pytest.mark.parametrize(
    ("asked", "saved", "newest"),
    [
        pytest.param(
            1.0, SavedClock(NOW + HOUR, 60.0), 0, id="real time asked of a scaled folder"
        ),
        pytest.param(None, None, NOW + HOUR, id="a store from another folder's scaled clock"),
    ],
)
def test_real_time_is_refused_where_time_would_go_back(
    asked: float | None, saved: SavedClock | None, newest: int
) -> None:
    with pytest.raises(ClockConflict, match=r"cannot go back; continue with --speed"):
        decide(asked, saved, newest, NOW)
