"""Test vectors: facts/domain.md 4.2."""

import pandas as pd
import pytest

from dashboard.queries.coldchain import (
    gap_limit_s,
    mean_kinetic_c,
    minutes_outside,
    with_gaps,
)


def every(step: str, values: list[float]) -> "pd.Series[float]":
    index = pd.date_range("2026-07-01T00:00:00Z", periods=len(values), freq=step)
    return pd.Series(values, index=index, dtype="float64")


@pytest.mark.parametrize(
    ("values", "expected_c"),
    [
        pytest.param([2.0, 8.0], 5.536, id="two readings weigh the same"),
        pytest.param([5.0] * 10, 5.0, id="a constant is its own mean"),
        pytest.param([-20.0], -20.0, id="one reading is the mean"),
    ],
)
def test_mean_kinetic_temperature(values: list[float], expected_c: float) -> None:
    assert mean_kinetic_c(every("10min", values)) == pytest.approx(expected_c, abs=0.001)


def test_mean_kinetic_temperature_of_a_day_with_six_warm_hours() -> None:
    day = every("1min", [5.0] * (18 * 60) + [14.0] * (6 * 60))
    assert mean_kinetic_c(day) == pytest.approx(8.285, abs=0.005)


def test_mean_kinetic_temperature_weighs_by_time_and_not_by_count() -> None:
    rare = pd.date_range("2026-07-01T00:00:00Z", periods=18 * 6, freq="10min")
    often = pd.date_range("2026-07-01T18:00:00Z", periods=6 * 60, freq="1min")
    day = pd.Series([5.0] * len(rare) + [14.0] * len(often), index=rare.append(often))
    assert mean_kinetic_c(day) == pytest.approx(8.285, abs=0.04)


def test_no_readings_have_no_mean() -> None:
    assert mean_kinetic_c(every("1min", [])) is None


def test_minutes_outside_count_both_sides_of_the_band() -> None:
    readings = every("1min", [5.0] * 10 + [9.0] * 10 + [5.0] * 10 + [1.0] * 5 + [5.0] * 10)
    assert minutes_outside(readings, 2.0, 8.0) == pytest.approx(15.0)


def test_the_band_itself_is_inside() -> None:
    assert minutes_outside(every("1min", [2.0, 8.0, 2.0]), 2.0, 8.0) == 0.0


def test_a_silence_is_no_evidence_of_being_outside() -> None:
    before = every("1min", [9.0] * 11)
    after = every("1min", [9.0] * 11)
    after.index = pd.DatetimeIndex(after.index) + pd.Timedelta(hours=5)
    assert minutes_outside(pd.concat([before, after]), 2.0, 8.0) == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("step", "limit_s"),
    [
        pytest.param("1min", 900.0, id="never less than 15 minutes"),
        pytest.param("10min", 1800.0, id="three median intervals"),
    ],
)
def test_what_counts_as_a_silence(step: str, limit_s: float) -> None:
    index = pd.date_range("2026-07-01T00:00:00Z", periods=20, freq=step)
    assert gap_limit_s(index) == limit_s


def test_a_line_is_broken_exactly_at_a_silence() -> None:
    index = pd.DatetimeIndex(
        ["2026-07-01T00:00Z", "2026-07-01T00:05Z", "2026-07-01T00:20Z", "2026-07-01T00:36Z"]
    )
    broken = with_gaps(pd.DataFrame({"product_c": [4.0, 5.0, 6.0, 7.0]}, index=index))
    assert broken["product_c"].isna().tolist() == [False, False, False, False]
    late = index[:3].append(pd.DatetimeIndex(["2026-07-01T01:06Z"]))
    broken = with_gaps(pd.DataFrame({"product_c": [4.0, 5.0, 6.0, 7.0]}, index=late))
    assert broken["product_c"].isna().tolist() == [False, False, False, True, False]
    assert broken.index[3] == pd.Timestamp("2026-07-01T00:20:00.001Z")
