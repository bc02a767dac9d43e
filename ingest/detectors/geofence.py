"""Geofences: entered, left, stayed in too long, forbidden.

Rule (interfaces, section 3): entered when at least `enter_m` inside, left when at least `exit_m`
outside, confirmed by two fixes or by time, whichever comes first. The first usable fix sets the
state silently; NO_GO raises all the same. A fence jumped over between two fixes at most 300 s
apart is entered and left at interpolated times.
"""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ingest.detectors.detector import About, Result
from puente import geo
from puente.instant import SECOND, Instant, text
from puente.model import Finding, Observation, Phase, Position, Severity
from puente.plan import FenceClass, Geofence, ShipmentPlan


class Inside(Struct, frozen=True, omit_defaults=True):
    """A fence that holds the shipment, or that it is about to enter or leave.

    `since` is the device time of the first reading inside. `entered` is False while entering is
    not yet confirmed. `pending_at` is the first reading of a change that waits for confirmation.
    """

    since: Instant
    entered: bool
    pending_at: Instant | None = None
    pending_fixes: int = 0
    pending_position: Position | None = None
    dwell_raised: bool = False
    forbidden: bool = False


class State(Struct, frozen=True, omit_defaults=True):
    """The fences that matter now, and the newest fix; fences not listed are outside."""

    fences: dict[str, Inside] = {}
    last: Position | None = None
    last_at: Instant = 0
    next_at: Instant | None = None


