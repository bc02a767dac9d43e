"""Route deviation: off the planned road for at least three fixes and three minutes.

Rule (interfaces, default rules; facts, domain section 5): more than `corridor_m` from the nearest
leg near the last progress, for >= 3 fixes and >= 180 s; cleared below 0.8 of it for 2 fixes. A
shipment without a route cannot deviate. Both bounds are evidence of fixes, not of time passing:
a silent truck is not a truck off its road.
"""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ingest.detectors.detector import About, Result
from puente.instant import SECOND, Instant
from puente.model import Finding, Observation, Phase, Position, Severity
from puente.plan import Route, ShipmentPlan


class State(Struct, frozen=True, omit_defaults=True):
    """Where the truck is along its route, and how long it has been off it or back on it.

    `along_m` is the progress, `off_m` the distance to the route, both at the newest fix.
    """

    along_m: float | None = None
    off_m: float | None = None
    off_since: Instant | None = None
    off_fixes: int = 0
    off_position: Position | None = None
    worst_m: float = 0.0
    raised: bool = False
    back_since: Instant | None = None
    back_fixes: int = 0


@dataclass(frozen=True)
class RouteDeviation:
    """Decides `route.deviation`; keeps progress along the route for the live row."""

    name: ClassVar[str] = "deviation"
    about: ClassVar[About] = About.TRUTH
    kinds: ClassVar[tuple[str, ...]] = ("route.deviation",)
    state_type: ClassVar[type[State]] = State

    min_fixes: int = 3
    min_s: int = 180
    clear_share: float = 0.8
    clear_fixes: int = 2

    def initial(self) -> State:
        """On no road yet."""
        return State()

    def observe(self, state: State, observation: Observation, plan: ShipmentPlan) -> Result[State]:
        """Measure a usable fix against the route."""
        position, route = observation.position, plan.route
        if position is None or route is None:
            return state, ()
        here = route.line.locate((position.lat_deg, position.lon_deg), state.along_m)
        corridor_m = plan.corridor_m
        moved = replace(state, along_m=here.along_m, off_m=here.off_m)
        if here.off_m > corridor_m:
            return self._off(moved, observation, position, route, corridor_m)
        if not state.raised:
            return replace(moved, off_since=None, off_fixes=0, off_position=None, worst_m=0.0), ()
        if here.off_m >= self.clear_share * corridor_m:
            return replace(moved, back_since=None, back_fixes=0), ()
        return self._back(moved, observation, route, corridor_m)

    def deadline(self, state: State) -> Instant | None:
        """Time alone decides nothing here."""
        del state
        return None

    def expire(self, state: State, now: Instant, plan: ShipmentPlan) -> Result[State]:
        """Time alone decides nothing here."""
        del now, plan
        return state, ()

    def _off(
        self,
        state: State,
        observation: Observation,
        position: Position,
        route: Route,
        corridor_m: float,
    ) -> Result[State]:
        at = observation.at
        since = at if state.off_since is None else state.off_since
        off_m = state.off_m or 0.0
        state = replace(
            state,
            off_since=since,
            off_fixes=state.off_fixes + 1,
            off_position=state.off_position or position,
            worst_m=max(state.worst_m, off_m),
            back_since=None,
            back_fixes=0,
        )
        confirmed = state.off_fixes >= self.min_fixes and at - since >= self.min_s * SECOND
        if state.raised or not confirmed:
            return state, ()
        finding = Finding(
            kind="route.deviation",
            phase=Phase.RAISED,
            subject=route.id,
            episode=since,
            severity=Severity.HIGH,
            occurred_at=since,
            confirmed_at=at,
            device_id=observation.device_id,
            title="Off the planned route",
            summary=(
                f"{off_m / 1000:.1f} km from {route.name or route.id} "
                f"(allowed {corridor_m / 1000:.1f} km) for {(at - since) / SECOND / 60:.0f} min"
            ),
            response="Call the driver: reason, and way back to the route",
            respond_within_s=600,
            position=state.off_position,
            evidence={
                "route": route.id,
                "off_m": off_m,
                "corridor_m": corridor_m,
                "fixes": state.off_fixes,
                "off_s": (at - since) / SECOND,
                "progress_m": state.along_m,
                "remaining_m": route.line.length_m - (state.along_m or 0.0),
            },
        )
        return replace(state, raised=True), (finding,)

    def _back(
        self, state: State, observation: Observation, route: Route, corridor_m: float
    ) -> Result[State]:
        at = observation.at
        back_since = at if state.back_since is None else state.back_since
        state = replace(state, back_since=back_since, back_fixes=state.back_fixes + 1)
        if state.back_fixes < self.clear_fixes or state.off_since is None:
            return state, ()
        finding = Finding(
            kind="route.deviation",
            phase=Phase.CLEARED,
            subject=route.id,
            episode=state.off_since,
            severity=Severity.HIGH,
            occurred_at=back_since,
            confirmed_at=at,
            device_id=observation.device_id,
            title="Back on the planned route",
            summary=(
                f"Back on {route.name or route.id} after "
                f"{(back_since - state.off_since) / SECOND / 60:.0f} min, at most "
                f"{state.worst_m / 1000:.1f} km off"
            ),
            response="None: note the driver's reason",
            position=observation.position,
            evidence={
                "route": route.id,
                "off_m": state.off_m,
                "worst_m": state.worst_m,
                "corridor_m": corridor_m,
                "off_s": (back_since - state.off_since) / SECOND,
            },
        )
        return State(along_m=state.along_m, off_m=state.off_m), (finding,)
