"""One journey as it truly happens: where the truck is at every instant, and what it does there.

A journey is a chain of stages without gaps. It is computed once from a road, a departure and a
random generator; asking where the truck is needs no state, so any instant can be asked for in
any order. Incidents cut a journey open and put a stage in (`with_halt`, `with_detour`).
"""

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from ingest.simulator import waits
from ingest.simulator.places import Road
from ingest.simulator.way import Way
from puente import geo
from puente.instant import HOUR, MINUTE, SECOND, Instant


class Activity(StrEnum):
    """What a truck does."""

    LOADING = "loading"
    DRIVING = "driving"
    RESTING = "resting"
    IN_YARD = "in_yard"
    AT_CHECKPOINT = "at_checkpoint"
    QUEUEING = "queueing"
    AT_MX_CUSTOMS = "at_mx_customs"
    AT_CBP = "at_cbp"
    AT_STATE_INSPECTION = "at_state_inspection"
    UNLOADING = "unloading"
    DELIVERED = "delivered"
    HALTED = "halted"
    ASTRAY = "astray"

    @property
    def under_way(self) -> bool:
        """Whether the truck is moving along, apart from creeping in a queue."""
        return self in (Activity.DRIVING, Activity.ASTRAY)


class Truth(NamedTuple):
    """Where a truck really is."""

    lat_deg: float
    lon_deg: float
    speed_mps: float
    course_deg: float
    activity: Activity

    @property
    def point(self) -> geo.LatLon:
        """The position as a pair."""
        return self.lat_deg, self.lon_deg


EASE_S = 40.0
"""Time to reach road speed and to brake: 0.6 m/s², a loaded combination."""
WEAVE = ((0.055, 1700.0), (0.045, 640.0), (0.03, 233.0), (0.02, 97.0))
"""Speed swings by these shares around its mean, in waves of about so many seconds each: hills,
traffic, the driver's foot. Their sum stays below one, or the truck would roll backwards."""
GOLDEN = 0.6180339887498949
"""Spreads phases: multiples of it, without their whole part, never bunch."""


@dataclass(frozen=True)
class Stage:
    """A part of a journey over one way, from `from_m` to `to_m` along it.

    `creep` makes it stop-and-go: knots of (instant, metres along), straight between them.
    """

    activity: Activity
    start_at: Instant
    end_at: Instant
    way: Way
    from_m: float
    to_m: float
    creep: tuple[tuple[Instant, float], ...] = ()

    def along_m(self, at: Instant) -> float:
        """Return how far along the way the truck is, clamped to the stage."""
        at = max(self.start_at, min(self.end_at, at))
        if self.from_m == self.to_m:
            return self.from_m
        if self.creep:
            return _between_knots(self.creep, at)
        duration_s = (self.end_at - self.start_at) / SECOND
        done = _eased((at - self.start_at) / SECOND, duration_s)
        done = _woven(done, duration_s)
        first_s, last_s = self.way.seconds_to(self.from_m), self.way.seconds_to(self.to_m)
        return self.way.reached_m(first_s + (last_s - first_s) * done)

    def where(self, at: Instant) -> Truth:
        """Return the truth at an instant of the stage."""
        along_m = self.along_m(at)
        spot = self.way.spot(along_m)
        speed = 0.0
        if self.from_m != self.to_m:
            speed = (self.along_m(at + 500) - self.along_m(at - 500)) / 1.0
        return Truth(spot.lat_deg, spot.lon_deg, speed, spot.course_deg, self.activity)

    def later(self, by_ms: int) -> "Stage":
        """Return the same stage at a later time."""
        creep = tuple((at + by_ms, along_m) for at, along_m in self.creep)
        return replace(
            self, start_at=self.start_at + by_ms, end_at=self.end_at + by_ms, creep=creep
        )


