"""Electronic seals: what they say, where the truck is, and whether that may be.

The state machine is facts, domain section 3.4, as far as plan and messages allow: of the five
guards of an authorised opening, place, standstill and the appointment window are judged; actor
lists and tickets are not part of a plan yet. Tamper and unauthorised opening are latched: they
end only by a person's reset.
"""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ingest.detectors.detector import About, Result
from puente.instant import HOUR, SECOND, Instant, text
from puente.model import (
    Finding,
    Observation,
    Phase,
    Position,
    SealReading,
    SealState,
    Severity,
)
from puente.plan import FenceClass, ShipmentPlan

CUSTOMS = frozenset({FenceClass.MX_EXPORT.value, FenceClass.CBP.value})
ENDS = frozenset({FenceClass.ORIGIN.value, FenceClass.DEST.value})

_TAMPER_EVENTS = frozenset({"cut", "forced", "shell", "removed"})

_LATCHED = frozenset({SealState.TAMPERED, SealState.UNSEALED_UNAUTHORISED})

_WORST_FIRST = (
    SealState.TAMPERED,
    SealState.UNSEALED_UNAUTHORISED,
    SealState.FAULT,
    SealState.CUSTOMS_EXAM,
    SealState.UNSEALED_AUTHORISED,
    SealState.OPEN,
    SealState.ARMING,
    SealState.SEALED,
    SealState.UNKNOWN,
)


class Seal(Struct, frozen=True, omit_defaults=True):
    """One seal. `place` is the class of area in which it may be open, `since` when it changed.

    `departed` is the episode of a departure unsealed that is raised.
    """

    state: SealState = SealState.UNKNOWN
    since: Instant = 0
    place: str | None = None
    outside_fixes: int = 0
    outside_at: Instant | None = None
    departed: Instant | None = None
    number: str | None = None


class State(Struct, frozen=True, omit_defaults=True):
    """Every seal of the shipment, by device."""

    seals: dict[str, Seal] = {}
    next_at: Instant | None = None

    @property
    def worst(self) -> SealState:
        """The state of the seal that most needs a person."""
        states = {seal.state for seal in self.seals.values()}
        return next((state for state in _WORST_FIRST if state in states), SealState.UNKNOWN)


