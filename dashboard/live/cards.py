"""What is said of one vehicle when a person points at it: words and units, ready to show."""

from collections.abc import Callable
from typing import Any

from dashboard.places import gazetteer
from dashboard.safe_text import clean
from dashboard.status import STATE_WORDS, state_of
from dashboard.text import (
    SEAL_WORDS,
    UNKNOWN,
    age,
    ago,
    course,
    distance,
    percent,
    speed,
    temperature,
)
from puente.instant import SECOND, Instant
from puente.keys import UNBOUND
from puente.model import SealState
from puente.plan import Shipment
from puente.row import Row

Describe = Callable[[float, float], str]


def card(
    row: Row, shipment: Shipment | None, now: Instant, describe: Describe | None = None
) -> dict[str, Any]:
    """Write the card of a vehicle: a heading, its state and lines of label and value."""
    state = state_of(row, now)
    name = clean(row.id.removeprefix(UNBOUND))
    return {
        "t": "card",
        "id": row.id,
        "name": name,
        "carrier": clean(shipment.carrier) if shipment else "",
        "assigned": row.assigned,
        "state": state.key,
        "state_words": STATE_WORDS[state],
        "lat": row.lat_deg,
        "lon": row.lon_deg,
        "lines": [list(line) for line in _lines(row, shipment, now, describe)],
    }


def _lines(
    row: Row, shipment: Shipment | None, now: Instant, describe: Describe | None
) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    if row.lat_deg is not None and row.lon_deg is not None:
        lines.append(("Where", (describe or gazetteer().describe)(row.lat_deg, row.lon_deg)))
    if row.stopped_since is not None:
        lines.append(("Speed", f"standing for {age((now - row.stopped_since) / SECOND)}"))
    else:
        heading = f", {course(row.course_deg)}" if row.course_deg is not None else ""
        lines.append(("Speed", f"{speed(row.speed_mps)}{heading}"))
    if row.off_route_m is not None and row.off_route_m >= 1:
        lines.append(("Off its route by", distance(row.off_route_m)))
    if shipment is not None and shipment.destination is not None and shipment.destination.name:
        lines.append(("Bound for", clean(shipment.destination.name)))
    if row.progress is not None:
        rest = f", {distance(row.remaining_m)} to go" if row.remaining_m is not None else ""
        lines.append(("Progress", f"{percent(row.progress * 100)}{rest}"))
    if row.temperature_c is not None:
        lines.append(("Temperature", temperature(row.temperature_c)))
    if row.seal is not SealState.UNKNOWN:
        lines.append(("Seal", SEAL_WORDS[row.seal]))
    if row.battery_pct is not None:
        lines.append(("Battery", percent(row.battery_pct)))
    lines.append(("Device", clean(row.device_id) if row.device_id else UNKNOWN))
    lines.append(("Last fix", ago(None if row.fix_at is None else (now - row.fix_at) / SECOND)))
    if row.fix_at is None or row.heard_at - row.fix_at > 60 * SECOND:
        lines.append(("Last heard", ago((now - row.heard_at) / SECOND)))
    return lines
