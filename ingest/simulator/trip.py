"""A trip: one load on one journey, with everything that is true about its seal, cargo and radio.

Sensors observe a trip; incidents return a changed one. Lawful facts (when the seal is locked,
when doors stand open) follow from the journey, so they move with it when an incident delays it.
"""

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ingest.simulator.freight import Load
from ingest.simulator.journey import Activity, Habits, Journey, Stage
from ingest.simulator.places import Road
from puente.instant import MINUTE, SECOND, Instant


class Span(NamedTuple):
    """A half-open time; `to_at` None never ends."""

    from_at: Instant
    to_at: Instant | None

    def holds(self, at: Instant) -> bool:
        """Tell whether an instant lies inside."""
        return self.from_at <= at and (self.to_at is None or at < self.to_at)


class SealMoment(NamedTuple):
    """What an electronic seal begins to be at an instant, and the event that made it so."""

    at: Instant
    state: str
    rope: bool
    motor: bool
    event: str | None = None
    actor: str | None = None
    number: str | None = None


class Outage(NamedTuple):
    """A time in which some of the trip's devices cannot send.

    `lost` means that the devices do not record either (their power is off); otherwise they send
    what they recorded, in order, when it is over.
    """

    span: Span
    devices: frozenset[str]
    lost: bool = False


@dataclass(frozen=True)
class Trip:
    """The truth about one shipment."""

    seed: int
    load: Load
    road: Road
    journey: Journey
    habits: Habits
    corridor_m: float = 1000.0
    reefer_faults: tuple[Span, ...] = ()
    jammed: tuple[Span, ...] = ()
    outages: tuple[Outage, ...] = ()
    seal_surprises: tuple[SealMoment, ...] = ()
    never_locked: bool = False
    incidents: tuple[str, ...] = field(default=())

    @property
    def device_ids(self) -> frozenset[str]:
        """All devices on the trip."""
        load = self.load
        tractor = {load.tractor_id} if load.has_tractor else set()
        return frozenset({load.trailer_id, load.seal_id} | tractor)

    @property
    def reefer_phase(self) -> float:
        """Where the compressor's cycle stands; differs between trailers."""
        return (self.load.number * 0.37) % 1.0

    @property
    def seal_number(self) -> str:
        """The number on the seal's body when it leaves its origin."""
        return f"MXH{4_000_000 + self.load.number * 7}"

    @cached_property
    def seal_moments(self) -> tuple[SealMoment, ...]:
        """Everything that happens to the seal, in order, beginning before the first reading."""
        moments = [*_lawful_moments(self), *self.seal_surprises]
        return tuple(sorted(moments, key=_moment_at))

    def seal_at(self, at: Instant) -> SealMoment:
        """Return what the seal is at an instant."""
        moments = self.seal_moments
        return moments[max(0, bisect_right(moments, at, key=_moment_at) - 1)]

    @cached_property
    def doors_open(self) -> tuple[Span, ...]:
        """When the trailer's doors stand open: loading, examination, unloading."""
        spans = []
        for stage in self.journey.stages:
            match stage.activity:
                case Activity.LOADING:
                    spans.append(Span(stage.start_at + 5 * MINUTE, stage.end_at - 9 * MINUTE))
                case Activity.AT_CBP if self.habits.examined:
                    opened, closed = _exam(stage)
                    spans.append(Span(opened + 2 * MINUTE, closed - 2 * MINUTE))
                case Activity.UNLOADING:
                    spans.append(Span(stage.start_at + 10 * MINUTE, stage.end_at - 5 * MINUTE))
                case _:
                    pass
        return tuple(spans)

    def door_open(self, at: Instant) -> bool:
        """Tell whether the doors stand open."""
        return any(span.holds(at) for span in self.doors_open)

    def jamming(self, at: Instant) -> int:
        """Return what the receiver says about jamming: a warning minute, then critical."""
        for span in self.jammed:
            if span.holds(at):
                return 1 if at - span.from_at < MINUTE else 2
        return 0

    def reaches(self, device_id: str, at: Instant) -> Outage | None:
        """Return the outage that keeps a device from sending at an instant, if there is one."""
        for outage in self.outages:
            if device_id in outage.devices and outage.span.holds(at):
                return outage
        return None


def _moment_at(moment: SealMoment) -> Instant:
    return moment.at


def _exam(stage: Stage) -> tuple[Instant, Instant]:
    """When an examination opens the seal and closes it again."""
    return stage.start_at + 10 * MINUTE, stage.end_at - 10 * MINUTE


def _lawful_moments(trip: Trip) -> list[SealMoment]:
    rng = random.Random(f"{trip.seed}:seal:{trip.load.number}")
    shipper, consignee = (f"CARD-{rng.randint(1000, 9999)}" for _ in range(2))
    number = trip.seal_number
    journey = trip.journey
    moments = [SealMoment(journey.start_at - MINUTE, "open", rope=False, motor=False)]
    roped = journey.departure_at - 6 * MINUTE
    moments.append(SealMoment(roped, "open", rope=True, motor=False, number=number))
    if trip.never_locked:
        return moments
    locked = roped + 20 * SECOND
    moments.append(SealMoment(locked, "sealed", True, True, "locked", shipper, number))
    for stage in journey.stages:
        if stage.activity is Activity.AT_CBP and trip.habits.examined:
            opened, closed = _exam(stage)
            officer = f"CBP-{rng.randint(100, 999)}"
            again = f"CBP{rng.randint(100_000, 999_999)}"
            moments += [
                SealMoment(opened, "open", False, False, "unlocked", officer, number),
                SealMoment(closed, "sealed", True, True, "locked", officer, again),
            ]
            number = again
        if stage.activity is Activity.UNLOADING:
            opened = stage.start_at + 8 * MINUTE
            moments.append(SealMoment(opened, "open", False, False, "unlocked", consignee, number))
    return moments