@dataclass(frozen=True)
class SealDetector:
    """Decides `seal.opened`, `.unauthorised`, `.tamper` and `.departed_unsealed`.

    `arming_s`: how long a motor may take to lock; `still_s`: how long the truck must have stood;
    `window_h`: the appointment window around planned departure and arrival (facts, 3.4);
    `leaving_fixes`: fixes outside a place until an open seal counts as having left it, since one
    noisy fix does not move a truck.
    """

    name: ClassVar[str] = "seal"
    about: ClassVar[About] = About.TRUTH
    kinds: ClassVar[tuple[str, ...]] = (
        "seal.opened",
        "seal.unauthorised",
        "seal.tamper",
        "seal.departed_unsealed",
    )
    state_type: ClassVar[type[State]] = State

    arming_s: int = 60
    still_s: int = 60
    window_h: float = 2.0
    leaving_fixes: int = 2

    def initial(self) -> State:
        """No seal has reported."""
        return State()

    def observe(self, state: State, observation: Observation, plan: ShipmentPlan) -> Result[State]:
        """Follow the seals, and watch whether an open one is driven away."""
        findings: list[Finding] = []
        seals = state.seals
        reading = observation.telemetry.seal
        if reading is not None:
            before = seals.get(observation.device_id, Seal())
            after = self._report(before, reading, observation, plan, findings)
            if reading.number is not None:
                after = replace(after, number=reading.number)
            if after is not before:
                seals = {**seals, observation.device_id: after}
        if observation.position is not None and seals:
            moved = {
                device_id: self._moved(device_id, seal, observation, findings)
                for device_id, seal in seals.items()
            }
            seals = moved if any(moved[d] is not seals[d] for d in seals) else seals
        if seals is state.seals:
            return state, ()
        return State(seals, self._next(seals)), tuple(findings)

    def deadline(self, state: State) -> Instant | None:
        """When a motor should have locked."""
        return state.next_at

    def expire(self, state: State, now: Instant, plan: ShipmentPlan) -> Result[State]:
        """Note seals whose motor did not lock in time."""
        del plan
        limit = self.arming_s * SECOND
        seals = {
            device_id: (
                replace(seal, state=SealState.FAULT, since=seal.since + limit)
                if seal.state is SealState.ARMING and seal.since + limit <= now
                else seal
            )
            for device_id, seal in state.seals.items()
        }
        return State(seals, self._next(seals)), ()

    def _next(self, seals: dict[str, Seal]) -> Instant | None:
        arming = [s.since for s in seals.values() if s.state is SealState.ARMING]
        return min(arming) + self.arming_s * SECOND if arming else None

    def _report(
        self,
        seal: Seal,
        reading: SealReading,
        observation: Observation,
        plan: ShipmentPlan,
        findings: list[Finding],
    ) -> Seal:
        if seal.state is SealState.TAMPERED:
            return seal
        reported = _reported(reading)
        was_sealed = seal.state is SealState.SEALED
        pulled = was_sealed and reading.rope is False and reading.event != "unlocked"
        if reported is SealState.TAMPERED or pulled:
            findings.append(_tamper(reading, observation, pulled))
            return replace(seal, state=SealState.TAMPERED, since=observation.at, place=None)
        if seal.state is SealState.UNSEALED_UNAUTHORISED and seal.departed is None:
            return seal
        match reported:
            case SealState.SEALED:
                return self._closed(seal, observation, findings)
            case SealState.ARMING if not was_sealed:
                if seal.state in (SealState.ARMING, SealState.FAULT) or seal.departed is not None:
                    return seal
                place = seal.place or _sealed_before(observation, plan)
                return replace(seal, state=SealState.ARMING, since=observation.at, place=place)
            case _:
                return self._opened(seal, reading, observation, plan, findings)

    def _closed(self, seal: Seal, observation: Observation, findings: list[Finding]) -> Seal:
        if seal.state is SealState.SEALED:
            return seal
        if seal.departed is not None:
            findings.append(_sealed_at_last(seal.departed, observation))
        return Seal(SealState.SEALED, observation.at, number=seal.number)

    def _opened(
        self,
        seal: Seal,
        reading: SealReading,
        observation: Observation,
        plan: ShipmentPlan,
        findings: list[Finding],
    ) -> Seal:
        at = observation.at
        if seal.state in (
            SealState.OPEN,
            SealState.UNSEALED_AUTHORISED,
            SealState.CUSTOMS_EXAM,
            SealState.UNSEALED_UNAUTHORISED,
        ):
            return seal
        if seal.state is not SealState.SEALED:
            # Never seen sealed: under exam if at customs.
            place = _sealed_before(observation, plan)
            state = SealState.CUSTOMS_EXAM if place in CUSTOMS else SealState.OPEN
            return replace(seal, state=state, since=at, place=place)
        place = _lawful_place(observation.classes)
        if place is None:
            findings.append(_unauthorised(reading, observation, Severity.CRITICAL, "place"))
            return replace(
                seal, state=SealState.UNSEALED_UNAUTHORISED, since=at, place=None, departed=None
            )
        missing = self._missing_guard(place, observation, plan)
        if missing is not None:
            findings.append(_unauthorised(reading, observation, Severity.HIGH, missing))
        else:
            findings.append(_opened(reading, observation, place))
        opened = SealState.CUSTOMS_EXAM if place in CUSTOMS else SealState.UNSEALED_AUTHORISED
        return Seal(opened, at, place, number=seal.number)

    def _missing_guard(
        self, place: str, observation: Observation, plan: ShipmentPlan
    ) -> str | None:
        slow = observation.slow_since
        if observation.place is not None and observation.place.speed_mps is not None:
            still = slow is not None and observation.at - slow >= self.still_s * SECOND
            if not still and observation.place.speed_mps > 0.83:
                return "standstill"
        planned = {
            FenceClass.ORIGIN.value: plan.shipment.planned_departure,
            FenceClass.DEST.value: plan.shipment.planned_arrival,
        }.get(place)
        if planned is not None and abs(observation.at - planned) > self.window_h * HOUR:
            return "appointment window"
        return None

    def _moved(
        self, device_id: str, seal: Seal, observation: Observation, findings: list[Finding]
    ) -> Seal:
        watched = seal.place is not None and seal.state in (
            SealState.OPEN,
            SealState.ARMING,
            SealState.FAULT,
            SealState.UNSEALED_AUTHORISED,
            SealState.CUSTOMS_EXAM,
        )
        if not watched:
            return seal
        if seal.place in observation.classes:
            if not seal.outside_fixes:
                return seal
            return replace(seal, outside_fixes=0, outside_at=None)
        seal = replace(
            seal,
            outside_fixes=seal.outside_fixes + 1,
            outside_at=observation.at if seal.outside_at is None else seal.outside_at,
        )
        if seal.outside_fixes < self.leaving_fixes or seal.outside_at is None:
            return seal
        left_at, confirmed_at = seal.outside_at, observation.at
        gone = Seal(SealState.UNSEALED_UNAUTHORISED, left_at, number=seal.number)
        if seal.place == FenceClass.DEST.value:
            # Unloaded: an open seal on an empty trailer is nobody's concern.
            return replace(gone, state=SealState.OPEN)
        was_sealed = seal.state in (SealState.UNSEALED_AUTHORISED, SealState.CUSTOMS_EXAM)
        if was_sealed:
            findings.append(
                _driven_away(device_id, seal.place or "", left_at, confirmed_at, observation)
            )
            return gone
        findings.append(_departed(device_id, left_at, confirmed_at, observation))
        return replace(gone, departed=left_at)


