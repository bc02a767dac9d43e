"""What a detector is, and the laws it obeys.

A detector is a frozen object that holds its thresholds. It is told observations one by one and
keeps what it needs in a frozen `State`. It reads no clock: it names the instant at which it wants
to be asked again (`deadline`) and is told the time then (`expire`).

Laws, tested over all detectors at once: the same input gives the same output; the state survives
encoding; firing a deadline twice says nothing the second time; an observation given twice raises
nothing new; cleared only after raised; every finding names its evidence and the response.
"""

from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from puente.instant import Instant
from puente.model import Finding, Observation
from puente.plan import ShipmentPlan

S = TypeVar("S")

Result = tuple[S, tuple[Finding, ...]]
"""The new state, and what was decided."""


class About(StrEnum):
    """What a detector's findings describe, which decides in which order it sees observations."""

    TRUTH = "truth"
    """What happened to the load: folded in device time, refolded when late readings arrive."""

    KNOWLEDGE = "knowledge"
    """What we know and when: folded once, in order of reception, on the partition's clock."""


class Detector(Protocol, Generic[S]):
    """One rule inside one shipment."""

    name: ClassVar[str]
    about: ClassVar[About]
    kinds: ClassVar[tuple[str, ...]]
    state_type: ClassVar[type[Any]]

    def initial(self) -> S:
        """Return the state before the first observation."""
        ...

    def observe(self, state: S, observation: Observation, plan: ShipmentPlan) -> Result[S]:
        """Fold one observation; deadlines up to its time have fired before."""
        ...

    def deadline(self, state: S) -> Instant | None:
        """Name the earliest instant at which time alone decides something."""
        ...

    def expire(self, state: S, now: Instant, plan: ShipmentPlan) -> Result[S]:
        """Let time pass to `now`, a deadline this detector named."""
        ...