def _eased(t_s: float, duration_s: float) -> float:
    """Return the share done after a time when speed rises from and falls to zero."""
    ease_s = min(EASE_S, duration_s / 4)
    if t_s < ease_s:
        covered = t_s * t_s / (2 * ease_s)
    elif t_s > duration_s - ease_s:
        left = duration_s - t_s
        covered = duration_s - ease_s - left * left / (2 * ease_s)
    else:
        covered = t_s - ease_s / 2
    return covered / (duration_s - ease_s)


def _woven(done: float, duration_s: float) -> float:
    """Return the share done when speed swings; whole waves, so that 0 and 1 stay where they are.

    Phases follow from the duration, which no two trips share and no move in time changes.
    """
    woven = done
    for number, (share, period_s) in enumerate(WEAVE, start=1):
        waves = round(duration_s / period_s)
        if not waves:
            continue
        phase = duration_s * number * GOLDEN % 1.0 * 2 * math.pi
        turn = 2 * math.pi * waves
        woven += share / turn * (math.sin(turn * done + phase) - math.sin(phase))
    return woven


def _between_knots(knots: Sequence[tuple[Instant, float]], at: Instant) -> float:
    index = max(1, min(bisect_right(knots, at, key=_knot_at), len(knots) - 1))
    (at_a, a_m), (at_b, b_m) = knots[index - 1], knots[index]
    return a_m + (b_m - a_m) * (at - at_a) / (at_b - at_a)


def _knot_at(knot: tuple[Instant, float]) -> Instant:
    return knot[0]


@dataclass(frozen=True)
class Journey:
    """Stages without gaps, from loading to unloading."""

    stages: tuple[Stage, ...]

    @cached_property
    def _starts(self) -> tuple[Instant, ...]:
        return tuple(stage.start_at for stage in self.stages)

    @property
    def start_at(self) -> Instant:
        """When loading begins."""
        return self.stages[0].start_at

    @property
    def departure_at(self) -> Instant:
        """When the truck leaves its origin."""
        return self.stages[0].end_at

    @property
    def finish_at(self) -> Instant:
        """When the load is delivered; the trailer stays where it is."""
        return self.stages[-1].end_at

    def stage_at(self, at: Instant) -> Stage:
        """Return the stage of an instant; the first before the beginning, the last after it."""
        return self.stages[max(0, bisect_right(self._starts, at) - 1)]

    def first(self, activity: Activity) -> Stage | None:
        """Return the first stage of a kind."""
        return next((stage for stage in self.stages if stage.activity is activity), None)

    def where(self, at: Instant) -> Truth:
        """Return the truth at any instant."""
        truth = self.stage_at(at).where(at)
        return truth._replace(activity=Activity.DELIVERED) if at >= self.finish_at else truth


@dataclass(frozen=True)
class Habits:
    """What makes one driver's journey differ from another's over the same road."""

    pace: float
    """Share of the road's cruising speed, about 0.93 to 1.05."""
    team: bool
    """Two drivers: short rests only."""
    fast: bool
    """Uses the FAST lane."""
    examined: bool
    """CBP opens the trailer."""


class _Halt(NamedTuple):
    along_m: float
    activity: Activity
    duration_ms: int


SHORT_REST_MIN = (30, 42)
LONG_REST_H = (8.0, 9.5)
YARD_SHARE = 0.25
"""Trailers that wait in a yard they pass."""
LONG_REST_EVERY = 3
"""Every third rest is the night's: NOM-087 asks for eight hours after fourteen."""


def set_out(road: Road, departure: Instant, habits: Habits, rng: random.Random) -> Journey:
    """Plan a journey that leaves its origin at `departure`."""
    chain = _Chain(road, departure, habits.pace)
    chain.stages.append(
        Stage(Activity.LOADING, departure - _minutes(rng, 50, 110), departure, road.way, 0.0, 0.0)
    )
    border = road.border
    fixed = _halts(road, habits, rng)
    before = [h for h in fixed if h.along_m < border.queue_from_m]
    after = [h for h in fixed if h.along_m > border.queue_to_m]
    for halt in before:
        chain.halt(halt)
    chain.queue(habits, rng)
    crossing = [_Halt(border.export_m, Activity.AT_MX_CUSTOMS, _minutes(rng, 6, 15))]
    if border.inspection_m is not None and border.state_m is not None:
        exam = _minutes(rng, 55, 150) if habits.examined else _minutes(rng, 4, 18)
        crossing += [
            _Halt(border.inspection_m, Activity.AT_CBP, exam),
            _Halt(border.state_m, Activity.AT_STATE_INSPECTION, _minutes(rng, 5, 18)),
        ]
    for halt in (*crossing, *after):
        chain.halt(halt)
    chain.halt(_Halt(road.way.length_m, Activity.UNLOADING, _minutes(rng, 60, 150)))
    return Journey(tuple(chain.stages))


