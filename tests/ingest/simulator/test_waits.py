import random

from ingest.simulator.gazetteer import crossings
from ingest.simulator.waits import LONGEST_MIN, SHORTEST_MIN, draw_wait_ms, usual_wait
from puente import instant
from puente.instant import MINUTE

WTB = crossings()["WTB"]
AFTERNOON = instant.parse("2026-07-01T18:30:00-05:00")
MORNING = instant.parse("2026-07-01T07:30:00-05:00")


def mean_minutes(at: int, *, fast: bool = False, northbound: bool = True) -> float:
    rng = random.Random(3)
    draws = [draw_wait_ms(WTB, at, rng, fast=fast, northbound=northbound) for _ in range(500)]
    return sum(draws) / len(draws) / MINUTE


def test_the_world_trade_bridge_is_slow_on_a_summer_evening_and_empty_at_seven() -> None:
    assert usual_wait("WTB", "standard", 18).median_min == 30
    assert usual_wait("WTB", "standard", 7).median_min == 0
    assert mean_minutes(AFTERNOON) > 5 * mean_minutes(MORNING)


def test_the_fast_lane_is_faster() -> None:
    assert mean_minutes(AFTERNOON, fast=True) < mean_minutes(AFTERNOON)


def test_an_hour_without_updates_takes_the_nearest_one() -> None:
    assert usual_wait("WTB", "standard", 2) == usual_wait("WTB", "standard", 0)


def test_a_crossing_without_a_feed_still_has_a_queue() -> None:
    assert usual_wait("OTM", "standard", 12).median_min > 0


def test_no_truck_waits_less_than_minutes_or_more_than_hours() -> None:
    rng = random.Random(5)
    draws = [draw_wait_ms(WTB, AFTERNOON, rng, fast=False, northbound=True) for _ in range(2000)]
    assert min(draws) >= SHORTEST_MIN * MINUTE
    assert max(draws) <= LONGEST_MIN * MINUTE
