"""The ranges of the scripts are the ranges of `puente.ranges`."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from puente import ranges
from puente.store import connection, devices, log
from puente.store.connection import Store
from puente.store.devices import DeviceNote
from tests.store.samples import SETTINGS, reading

pytestmark = pytest.mark.redis

PROBE = """
-- include ranges
local r = ranges_parse(ARGV[1])
for i = 2, #ARGV, 2 do r = ranges_add(r, tonumber(ARGV[i]), tonumber(ARGV[i + 1])) end
local found = {}
for n = 0, 45 do found[#found + 1] = ranges_contains(r, n) and 1 or 0 end
return { ranges_text(r), found }
"""

spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 4)).map(lambda s: (s[0], s[0] + s[1])),
    max_size=25,
)


def source() -> str:
    return PROBE.replace("-- include ranges", connection._source("ranges"))


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(spans)
@example([(0, 0), (2, 2), (1, 1)])
@example([(5, 9), (0, 40), (3, 3)])
def test_lua_and_python_agree_on_every_sequence_of_additions(
    store: Store, added: list[tuple[int, int]]
) -> None:
    expected: ranges.Ranges = ()
    for first, last in added:
        expected = ranges.add(expected, first, last)
    flat = [n for span in added for n in span]
    text, found = store.client.eval(source(), 0, "", *flat)  # type: ignore[misc, no-untyped-call]
    assert ranges.from_text(text.decode()) == expected
    assert [bool(f) for f in found] == [ranges.contains(expected, n) for n in range(46)]


@pytest.mark.parametrize("top", [(1 << 31) + 5, (1 << 53) - 2])
def test_large_numbers_stay_exact_in_the_scripts(store: Store, top: int) -> None:
    note = DeviceNote("D1", last_at=1, last_received_at=1, numbers={top: [top, top + 1]})
    devices.note_devices(store, [note], 90)
    assert devices.received_ranges(store, [("D1", top)]) == [((top, top + 1),)]
    first, again = reading(top, boot=top, at=1_000), reading(top, boot=top, at=1_000)
    answer = log.append(store, {0: [first, reading(top + 1, boot=top, at=1_000), again]}, SETTINGS)
    assert answer[0] == [log.APPENDED, log.APPENDED, log.DUPLICATE]
