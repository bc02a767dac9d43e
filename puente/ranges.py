"""Sets of sequence numbers as sorted ranges: what a device's readings that arrived look like.

A range is `(first, last)`, inclusive; a value is a tuple of disjoint, non-touching, ascending
ranges. Fleets send long unbroken runs, so a set of millions stays a handful of pairs.
"""

from bisect import bisect_right

Ranges = tuple[tuple[int, int], ...]


def add(ranges: Ranges, first: int, last: int) -> Ranges:
    """Return the ranges with `first` to `last` (inclusive, `first <= last`) included."""
    if ranges and ranges[-1][0] <= first <= ranges[-1][1] + 1:
        head, tail = ranges[-1]
        return ranges if last <= tail else (*ranges[:-1], (head, last))
    before = [r for r in ranges if r[1] < first - 1]
    after = [r for r in ranges if r[0] > last + 1]
    touched = ranges[len(before) : len(ranges) - len(after)]
    if touched:
        first, last = min(first, touched[0][0]), max(last, touched[-1][1])
    return (*before, (first, last), *after)


def contains(ranges: Ranges, number: int) -> bool:
    """Tell whether the number lies in one of the ranges."""
    index = bisect_right(ranges, (number, float("inf"))) - 1
    return index >= 0 and number <= ranges[index][1]


def missing_below(ranges: Ranges, limit: int) -> Ranges:
    """Return what is missing between the start of numbering and `limit` (exclusive).

    Numbering starts at 0 or 1: a missing 0 alone is not a hole.
    """
    holes = []
    expected = 0
    for first, last in ranges:
        if first >= limit:
            break
        if first > expected:
            holes.append((expected, first - 1))
        expected = last + 1
    if expected < limit:
        holes.append((expected, limit - 1))
    if holes and holes[0][0] == 0:
        first_hole = holes.pop(0)
        if first_hole[1] >= 1:
            holes.insert(0, (1, first_hole[1]))
    return tuple(holes)


def watermark(ranges: Ranges) -> int | None:
    """Return the number up to which nothing is missing, or None while the start is missing."""
    if not ranges or ranges[0][0] > 1:
        return None
    return ranges[0][1]


def to_text(ranges: Ranges) -> str:
    """Write ranges as `0-41,43-43`, the form kept in Redis."""
    return ",".join(f"{first}-{last}" for first, last in ranges)


def from_text(text: str) -> Ranges:
    """Read what `to_text` wrote; an empty text is the empty set."""
    if not text:
        return ()
    pairs = (part.split("-") for part in text.split(","))
    return tuple((int(first), int(last)) for first, last in pairs)
