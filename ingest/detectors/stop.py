"""Stops, and stops that nobody planned.

Rule (interfaces, default rules): a stop is at most 0.83 m/s within 100 m for at least 180 s. It is
unplanned after 1,800 s outside the classes where standing is lawful; 900 s for a high-value load,
300 s in a HOT zone. A stop ends at the first fix more than 100 m away, or at the first of two
moving fixes: one noisy speed does not make a parked truck drive.
"""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ingest.detectors.detector import About, Result
from puente import geo
from puente.instant import SECOND, Instant, text
from puente.model import Finding, Observation, Phase, Position, Severity
from puente.plan import LAWFUL_STOPS, FenceClass, ShipmentPlan


class State(Struct, frozen=True, omit_defaults=True):
    """The stop the truck is in, if any.

    `limit_s` is after how long it counts as unplanned, None where standing is lawful.
    """

    since: Instant | None = None
    anchor: Position | None = None
    last_at: Instant = 0
    moving_at: Instant | None = None
    limit_s: int | None = None
    hot: bool = False
    raised: bool = False


@dataclass(frozen=True)
class UnplannedStop:
    """Decides `stop.unplanned`; keeps the current stop for the live row."""

    name: ClassVar[str] = "stop"
    about: ClassVar[About] = About.TRUTH
    kinds: ClassVar[tuple[str, ...]] = ("stop.unplanned",)
    state_type: ClassVar[type[State]] = State

    max_mps: float = 0.83
    within_m: float = 100.0
    min_s: int = 180
    limit_s: int = 1800
    high_value_s: int = 900
    hot_s: int = 300

    def initial(self) -> State:
        """Not standing."""
        return State()

    def observe(self, state: State, observation: Observation, plan: ShipmentPlan) -> Result[State]:
        """Judge whether the truck stands, still stands, or has left."""
        position = observation.position
        if position is None:
            return state, ()
        slow = position.speed_mps is not None and position.speed_mps <= self.max_mps
        if state.since is None or state.anchor is None:
            return (self._begin(observation, position, plan) if slow else state), ()
        at = observation.at
        moved_m = geo.distance_m(
            (state.anchor.lat_deg, state.anchor.lon_deg), (position.lat_deg, position.lon_deg)
        )
        if moved_m > self.within_m:
            left_at = at if state.moving_at is None else state.moving_at
            ended = self._end(state, left_at, at, moved_m, observation)
            return (self._begin(observation, position, plan) if slow else State()), ended
        if slow:
            return replace(state, last_at=at, moving_at=None), ()
        if state.moving_at is None:
            return replace(state, moving_at=at), ()
        return State(), self._end(state, state.moving_at, at, moved_m, observation)

    def deadline(self, state: State) -> Instant | None:
        """When the stop becomes unplanned."""
        if state.since is None or state.limit_s is None or state.raised:
            return None
        return state.since + state.limit_s * SECOND

    def expire(self, state: State, now: Instant, plan: ShipmentPlan) -> Result[State]:
        """Raise the stop that has lasted too long."""
        due = self.deadline(state)
        if due is None or due > now or state.since is None:
            return state, ()
        where = "in a hot zone" if state.hot else "outside every authorised place"
        finding = Finding(
            kind="stop.unplanned",
            phase=Phase.RAISED,
            subject="stop",
            episode=state.since,
            severity=Severity.HIGH if state.hot else Severity.MEDIUM,
            occurred_at=state.since,
            confirmed_at=due,
            device_id=None,
            title="Unplanned stop in a hot zone" if state.hot else "Unplanned stop",
            summary=f"Standing {where} since {text(state.since)}",
            response=(
                "Call the driver and verify; no answer in 5 min: treat as theft"
                if state.hot
                else "Message the driver: reason and expected departure"
            ),
            respond_within_s=300 if state.hot else 900,
            position=state.anchor,
            evidence={
                "stopped_s": (due - state.since) / SECOND,
                "limit_s": state.limit_s,
                "hot_zone": state.hot,
                "high_value": plan.shipment.high_value,
            },
        )
        return replace(state, raised=True), (finding,)

    def _begin(self, observation: Observation, position: Position, plan: ShipmentPlan) -> State:
        classes = observation.classes
        hot = FenceClass.HOT.value in classes
        limit: int | None = self.limit_s
        if any(lawful.value in classes for lawful in LAWFUL_STOPS):
            limit = None
        elif hot:
            limit = self.hot_s
        elif plan.shipment.high_value:
            limit = self.high_value_s
        return State(observation.at, position, observation.at, None, limit, hot)

    def _end(
        self,
        state: State,
        left_at: Instant,
        confirmed_at: Instant,
        moved_m: float,
        observation: Observation,
    ) -> tuple[Finding, ...]:
        if not state.raised or state.since is None:
            return ()
        stopped_s = (left_at - state.since) / SECOND
        return (
            Finding(
                kind="stop.unplanned",
                phase=Phase.CLEARED,
                subject="stop",
                episode=state.since,
                severity=Severity.HIGH if state.hot else Severity.MEDIUM,
                occurred_at=left_at,
                confirmed_at=confirmed_at,
                device_id=observation.device_id,
                title="Moving again",
                summary=f"Moving again after standing {stopped_s / 60:.0f} min",
                response="None: note the driver's reason",
                position=observation.position,
                evidence={"stopped_s": stopped_s, "moved_m": round(moved_m, 1)},
            ),
        )