def _reported(reading: SealReading) -> SealState:
    """Say what a seal's own words amount to: sealed needs rope and motor, where it has both."""
    if reading.state == "tampered" or reading.event in _TAMPER_EVENTS:
        return SealState.TAMPERED
    if reading.rope is True and reading.motor is False:
        return SealState.ARMING
    if reading.rope is False or reading.motor is False:
        return SealState.OPEN
    if reading.rope is True and reading.motor is True:
        return SealState.SEALED
    return SealState.SEALED if reading.state == "sealed" else SealState.OPEN


def _lawful_place(classes: frozenset[str]) -> str | None:
    for place in (*sorted(CUSTOMS), *sorted(ENDS)):
        if place in classes:
            return place
    return None


def _sealed_before(observation: Observation, plan: ShipmentPlan) -> str | None:
    """Name the place that a seal never seen locked must not leave open, at last its origin."""
    origin = FenceClass.ORIGIN.value if plan.shipment.origin is not None else None
    return _lawful_place(observation.classes) or origin


def _evidence(reading: SealReading, observation: Observation) -> dict[str, object]:
    slow = observation.slow_since
    return {
        "seal_state": reading.state,
        "seal_event": reading.event,
        "rope": reading.rope,
        "motor": reading.motor,
        "actor": reading.actor,
        "seal_number": reading.number,
        "classes": sorted(observation.classes),
        "position_at": None if observation.place_at is None else text(observation.place_at),
        "stationary_s": None if slow is None else (observation.at - slow) / SECOND,
    }


