"""The board: every planned shipment with what is known of it now."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from dashboard import status
from dashboard.queries.alerts import worst_by_shipment
from dashboard.queries.frames import frame
from dashboard.queries.plans import current_plan
from puente.instant import Instant
from puente.model import SealState
from puente.plan import FenceClass, Plan, Shipment
from puente.row import Row
from puente.store.alerts import open_alerts
from puente.store.connection import Store
from puente.store.live import load_rows
from puente.triage import Alert

NOT_HEARD = "not_heard"
"""State of a planned shipment of which nothing was ever received; the map cannot show it."""

STATE_WORDS: dict[str, str] = {
    **{state.key: words for state, words in status.STATE_WORDS.items()},
    NOT_HEARD: "Not heard yet",
}
"""The words of the map, so that the board never says something else."""

AT_BORDER = "At the border"

COLUMNS = (
    "id",
    "state",
    "place",
    "carrier",
    "sector",
    "route",
    "crossing",
    "high_value",
    "value_usd",
    "origin",
    "destination",
    "progress",
    "remaining_km",
    "fix_at",
    "heard_at",
    "lat_deg",
    "lon_deg",
    "speed_kmh",
    "temperature_c",
    "temperature_at",
    "band_low_c",
    "band_high_c",
    "band_side",
    "seal",
    "battery_pct",
    "stopped_at",
    "off_route",
    "silent",
    "alert_id",
    "alert_title",
    "alert_severity",
    "alert_rank",
    "alerts",
    "planned_departure_at",
    "planned_arrival_at",
)


def live_rows(store: Store) -> dict[str, Row]:
    """Return the live row of every subject by its id."""
    return {row.id: row for row in load_rows(store)}


def state_of(row: Row | None, now: Instant) -> str:
    """Say in one word how a shipment stands: the map's state, or that it was never heard."""
    if row is None or not row.heard_at:
        return NOT_HEARD
    return status.state_of(row, now).key


def place_of(row: Row | None) -> str | None:
    """Name the stage of the journey from the fences that hold the truck; None on the road."""
    if row is None:
        return None
    if FenceClass.DEST.value in row.classes:
        return "At destination"
    if FenceClass.ORIGIN.value in row.classes:
        return "At origin"
    return AT_BORDER if status.at_border(row) else None


def board_frame(
    plan: Plan,
    rows: Mapping[str, Row],
    worst: Mapping[str, Alert],
    counts: Mapping[str, int],
    now: Instant,
) -> pd.DataFrame:
    """Join plan, live rows and open alerts, indexed by when the shipment was last heard.

    A planned shipment that was never heard has no index value (NaT). `band_side` is `low`,
    `high`, `in`, or None where there is no band or no temperature.
    """
    return frame(
        [
            _line(plan, shipment, rows.get(shipment.id), worst.get(shipment.id), counts, now)
            for shipment in plan.shipments.values()
        ],
        index="last_at",
        columns=COLUMNS,
    )


def _line(
    plan: Plan,
    shipment: Shipment,
    row: Row | None,
    alert: Alert | None,
    counts: Mapping[str, int],
    now: Instant,
) -> dict[str, object]:
    profile = plan.profiles.get(shipment.cargo_profile or "")
    line: dict[str, object] = {
        **dict.fromkeys(COLUMNS),
        "id": shipment.id,
        "state": state_of(row, now),
        "place": place_of(row),
        "carrier": shipment.carrier,
        "sector": shipment.sector,
        "route": shipment.route,
        "crossing": shipment.crossing,
        "high_value": shipment.high_value,
        "value_usd": shipment.value_usd,
        "origin": shipment.origin.name if shipment.origin else None,
        "destination": shipment.destination.name if shipment.destination else None,
        "planned_departure_at": shipment.planned_departure,
        "planned_arrival_at": shipment.planned_arrival,
        "band_low_c": profile.low_c if profile else None,
        "band_high_c": profile.high_c if profile else None,
        "alerts": counts.get(shipment.id, 0),
        "seal": SealState.UNKNOWN.value,
    }
    if alert is not None:
        line |= {
            "alert_id": alert.id,
            "alert_title": alert.title,
            "alert_severity": alert.severity.value,
            "alert_rank": alert.severity.rank,
        }
    if row is not None:
        line |= {
            "last_at": row.heard_at or None,
            "heard_at": row.heard_at or None,
            "fix_at": row.fix_at,
            "lat_deg": row.lat_deg,
            "lon_deg": row.lon_deg,
            "progress": row.progress,
            "remaining_km": None if row.remaining_m is None else row.remaining_m / 1000.0,
            "speed_kmh": None if row.speed_mps is None else row.speed_mps * 3.6,
            "temperature_c": row.temperature_c,
            "temperature_at": row.temperature_at,
            "band_side": _side(row.temperature_c, profile.low_c, profile.high_c)
            if profile
            else None,
            "seal": row.seal.value,
            "battery_pct": row.battery_pct,
            "stopped_at": row.stopped_since,
            "off_route": status.off_route(row),
            "silent": bool(row.heard_at) and status.silent(row, now),
        }
    return line


