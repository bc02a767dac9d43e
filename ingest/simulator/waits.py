"""How long a truck queues at a crossing, by lane and local hour.

The table comes from three months of published northbound waits; `scripts/build_border_waits.py`
derives it. Southbound there is no feed: the simulator uses half the northbound standard wait.
"""

import csv
import random
from functools import cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ingest.simulator.gazetteer import Crossing
from puente.instant import MINUTE, Instant, to_datetime

UNKNOWN_WAIT_MIN = (15.0, 35.0)
"""Median and 90th percentile where the feed says nothing of a crossing."""

SHORTEST_MIN = 3.0
LONGEST_MIN = 180.0


class Wait(NamedTuple):
    """Minutes in the queue at one hour of the day."""

    median_min: float
    p90_min: float


@cache
def _table() -> dict[tuple[str, str], dict[int, Wait]]:
    path = resources.files("ingest.simulator").joinpath("border_waits.csv")
    table: dict[tuple[str, str], dict[int, Wait]] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            hours = table.setdefault((row["crossing"], row["lane"]), {})
            wait = Wait(float(row["median_min"]), float(row["p90_min"]))
            hours[int(row["local_hour"])] = wait
    return table


def usual_wait(crossing: str, lane: str, local_hour: int) -> Wait:
    """Return the wait at an hour, or at the nearest hour of which something is known."""
    hours = _table().get((crossing, lane)) or _table().get((crossing, "standard"))
    if not hours:
        return Wait(*UNKNOWN_WAIT_MIN)
    nearest = min(hours, key=lambda h: min((h - local_hour) % 24, (local_hour - h) % 24))
    return hours[nearest]


def draw_wait_ms(
    crossing: Crossing, arrival: Instant, rng: random.Random, *, fast: bool, northbound: bool
) -> int:
    """Draw one truck's time in the queue, in milliseconds."""
    hour = to_datetime(arrival).astimezone(ZoneInfo(crossing.timezone)).hour
    wait = usual_wait(crossing.id, "fast" if fast and northbound else "standard", hour)
    # Half of all trucks wait less than the median; a tenth waits longer than the 90th percentile.
    u = rng.random()
    if u < 0.5:
        minutes = wait.median_min * (0.5 + u)
    else:
        minutes = wait.median_min + (wait.p90_min - wait.median_min) * (u - 0.5) / 0.4
    if not northbound:
        minutes /= 2
    return round(min(LONGEST_MIN, max(SHORTEST_MIN, minutes)) * MINUTE)