def _minutes(rng: random.Random, low: float, high: float) -> int:
    return round(rng.uniform(low, high) * MINUTE)


def _halts(road: Road, habits: Habits, rng: random.Random) -> list[_Halt]:
    halts = []
    for number, rest_m in enumerate(road.rests_m, start=1):
        # Not everybody parks in the same spot.
        aside_m = rng.uniform(-90.0, 90.0)
        if number % LONG_REST_EVERY == 0 and not habits.team:
            duration = round(rng.uniform(*LONG_REST_H) * HOUR)
        else:
            duration = _minutes(rng, *SHORT_REST_MIN)
        halts.append(_Halt(rest_m + aside_m, Activity.RESTING, duration))
    halts += [
        _Halt(yard_m, Activity.IN_YARD, _minutes(rng, 45, 300))
        for yard_m in road.yards_m
        if rng.random() < YARD_SHARE
    ]
    halts += [
        _Halt(checkpoint_m, Activity.AT_CHECKPOINT, _minutes(rng, 1, 6))
        for checkpoint_m in road.checkpoints_m
    ]
    return sorted(halts)


@dataclass
class _Chain:
    """A journey in the making: where its last stage ends."""

    road: Road
    clock: Instant
    pace: float
    along_m: float = 0.0

    def __post_init__(self) -> None:
        self.stages: list[Stage] = []

    def drive(self, to_m: float) -> None:
        way = self.road.way
        if to_m - self.along_m < 1.0:
            return
        nominal_s = way.seconds_to(to_m) - way.seconds_to(self.along_m)
        duration = round((nominal_s / self.pace + EASE_S) * SECOND)
        self._append(Activity.DRIVING, duration, to_m)

    def halt(self, halt: _Halt) -> None:
        if halt.along_m < self.along_m:
            return
        self.drive(halt.along_m)
        self._append(halt.activity, halt.duration_ms, self.along_m)

    def queue(self, habits: Habits, rng: random.Random) -> None:
        """Creep through the border queue, in which the truck spends the hour's usual wait."""
        border = self.road.border
        wait_ms = waits.draw_wait_ms(
            border.crossing, self.clock, rng, fast=habits.fast, northbound=border.northbound
        )
        longest_m = border.queue_to_m - border.queue_from_m
        # A truck takes some 25 m of road, and a minute brings two forward.
        length_m = max(150.0, min(longest_m, wait_ms / MINUTE * 50.0))
        self.drive(border.queue_to_m - length_m)
        knots = [(self.clock, self.along_m)]
        end = self.clock + wait_ms
        while end - knots[-1][0] > 4 * MINUTE:
            at, along_m = knots[-1]
            stands = at + _minutes(rng, 0.5, 2.5)
            moves = stands + round(rng.uniform(10, 25) * SECOND)
            share = (moves - at) / (end - at)
            knots += [(stands, along_m), (moves, along_m + (border.queue_to_m - along_m) * share)]
        knots.append((end, border.queue_to_m))
        self._append(Activity.QUEUEING, wait_ms, border.queue_to_m, tuple(knots))

    def _append(
        self,
        activity: Activity,
        duration_ms: int,
        to_m: float,
        creep: tuple[tuple[Instant, float], ...] = (),
    ) -> None:
        end = self.clock + duration_ms
        self.stages.append(
            Stage(activity, self.clock, end, self.road.way, self.along_m, to_m, creep)
        )
        self.clock, self.along_m = end, to_m


