"""Devices on a trip: when they take a reading, what they say, and when it leaves them.

Each device is a generator of `Sent` in order of sending. It numbers its readings (boot, seq),
keeps what it cannot send and sends it in order when it can. What a device says depends only on
the trip, the observation window and its own random generator.
"""

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ingest.simulator.incidents import OUTSIDE_AIR_C
from ingest.simulator.journey import Activity, Truth
from ingest.simulator.places import DEAD_ZONES
from ingest.simulator.sensors import Battery, Fix, Gnss, Reefer
from ingest.simulator.trip import Trip
from puente import geo, instant
from puente.instant import MINUTE, SECOND, Instant

Payload = dict[str, Any]

_BOOTS_SINCE = instant.parse("2020-01-01T00:00:00Z")


class Sent(NamedTuple):
    """A reading on its way: ordered by time of sending, then device, then number."""

    send_at: Instant
    device_id: str
    seq: int
    boot: int
    payload: Payload


@dataclass(frozen=True)
class Window:
    """What part of the trips is observed and how densely.

    Before `live_from` readings are sparse, so that a fleet's history is sent in seconds.
    """

    history_from: Instant
    live_from: Instant
    interval_s: float = 10.0

    PARKED_S = 60.0
    SEAL_S = 60.0
    SEAL_PARKED_S = 120.0
    TRACTOR_S = 30.0
    HISTORY_S = 120.0
    HISTORY_PARKED_S = 300.0
    HISTORY_SEAL_S = 300.0

    def trailer_s(self, at: Instant, *, moving: bool) -> float:
        """Seconds to the trailer tracker's next reading."""
        if at < self.live_from:
            return self.HISTORY_S if moving else self.HISTORY_PARKED_S
        return self.interval_s if moving else max(self.interval_s, self.PARKED_S)

    def tractor_s(self, at: Instant, *, moving: bool) -> float:
        """Seconds to the next reading of the unit in the cab."""
        if at < self.live_from:
            return self.HISTORY_SEAL_S
        return max(self.interval_s, self.TRACTOR_S if moving else 2 * self.PARKED_S)

    def seal_s(self, at: Instant, *, moving: bool) -> float:
        """Seconds to the seal's next reading, events apart."""
        if at < self.live_from:
            return self.HISTORY_SEAL_S
        return max(self.interval_s, self.SEAL_S if moving else self.SEAL_PARKED_S)


class _Radio:
    """Whether a device has a network: chance gaps and known dead zones, a few minutes each."""

    LONGEST_MS = 170 * SECOND
    """Too short, with the pauses around it, to be taken for a silent device."""
    MEAN_BETWEEN_MS = 150 * MINUTE

    def __init__(self, rng: random.Random, since: Instant) -> None:
        self._rng = rng
        self._next_gap_at = since + self._until_next()
        self._gap_until: Instant | None = None
        self._left_network_at: Instant | None = None

    def _until_next(self) -> int:
        return round(self._rng.expovariate(1 / self.MEAN_BETWEEN_MS))

    def covered(self, at: Instant, truth: Truth) -> bool:
        """Tell whether a reading taken now can be sent; asked in order of time."""
        moving = truth.speed_mps > 3.0
        if self._gap_until is not None:
            if at < self._gap_until:
                return False
            self._gap_until = None
            self._next_gap_at = at + self._until_next()
        elif at >= self._next_gap_at:
            if moving:
                self._gap_until = at + round(self._rng.uniform(0.3, 1.0) * self.LONGEST_MS)
                return False
            # A parked truck keeps the network it has.
            self._next_gap_at = at + self._until_next()
        return self._outside_dead_zones(at, truth, moving=moving)

    def _outside_dead_zones(self, at: Instant, truth: Truth, *, moving: bool) -> bool:
        inside = moving and any(
            abs(truth.lat_deg - centre[0]) < 0.05
            and geo.distance_m(truth.point, centre) < radius_m
            for _, _, centre, radius_m in DEAD_ZONES
        )
        if not inside:
            self._left_network_at = None
            return True
        if self._left_network_at is None:
            self._left_network_at = at
        return at - self._left_network_at > self.LONGEST_MS


