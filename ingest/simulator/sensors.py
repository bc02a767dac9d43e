"""What instruments make of the truth: a GNSS receiver, a reefer's probes, a battery.

Each sensor belongs to one device and is asked in order of time; its noise comes from the
device's own random generator, so a device's readings do not depend on any other device.
"""

import math
import random
from typing import NamedTuple

from ingest.simulator.gazetteer import Band
from ingest.simulator.journey import Truth
from ingest.simulator.trip import Span
from puente import geo
from puente.instant import HOUR, MINUTE, SECOND, Instant


class Fix(NamedTuple):
    """A position as a receiver reports it."""

    lat_deg: float
    lon_deg: float
    accuracy_m: float
    hdop: float
    satellites: int
    speed_mps: float
    course_deg: float


class Gnss:
    """A receiver whose error wanders slowly, as real ones do, instead of jumping every second.

    `accuracy_m` is the 95 % radius: the error's standard deviation on each axis is 1/2.45 of it.
    """

    BAD_FIX_SHARE = 0.0004
    """Reflections under bridges: far off, and the receiver knows it."""
    MEMORY_S = 90.0
    UERE_M = 4.0
    """Accuracy per unit of HDOP."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._east, self._north = rng.gauss(0, 1), rng.gauss(0, 1)
        self._last_at: Instant | None = None
        self._base_hdop = rng.uniform(0.7, 1.2)
        self._parked_course = rng.uniform(0, 360)

    def fix(self, truth: Truth, at: Instant) -> Fix:
        """Take a fix."""
        rng = self._rng
        passed_s = (at - self._last_at) / SECOND if self._last_at is not None else 1e9
        self._last_at = at
        keep = math.exp(-passed_s / self.MEMORY_S)
        fresh = math.sqrt(1 - keep * keep)
        self._east = keep * self._east + fresh * rng.gauss(0, 1)
        self._north = keep * self._north + fresh * rng.gauss(0, 1)
        hdop = self._base_hdop + rng.expovariate(6.0)
        satellites = max(6, 15 - round(4 * hdop) + rng.randint(-1, 2))
        accuracy = self.UERE_M * hdop
        error = accuracy / 2.45
        if rng.random() < self.BAD_FIX_SHARE:
            hdop, satellites, accuracy = rng.uniform(7, 15), 3, rng.uniform(300, 700)
            error = accuracy / 2
        east = max(-2.0, min(2.0, self._east)) * error
        north = max(-2.0, min(2.0, self._north)) * error
        if truth.speed_mps < 0.3:
            speed = abs(rng.gauss(0, 0.08))
            course = self._parked_course
        else:
            speed = max(0.0, truth.speed_mps + rng.gauss(0, 0.15))
            course = self._parked_course = (truth.course_deg + rng.gauss(0, 1.5)) % 360
        return Fix(
            truth.lat_deg + north / geo.M_PER_DEG,
            truth.lon_deg + east / (geo.M_PER_DEG * math.cos(math.radians(truth.lat_deg))),
            accuracy,
            hdop,
            satellites,
            speed,
            course,
        )


class Reefer:
    """The cargo's temperature: steady near its setpoint, drifting to the air when cooling fails.

    `product_c` is a pure function of time, which is what labels are written from.
    """

    SWING_SHARE = 0.10
    """The compressor's cycle, as a share of the band's width."""
    CYCLE = 47 * MINUTE
    LEAVES_BAND_AFTER = 8 * MINUTE
    """A failed unit's load leaves its band after so long: thin insulation, a hot day."""
    COOLS_IN = 25 * MINUTE

    def __init__(self, band: Band, phase: float, faults: tuple[Span, ...], air_c: float) -> None:
        self.band = band
        self._phase = phase
        self._faults = faults
        self._air_c = max(air_c, band.high_c + 12.0)
        width = band.high_c - band.low_c
        self._swing_c = width * self.SWING_SHARE
        # A setpoint at the edge of its band would leave it with every cycle.
        self._set_c = min(max(band.set_c, band.low_c + 0.3 * width), band.high_c - 0.3 * width)
        ratio = (self._air_c - self._set_c) / (self._air_c - band.high_c)
        self._warming_ms = self.LEAVES_BAND_AFTER / math.log(ratio)

    def product_c(self, at: Instant) -> float:
        """Return the cargo's true temperature in degrees Celsius."""
        steady = self._set_c + self._swing_c * math.sin(
            2 * math.pi * (at / self.CYCLE + self._phase)
        )
        excess = 0.0
        for fault in self._faults:
            if at < fault.from_at:
                continue
            end = at if fault.to_at is None else min(at, fault.to_at)
            warmed = 1 - math.exp(-(end - fault.from_at) / self._warming_ms)
            excess += (self._air_c - self._set_c) * warmed * math.exp(-(at - end) / self.COOLS_IN)
        return steady + excess

    def outside(self, fault: Span, limit_c: float) -> Span | None:
        """Find when a fault drives the cargo above a limit, to a second; None if it never does."""
        last = fault.to_at if fault.to_at is not None else fault.from_at + 12 * HOUR
        if self.product_c(last) <= limit_c:
            return None
        begins = self._passes(limit_c, fault.from_at, last)
        if fault.to_at is None:
            return Span(begins, None)
        return Span(begins, self._passes(limit_c, fault.to_at + 12 * HOUR, fault.to_at))

    def _passes(self, limit_c: float, below: Instant, above: Instant) -> Instant:
        while abs(above - below) > SECOND:
            middle = (above + below) // 2
            if self.product_c(middle) > limit_c:
                above = middle
            else:
                below = middle
        return above


class Battery:
    """A charge that falls slowly and never becomes the story of a trip."""

    def __init__(self, rng: random.Random, since: Instant) -> None:
        self._full_pct = rng.uniform(62, 100)
        self._since = since
        self._per_hour_pct = rng.uniform(0.05, 0.25)

    def pct(self, at: Instant) -> int:
        """Return the charge in percent."""
        return round(max(35.0, self._full_pct - self._per_hour_pct * (at - self._since) / HOUR))