def _side(temperature_c: float | None, low_c: float, high_c: float) -> str | None:
    if temperature_c is None:
        return None
    if temperature_c < low_c:
        return "low"
    return "high" if temperature_c > high_c else "in"


def open_counts(alerts: Iterable[Alert]) -> dict[str, int]:
    """Count the open alerts of each shipment."""
    counts: dict[str, int] = {}
    for alert in alerts:
        counts[alert.shipment_id] = counts.get(alert.shipment_id, 0) + 1
    return counts


class Board:
    """The lines of the board, remembered so that a browser is sent only what changed.

    One per app, shared by all browsers: however many look, the store is read at most once in
    `PERIOD_MS` of real time. Every change has a number; a browser names the last one it has.
    """

    PERIOD_MS = 1_000

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._lines: dict[str, dict[str, object]] = {}
        self._changed: dict[str, int] = {}
        self._created: dict[str, int] = {}
        self._sequence = 0
        self._first = 0
        self._read_ms = -self.PERIOD_MS

    def since(self, seen: int | None, now: Instant, real_ms: int) -> "News":
        """Return what changed after `seen`; everything for a browser that has nothing.

        `now` is Puente's clock, `real_ms` the machine's: the first judges ages, the second limits
        how often the store is read. A number from another process counts as nothing.
        """
        with self._lock:
            if real_ms - self._read_ms >= self.PERIOD_MS:
                self._look(now, real_ms)
                self._read_ms = real_ms
            if seen is None or not self._first <= seen <= self._sequence:
                return News(list(self._lines.values()), [], self._sequence, True, self._counts())
            changed = [i for i, n in self._changed.items() if n > seen]
            added = [self._lines[i] for i in changed if self._created[i] > seen]
            updated = [self._lines[i] for i in changed if self._created[i] <= seen]
            return News(updated, added, self._sequence, False, self._counts())

    def lines(self, ids: Iterable[str]) -> list[dict[str, object]]:
        """Return the lines of some shipments as they were last read, in this order."""
        with self._lock:
            return [self._lines[i] for i in ids if i in self._lines]

    def _look(self, now: Instant, real_ms: int) -> None:
        plan, rows = current_plan(self._store), live_rows(self._store)
        alerts = open_alerts(self._store)
        worst, counts = worst_by_shipment(alerts), open_counts(alerts)
        gone = self._lines.keys() - plan.shipments.keys()
        following = max(self._sequence + 1, real_ms)
        if gone or not self._first:
            # Removals are rare (a plan was replaced): everybody starts again.
            self._lines, self._changed, self._created = {}, {}, {}
            self._first = following
        for shipment in plan.shipments.values():
            i = shipment.id
            line = _line(plan, shipment, rows.get(i), worst.get(i), counts, now)
            if line != self._lines.get(i):
                self._created.setdefault(i, following)
                self._lines[i], self._changed[i] = line, following
        self._sequence = following

    def _counts(self) -> dict[str, int]:
        lines = self._lines.values()
        return {tile: sum(bool(test(line)) for line in lines) for tile, test in TILES.items()}


@dataclass(frozen=True)
class News:
    """What a browser has to do: replace all lines by `lines`, or update those and add `added`."""

    lines: list[dict[str, object]]
    added: list[dict[str, object]]
    sequence: int
    whole: bool
    counts: dict[str, int]


TILES: dict[str, Callable[[Mapping[str, object]], object]] = {
    "all": lambda line: True,
    "alerts": lambda line: line.get("alert_id"),
    "off_route": lambda line: line.get("off_route"),
    "stopped": lambda line: line.get("stopped_at") is not None,
    "at_border": lambda line: line.get("place") == AT_BORDER,
    "temperature": lambda line: line.get("band_side") in ("low", "high"),
    "seal": lambda line: line.get("seal") in ("tampered", "unsealed_unauthorised"),
    "silent": lambda line: line.get("silent"),
    "not_heard": lambda line: line.get("state") == NOT_HEARD,
}
"""Facts that may hold together, unlike states; `assets/50-pages.js` filters by the same names."""