@dataclass
class _Device:
    """What all devices on a trip share: numbering, schedule, radio, receiver."""

    trip: Trip
    window: Window
    device_id: str

    def __post_init__(self) -> None:
        self.rng = random.Random(f"{self.trip.seed}:device:{self.device_id}")
        self.begins_at = _begins_at(self.trip, self.window)
        # A later run is a later boot: its numbers are not those of an earlier run again.
        self.boot = (self.window.live_from - _BOOTS_SINCE) // SECOND
        self.gnss = Gnss(self.rng)
        self.battery = Battery(self.rng, self.begins_at)

    def interval_s(self, at: Instant, *, moving: bool) -> float:
        raise NotImplementedError

    def occasions(self) -> Iterator[Instant]:
        """Instants that are worth a reading of their own, in any order."""
        raise NotImplementedError

    def reading(self, at: Instant, truth: Truth) -> Payload:
        """Build what the device says, numbering aside."""
        raise NotImplementedError

    def instants(self) -> Iterator[Instant]:
        """Yield the times of readings: a rhythm, and every occasion."""
        occasions = sorted({at for at in self.occasions() if at > self.begins_at})
        waiting = iter(occasions)
        next_occasion = next(waiting, None)
        at = self.begins_at + round(self.rng.uniform(0, 1) * self._pause_ms(self.begins_at))
        while True:
            if next_occasion is not None and next_occasion <= at:
                yield next_occasion
                if next_occasion == at:
                    at += self._pause_ms(at)
                next_occasion = next(waiting, None)
                continue
            yield at
            at += self._pause_ms(at)

    def _pause_ms(self, at: Instant) -> int:
        moving = self.trip.journey.stage_at(at).activity.under_way
        pause = round(self.interval_s(at, moving=moving) * SECOND)
        if at < self.window.live_from < at + pause:
            # The first live reading comes soon, not after a pause of the sparse history.
            return round(self.window.live_from - at + self.rng.uniform(0, 1) * min(pause, 10_000))
        return pause

    def sent(self) -> Iterator[Sent]:
        """Yield the device's readings in order of sending."""
        # The sparse rhythm of the history leaves no room for gaps that are not silence.
        radio = _Radio(self.rng, max(self.begins_at, self.window.live_from))
        seq, last_sent = 0, self.begins_at
        held: list[tuple[int, Payload]] = []
        for at in self.instants():
            truth = self.trip.journey.where(at)
            outage = self.trip.reaches(self.device_id, at)
            if outage is not None and outage.lost:
                if outage.span.to_at is None:
                    return
                continue
            seq += 1
            payload = {"at": at, "boot": self.boot, "seq": seq, **self.reading(at, truth)}
            covered = at < self.window.live_from or radio.covered(at, truth)
            held.append((seq, payload))
            if outage is not None or not covered:
                continue
            for number, waiting in held:
                last_sent = max(at + self.rng.randint(150, 700), last_sent + 5)
                yield Sent(last_sent, self.device_id, number, self.boot, waiting)
            held.clear()

    def position(self, truth: Truth, at: Instant) -> Payload:
        """Say where the device is, or that it cannot tell because it is jammed."""
        if self.trip.jamming(at) == 2:
            return {"fix": "none", "satellites": 0}
        return _position(self.gnss.fix(truth, at))


def _begins_at(trip: Trip, window: Window) -> Instant:
    """Return when a trip's devices are first heard in the window.

    A trailer that customs have open at that moment is heard from before the examination on:
    nobody could tell from an open seal alone that it was locked when it left its origin.
    """
    stage = trip.journey.stage_at(window.history_from)
    if stage.activity is Activity.AT_CBP and trip.habits.examined:
        return stage.start_at - MINUTE
    return max(window.history_from, trip.journey.start_at)


def _position(fix: Fix) -> Payload:
    return {
        "lat": round(fix.lat_deg, 6),
        "lon": round(fix.lon_deg, 6),
        "accuracy_m": round(fix.accuracy_m, 1),
        "hdop": round(fix.hdop, 1),
        "satellites": fix.satellites,
        "speed_mps": round(fix.speed_mps, 2),
        "course_deg": round(fix.course_deg, 1) % 360.0,
    }


