"""The hub: one thread a process that reads Redis and makes what all browsers are told.

It loads everything once and then follows the changes; a gap means loading again. Twice a second
it looks at alerts, once a second it packs one frame for everybody. It keeps no queue for a
browser: a browser is known by the versions it has seen and is sent what is newer, so a slow one
skips frames and never builds a backlog. When Redis is away, the frames go on and say how old
their content is.
"""

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dashboard.live import frames, messages
from dashboard.live.freshness import Freshness, measure
from dashboard.live.ledger import Ledger
from dashboard.live.slots import Slots
from dashboard.status import Counts, VehicleState
from puente.clock import Clock, monotonic_s
from puente.plan import Plan
from puente.row import Row
from puente.store import alerts as alert_store
from puente.store import live as live_store
from puente.store import plans as plan_store
from puente.store.connection import Store, StoreUnavailable
from puente.store.live import GatewayStatus, PartitionStatus, ServerInfo
from puente.triage import Alert

log = logging.getLogger(__name__)

PERIOD_S = 1.0
"""Time between frames. At zoom 5 a pixel is 2 km: faster is not visible."""

_LOOKS_PER_FRAME = 2
_RECOUNT_EVERY = 30
"""Frames between two looks at what the server promises: it hardly ever changes."""


@dataclass
class Seen:
    """What one browser has."""

    sequence: int = 0
    attributes: int = 0
    alerts: int = 0


@dataclass(eq=False)
class Subscriber:
    """One browser: an event that says there is news, and the loop it lives on."""

    loop: asyncio.AbstractEventLoop
    news: asyncio.Event = field(default_factory=asyncio.Event)
    seen: Seen = field(default_factory=Seen)


@dataclass(frozen=True)
class Second:
    """What one second looks like to everybody."""

    sequence: int
    frame: bytes
    status: str
    freshness: Freshness
    counts: Counts
    at_s: float


