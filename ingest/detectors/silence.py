"""Device silence: nothing heard for much longer than a device's own rhythm.

Rule (interfaces, default rules): max(3 x the median interval of the last 20, 900 s); in a HOT
zone max(2 x, 360 s). It is about our knowledge, so it uses the time of reception: a backfill ends
a silence, it does not take it back. Our own outages do not count as a device's silence: the
pipeline shifts deadlines by them.
"""

from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ingest.detectors.detector import About, Result
from puente.instant import SECOND, Instant, text
from puente.model import Finding, Observation, Phase, Severity
from puente.plan import FenceClass, ShipmentPlan


class Heard(Struct, frozen=True, omit_defaults=True):
    """When a device was last heard, and its newest intervals in ms."""

    received_at: Instant
    intervals: tuple[int, ...] = ()
    hot: bool = False
    silent: bool = False
    grace_ms: int = 0


class State(Struct, frozen=True, omit_defaults=True):
    """Every device of the shipment that was ever heard."""

    devices: dict[str, Heard] = {}


@dataclass(frozen=True)
class DeviceSilence:
    """Decides `device.silent`."""

    name: ClassVar[str] = "silence"
    about: ClassVar[About] = About.KNOWLEDGE
    kinds: ClassVar[tuple[str, ...]] = ("device.silent",)
    state_type: ClassVar[type[State]] = State

    intervals: int = 20
    factor: float = 3.0
    least_s: int = 900
    hot_factor: float = 2.0
    hot_least_s: int = 360

    def initial(self) -> State:
        """Nobody was heard yet: a device that never spoke is not silent."""
        return State()

    def observe(self, state: State, observation: Observation, plan: ShipmentPlan) -> Result[State]:
        """Note that a device was heard; end its silence."""
        del plan
        now, device_id = observation.received_at, observation.device_id
        before = state.devices.get(device_id)
        intervals: tuple[int, ...] = ()
        findings: tuple[Finding, ...] = ()
        if before is not None:
            now = max(now, before.received_at)
            intervals = (*before.intervals, now - before.received_at)[-self.intervals :]
            if before.silent:
                # The gap itself says nothing about the device's rhythm.
                intervals = before.intervals
                findings = (_cleared(device_id, before, now),)
        hot = FenceClass.HOT.value in observation.classes
        heard = Heard(now, intervals, hot)
        return State({**state.devices, device_id: heard}), findings

    def deadline(self, state: State) -> Instant | None:
        """When the first device will have been silent too long."""
        due = [self._due(heard) for heard in state.devices.values() if not heard.silent]
        return min(due) if due else None

    def expire(self, state: State, now: Instant, plan: ShipmentPlan) -> Result[State]:
        """Raise the silence of every device that is due and still belongs to the shipment."""
        devices = dict(state.devices)
        findings: list[Finding] = []
        for device_id, heard in state.devices.items():
            due = self._due(heard)
            if heard.silent or due > now:
                continue
            if plan.role_of(device_id, now) is None:
                del devices[device_id]
                continue
            devices[device_id] = replace(heard, silent=True)
            findings.append(self._raised(device_id, heard, due))
        return State(devices), tuple(findings)

    def excuse(self, state: State, outage_ms: int) -> State:
        """Add an outage of our own to the time every device has."""
        return State(
            {
                device_id: replace(heard, grace_ms=heard.grace_ms + outage_ms)
                for device_id, heard in state.devices.items()
            }
        )

    def _limit_ms(self, heard: Heard) -> int:
        rhythm = median(heard.intervals) if heard.intervals else 0.0
        if heard.hot:
            return round(max(self.hot_factor * rhythm, self.hot_least_s * SECOND))
        return round(max(self.factor * rhythm, self.least_s * SECOND))

    def _due(self, heard: Heard) -> Instant:
        return heard.received_at + self._limit_ms(heard) + heard.grace_ms

    def _raised(self, device_id: str, heard: Heard, due: Instant) -> Finding:
        silent_s = (due - heard.received_at) / SECOND
        rhythm = median(heard.intervals) / SECOND if heard.intervals else None
        where = " in a hot zone" if heard.hot else ""
        return Finding(
            kind="device.silent",
            phase=Phase.RAISED,
            subject=device_id,
            episode=heard.received_at,
            severity=Severity.HIGH if heard.hot else Severity.MEDIUM,
            occurred_at=heard.received_at,
            confirmed_at=due,
            device_id=device_id,
            title=f"Device silent{where}",
            summary=(
                f"Nothing from {device_id} for {silent_s / 60:.0f} min{where}; "
                f"last heard {text(heard.received_at)}"
            ),
            response="Check coverage there, look at the other devices, call the driver",
            respond_within_s=900,
            evidence={
                "silent_s": silent_s,
                "limit_s": self._limit_ms(heard) / SECOND,
                "median_interval_s": rhythm,
                "hot_zone": heard.hot,
                "own_outage_s": heard.grace_ms / SECOND,
            },
        )


def _cleared(device_id: str, before: Heard, now: Instant) -> Finding:
    silent_s = (now - before.received_at) / SECOND
    return Finding(
        kind="device.silent",
        phase=Phase.CLEARED,
        subject=device_id,
        episode=before.received_at,
        severity=Severity.HIGH if before.hot else Severity.MEDIUM,
        occurred_at=now,
        confirmed_at=now,
        device_id=device_id,
        title="Device heard again",
        summary=f"{device_id} is heard again after {silent_s / 60:.0f} min",
        response="Look at what it sends of the silent time",
        evidence={"silent_s": silent_s},
    )
