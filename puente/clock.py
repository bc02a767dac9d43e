"""The one clock that processes read: real, or started elsewhere and running faster.

`CLOCK_START` is what the clock showed when real time was `CLOCK_ANCHOR`; from there on it runs at
`CLOCK_RATE`. `puente up` gives all its children the same three values, so a demo at 60x is
consistent. Decisions never import this module: they are told the time.
"""

import time
from dataclasses import dataclass

from puente.instant import Instant


@dataclass(frozen=True)
class Clock:
    """Reads scaled time. With the default values it is the machine's UTC clock."""

    start: Instant = 0
    anchor: Instant = 0
    rate: float = 1.0

    def now(self) -> Instant:
        """Return the current instant on this clock."""
        return self.at(real_now())

    def at(self, real: Instant) -> Instant:
        """Return what this clock shows at a real instant."""
        return self.start + round((real - self.anchor) * self.rate)

    def real_seconds(self, scaled_ms: float) -> float:
        """Turn a span on this clock into real seconds, for timeouts and freshness."""
        return scaled_ms / self.rate / 1000.0


def real_now() -> Instant:
    """Read the machine's UTC clock."""
    return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Read the machine's steady clock in seconds, for timeouts that no clock step may touch."""
    return time.monotonic()
