"""The engine: folds the log of its partitions and commits what it decides.

Per partition: read in order, fold, and write state, track, events, changed rows and the log's
offset in one atomic commit that checks the lease and the offset. A crash anywhere replays from
the last commit; nothing is counted twice. Late readings wait in their own log and get a bounded
share of the time while live ones are there.
"""

import logging
import signal
import sys
import threading
import uuid
from dataclasses import dataclass, field

from ingest.fold_commit import Committed, PartitionFold
from puente import logs, orphan
from puente.clock import Clock, monotonic_s
from puente.keys import FENCING, LEASE, PARTITIONS
from puente.settings import Settings, SettingsError, load, require
from puente.store import leases, log
from puente.store.connection import Store, StoreUnavailable, connect
from puente.store.log import Entry
from puente.store.meta import LayoutError, ensure_layout

logger = logging.getLogger(__name__)

RENEW_S = 2.0
"""Leases last 8 s: two renewals may fail before a partition is lost."""

HOUSEKEEPING_S = 30.0
"""How often old track hours are compressed and logs trimmed."""

OVERDUE_S = 90.0
"""How long it may wait while there is something to fold: not for ever, or memory grows."""

RETRY_S = 0.5

LATE_TURN_S = 0.5
"""How long late readings may keep live ones waiting at a time; one partition's batch at least."""


@dataclass
class LateBudget:
    """Time for late readings: all of it while nothing live waits, else a share of it."""

    share: float
    live_s: float = 0.0
    late_s: float = 0.0

    def allows(self) -> bool:
        """Tell whether late readings may take a turn although live ones wait."""
        total = self.live_s + self.late_s
        return total == 0.0 or self.late_s / total < self.share

    def idle(self) -> None:
        """Forget the past: nothing waits."""
        self.live_s = self.late_s = 0.0


@dataclass
class Engine:
    """Owns partitions and works through their logs."""

    settings: Settings
    store: Store
    clock: Clock
    stopping: threading.Event = field(default_factory=threading.Event)
    owner: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    folds: dict[int, PartitionFold] = field(default_factory=dict)
    _renew_at: float = 0.0
    _keep_house_at: float = 0.0

    def run(self) -> None:
        """Work until stopped."""
        self._wait_for_layout()
        budget = LateBudget(self.settings.late_share_pct / 100)
        while not self.stopping.is_set():
            try:
                self._renew()
                worked = self._turn(budget)
            except StoreUnavailable as error:
                logger.warning("Redis does not answer, trying again: %s", error)
                # What was folded but perhaps not committed is read and folded again. The leases
                # are still ours: the store knows us by our name.
                self.folds.clear()
                self._renew_at = 0.0
                self.stopping.wait(RETRY_S)
                continue
            self._keep_house(worked)
            if not worked:
                self.stopping.wait(self.settings.engine_idle_ms / 1000)
        for partition, fold in self.folds.items():
            leases.release(self.store, _keys(partition), fold.token)

    def _turn(self, budget: LateBudget) -> bool:
        began = monotonic_s()
        live = self._read(late=False)
        for fold, entries in live:
            self._fold(fold, entries, late=False)
        ended = monotonic_s()
        if not live:
            budget.idle()
        elif not budget.allows():
            budget.live_s += ended - began
            return True
        late = self._read(late=True)
        waiting = {f.number for f, e in live if len(e) >= self.settings.engine_batch}
        for fold, entries in late:
            self._fold(fold, entries, late=True, behind=fold.number in waiting)
            if monotonic_s() - ended > LATE_TURN_S:
                # The partitions left over are read again in the next turn, after the living.
                break
        if live:
            budget.live_s += ended - began
            budget.late_s += monotonic_s() - ended
        return bool(live or late)

    def _read(self, *, late: bool) -> list[tuple[PartitionFold, list[Entry]]]:
        offsets = {p: f.late_offset if late else f.offset for p, f in self.folds.items()}
        # Late readings come in floods of few subjects: larger turns mean fewer refolds.
        count = self.settings.engine_batch * (4 if late else 1)
        found = log.read(self.store, offsets, count, late=late) if offsets else {}
        return [(self.folds[partition], entries) for partition, entries in found.items()]

    def _fold(
        self, fold: PartitionFold, entries: list[Entry], *, late: bool, behind: bool = False
    ) -> None:
        # A turn over all partitions may outlast a lease.
        self._renew()
        partition = fold.number
        if self.folds.get(partition) is not fold:
            # Lost, or taken over anew since these entries were read.
            return
        try:
            done = fold.take(entries, late=late, behind=behind)
        except StoreUnavailable:
            raise
        except Exception:
            logger.exception("partition %s: folding failed; one entry after the other", partition)
            done = self._fold_singly(fold, entries, late=late)
        if done is not Committed.YES:
            logger.warning(
                "partition %s: not ours any more, or moved on; reading it anew", partition
            )
            del self.folds[partition]
            self._renew_at = 0.0

    def _fold_singly(self, fold: PartitionFold, entries: list[Entry], *, late: bool) -> Committed:
        """Fold what can be folded: one entry that trips a detector must not stop a partition."""
        fold = self._load(fold.number, fold.token)
        for entry in entries:
            try:
                done = fold.take([entry], late=late)
            except StoreUnavailable:
                raise
            except Exception:
                logger.exception("partition %s: skipped entry %s", fold.number, entry.id)
                # What it left half done is in memory only.
                fold = self._load(fold.number, fold.token)
                done = fold.skip(entry, late=late)
            if done is not Committed.YES:
                return done
        return Committed.YES

    def _load(self, partition: int, token: str) -> PartitionFold:
        fold = PartitionFold.load(self.store, self.settings, self.clock, partition, token)
        self.folds[partition] = fold
        return fold

    def _renew(self) -> None:
        now = monotonic_s()
        if now < self._renew_at:
            return
        self._renew_at = now + RENEW_S
        for partition in range(PARTITIONS):
            fold = self.folds.get(partition)
            token = leases.renew(
                self.store, _keys(partition), self.owner, fold.token if fold else ""
            )
            if token is None:
                self.folds.pop(partition, None)
            elif fold is None or fold.token != token:
                self._load(partition, token)

    def _keep_house(self, busy: bool) -> None:
        now = monotonic_s()
        if now < self._keep_house_at + (OVERDUE_S if busy else 0.0):
            return
        self._keep_house_at = now + HOUSEKEEPING_S
        for fold in list(self.folds.values()):
            if fold.keep_house() is not Committed.YES:
                del self.folds[fold.number]

    def _wait_for_layout(self) -> None:
        while not self.stopping.is_set():
            try:
                ensure_layout(self.store, self.clock.now())
            except StoreUnavailable as error:
                logger.warning("Redis does not answer, trying again: %s", error)
                self.stopping.wait(RETRY_S)
            else:
                return


def _keys(partition: int) -> leases.LeaseKeys:
    return leases.lease_keys(LEASE, FENCING, pNN=partition)


def main() -> int:
    """Run an engine until SIGTERM; exit code 1 when it cannot work, 2 when set up wrongly."""
    orphan.exit_with_parent()
    logs.to_stderr("engine")
    try:
        settings = require(load(), "redis_url")
        engine = Engine(settings, connect(settings.redis_url), settings.clock)
    except (SettingsError, ValueError) as error:
        logger.error("%s", error)  # noqa: TRY400 - a wrong setting needs no traceback
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: engine.stopping.set())
    try:
        engine.run()
    except LayoutError as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
