"""The desk: events become alerts, one per episode, never doubled.

One desk is active; others stand by for its lease. Alerts, their audit entries and the offset of
the events they come from are one write, so a crash replays and changes nothing twice. What people
do to alerts goes through the same script (`puente.store.alerts.act`).
"""

import logging
import signal
import sys
import threading
import uuid
from dataclasses import dataclass, field

from puente import logs, orphan, triage
from puente.clock import Clock, monotonic_s
from puente.instant import DAY, HOUR, Instant, parse
from puente.keys import DESK_FENCING, DESK_LEASE, PARTITIONS
from puente.model import Event, Phase, event_id
from puente.settings import Settings, SettingsError, load, require
from puente.store import alerts, events, leases
from puente.store.alerts import AuditEntry, Write
from puente.store.connection import Store, StoreUnavailable, connect
from puente.triage import Alert

logger = logging.getLogger(__name__)

RENEW_S = 2.0
IDLE_S = 0.1
RETRY_S = 0.5
BATCH = 200
HOUSEKEEPING_S = 60.0

ENGINE = "engine"
"""Who the audit names for what no person did."""


@dataclass
class Draft:
    """Alerts as one batch of events makes them, with what there was before."""

    stored: dict[str, Alert]
    alerts: dict[str, Alert] = field(default_factory=dict)
    audits: dict[str, list[AuditEntry]] = field(default_factory=dict)

    def current(self, alert_id: str) -> Alert | None:
        """Return an alert as it is by now."""
        return self.alerts.get(alert_id) or self.stored.get(alert_id)

    def writes(self) -> list[Write]:
        """Return what has to be written."""
        return [
            Write(
                alert,
                self.stored[alert_id].revision if alert_id in self.stored else 0,
                tuple(self.audits[alert_id]),
            )
            for alert_id, alert in self.alerts.items()
        ]


def alert_ids_of(event: Event) -> tuple[str, ...]:
    """Name the alerts that an event may belong to; a noted event is an alert of its own.

    A retraction does not say whether its episode was raised or noted.
    """
    if event.phase is Phase.NOTED:
        return (event.id,)
    if event.phase is Phase.RETRACTED:
        return event.alert_id, _opened_by(event, event.episode, Phase.NOTED)
    return (event.alert_id,)


def predecessor_of(event: Event) -> str | None:
    """Name the alert whose episode this event's episode replaces, if late truth moved it."""
    before = event.evidence.get("supersedes")
    if not isinstance(before, str):
        return None
    noted = event.phase is Phase.NOTED
    return _opened_by(event, parse(before), Phase.NOTED if noted else Phase.RAISED)


def _opened_by(event: Event, episode: Instant, phase: Phase) -> str:
    return event_id(event.kind, event.shipment_id, event.subject, episode, phase)


def draft(found: list[Event], stored: dict[str, Alert]) -> Draft:
    """Fold events into alerts; pure."""
    made = Draft(stored)
    for event in found:
        ids = alert_ids_of(event)
        alert_id = next((i for i in ids if made.current(i) is not None), ids[0])
        before = made.current(alert_id)
        after = triage.fold(before, event)
        if after is None or after is before:
            continue
        if before is None and (predecessor_id := predecessor_of(event)) is not None:
            predecessor = made.current(predecessor_id)
            if predecessor is not None:
                after = triage.inherit(after, predecessor, event.learned_at)
        made.alerts[alert_id] = after
        made.audits.setdefault(alert_id, []).append(
            AuditEntry(
                at=event.learned_at,
                by=ENGINE,
                action=event.phase.value,
                alert_id=alert_id,
                before="" if before is None else before.state.value,
                after=after.state.value,
                note=event.summary,
            )
        )
    return made


@dataclass
class Desk:
    """The active desk, or one that stands by."""

    settings: Settings
    store: Store
    clock: Clock
    stopping: threading.Event = field(default_factory=threading.Event)
    owner: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    token: str = ""
    offsets: dict[int, str] = field(default_factory=dict)
    _renew_at: float = 0.0
    _keep_house_at: float = 0.0

    def run(self) -> None:
        """Work until stopped."""
        while not self.stopping.is_set():
            try:
                worked = self.turn()
            except StoreUnavailable as error:
                logger.warning("Redis does not answer, trying again: %s", error)
                self._renew_at, self.token = 0.0, ""
                self.stopping.wait(RETRY_S)
                continue
            if not worked:
                self.stopping.wait(IDLE_S)
        if self.token:
            leases.release(self.store, _keys(), self.token)

    def turn(self) -> bool:
        """Take one batch of events of every partition; False when there was nothing to do."""
        if not self._active():
            return False
        self._keep_house()
        worked = False
        for partition, offset in list(self.offsets.items()):
            if not self.token:
                # Lost on the way: what follows is the successor's.
                break
            found = events.read_partition(self.store, partition, offset, BATCH)
            if found:
                self._take(partition, offset, found)
                worked = True
        return worked

    def _take(self, partition: int, offset: str, found: list[tuple[str, Event]]) -> None:
        wanted = [event for _, event in found]
        ids = {i for e in wanted for i in alert_ids_of(e)}
        ids |= {p for e in wanted if (p := predecessor_of(e))}
        stored = {a.id: a for a in alerts.get_alerts(self.store, sorted(ids))}
        answer = alerts.write(
            self.store,
            draft(wanted, stored).writes(),
            token=self.token,
            partition=partition,
            expected_offset=offset,
            offset=found[-1][0],
        )
        if answer == "ok":
            self.offsets[partition] = found[-1][0]
        elif answer.startswith("revision"):
            logger.info("somebody acted on alert %s meanwhile; folding again", answer[9:])
        else:
            # Not ours any more, or a reply was lost: begin again from what is stored.
            logger.warning("the desk's %s moved on; reading it anew", answer)
            self._renew_at, self.token = 0.0, ""

    def _active(self) -> bool:
        now = monotonic_s()
        if now < self._renew_at:
            return bool(self.token)
        self._renew_at = now + RENEW_S
        token = leases.renew(self.store, _keys(), self.owner, self.token)
        if token is None:
            self.token = ""
            return False
        if token != self.token:
            self.token = token
            self.offsets = alerts.desk_offsets(self.store)
            logger.info("active desk, token %s", token)
        alerts.beat_desk(self.store, self.clock.now())
        return True

    def _keep_house(self) -> None:
        now = monotonic_s()
        if now < self._keep_house_at:
            return
        self._keep_house_at = now + HOUSEKEEPING_S
        here: Instant = self.clock.now()
        for partition in range(PARTITIONS):
            events.trim(
                self.store,
                partition,
                self.offsets[partition],
                here - self.settings.event_retention_h * HOUR,
            )
        alerts.forget_closed(self.store, here - self.settings.alert_retention_d * DAY)


def _keys() -> leases.LeaseKeys:
    return leases.lease_keys(DESK_LEASE, DESK_FENCING)


def main() -> int:
    """Run a desk until SIGTERM; exit code 2 when it is set up wrongly."""
    orphan.exit_with_parent()
    logs.to_stderr("desk")
    try:
        settings = require(load(), "redis_url")
        desk = Desk(settings, connect(settings.redis_url), settings.clock)
    except (SettingsError, ValueError) as error:
        logger.error("%s", error)  # noqa: TRY400 - a wrong setting needs no traceback
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: desk.stopping.set())
    desk.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
