"""Ranges of sequence numbers behave as the sets that they stand for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gaps import find_gaps
from puente.model import Gap
from puente.ranges import Ranges, add, contains, from_text, missing_below, to_text, watermark

runs = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda p: (p[0], p[0] + p[1])),
    max_size=12,
)


def ranges_of(pairs: list[tuple[int, int]]) -> Ranges:
    found: Ranges = ()
    for first, last in pairs:
        found = add(found, first, last)
    return found


def set_of(pairs: list[tuple[int, int]]) -> set[int]:
    return {n for first, last in pairs for n in range(first, last + 1)}


@given(runs)
def test_adding_ranges_is_adding_to_a_set(pairs: list[tuple[int, int]]) -> None:
    found, numbers = ranges_of(pairs), set_of(pairs)
    assert set_of(list(found)) == numbers
    assert [n for n in range(80) if contains(found, n)] == sorted(numbers)


@given(runs)
def test_ranges_are_ascending_and_never_touch(pairs: list[tuple[int, int]]) -> None:
    found = ranges_of(pairs)
    assert all(first <= last for first, last in found)
    assert all(after[0] > before[1] + 1 for before, after in pairwise(found))


@given(runs, st.randoms(use_true_random=False))
def test_the_order_of_adding_does_not_matter(pairs: list[tuple[int, int]], chance: object) -> None:
    shuffled = list(pairs)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ranges_of(shuffled) == ranges_of(pairs)


@given(runs)
def test_the_watermark_never_passes_a_hole(pairs: list[tuple[int, int]]) -> None:
    numbers, mark = set_of(pairs), watermark(ranges_of(pairs))
    if mark is None:
        assert not numbers & {0, 1}
    else:
        assert set(range(1, mark + 1)) <= numbers
        assert mark + 1 not in numbers


@given(runs, st.integers(0, 80))
def test_what_is_missing_is_all_between_the_start_and_the_limit(
    pairs: list[tuple[int, int]], limit: int
) -> None:
    missing = set_of(list(missing_below(ranges_of(pairs), limit)))
    assert missing == set(range(1, limit)) - set_of(pairs)


@given(runs)
def test_text_holds_the_ranges(pairs: list[tuple[int, int]]) -> None:
    found = ranges_of(pairs)
    assert from_text(to_text(found)) == found


def test_the_text_is_the_documented_one() -> None:
    assert to_text(((0, 41), (43, 43))) == "0-41,43-43"
    assert from_text("") == ()


@pytest.mark.parametrize(
    ("ranges", "mark"),
    [
        pytest.param((), None, id="nothing arrived"),
        pytest.param(((0, 0),), 0, id="numbering starts at 0"),
        pytest.param(((1, 1),), 1, id="numbering starts at 1"),
        pytest.param(((2, 9),), None, id="the start is missing"),
        pytest.param(((0, 4), (6, 9)), 4, id="there is a hole"),
    ],
)
def test_the_watermark_is_known_once_the_start_arrived(ranges: Ranges, mark: int | None) -> None:
    assert watermark(ranges) == mark


@pytest.mark.parametrize(
    ("arrived", "oldest", "gaps"),
    [
        pytest.param(((1, 5),), 6, (), id="nothing is missing"),
        pytest.param(((1, 5),), 1, (), id="the device holds everything"),
        pytest.param(((5, 5),), 5, ((1, 4),), id="the beginning is lost"),
        pytest.param(((1, 2), (9, 9)), 7, ((3, 6),), id="only what lies below oldest is lost"),
        pytest.param(((0, 0), (2, 2), (4, 4)), 4, ((1, 1), (3, 3)), id="several holes"),
        pytest.param(((1, 1),), 0, (), id="oldest is 0"),
    ],
)
def test_what_a_device_no_longer_holds_becomes_gaps_once(
    arrived: Ranges, oldest: int, gaps: tuple[tuple[int, int], ...]
) -> None:
    found, ranges = find_gaps(arrived, 3, oldest)
    assert found == tuple(Gap(3, first, last) for first, last in gaps)
    assert find_gaps(ranges, 3, oldest) == ((), ranges)
    assert (watermark(ranges) or 0) >= max((last for _, last in gaps), default=0)
