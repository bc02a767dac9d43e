import pytest
from hypothesis import given
from hypothesis import strategies as st

from puente import clock
from puente.clock import Clock
from puente.instant import HOUR, MINUTE, parse

START, ANCHOR = parse("2026-07-01T06:00:00Z"), parse("2026-11-21T20:00:00Z")


def test_the_default_clock_is_the_machines() -> None:
    before = clock.real_now()
    shown = Clock().now()
    assert before <= shown <= clock.real_now()


@pytest.mark.parametrize(
    ("rate", "real", "shown"),
    [
        pytest.param(1.0, ANCHOR, START, id="at the anchor"),
        pytest.param(1.0, ANCHOR + HOUR, START + HOUR, id="at the same pace"),
        pytest.param(60.0, ANCHOR + MINUTE, START + HOUR, id="sixty times faster"),
        pytest.param(0.5, ANCHOR + HOUR, START + HOUR // 2, id="slower"),
        pytest.param(60.0, ANCHOR - MINUTE, START - HOUR, id="before the anchor"),
    ],
)
def test_a_scaled_clock_starts_at_its_anchor(rate: float, real: int, shown: int) -> None:
    assert Clock(START, ANCHOR, rate).at(real) == shown


@given(st.floats(0.01, 10_000), st.integers(0, 10**10), st.integers(0, 10**10))
def test_a_clock_never_goes_back(rate: float, a: int, b: int) -> None:
    scaled = Clock(START, ANCHOR, rate)
    assert scaled.at(ANCHOR + min(a, b)) <= scaled.at(ANCHOR + max(a, b))


def test_spans_on_the_clock_become_real_seconds() -> None:
    assert Clock(START, ANCHOR, 60.0).real_seconds(HOUR) == 60.0
    assert Clock().real_seconds(1500) == 1.5