def _finding(
    kind: str,
    phase: Phase,
    severity: Severity,
    device_id: str,
    times: tuple[Instant, Instant, Instant],
    words: tuple[str, str, str],
    place: Position | None,
    evidence: dict[str, object],
    respond_within_s: int | None = None,
) -> Finding:
    episode, occurred_at, confirmed_at = times
    title, summary, response = words
    return Finding(
        kind=kind,
        phase=phase,
        subject=device_id,
        episode=episode,
        severity=severity,
        occurred_at=occurred_at,
        confirmed_at=confirmed_at,
        device_id=device_id,
        title=title,
        summary=summary,
        response=response,
        respond_within_s=respond_within_s,
        position=place,
        evidence=evidence,
    )


def _tamper(reading: SealReading, observation: Observation, pulled: bool) -> Finding:
    at = observation.at
    what = "rope out without unlocking" if pulled and reading.event is None else reading.event
    return _finding(
        "seal.tamper",
        Phase.RAISED,
        Severity.CRITICAL,
        observation.device_id,
        (at, at, at),
        (
            "Seal tampered",
            f"Seal {observation.device_id}: {what or 'reports tampering'} at {text(at)}",
            "Call driver and the carrier's security; no answer: Guardia Nacional 088 or 911",
        ),
        observation.place,
        _evidence(reading, observation),
        180,
    )


def _unauthorised(
    reading: SealReading, observation: Observation, severity: Severity, missing: str
) -> Finding:
    at = observation.at
    where = {
        "place": "outside every place where it may be",
        "standstill": "although the truck was moving",
        "appointment window": "outside the appointment window",
    }[missing]
    return _finding(
        "seal.unauthorised",
        Phase.RAISED,
        severity,
        observation.device_id,
        (at, at, at),
        (
            "Seal opened without authority",
            f"Seal {observation.device_id} opened {where} at {text(at)}",
            "Verify with broker and yard at once; unverified: treat as theft",
        ),
        observation.place,
        _evidence(reading, observation) | {"missing": missing},
        180,
    )


def _opened(reading: SealReading, observation: Observation, place: str) -> Finding:
    at = observation.at
    return _finding(
        "seal.opened",
        Phase.NOTED,
        Severity.INFO,
        observation.device_id,
        (at, at, at),
        (
            "Seal opened",
            f"Seal {observation.device_id} opened inside {place} at {text(at)}",
            "None: record the new seal number when it is closed",
        ),
        observation.place,
        _evidence(reading, observation) | {"place": place},
    )


def _driven_away(
    device_id: str, place: str, left_at: Instant, confirmed_at: Instant, observation: Observation
) -> Finding:
    return _finding(
        "seal.unauthorised",
        Phase.RAISED,
        Severity.CRITICAL,
        device_id,
        (left_at, left_at, confirmed_at),
        (
            "Left with an open seal",
            f"The truck left {place} at {text(left_at)} with seal {device_id} open",
            "Call the driver to stop and reseal; verify with customs or the yard",
        ),
        observation.position,
        {"left": place, "classes": sorted(observation.classes)},
        180,
    )


def _departed(
    device_id: str, left_at: Instant, confirmed_at: Instant, observation: Observation
) -> Finding:
    return _finding(
        "seal.departed_unsealed",
        Phase.RAISED,
        Severity.HIGH,
        device_id,
        (left_at, left_at, confirmed_at),
        (
            "Departed unsealed",
            f"The truck left its origin at {text(left_at)} with seal {device_id} not locked",
            "Call the driver: stop at a safe place, seal, photograph, report the number",
        ),
        observation.position,
        {"classes": sorted(observation.classes)},
        300,
    )


def _sealed_at_last(episode: Instant, observation: Observation) -> Finding:
    at = observation.at
    return _finding(
        "seal.departed_unsealed",
        Phase.CLEARED,
        Severity.HIGH,
        observation.device_id,
        (episode, at, at),
        (
            "Sealed on the way",
            f"Seal {observation.device_id} locked at {text(at)}",
            "Record the seal number and how long the load was open",
        ),
        observation.place,
        {"open_s": (at - episode) / SECOND},
    )
