"""Shipments from a CSV file: one row a shipment, the same fields as in a plan file.

Columns, in any order, all but `id` and `devices` optional: `id carrier sector cargo_profile
value_usd high_value fast crossing route corridor_m planned_departure planned_arrival`, for the
ends `origin_name origin_lat origin_lon origin_radius_m` and the same with `destination_`;
`devices` such as `TRK-1:trailer; SEAL-1:seal@2026-07-01T06:00:00-06:00/` (role, then from/to, both
optional), and `consignments` such as `C-1=Customer one; C-2`.

This module only gives cells the types that a plan file has; judging them is `puente.planfile`'s.
A cell that is no number stays a text, and is then refused with its value.
"""

import csv
from collections.abc import Iterable
from typing import Any

_NUMBERS = frozenset({"value_usd", "corridor_m"})
_BOOLEANS = frozenset({"high_value", "fast"})
_WORDS = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}
_PLACES = ("origin", "destination")
_PLACE_FIELDS = ("name", "lat", "lon", "radius_m")


def read(lines: Iterable[str]) -> dict[str, Any]:
    """Read rows into a plan document; cells that are empty are absent."""
    return {"shipments": [_shipment(row) for row in csv.DictReader(lines)]}


def _shipment(row: dict[Any, Any]) -> dict[str, Any]:
    shipment: dict[str, Any] = {"devices": []}
    # Cells beyond the heading are kept by csv as a list under None.
    surplus = row.pop(None, None)
    if surplus:
        shipment["cells beyond the heading"] = surplus
    for raw_name, raw in row.items():
        name, cell = raw_name.strip(), (raw or "").strip()
        if not cell:
            continue
        place, _, part = name.partition("_")
        if place in _PLACES and part in _PLACE_FIELDS:
            shipment.setdefault(place, {})[part] = cell if part == "name" else _number(cell)
        elif name == "devices":
            shipment[name] = [_device(entry) for entry in _entries(cell)]
        elif name == "consignments":
            shipment[name] = [_consignment(entry) for entry in _entries(cell)]
        elif name in _NUMBERS:
            shipment[name] = _number(cell)
        elif name in _BOOLEANS:
            shipment[name] = _WORDS.get(cell.lower(), cell)
        else:
            shipment[name] = cell
    return shipment


def _entries(cell: str) -> list[str]:
    return [entry.strip() for entry in cell.split(";") if entry.strip()]


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _device(entry: str) -> dict[str, Any]:
    named, _, period = entry.partition("@")
    device_id, _, role = named.partition(":")
    start, _, end = period.partition("/")
    device = {"device_id": device_id, "role": role, "from": start, "to": end}
    return {name: value.strip() for name, value in device.items() if value.strip()}


def _consignment(entry: str) -> dict[str, Any]:
    identifier, _, customer = entry.partition("=")
    return {"id": identifier.strip(), "customer": customer.strip()}
