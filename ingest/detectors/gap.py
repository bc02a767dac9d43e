"""Readings that a device says it no longer holds: lost for good, and said so.

The gateway finds the gap from the device's numbering (`oldest`, interfaces section 2) and writes
it on the reading that declared it; here it becomes an event of the shipment.
"""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct

from ingest.detectors.detector import About, Result
from puente.instant import Instant
from puente.model import Finding, Gap, Observation, Phase, Severity
from puente.plan import ShipmentPlan


class State(Struct, frozen=True, omit_defaults=True):
    """The newest gap of each device as `boot.last`, so that a repeated reading adds nothing."""

    newest: dict[str, tuple[int, int]] = {}


@dataclass(frozen=True)
class TelemetryGap:
    """Notes `telemetry.gap`."""

    name: ClassVar[str] = "gap"
    about: ClassVar[About] = About.KNOWLEDGE
    kinds: ClassVar[tuple[str, ...]] = ("telemetry.gap",)
    state_type: ClassVar[type[State]] = State

    def initial(self) -> State:
        """Nothing is lost."""
        return State()

    def observe(self, state: State, observation: Observation, plan: ShipmentPlan) -> Result[State]:
        """Note the gaps that a reading declares."""
        del plan
        gaps = observation.reading.gaps
        if not gaps:
            return state, ()
        device_id = observation.device_id
        known = state.newest.get(device_id, (-1, -1))
        new = [gap for gap in gaps if (gap.boot, gap.last) > known]
        if not new:
            return state, ()
        newest = max((gap.boot, gap.last) for gap in new)
        return State({**state.newest, device_id: newest}), (_finding(observation, new),)

    def deadline(self, state: State) -> Instant | None:
        """Time alone decides nothing here."""
        del state
        return None

    def expire(self, state: State, now: Instant, plan: ShipmentPlan) -> Result[State]:
        """Time alone decides nothing here."""
        del now, plan
        return state, ()


def _finding(observation: Observation, gaps: list[Gap]) -> Finding:
    missing = sum(gap.last - gap.first + 1 for gap in gaps)
    device_id = observation.device_id
    return Finding(
        kind="telemetry.gap",
        phase=Phase.NOTED,
        subject=device_id,
        episode=observation.at,
        severity=Severity.INFO,
        occurred_at=observation.at,
        confirmed_at=observation.at,
        device_id=device_id,
        title="Readings lost in the device",
        summary=f"{device_id} no longer holds {missing} readings that never arrived",
        response="Look at its memory and its coverage if this repeats",
        evidence={
            "missing": missing,
            "ranges": [[gap.boot, gap.first, gap.last] for gap in gaps],
        },
    )
