"""Evidence as a table a person can read: the unit comes from the end of the name.

Evidence may hold what a device said; it is shown as text.
"""

import json
from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard import text
from dashboard.components.moments import utc
from dashboard.safe_text import clean

_UNITS = (
    ("_kmh", "km/h", 1),
    ("_mps", "m/s", 1),
    ("_deg", "°", 5),
    ("_pct", "%", 0),
    ("_usd", "USD", 0),
    ("_lux", "lx", 0),
    ("_km", "km", 1),
    ("_min", "min", 0),
    ("_c", "°C", 1),
    ("_g", "g", 2),
)
_EARLIEST_INSTANT = 10**11
"""Milliseconds; a smaller number under a name ending in `_at` is not an instant of our time."""


def table(evidence: Mapping[str, object]) -> Any:  # noqa: ANN401 - a component
    """Show evidence as name and value with unit, sorted as it was given."""
    if not evidence:
        return html.P("No measurements belong to this one.", className="pg-muted")
    return html.Table(
        html.Tbody(
            [
                html.Tr([html.Th(label(name), scope="row"), html.Td(value(name, held))])
                for name, held in evidence.items()
            ]
        ),
        className="pg-evidence",
    )


def label(name: str) -> str:
    """Turn `off_route_m` into `Off route`: the unit moves to the value."""
    for suffix in (*(unit[0] for unit in _UNITS), "_at", "_s", "_m", "_ms"):
        if name.endswith(suffix) and len(name) > len(suffix):
            name = name.removesuffix(suffix)
            break
    words = clean(name, 60).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def value(name: str, held: object) -> str:
    """Write a value with the unit that its name ends in."""
    if held is None:
        return text.UNKNOWN
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, int | float):
        return _number(name, held)
    if isinstance(held, str):
        return clean(held)
    if isinstance(held, list | tuple) and all(isinstance(x, str | int) for x in held):
        return clean(", ".join(str(x) for x in held)) or "none"
    return clean(json.dumps(held, ensure_ascii=False, default=str))


def _number(name: str, held: float) -> str:
    if name.endswith("_at") and _EARLIEST_INSTANT < held < 10**14:
        return utc(int(held))
    if name.endswith("_ms"):
        return text.age(held / 1000)
    if name.endswith("_s"):
        return text.age(held)
    if name.endswith("_m"):
        return text.distance(held)
    for suffix, unit, digits in _UNITS:
        if name.endswith(suffix):
            return f"{text.number(held, digits)} {unit}".replace(" °", " °")
    return text.number(held, 0 if float(held).is_integer() else 3)
