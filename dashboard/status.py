"""How one live row appears: its state in words, colour and shape, and how many there are of each.

Pure: a row and the time go in, a state comes out. The number of a state is its byte in the frame
and its index into the browser's palette, so the order is part of the frame's version.
"""

from collections.abc import Iterable
from enum import IntEnum

from msgspec import Struct

from puente.instant import MINUTE, Instant
from puente.model import Severity
from puente.plan import BORDER, FenceClass
from puente.row import Row

SILENT_AFTER = 15 * MINUTE
"""Without news for this long a position is history (interfaces, default rules: 900 s)."""


class VehicleState(IntEnum):
    """The most urgent thing that can be said of a vehicle, one at a time."""

    ON_ROUTE = 0
    STOPPED = 1
    AT_BORDER = 2
    OFF_ROUTE = 3
    ALERT_HIGH = 4
    ALERT_CRITICAL = 5
    SILENT = 6
    UNASSIGNED = 7

    @property
    def key(self) -> str:
        """The word used in URLs, CSS classes and messages."""
        return self.name.lower()


STATE_WORDS: dict[VehicleState, str] = {
    VehicleState.ON_ROUTE: "Under way",
    VehicleState.STOPPED: "Stopped",
    VehicleState.AT_BORDER: "At the border",
    VehicleState.OFF_ROUTE: "Off route",
    VehicleState.ALERT_HIGH: "High alert",
    VehicleState.ALERT_CRITICAL: "Critical alert",
    VehicleState.SILENT: "Silent",
    VehicleState.UNASSIGNED: "Unassigned",
}

DEVIATION = "route.deviation"
SILENCE = "device.silent"
_OWN_STATE = frozenset({DEVIATION, SILENCE})

_BORDER = frozenset(fence.value for fence in BORDER)
_ENDS = frozenset({FenceClass.ORIGIN.value, FenceClass.DEST.value})


def off_route(row: Row) -> bool:
    """Tell whether a deviation is open."""
    return any(episode.kind == DEVIATION for episode in row.open)


def news_at(row: Row) -> Instant:
    """Return how new the position on the map is: the device's time of it, not of its arrival.

    A backfill that reaches us now tells of the past: it must not make a truck look live.
    """
    return row.heard_at if row.fix_at is None else min(row.heard_at, row.fix_at)


def silent(row: Row, now: Instant) -> bool:
    """Tell whether the newest position is too old, or the engine says that a device is silent."""
    return now - news_at(row) > SILENT_AFTER or any(e.kind == SILENCE for e in row.open)


def at_border(row: Row) -> bool:
    """Tell whether the vehicle stands or queues inside a crossing."""
    return not _BORDER.isdisjoint(row.classes)


def in_transit(row: Row) -> bool:
    """Tell whether the vehicle is between its origin and its destination."""
    return row.assigned and row.lat_deg is not None and _ENDS.isdisjoint(row.classes)


def state_of(row: Row, now: Instant) -> VehicleState:
    """Decide how a vehicle appears at `now`.

    Deviation and silence have a state of their own and show as that unless they are critical;
    any other open episode of high severity or worse shows as an alert.
    """
    if not row.assigned:
        return VehicleState.UNASSIGNED
    if row.worst is Severity.CRITICAL:
        return VehicleState.ALERT_CRITICAL
    if any(e.severity is Severity.HIGH and e.kind not in _OWN_STATE for e in row.open):
        return VehicleState.ALERT_HIGH
    if silent(row, now):
        return VehicleState.SILENT
    if off_route(row):
        return VehicleState.OFF_ROUTE
    if at_border(row):
        return VehicleState.AT_BORDER
    if row.stopped_since is not None:
        return VehicleState.STOPPED
    return VehicleState.ON_ROUTE


class Counts(Struct, frozen=True):
    """The figures of the header. They count facts, so one truck may be in several of them."""

    shipments: int = 0
    in_transit: int = 0
    at_border: int = 0
    off_route: int = 0
    silent: int = 0
    unassigned: int = 0


def count(rows: Iterable[Row], now: Instant) -> Counts:
    """Count what the header shows."""
    tallies = {"shipments": 0, "in_transit": 0, "at_border": 0, "off_route": 0, "silent": 0}
    unassigned = 0
    for row in rows:
        if not row.assigned:
            unassigned += 1
            continue
        tallies["shipments"] += 1
        tallies["in_transit"] += in_transit(row)
        tallies["at_border"] += at_border(row)
        tallies["off_route"] += off_route(row)
        tallies["silent"] += silent(row, now)
    return Counts(**tallies, unassigned=unassigned)