class Hub:
    """Follows Redis and wakes browsers. Start it once; it ends with the process or `stop`."""

    def __init__(self, store: Store, clock: Clock, period_s: float = PERIOD_S) -> None:
        self._store = store
        self._clock = clock
        self._period_s = period_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        # Held while tables change and while a browser's news are collected, never during I/O.
        self._lock = threading.Lock()
        self._subscribers: set[Subscriber] = set()

        self._slots = Slots()
        self._attributes = Ledger()
        self._alert_items = Ledger()
        self._alerts: dict[str, Alert] = {}
        self._plan = Plan()
        self._statuses: list[PartitionStatus] = []
        self._gateway: GatewayStatus | None = None
        self._server: ServerInfo | None = None
        self._cursors: dict[int, str] | None = None
        self._alert_cursor: str | None = None
        self._reachable = False
        self._sequence = 1
        self._second = self._make_second()
        self._encoded: dict[tuple[str, int], str] = {}

    # ---- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to follow, in a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop following; returns when the thread has ended."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None

    # ---- what pages read ----------------------------------------------------------------------

    @property
    def rows(self) -> Mapping[str, Row]:
        """The live rows by subject, as of the last look; a copy."""
        with self._lock:
            return dict(self._slots.rows)

    @property
    def alerts(self) -> Mapping[str, Alert]:
        """The open alerts by id, as of the last look; a copy."""
        with self._lock:
            return dict(self._alerts)

    @property
    def plan(self) -> Plan:
        """The newest plan the hub has loaded."""
        return self._plan

    @property
    def second(self) -> Second:
        """What was last told to everybody."""
        return self._second

    @property
    def statuses(self) -> Sequence[PartitionStatus]:
        """How far the partitions are, as of the last look."""
        return tuple(self._statuses)

    @property
    def gateway(self) -> GatewayStatus | None:
        """What the gateway last said of itself."""
        return self._gateway

    @property
    def server(self) -> ServerInfo | None:
        """Which Redis is behind this, None before it was reached."""
        return self._server

    def row(self, subject: str) -> Row | None:
        """Return one live row."""
        return self._slots.rows.get(subject)

    def freshness(self) -> Freshness:
        """Measure how old everything is now, not when the last frame was made."""
        return measure(
            self._statuses,
            self._gateway,
            self._slots.newest_fix_received_at,
            self._clock.now(),
            self._clock,
            reachable=self._reachable,
        )

    def frame_age_s(self) -> float:
        """Return the age of the last frame in seconds."""
        return monotonic_s() - self._second.at_s

    # ---- what browsers are sent ---------------------------------------------------------------

    def subscribe(self, subscriber: Subscriber) -> None:
        """Wake this browser whenever there is news; it has news at once."""
        with self._lock:
            self._subscribers.add(subscriber)
        subscriber.news.set()

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a browser."""
        with self._lock:
            self._subscribers.discard(subscriber)

    @property
    def subscribers(self) -> int:
        """How many browsers are connected."""
        return len(self._subscribers)

    def news(self, seen: Seen) -> list[str | bytes]:
        """Collect what a browser has not seen, in the order it needs it, and mark it as seen."""
        with self._lock:
            out: list[str | bytes] = []
            first = seen.sequence == 0
            if first or seen.attributes != self._attributes.version:
                out.append(self._changes("attributes", self._attributes, seen.attributes))
                seen.attributes = self._attributes.version
            second = self._second
            if second.sequence != seen.sequence:
                out += [second.frame, second.status]
                seen.sequence = second.sequence
            if first or seen.alerts != self._alert_items.version:
                out.append(self._changes("alerts", self._alert_items, seen.alerts))
                seen.alerts = self._alert_items.version
            return out

    def _changes(self, kind: str, ledger: Ledger, version: int) -> str:
        # Most browsers ask from the same version: encode once for all of them.
        key = (f"{kind}:{ledger.version}", version)
        known = self._encoded.get(key)
        if known is None:
            if len(self._encoded) > 64:
                self._encoded.clear()
            changes: dict[str, Any] = {"t": kind, **ledger.since(version)}
            known = self._encoded[key] = messages.encode(changes).decode()
        return known

    # ---- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        next_at = monotonic_s()
        look = 0
        while not self._stop.is_set():
            whole = look % _LOOKS_PER_FRAME == 0
            changed = self._look(whole=whole)
            if whole:
                self._tell_second()
            elif changed:
                self._wake()
            look += 1
            # A late look is not made up for: browsers want the newest, not all.
            next_at = max(next_at + self._period_s / _LOOKS_PER_FRAME, monotonic_s())
            self._stop.wait(next_at - monotonic_s())

    def _look(self, *, whole: bool) -> bool:
        """Read Redis once; whatever goes wrong is logged and shows as age."""
        try:
            changed = self._look_at_alerts()
            if whole:
                self._look_at_plan()
                self._look_at_rows()
                self._look_at_processes()
        except StoreUnavailable as error:
            if self._reachable:
                log.warning("Redis cannot be reached: %s", error)
            self._reachable = False
            return False
        except Exception:
            # One unreadable value must not end the process's eyes; the age tells the operator.
            log.exception("the live state could not be read")
            self._cursors = self._alert_cursor = None
            self._reachable = False
            return False
        self._reachable = True
        return changed

    def _look_at_rows(self) -> None:
        if self._cursors is not None:
            changes = live_store.read_changes(self._store, self._cursors)
            if not changes.gap:
                with self._lock:
                    self._cursors = changes.cursors
                    for row in changes.rows:
                        self._put(row)
                    for subject in changes.removed:
                        self._drop(subject)
                return
        cursors = live_store.change_cursors(self._store)
        rows = live_store.load_rows(self._store)
        present = {row.id for row in rows}
        with self._lock:
            self._cursors = cursors
            for subject in [s for s in self._slots.rows if s not in present]:
                self._drop(subject)
            for row in rows:
                self._put(row)

    def _put(self, row: Row) -> None:
        before = self._slots.rows.get(row.id)
        self._slots.put(row)
        if before is None or before.device_id != row.device_id:
            self._describe(self._slots.slot_of[row.id])

    def _drop(self, subject: str) -> None:
        slot = self._slots.slot_of.get(subject)
        if slot is not None:
            self._slots.drop(subject)
            self._describe(slot)

    def _describe(self, slot: int) -> None:
        subject = self._slots.subject_at[slot]
        row = None if subject is None else self._slots.rows[subject]
        self._attributes.put(str(slot), messages.attributes_of(slot, row, self._plan))

    def _look_at_plan(self) -> None:
        version = plan_store.plan_version(self._store)
        if version == self._plan.version:
            return
        plan = plan_store.load_plan(self._store)
        with self._lock:
            self._plan = plan
            for slot in range(len(self._slots)):
                self._describe(slot)
            self._list_alerts()

    def _look_at_alerts(self) -> bool:
        version = self._alert_items.version
        if self._alert_cursor is not None:
            changes = alert_store.read_alert_changes(self._store, self._alert_cursor)
            if not changes.gap:
                found = alert_store.get_alerts(self._store, changes.ids)
                with self._lock:
                    self._alert_cursor = changes.cursor
                    for alert in found:
                        self._fold(alert)
                return self._alert_items.version != version
        cursor = alert_store.alert_cursor(self._store)
        queue = alert_store.open_alerts(self._store)
        with self._lock:
            self._alert_cursor = cursor
            self._alerts = {alert.id: alert for alert in queue}
            self._list_alerts()
        return self._alert_items.version != version

    def _fold(self, alert: Alert) -> None:
        if alert.state.open:
            self._alerts[alert.id] = alert
            self._alert_items.put(alert.id, messages.alert_item(alert, self._plan))
        else:
            self._alerts.pop(alert.id, None)
            self._alert_items.remove(alert.id)

    def _list_alerts(self) -> None:
        items = {a.id: messages.alert_item(a, self._plan) for a in self._alerts.values()}
        self._alert_items.replace(items)

    def _look_at_processes(self) -> None:
        self._statuses = live_store.read_status(self._store)
        self._gateway = live_store.read_gateway_status(self._store)
        if self._server is None or self._sequence % _RECOUNT_EVERY == 0:
            self._server = live_store.server_info(self._store)

    def _tell_second(self) -> None:
        with self._lock:
            self._sequence += 1
            self._second = self._make_second()
        self._wake()

    def _make_second(self) -> Second:
        now = self._clock.now()
        columns = self._slots.columns(now)
        counts = self._slots.counts(now)
        tallies = np.bincount(columns.state, minlength=256)
        freshness = self.freshness()
        return Second(
            sequence=self._sequence,
            frame=frames.pack(
                frames.Frame(self._sequence, now, self._attributes.version, columns)
            ),
            status=messages.status(
                sequence=self._sequence,
                clock_at=now,
                rate=self._clock.rate,
                freshness=freshness,
                counts=counts,
                shown=[int(tallies[state]) for state in VehicleState],
                alerts=tuple(self._alerts.values()),
                plan=self._plan,
                lacks=self._server.lacks if self._server else (),
            ),
            freshness=freshness,
            counts=counts,
            at_s=monotonic_s(),
        )

    def _wake(self) -> None:
        for subscriber in tuple(self._subscribers):
            try:
                subscriber.loop.call_soon_threadsafe(subscriber.news.set)
            except RuntimeError:
                # Its event loop has closed under it.
                self.unsubscribe(subscriber)