@dataclass(frozen=True)
class GeofenceDetector:
    """Decides `geofence.enter`, `.exit`, `.dwell` and `.forbidden`.

    Defaults are those of interfaces section 3: `enter_m` half the accuracy but at most 50 m,
    `exit_m` 30 m more but at most 80 m, two fixes or 60 s entering and 120 s leaving, 300 s
    between two fixes for a crossing.
    """

    name: ClassVar[str] = "geofence"
    about: ClassVar[About] = About.TRUTH
    kinds: ClassVar[tuple[str, ...]] = (
        "geofence.enter",
        "geofence.exit",
        "geofence.dwell",
        "geofence.forbidden",
    )
    state_type: ClassVar[type[State]] = State

    enter_cap_m: float = 50.0
    exit_base_m: float = 30.0
    exit_cap_m: float = 80.0
    enter_confirm_s: int = 60
    exit_confirm_s: int = 120
    crossing_s: int = 300

    def initial(self) -> State:
        """Nothing is known before the first usable fix."""
        return State()

    def observe(self, state: State, observation: Observation, plan: ShipmentPlan) -> Result[State]:
        """Judge a usable fix against every fence near it."""
        position = observation.position
        if position is None:
            return state, ()
        at = observation.at
        point = (position.lat_deg, position.lon_deg)
        if state.last is None:
            return self._begin(observation, position, plan)
        findings: list[Finding] = []
        fences = {f.id: f for f in plan.fences_near(point)}
        known = dict(state.fences)
        for fence_id in state.fences:
            if fence_id not in fences:
                fence = plan.fence(fence_id)
                if fence is None:
                    del known[fence_id]
                else:
                    fences[fence_id] = fence
        for fence in fences.values():
            depth = fence.shape.depth_m(point)
            before = known.get(fence.id)
            after = self._judge(fence, before, depth, at, position, observation, findings)
            if after is None:
                known.pop(fence.id, None)
            elif after is not before:
                known[fence.id] = after
        findings += self._crossings(state, observation, position, plan)
        return self._state(known, position, at, plan), tuple(findings)

    def deadline(self, state: State) -> Instant | None:
        """The earliest confirmation by time, or the end of a dwell."""
        return state.next_at

    def expire(self, state: State, now: Instant, plan: ShipmentPlan) -> Result[State]:
        """Confirm what waited long enough; raise dwells that are full."""
        known = dict(state.fences)
        findings: list[Finding] = []
        for fence_id, inside in state.fences.items():
            fence = plan.fence(fence_id)
            if fence is None:
                del known[fence_id]
                continue
            due = self._confirm_at(fence, inside)
            if due is not None and due <= now:
                if inside.entered:
                    findings += self._exit(fence, inside, due, None)
                    del known[fence_id]
                    continue
                inside = self._enter(fence, inside, due, None, findings)  # noqa: PLW2901
                known[fence_id] = inside
            due = self._dwell_at(fence, inside)
            if due is not None and due <= now:
                findings.append(_dwell(fence, inside, due, None))
                known[fence_id] = replace(inside, dwell_raised=True)
        return self._state(known, state.last, state.last_at, plan), tuple(findings)

    # -- one fence --------------------------------------------------------------------------

    def _begin(
        self, observation: Observation, position: Position, plan: ShipmentPlan
    ) -> Result[State]:
        point = (position.lat_deg, position.lon_deg)
        known: dict[str, Inside] = {}
        findings: list[Finding] = []
        for fence in plan.fences_near(point):
            if fence.shape.depth_m(point) >= 0.0:
                forbidden = _is_forbidden(fence, observation.at)
                known[fence.id] = Inside(observation.at, entered=True, forbidden=forbidden)
                if forbidden:
                    findings.append(
                        _forbidden(fence, observation.at, observation.at, observation, position)
                    )
        return self._state(known, position, observation.at, plan), tuple(findings)

    def _judge(
        self,
        fence: Geofence,
        before: Inside | None,
        depth: float,
        at: Instant,
        position: Position,
        observation: Observation,
        findings: list[Finding],
    ) -> Inside | None:
        if before is None or not before.entered:
            if depth < self._enter_m(fence, position):
                return None
            first = Inside(at, entered=False, pending_at=at, pending_position=position)
            pending = before or first
            pending = replace(pending, pending_fixes=pending.pending_fixes + 1)
            if pending.pending_fixes >= fence.confirm_fixes:
                return self._enter(fence, pending, at, observation, findings)
            return pending
        if depth >= 0.0 or depth > -self._exit_m(fence, position):
            if before.pending_at is None:
                return before
            return replace(before, pending_at=None, pending_fixes=0, pending_position=None)
        pending = before
        if pending.pending_at is None:
            pending = replace(pending, pending_at=at, pending_position=position)
        pending = replace(pending, pending_fixes=pending.pending_fixes + 1)
        if pending.pending_fixes >= fence.confirm_fixes:
            findings += self._exit(fence, pending, at, observation)
            return None
        return pending

    def _enter(
        self,
        fence: Geofence,
        inside: Inside,
        confirmed_at: Instant,
        observation: Observation | None,
        findings: list[Finding],
    ) -> Inside:
        position = inside.pending_position
        findings.append(_entered(fence, inside.since, confirmed_at, observation, position))
        forbidden = _is_forbidden(fence, inside.since)
        if forbidden:
            findings.append(_forbidden(fence, inside.since, confirmed_at, observation, position))
        return Inside(inside.since, entered=True, forbidden=forbidden)

    def _exit(
        self,
        fence: Geofence,
        inside: Inside,
        confirmed_at: Instant,
        observation: Observation | None,
    ) -> list[Finding]:
        left_at = inside.pending_at if inside.pending_at is not None else confirmed_at
        position = inside.pending_position
        findings = [_left(fence, inside.since, left_at, confirmed_at, observation, position)]
        if inside.dwell_raised:
            findings.append(_cleared("geofence.dwell", fence, inside.since, left_at, confirmed_at))
        if inside.forbidden:
            findings.append(
                _cleared("geofence.forbidden", fence, inside.since, left_at, confirmed_at)
            )
        return findings

    def _crossings(
        self,
        state: State,
        observation: Observation,
        position: Position,
        plan: ShipmentPlan,
    ) -> list[Finding]:
        last = state.last
        elapsed = observation.at - state.last_at
        if last is None or not 0 < elapsed <= self.crossing_s * SECOND:
            return []
        a, b = (last.lat_deg, last.lon_deg), (position.lat_deg, position.lon_deg)
        findings: list[Finding] = []
        for fence in plan.fences_between(a, b):
            if fence.plain or fence.id in state.fences:
                continue
            passed = geo.passage(fence.shape, a, b)
            if passed is None or passed.depth_m < self._enter_m(fence, position):
                continue
            enter_at = state.last_at + round(elapsed * passed.enter)
            exit_at = state.last_at + round(elapsed * passed.exit)
            findings += _crossed(fence, enter_at, exit_at, observation, (a, b, passed))
        return findings

    # -- times and margins ------------------------------------------------------------------

    def _enter_m(self, fence: Geofence, position: Position) -> float:
        if fence.enter_m is not None:
            return fence.enter_m
        return min(self.enter_cap_m, (position.accuracy_m or 0.0) / 2)

    def _exit_m(self, fence: Geofence, position: Position) -> float:
        if fence.exit_m is not None:
            return fence.exit_m
        return min(self.exit_cap_m, self.exit_base_m + (position.accuracy_m or 0.0) / 2)

    def _confirm_at(self, fence: Geofence, inside: Inside) -> Instant | None:
        if inside.pending_at is None:
            return None
        default = self.exit_confirm_s if inside.entered else self.enter_confirm_s
        wait_s = default if fence.confirm_s is None else fence.confirm_s
        return inside.pending_at + wait_s * SECOND

    def _dwell_at(self, fence: Geofence, inside: Inside) -> Instant | None:
        # While leaving waits for confirmation it is open whether the truck is still inside.
        if not inside.entered or inside.pending_at is not None or inside.dwell_raised:
            return None
        return None if fence.dwell_s is None else inside.since + fence.dwell_s * SECOND

    def _state(
        self, known: dict[str, Inside], last: Position | None, at: Instant, plan: ShipmentPlan
    ) -> State:
        due: list[Instant] = []
        for fence_id, inside in known.items():
            fence = plan.fence(fence_id)
            if fence is not None:
                times = (self._confirm_at(fence, inside), self._dwell_at(fence, inside))
                due += [t for t in times if t is not None]
        return State(known, last, at, min(due) if due else None)


