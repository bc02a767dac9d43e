"""Between instants and pandas: how values become frames, and frames become rows for a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from puente.instant import Instant

Record = dict[str, Any]


def utc(instants: Sequence[Instant | None]) -> "pd.Series[Any]":
    """Turn instants into a UTC datetime series; None becomes NaT."""
    return pd.Series(pd.to_datetime(pd.array(instants, dtype="Int64"), unit="ms", utc=True))


def frame(
    records: Sequence[Mapping[str, object]], *, index: str, columns: Sequence[str]
) -> pd.DataFrame:
    """Build a frame with a UTC index from records whose `_at` values are instants.

    `columns` gives names and order also when there are no records. Columns whose names end in
    `_at`, and the index, become UTC datetimes.
    """
    table = pd.DataFrame(
        {name: [record.get(name) for record in records] for name in (index, *columns)}
    )
    for name in table.columns:
        if name == index or name.endswith("_at"):
            table[name] = utc(table[name].tolist())
        elif name.endswith(_NUMBERS):
            table[name] = pd.to_numeric(table[name]).astype("float64")
    return table.set_index(index).sort_index(kind="stable")


_NUMBERS = ("_m", "_mps", "_deg", "_c", "_pct", "_s", "_usd", "_lux", "_g", "_km", "_kmh")


def to_instants(values: "pd.Series[Any] | pd.DatetimeIndex") -> list[Instant | None]:
    """Turn UTC datetimes back into instants; NaT becomes None."""
    stamps = pd.DatetimeIndex(values)
    missing = stamps.isna()
    return [
        None if absent else int(at)
        for at, absent in zip(stamps.as_unit("ms").asi8, missing, strict=True)
    ]


def records(table: pd.DataFrame) -> list[Record]:
    """Turn a frame into rows of plain values for JSON: datetimes as instants, missing as None."""
    flat = table.reset_index()
    columns: dict[str, list[Any]] = {}
    for name in flat.columns:
        values = flat[name]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            columns[str(name)] = to_instants(values)
        else:
            columns[str(name)] = [_plain(value) for value in values.tolist()]
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(value: object) -> object:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN is not equal to itself
        return None
    return value
