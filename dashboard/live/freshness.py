"""How old what we show is. Ages are real seconds, however fast Puente's clock runs.

The browser judges again from these ages and its own steady clock, since only it can tell that
nothing arrives any more.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from puente.clock import Clock
from puente.instant import Instant
from puente.store.live import GatewayStatus, PartitionStatus

DELAYED_S = 10.0
"""Older than this is DELAYED (house, promise 6)."""

NOT_LIVE_S = 30.0
"""Older than this is NOT LIVE."""


class Verdict(StrEnum):
    """Whether what the screen shows is still true."""

    LIVE = "live"
    DELAYED = "delayed"
    NOT_LIVE = "not_live"


class Freshness(Struct, frozen=True, kw_only=True):
    """Ages in real seconds; None for what never happened.

    `commit_s` is the age of the newest commit of the worst partition, which is `partition`.
    """

    commit_s: float | None = None
    partition: int | None = None
    partitions: dict[int, float] = {}
    beat_s: float | None = None
    fix_s: float | None = None
    reachable: bool = True

    @property
    def worst_s(self) -> float | None:
        """The age that counts, None while nothing was ever committed."""
        if self.commit_s is None:
            return None
        return max(self.commit_s, self.beat_s or 0.0)

    @property
    def verdict(self) -> Verdict:
        """Judge the worst age."""
        return judge(self.worst_s)


def judge(age_s: float | None) -> Verdict:
    """Judge an age in real seconds; what never happened is not live."""
    if age_s is None or age_s > NOT_LIVE_S:
        return Verdict.NOT_LIVE
    return Verdict.DELAYED if age_s > DELAYED_S else Verdict.LIVE


def measure(
    statuses: Sequence[PartitionStatus],
    gateway: GatewayStatus | None,
    newest_fix_at: Instant | None,
    now: Instant,
    clock: Clock,
    *,
    reachable: bool,
) -> Freshness:
    """Turn instants on Puente's clock into ages; an instant in the future counts as now."""

    def age_s(at: Instant) -> float:
        return max(0.0, clock.real_seconds(now - at))

    ages = {status.partition: age_s(status.committed_at) for status in statuses}
    worst = max(ages, key=lambda partition: ages[partition]) if ages else None
    return Freshness(
        commit_s=None if worst is None else ages[worst],
        partition=worst,
        partitions=ages,
        beat_s=None if gateway is None else age_s(gateway.beat_at),
        fix_s=None if newest_fix_at is None else age_s(newest_fix_at),
        reachable=reachable,
    )
