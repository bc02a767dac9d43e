"""The cargo profiles that Puente knows from the start (`geodata/temp_bands.csv`).

A plan may add its own or replace one by its code, see `puente.planfile`.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from puente.plan import CargoProfile

_MINUTE_S = 60


@cache
def builtin() -> Mapping[str, CargoProfile]:
    """Return the profiles by code, read once."""
    text = files("puente").joinpath("geodata/temp_bands.csv").read_text(encoding="utf-8")
    profiles = (_profile(row) for row in csv.DictReader(text.splitlines()))
    return MappingProxyType({profile.code: profile for profile in profiles})


def _profile(row: dict[str, str]) -> CargoProfile:
    return CargoProfile(
        code=row["code"],
        commodity=row["commodity"],
        low_c=float(row["low_c"]),
        high_c=float(row["high_c"]),
        warn_delay_s=int(row["warn_delay_min"]) * _MINUTE_S,
        alarm_delay_s=int(row["alarm_delay_min"]) * _MINUTE_S,
        critical_low_c=float(row["critical_low_c"]) if row["critical_low_c"] else None,
        critical_high_c=float(row["critical_high_c"]) if row["critical_high_c"] else None,
    )


@cache
def crossings() -> frozenset[str]:
    """Return the ids of the border crossings that a shipment may name, such as WTB."""
    text = files("puente").joinpath("geodata/crossings.csv").read_text(encoding="utf-8")
    return frozenset(row["id"] for row in csv.DictReader(text.splitlines()))
