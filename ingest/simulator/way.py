"""A line that can be driven: where a truck is after a time at the road's own pace.

A `Way` belongs to a route (or a detour) and is shared by all journeys over it, so that ten
thousand journeys cost no more memory than their stages.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from puente import geo


class WayPoint(NamedTuple):
    """A point of a way with the course of the leg it lies on."""

    lat_deg: float
    lon_deg: float
    course_deg: float


class Way:
    """A line with a cruising speed on each leg."""

    def __init__(self, points: Sequence[geo.LatLon], leg_speed_mps: Sequence[float]) -> None:
        self.line = geo.Line(tuple(points))
        self._speeds = tuple(leg_speed_mps)

    @property
    def points(self) -> tuple[geo.LatLon, ...]:
        """The points of the line."""
        return self.line.points

    @property
    def length_m(self) -> float:
        """Length along the line."""
        return self.line.length_m

    @cached_property
    def _courses(self) -> tuple[float, ...]:
        legs = zip(self.points, self.points[1:], strict=False)
        return tuple(geo.bearing_deg(a, b) for a, b in legs)

    @cached_property
    def _times_s(self) -> tuple[float, ...]:
        starts = self.line.starts_m
        times = [0.0]
        for leg, speed in enumerate(self._speeds):
            times.append(times[-1] + (starts[leg + 1] - starts[leg]) / speed)
        return tuple(times)

    def _leg(self, starts: tuple[float, ...], value: float) -> int:
        return max(0, min(bisect_right(starts, value) - 1, len(starts) - 2))

    def spot(self, along_m: float) -> WayPoint:
        """Return the point at a distance along the way, clamped to its ends."""
        starts = self.line.starts_m
        along_m = max(0.0, min(starts[-1], along_m))
        leg = self._leg(starts, along_m)
        length = starts[leg + 1] - starts[leg]
        fraction = (along_m - starts[leg]) / length if length else 0.0
        (lat_a, lon_a), (lat_b, lon_b) = self.points[leg], self.points[leg + 1]
        return WayPoint(
            lat_a + (lat_b - lat_a) * fraction,
            lon_a + (lon_b - lon_a) * fraction,
            self._courses[leg],
        )

    def seconds_to(self, along_m: float) -> float:
        """Return the nominal driving time from the beginning to a distance along the way."""
        starts = self.line.starts_m
        along_m = max(0.0, min(starts[-1], along_m))
        leg = self._leg(starts, along_m)
        return self._times_s[leg] + (along_m - starts[leg]) / self._speeds[leg]

    def reached_m(self, seconds: float) -> float:
        """Return how far along the way a nominal driving time leads."""
        times = self._times_s
        seconds = max(0.0, min(times[-1], seconds))
        leg = self._leg(times, seconds)
        return self.line.starts_m[leg] + (seconds - times[leg]) * self._speeds[leg]

    def between(self, from_m: float, to_m: float) -> tuple[geo.LatLon, ...]:
        """Return the part of the line between two distances along it."""
        starts = self.line.starts_m
        inner = [p for p, at_m in zip(self.points, starts, strict=True) if from_m < at_m < to_m]
        first, last = self.spot(from_m), self.spot(to_m)
        return ((first.lat_deg, first.lon_deg), *inner, (last.lat_deg, last.lon_deg))
