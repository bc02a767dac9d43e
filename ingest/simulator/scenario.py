"""A scenario: which loads are under way at an instant, and what goes wrong on them.

It is a pure function of its settings. Journeys are spread over all roads and over their whole
length; the first incidents are cast so that one of every kind is under way when a demo opens.
"""

import random
from dataclasses import dataclass, replace
from typing import NamedTuple

from ingest.simulator import incidents
from ingest.simulator.fences import FenceBook
from ingest.simulator.freight import make_load
from ingest.simulator.incidents import Incident, Label, Outcome, Scene
from ingest.simulator.journey import Habits, moved, set_out
from ingest.simulator.places import Road, known_fences, lay_out
from ingest.simulator.roads import RoadRoute, load_routes
from ingest.simulator.trip import Trip
from puente.instant import HOUR, MINUTE, SECOND, Instant


@dataclass(frozen=True)
class Settings:
    """What a scenario is made from.

    `now` is the instant at which live time begins, `first` the number of the first shipment.
    """

    shipments: int
    seed: int
    now: Instant
    incident_rate: float = 0.06
    backfill_h: float = 2.0
    first: int = 1


class Scenario(NamedTuple):
    """Trips, their labels and the fences of the roads they use."""

    settings: Settings
    trips: tuple[Trip, ...]
    labels: tuple[Label, ...]
    book: FenceBook
    roads: tuple[Road, ...]


OPENING: tuple[tuple[Incident, int], ...] = (
    (Incident.HOT_STOP, -40 * MINUTE),
    (Incident.DEVIATION, -14 * MINUTE),
    (Incident.SEAL_CUT, 30 * SECOND),
    (Incident.REEFER_FAULT, -50 * MINUTE),
    (Incident.SEAL_OPENED, 75 * SECOND),
    (Incident.JAMMING, -17 * MINUTE),
    (Incident.SILENCE, -18 * MINUTE),
    (Incident.NO_GO, -9 * MINUTE),
    (Incident.ROADSIDE_STOP, -55 * MINUTE),
    (Incident.UNSEALED, -25 * MINUTE),
)
"""When the first incident of each kind begins, relative to the beginning of live time."""

LATER_MS = (-80 * MINUTE, 90 * MINUTE)
"""When further incidents begin, within the history that is sent."""

HEAVY = {"WTB": 5.0, "PHR": 2.5, "OTM": 2.5, "YSL": 2.0, "COL": 2.0, "NOG": 1.5, "VET": 1.2}
"""Relative truck volume of crossings; others count 1."""

EXAMINED_SHARE = 0.08


def build(settings: Settings) -> Scenario:
    """Make a scenario."""
    rng = random.Random(f"{settings.seed}:scenario")
    chosen = _choose_routes(settings.shipments, rng)
    book = known_fences()
    roads: dict[str, Road] = {}
    # In the order of the file, so that fences do not depend on who drives first.
    wanted = {route.id for route in chosen}
    for route in load_routes():
        if route.id in wanted:
            roads[route.id] = lay_out(route, book)
    trips = {
        number: _trip(settings, number, roads[route.id])
        for number, route in enumerate(chosen, start=settings.first)
    }
    labels = _cast_incidents(settings, trips, Scene(book, rng))
    return Scenario(settings, tuple(trips.values()), labels, book, tuple(roads.values()))


def _choose_routes(count: int, rng: random.Random) -> list[RoadRoute]:
    """Every road once, in any order, then the busy ones more often."""
    routes = list(load_routes())
    rng.shuffle(routes)
    weights = [HEAVY.get(route.crossing, 1.0) for route in routes]
    more = rng.choices(routes, weights, k=max(0, count - len(routes)))
    return (routes + more)[:count]


def _trip(settings: Settings, number: int, road: Road) -> Trip:
    rng = random.Random(f"{settings.seed}:trip:{number}")
    load = make_load(settings.seed, number, road.route)
    habits = Habits(
        pace=rng.uniform(0.93, 1.05),
        team=rng.random() < 0.4,
        fast=load.fast,
        examined=road.border.northbound and rng.random() < EXAMINED_SHARE,
    )
    progress = rng.uniform(0.01, 0.97)

    def drive(departure: Instant) -> Trip:
        again = random.Random(f"{settings.seed}:journey:{number}")
        journey = set_out(road, departure, habits, again)
        corridor_m = 1500.0 if road.way.length_m > 2_500_000 else 1000.0
        return Trip(settings.seed, load, road, journey, habits, corridor_m)

    # Twice: the second time with the border queue of the hour in which it is reached.
    draft = drive(settings.now).journey
    elapsed = round((draft.finish_at - draft.start_at) * progress)
    trip = drive(settings.now - elapsed + (draft.departure_at - draft.start_at))
    if not trip.journey.start_at < settings.now < trip.journey.finish_at:
        by_ms = settings.now - elapsed - trip.journey.start_at
        return replace(trip, journey=moved(trip.journey, by_ms))
    return trip


def _cast_incidents(settings: Settings, trips: dict[int, Trip], scene: Scene) -> tuple[Label, ...]:
    count = round(settings.shipments * settings.incident_rate)
    script = [(kind, settings.now + offset) for kind, offset in OPENING][:count]
    kinds = list(Incident)
    while len(script) < count:
        earliest = max(LATER_MS[0], round(-0.7 * settings.backfill_h * HOUR))
        at = settings.now + round(scene.rng.uniform(earliest, LATER_MS[1]))
        script.append((scene.rng.choice(kinds), at))
    labels: list[Label] = []
    for kind, at in script:
        cast = _cast(kind, at, trips, scene)
        if cast is None:
            continue
        number, outcome = cast
        trips[number] = outcome.trip
        labels += outcome.labels
    return tuple(sorted(labels, key=lambda label: (label.occurred_at, label.shipment_id)))


MOST_ASKED = 300
"""Trips that are asked whether they are in the right place by chance."""
MOST_RESTAGED = 60
"""Trips whose time is moved to suit an incident, before it is given up."""


def _cast(
    kind: Incident, at: Instant, trips: dict[int, Trip], scene: Scene
) -> tuple[int, Outcome] | None:
    """Find a trip on which an incident can happen at `at`; each trip has at most one.

    Where no truck happens to be in the right place, a whole journey is moved in time.
    """
    free = [number for number, trip in trips.items() if not trip.incidents]
    scene.rng.shuffle(free)
    for number in free[:MOST_ASKED]:
        outcome = incidents.apply(kind, trips[number], at, scene)
        if outcome is not None:
            return number, outcome
    for number in free[:MOST_RESTAGED]:
        for journey in incidents.stage_for(kind, trips[number], at, scene):
            restaged = replace(trips[number], journey=journey)
            outcome = incidents.apply(kind, restaged, at, scene)
            if outcome is not None:
                return number, outcome
    return None