MARGIN_MS = 3 * MINUTE
"""A driving stage is not cut nearer to its ends than this."""


def _cut(journey: Journey, at: Instant) -> tuple[int, Stage, float] | None:
    """Find the driving stage at an instant and where on its way the truck has stopped by then."""
    stage = journey.stage_at(at)
    if stage.activity is not Activity.DRIVING:
        return None
    if at - stage.start_at < MARGIN_MS or stage.end_at - at < MARGIN_MS:
        return None
    braking_ms = round(EASE_S / 2 * SECOND)
    return journey.stages.index(stage), stage, stage.along_m(at - braking_ms)


def with_halt(journey: Journey, at: Instant, duration_ms: int) -> Journey | None:
    """Let the truck stand on the road from `at` on; everything behind happens later.

    Returns None where the truck is not driving on its route at that time.
    """
    cut = _cut(journey, at)
    if cut is None:
        return None
    index, stage, along_m = cut
    resume = at + duration_ms
    inserted = (
        replace(stage, end_at=at, to_m=along_m),
        Stage(Activity.HALTED, at, resume, stage.way, along_m, along_m),
        replace(
            stage,
            start_at=resume,
            end_at=stage.end_at + duration_ms + round(EASE_S * SECOND),
            from_m=along_m,
        ),
    )
    return _spliced(journey, index, inserted)


ASTRAY_MPS = 14.0
"""Country roads."""


def with_detour(
    journey: Journey, at: Instant, rejoin_after_m: float, detour: Sequence[geo.LatLon]
) -> Journey | None:
    """Let the truck leave its road at `at`, run through the points and rejoin it farther on.

    Returns None where the truck is not driving on its route for long enough.
    """
    cut = _cut(journey, at)
    if cut is None:
        return None
    index, stage, along_m = cut
    rejoin_m = along_m + rejoin_after_m
    left_s = stage.way.seconds_to(stage.to_m) - stage.way.seconds_to(rejoin_m)
    if rejoin_m > stage.to_m - 2_000.0:
        return None
    ends = [stage.way.spot(along_m), stage.way.spot(rejoin_m)]
    points = [(ends[0].lat_deg, ends[0].lon_deg), *detour, (ends[1].lat_deg, ends[1].lon_deg)]
    aside = Way(points, [ASTRAY_MPS] * (len(points) - 1))
    back = at + round((aside.length_m / ASTRAY_MPS + EASE_S) * SECOND)
    inserted = (
        replace(stage, end_at=at, to_m=along_m),
        Stage(Activity.ASTRAY, at, back, aside, 0.0, aside.length_m),
        replace(
            stage,
            start_at=back,
            end_at=back + round((left_s + EASE_S) * SECOND),
            from_m=rejoin_m,
        ),
    )
    return _spliced(journey, index, inserted)


def _spliced(journey: Journey, index: int, inserted: tuple[Stage, ...]) -> Journey:
    by_ms = inserted[-1].end_at - journey.stages[index].end_at
    rest = (stage.later(by_ms) for stage in journey.stages[index + 1 :])
    return Journey((*journey.stages[:index], *inserted, *rest))


def retimed(journey: Journey, along_m: float, at: Instant) -> Journey | None:
    """Move a whole journey in time so that the truck drives past a place at `at`.

    Returns None where the truck does not drive past that place.
    """
    for stage in journey.stages:
        if stage.activity is Activity.DRIVING and stage.from_m < along_m < stage.to_m:
            low, high = stage.start_at, stage.end_at
            while high - low > SECOND:
                middle = (low + high) // 2
                if stage.along_m(middle) < along_m:
                    low = middle
                else:
                    high = middle
            return moved(journey, at - low)
    return None


def moved(journey: Journey, by_ms: int) -> Journey:
    """Move a whole journey in time."""
    return Journey(tuple(stage.later(by_ms) for stage in journey.stages))
