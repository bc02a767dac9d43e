"""A device whose time cannot be used: its readings of safety content are kept at reception time.

Admission decides that a clock is wrong (interfaces, section 4); here it becomes one episode per
device, ended by the first reading with a usable time.
"""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct

from ingest.detectors.detector import About, Result
from puente.instant import Instant, text
from puente.model import Finding, Observation, Phase, Severity
from puente.plan import ShipmentPlan


class State(Struct, frozen=True, omit_defaults=True):
    """Devices whose clock is wrong, with the beginning of the episode."""

    faulty: dict[str, Instant] = {}


@dataclass(frozen=True)
class ClockFault:
    """Decides `device.clock_fault`."""

    name: ClassVar[str] = "clock_fault"
    about: ClassVar[About] = About.KNOWLEDGE
    kinds: ClassVar[tuple[str, ...]] = ("device.clock_fault",)
    state_type: ClassVar[type[State]] = State

    def initial(self) -> State:
        """All clocks are trusted."""
        return State()

    def observe(self, state: State, observation: Observation, plan: ShipmentPlan) -> Result[State]:
        """Begin an episode with the first wrong time, end it with the first usable one."""
        del plan
        device_id = observation.device_id
        since = state.faulty.get(device_id)
        if observation.reading.clock_fault:
            if since is not None:
                return state, ()
            finding = _finding(Phase.RAISED, device_id, observation.at, observation.at)
            return State({**state.faulty, device_id: observation.at}), (finding,)
        if since is None:
            return state, ()
        faulty = {device: at for device, at in state.faulty.items() if device != device_id}
        now = observation.received_at
        return State(faulty), (_finding(Phase.CLEARED, device_id, since, now),)

    def deadline(self, state: State) -> Instant | None:
        """Time alone decides nothing here."""
        del state
        return None

    def expire(self, state: State, now: Instant, plan: ShipmentPlan) -> Result[State]:
        """Time alone decides nothing here."""
        del now, plan
        return state, ()


def _finding(phase: Phase, device_id: str, episode: Instant, at: Instant) -> Finding:
    raised = phase is Phase.RAISED
    return Finding(
        kind="device.clock_fault",
        phase=phase,
        subject=device_id,
        episode=episode,
        severity=Severity.LOW,
        occurred_at=at,
        confirmed_at=at,
        device_id=device_id,
        title="Device clock wrong" if raised else "Device clock right again",
        summary=(
            f"{device_id} sends an impossible time; its readings count from {text(episode)} on "
            "at the time they reach us"
            if raised
            else f"{device_id} sends a usable time again"
        ),
        response="Have the device's clock set at the next facility" if raised else "None",
        respond_within_s=14_400 if raised else None,
        evidence={"since": text(episode)},
    )
