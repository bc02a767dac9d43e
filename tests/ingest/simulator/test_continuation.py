"""A simulation that is started again goes on; one that cannot, is followed by another fleet."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ingest.simulator.continuation import Run, remember, set_out
from puente.instant import HOUR, MINUTE, parse

BEGAN = parse("2026-07-01T12:00:00Z")
KNOWN = Run(300, 1, 0.06, 2.0, BEGAN, BEGAN - 2 * HOUR)


def wanted(after_ms: int, **changes: object) -> Run:
    """What a start asks for some time after the first one."""
    now = BEGAN + after_ms
    return replace(KNOWN, began_at=now, sent_until=now - 2 * HOUR, **changes)


def test_without_a_memory_the_wanted_run_sets_out(tmp_path: Path) -> None:
    assert set_out(tmp_path, KNOWN) == KNOWN


def test_a_restart_goes_on_from_where_the_last_run_had_sent(tmp_path: Path) -> None:
    remember(tmp_path, KNOWN, BEGAN + 30 * MINUTE)
    found = set_out(tmp_path, wanted(40 * MINUTE))
    assert found == replace(KNOWN, sent_until=BEGAN + 30 * MINUTE)


@pytest.mark.parametrize(
    ("sent_until", "next_run"),
    [
        pytest.param(BEGAN + HOUR, wanted(8 * HOUR), id="the pause was too long"),
        pytest.param(BEGAN + 20 * HOUR, wanted(21 * HOUR), id="the journeys are over"),
        pytest.param(BEGAN + HOUR, wanted(2 * HOUR, seed=2), id="another seed"),
        pytest.param(BEGAN + HOUR, wanted(2 * HOUR, shipments=50), id="another size"),
        pytest.param(BEGAN + 2 * HOUR, wanted(HOUR), id="the clock went back"),
    ],
)
def test_a_run_that_cannot_go_on_is_followed_by_a_fleet_with_other_numbers(
    tmp_path: Path, sent_until: int, next_run: Run
) -> None:
    remember(tmp_path, KNOWN, sent_until)
    assert set_out(tmp_path, next_run) == replace(next_run, first=301)


def test_a_memory_that_cannot_be_read_is_no_memory(tmp_path: Path) -> None:
    (tmp_path / "simulation.json").write_text("{")
    assert set_out(tmp_path, KNOWN) == KNOWN
