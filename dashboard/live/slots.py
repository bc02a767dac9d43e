"""The table behind the frame: every known vehicle in a slot of its own, as numpy columns.

Only what changed is written; what depends on the time (age, silence) is computed over whole
columns when a frame is made, so that a second in which nothing happened costs next to nothing.
"""

import numpy as np
import numpy.typing as npt

from dashboard.live import frames
from dashboard.live.frames import Columns
from dashboard.status import (
    SILENT_AFTER,
    Counts,
    VehicleState,
    at_border,
    in_transit,
    news_at,
    off_route,
    silent,
    state_of,
)
from puente.instant import SECOND, Instant
from puente.row import Row

_ASSIGNED, _IN_TRANSIT, _AT_BORDER, _OFF_ROUTE, _SAID_SILENT = 1, 2, 4, 8, 16
_HIDDEN_BY_SILENCE = (
    VehicleState.ON_ROUTE,
    VehicleState.STOPPED,
    VehicleState.AT_BORDER,
    VehicleState.OFF_ROUTE,
)
_FIRST_SIZE = 256
_MOVING_MPS = 0.83
"""Slower than this the course of a receiver is noise (interfaces, default rules)."""


class Slots:
    """Vehicles by slot. Not thread-safe: the hub's thread owns it."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.slot_of: dict[str, int] = {}
        self.subject_at: list[str | None] = []
        self._free: list[int] = []
        self._columns = Columns.empty(_FIRST_SIZE)
        self._news_at: npt.NDArray[np.int64] = np.zeros(_FIRST_SIZE, np.int64)
        self._fix_at: npt.NDArray[np.int64] = np.zeros(_FIRST_SIZE, np.int64)
        self._facts: npt.NDArray[np.uint8] = np.zeros(_FIRST_SIZE, np.uint8)
        self.newest_fix_received_at: Instant | None = None

    def __len__(self) -> int:
        return len(self.subject_at)

    def put(self, row: Row) -> bool:
        """Write a vehicle; returns whether it is new."""
        slot = self.slot_of.get(row.id)
        new = slot is None
        if slot is None:
            slot = self._take(row.id)
        self.rows[row.id] = row
        self._write(slot, row)
        return new

    def drop(self, subject: str) -> bool:
        """Forget a vehicle and free its slot; returns whether it was known."""
        slot = self.slot_of.pop(subject, None)
        if slot is None:
            return False
        del self.rows[subject]
        self.subject_at[slot] = None
        self._free.append(slot)
        self._columns.state[slot] = frames.EMPTY
        self._columns.lon_deg[slot] = self._columns.lat_deg[slot] = np.nan
        self._facts[slot] = 0
        return True

    def columns(self, now: Instant) -> Columns:
        """Copy the columns as they appear at `now`."""
        n = len(self)
        stored, news, fix_at = self._columns, self._news_at[:n], self._fix_at[:n]
        state = stored.state[:n].copy()
        late = (now - news > SILENT_AFTER) & (state != frames.EMPTY)
        state[late & np.isin(state, _HIDDEN_BY_SILENCE)] = VehicleState.SILENT
        said = (self._facts[:n] & _SAID_SILENT) != 0
        age_s = np.where(fix_at > 0, (now - fix_at) // SECOND, frames.MAX_AGE_S)
        flags = stored.flags[:n] | np.where(late | said, frames.FLAG_STALE, 0).astype(np.uint8)
        return Columns(
            lon_deg=stored.lon_deg[:n].copy(),
            lat_deg=stored.lat_deg[:n].copy(),
            age_s=np.clip(age_s, 0, frames.MAX_AGE_S).astype(np.uint16),
            heading=stored.heading[:n].copy(),
            state=state,
            flags=flags.astype(np.uint8),
            speed_kmh=stored.speed_kmh[:n].copy(),
        )

    def counts(self, now: Instant) -> Counts:
        """Count what the header shows."""
        n = len(self)
        facts = self._facts[:n]
        taken = self._columns.state[:n] != frames.EMPTY
        assigned = (facts & _ASSIGNED) != 0
        late = (now - self._news_at[:n] > SILENT_AFTER) | ((facts & _SAID_SILENT) != 0)

        def sum_of(fact: int) -> int:
            return int(np.count_nonzero(facts & fact))

        return Counts(
            shipments=sum_of(_ASSIGNED),
            in_transit=sum_of(_IN_TRANSIT),
            at_border=sum_of(_AT_BORDER),
            off_route=sum_of(_OFF_ROUTE),
            silent=int(np.count_nonzero(assigned & late)),
            unassigned=int(np.count_nonzero(taken & ~assigned)),
        )

    def _take(self, subject: str) -> int:
        if self._free:
            slot = self._free.pop()
            self.subject_at[slot] = subject
        else:
            slot = len(self.subject_at)
            self.subject_at.append(subject)
            if slot >= len(self._columns):
                self._grow()
        self.slot_of[subject] = slot
        return slot

    def _grow(self) -> None:
        # Doubling keeps the cost of growing constant per vehicle.
        old, size = self._columns, 2 * len(self._columns)
        grown = Columns.empty(size)
        for name in Columns.__dataclass_fields__:
            getattr(grown, name)[: len(old)] = getattr(old, name)
        self._columns = grown
        self._news_at = np.resize(self._news_at, size)
        self._fix_at = np.resize(self._fix_at, size)
        self._facts = np.resize(self._facts, size)

    def _write(self, slot: int, row: Row) -> None:
        c = self._columns
        c.lon_deg[slot] = np.nan if row.lon_deg is None else row.lon_deg
        c.lat_deg[slot] = np.nan if row.lat_deg is None else row.lat_deg
        c.heading[slot] = frames.heading_byte(row.course_deg)
        c.speed_kmh[slot] = frames.speed_byte(row.speed_mps)
        moving = (row.speed_mps or 0.0) > _MOVING_MPS and row.course_deg is not None
        c.flags[slot] = frames.FLAG_MOVING if moving else 0
        # Judged at the moment of its position: silence by age is laid over it in columns().
        c.state[slot] = state_of(row, news_at(row))
        self._news_at[slot] = news_at(row)
        self._fix_at[slot] = row.fix_at or 0
        self._facts[slot] = (
            _ASSIGNED * row.assigned
            | _IN_TRANSIT * in_transit(row)
            | _AT_BORDER * (row.assigned and at_border(row))
            | _OFF_ROUTE * (row.assigned and off_route(row))
            | _SAID_SILENT * silent(row, news_at(row))
        )
        received_at = row.fix_received_at
        if received_at is not None:
            self.newest_fix_received_at = max(self.newest_fix_received_at or 0, received_at)