def _is_forbidden(fence: Geofence, at: Instant) -> bool:
    return fence.fence_class is FenceClass.NO_GO and fence.in_force(at)


def _name(fence: Geofence) -> str:
    return fence.name or fence.id


def _evidence(fence: Geofence, **more: object) -> dict[str, object]:
    return {"geofence": fence.id, "name": _name(fence), "class": fence.fence_class.value, **more}


def _device(observation: Observation | None) -> str | None:
    return None if observation is None else observation.device_id


def _entered(
    fence: Geofence,
    since: Instant,
    confirmed_at: Instant,
    observation: Observation | None,
    position: Position | None,
    **more: object,
) -> Finding:
    return Finding(
        kind="geofence.enter",
        phase=Phase.NOTED,
        subject=fence.id,
        episode=since,
        severity=Severity.INFO,
        occurred_at=since,
        confirmed_at=confirmed_at,
        device_id=_device(observation),
        title=f"Entered {_name(fence)}",
        summary=f"Inside {_name(fence)} ({fence.fence_class.value}) since {text(since)}",
        response="None: for the record",
        position=position,
        evidence=_evidence(fence, **more),
    )


def _left(
    fence: Geofence,
    since: Instant,
    left_at: Instant,
    confirmed_at: Instant,
    observation: Observation | None,
    position: Position | None,
    **more: object,
) -> Finding:
    inside_s = (left_at - since) / SECOND
    return Finding(
        kind="geofence.exit",
        phase=Phase.NOTED,
        subject=fence.id,
        episode=left_at,
        severity=Severity.INFO,
        occurred_at=left_at,
        confirmed_at=confirmed_at,
        device_id=_device(observation),
        title=f"Left {_name(fence)}",
        summary=f"Left {_name(fence)} after {inside_s / 60:.0f} min inside",
        response="None: for the record",
        position=position,
        evidence=_evidence(fence, inside_s=inside_s, **more),
    )


def _dwell(
    fence: Geofence, inside: Inside, confirmed_at: Instant, observation: Observation | None
) -> Finding:
    return Finding(
        kind="geofence.dwell",
        phase=Phase.RAISED,
        subject=fence.id,
        episode=inside.since,
        severity=Severity.LOW,
        occurred_at=inside.since,
        confirmed_at=confirmed_at,
        device_id=_device(observation),
        title=f"Too long in {_name(fence)}",
        summary=(
            f"Inside {_name(fence)} for {(fence.dwell_s or 0) / 60:.0f} min, since "
            f"{text(inside.since)}"
        ),
        response="Ask the driver or the site what holds the truck",
        respond_within_s=3600,
        evidence=_evidence(fence, dwell_s=fence.dwell_s),
    )


def _forbidden(
    fence: Geofence,
    since: Instant,
    confirmed_at: Instant,
    observation: Observation | None,
    position: Position | None,
    **more: object,
) -> Finding:
    return Finding(
        kind="geofence.forbidden",
        phase=Phase.RAISED,
        subject=fence.id,
        episode=since,
        severity=Severity.HIGH,
        occurred_at=since,
        confirmed_at=confirmed_at,
        device_id=_device(observation),
        title=f"In forbidden zone {_name(fence)}",
        summary=f"Inside the no-go zone {_name(fence)} since {text(since)}",
        response="Call the driver: why, and when does the truck leave?",
        respond_within_s=600,
        position=position,
        evidence=_evidence(fence, **more),
    )


def _cleared(
    kind: str, fence: Geofence, episode: Instant, left_at: Instant, confirmed_at: Instant
) -> Finding:
    return Finding(
        kind=kind,
        phase=Phase.CLEARED,
        subject=fence.id,
        episode=episode,
        severity=Severity.HIGH if kind == "geofence.forbidden" else Severity.LOW,
        occurred_at=left_at,
        confirmed_at=confirmed_at,
        device_id=None,
        title=f"Left {_name(fence)}",
        summary=f"Left {_name(fence)} after {(left_at - episode) / SECOND / 60:.0f} min inside",
        response="None: the truck has left",
        evidence=_evidence(fence, inside_s=(left_at - episode) / SECOND),
    )


def _crossed(
    fence: Geofence,
    enter_at: Instant,
    exit_at: Instant,
    observation: Observation,
    leg: tuple[geo.LatLon, geo.LatLon, geo.Passage],
) -> list[Finding]:
    a, b, passed = leg
    entry, leave = (Position(*geo.interpolate(a, b, f)) for f in (passed.enter, passed.exit))
    more = {"crossed": True, "depth_m": round(passed.depth_m, 1)}
    at = observation.at
    findings = [
        _entered(fence, enter_at, at, observation, entry, **more),
        _left(fence, enter_at, exit_at, at, observation, leave, **more),
    ]
    if _is_forbidden(fence, enter_at):
        findings.append(_forbidden(fence, enter_at, at, observation, entry, **more))
        findings.append(_cleared("geofence.forbidden", fence, enter_at, exit_at, at))
    return findings
