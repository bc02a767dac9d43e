"""Gaps: numbers that a device says it no longer holds and that never arrived."""

from puente.model import Gap
from puente.ranges import Ranges, add, missing_below


def find_gaps(ranges: Ranges, boot: int, oldest: int) -> tuple[tuple[Gap, ...], Ranges]:
    """Return what is missing below `oldest`, and the ranges with that declared gone."""
    holes = missing_below(ranges, oldest)
    for first, last in holes:
        ranges = add(ranges, first, last)
    return tuple(Gap(boot, first, last) for first, last in holes), ranges