class Trailer(_Device):
    """The tracker on the trailer: leads the position, watches doors and cargo."""

    def __post_init__(self) -> None:
        super().__post_init__()
        band, trip = self.trip.load.band, self.trip
        self._reefer = (
            Reefer(band, trip.reefer_phase, trip.reefer_faults, OUTSIDE_AIR_C) if band else None
        )

    def interval_s(self, at: Instant, *, moving: bool) -> float:
        """Follow the window."""
        return self.window.trailer_s(at, moving=moving)

    def occasions(self) -> Iterator[Instant]:
        """Report starts, halts, doors and the beginning and end of jamming at once."""
        for stage in self.trip.journey.stages:
            yield stage.start_at
        for span in (*self.trip.doors_open, *self.trip.jammed):
            yield span.from_at
            if span.to_at is not None:
                yield span.to_at
        for span in self.trip.jammed:
            yield span.from_at + MINUTE

    def reading(self, at: Instant, truth: Truth) -> Payload:
        """Say everything the tracker knows."""
        said = self.position(truth, at)
        said["jamming"] = self.trip.jamming(at)
        said["motion"] = truth.speed_mps > 0.5
        said["door"] = "open" if self.trip.door_open(at) else "closed"
        said["battery_pct"] = self.battery.pct(at)
        if self._reefer is not None:
            said |= self._climate(at, self._reefer)
        return said

    def _climate(self, at: Instant, reefer: Reefer) -> Payload:
        product = reefer.product_c(at)
        width = reefer.band.high_c - reefer.band.low_c
        noise = 0.012 * width
        return {
            "temperature_c": {
                "product": round(product + self.rng.gauss(0, noise), 2),
                "supply": round(product - 0.06 * width + self.rng.gauss(0, noise), 2),
                "return": round(product + 0.04 * width + self.rng.gauss(0, noise), 2),
            },
            "humidity_pct": round(min(99.0, max(20.0, 86.0 + self.rng.gauss(0, 1.5))), 1),
        }


class Seal(_Device):
    """The electronic seal on the doors: its own clock text, receiver, battery and events."""

    def interval_s(self, at: Instant, *, moving: bool) -> float:
        """Follow the window."""
        return self.window.seal_s(at, moving=moving)

    def occasions(self) -> Iterator[Instant]:
        """Report everything that happens to the seal when it happens."""
        for moment in self.trip.seal_moments:
            yield moment.at

    def reading(self, at: Instant, truth: Truth) -> Payload:
        """Say what the seal is; the event that made it so is told once."""
        moment = self.trip.seal_at(at)
        seal: Payload = {"state": moment.state, "rope": moment.rope, "motor": moment.motor}
        if moment.at == at:
            if moment.event is not None:
                seal["event"] = moment.event
            if moment.actor is not None:
                seal["actor"] = moment.actor
        if moment.number is not None:
            seal["number"] = moment.number
        said: Payload = {"at": instant.text(at), **self.position(truth, at), "seal": seal}
        said["battery_pct"] = self.battery.pct(at)
        return said


class Tractor(_Device):
    """The unit in the cab: position, ignition, odometer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._odometer_m = self.rng.uniform(90_000_000, 900_000_000)
        self._last: geo.LatLon | None = None

    def interval_s(self, at: Instant, *, moving: bool) -> float:
        """Follow the window."""
        return self.window.tractor_s(at, moving=moving)

    def occasions(self) -> Iterator[Instant]:
        """Report when the truck starts and halts."""
        for stage in self.trip.journey.stages:
            yield stage.start_at

    def reading(self, at: Instant, truth: Truth) -> Payload:
        """Say where the cab is: a trailer's length ahead."""
        if self._last is not None:
            self._odometer_m += geo.distance_m(self._last, truth.point)
        self._last = truth.point
        lat = truth.lat_deg + 14.0 * math.cos(math.radians(truth.course_deg)) / geo.M_PER_DEG
        said = self.position(truth._replace(lat_deg=lat), at)
        said["odometer_m"] = round(self._odometer_m, 1)
        said["ignition"] = truth.speed_mps > 0.3
        said["motion"] = truth.speed_mps > 0.5
        return said


def devices_of(trip: Trip, window: Window) -> Iterator[Iterator[Sent]]:
    """Yield one stream of readings for each device of a trip."""
    yield Trailer(trip, window, trip.load.trailer_id).sent()
    yield Seal(trip, window, trip.load.seal_id).sent()
    if trip.load.has_tractor:
        yield Tractor(trip, window, trip.load.tractor_id).sent()


def merged(trips: tuple[Trip, ...], window: Window) -> Iterator[Sent]:
    """Merge the streams of all devices in order of sending."""
    streams = [stream for trip in trips for stream in devices_of(trip, window)]
    return heapq.merge(*streams)
