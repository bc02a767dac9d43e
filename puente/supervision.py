"""When a process that died is started again: decided here, without processes or clocks."""

from dataclasses import dataclass

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
HEALTHY_S = 60.0
"""A process that ran this long had recovered: its next death is a first one again."""

PROBES_IN_A_ROW = 3
"""Failed probes after which a server that runs but does not answer is restarted."""


@dataclass(frozen=True)
class Attempts:
    """What became of a process so far. Instants are seconds on a steady clock.

    `failures` counts deaths without `HEALTHY_S` of life between them, `restarts` all of them.
    """

    started_at_s: float
    failures: int = 0
    restarts: int = 0
    due_at_s: float | None = None

    def died(self, now_s: float) -> "Attempts":
        """Note a death; `due_at_s` says when the next start is due."""
        failures = 1 if now_s - self.started_at_s >= HEALTHY_S else self.failures + 1
        return Attempts(self.started_at_s, failures, self.restarts, now_s + delay_s(failures))

    def started(self, now_s: float) -> "Attempts":
        """Note a start that followed a death."""
        return Attempts(now_s, self.failures, self.restarts + 1)

    def due(self, now_s: float) -> bool:
        """Tell whether it is time to start again."""
        return self.due_at_s is not None and now_s >= self.due_at_s


def delay_s(failures: int) -> float:
    """Return the pause before the next start: 0.5 s, doubled with every failure, 30 s at most."""
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failures - 1, 10))


@dataclass(frozen=True)
class Probes:
    """How often in a row a server did not answer."""

    failed: int = 0

    def heard(self, answered: bool) -> "Probes":
        """Note the outcome of one probe."""
        return Probes(0 if answered else self.failed + 1)

    @property
    def dead(self) -> bool:
        """Whether the server counts as dead although its process runs."""
        return self.failed >= PROBES_IN_A_ROW
