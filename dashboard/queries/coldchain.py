"""Temperature over time: mean kinetic temperature, minutes outside a band, silences.

Pure functions on series with a UTC index. A silence is no evidence: it carries no weight, and no
line is drawn over it.
"""

from typing import Any

import numpy as np
import pandas as pd

MINUTE_S = 60.0

GAP_FACTOR = 3.0
GAP_FLOOR_S = 900.0
"""A silence is longer than three median intervals, and than 15 minutes (default rules)."""

ACTIVATION_K = 10_000.0
"""dH/R with dH = 83.144 kJ/mol and R = 8.3144e-3 kJ/(mol K), as USP <1079.2> has it."""

ZERO_C_K = 273.15

Series = "pd.Series[Any]"


def gap_limit_s(index: pd.DatetimeIndex) -> float:
    """Return from how many seconds on the time between two readings counts as a silence."""
    steps = _steps_s(index)
    steps = steps[steps > 0]
    return max(GAP_FACTOR * float(np.median(steps)), GAP_FLOOR_S) if len(steps) else GAP_FLOOR_S


def with_gaps(table: pd.DataFrame) -> pd.DataFrame:
    """Put an empty row into every silence, so that a chart breaks its line there."""
    index = pd.DatetimeIndex(table.index)
    silent = np.flatnonzero(_steps_s(index) > gap_limit_s(index))
    if not len(silent):
        return table
    # One millisecond after the last reading, so that the break is where the evidence ends.
    breaks = pd.DatetimeIndex(index[silent]) + pd.Timedelta(milliseconds=1)
    empty = pd.DataFrame(np.nan, index=breaks, columns=table.columns).astype(object)
    joined = pd.concat([table.astype(object), empty])
    return joined.sort_index(kind="stable").infer_objects()


def weights_s(index: pd.DatetimeIndex) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return the seconds that each reading stands for: half the way to each neighbour.

    The way to a neighbour beyond a silence does not count. A single reading weighs 1.
    """
    steps = _steps_s(index)
    counted = np.where(steps > gap_limit_s(index), 0.0, steps)
    weights = np.zeros(len(index))
    weights[:-1] += counted / 2.0
    weights[1:] += counted / 2.0
    return weights if weights.sum() > 0 else np.ones(len(index))


def mean_kinetic_c(temperature_c: "pd.Series[Any]") -> float | None:
    """Return the mean kinetic temperature in degrees Celsius, weighted by time.

    None without readings. It must not be used to excuse low excursions or freezing.
    """
    series = temperature_c.dropna()
    if series.empty:
        return None
    weights = weights_s(pd.DatetimeIndex(series.index))
    kelvin = series.to_numpy(dtype=float) + ZERO_C_K
    mean = float(np.average(np.exp(-ACTIVATION_K / kelvin), weights=weights))
    return ACTIVATION_K / -float(np.log(mean)) - ZERO_C_K


def minutes_outside(temperature_c: "pd.Series[Any]", low_c: float, high_c: float) -> float:
    """Return for how many minutes readings lay outside `[low_c, high_c]`, silences left out."""
    series = temperature_c.dropna()
    if len(series) < 2:
        return 0.0
    values = series.to_numpy(dtype=float)
    outside = (values < low_c) | (values > high_c)
    return float(weights_s(pd.DatetimeIndex(series.index))[outside].sum() / MINUTE_S)


def _steps_s(index: pd.DatetimeIndex) -> "np.ndarray[Any, np.dtype[np.float64]]":
    return np.diff(index.as_unit("ms").asi8) / 1000.0
