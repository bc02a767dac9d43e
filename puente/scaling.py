"""Where a scaled clock starts: decided from what was asked and what the state folder remembers.

Time in a folder never runs backwards: readings, checkpoints and deadlines in it stay in the past.
While nothing runs, a scaled clock stands still.
"""

from dataclasses import dataclass

from puente import instant
from puente.instant import Instant
from puente.statedir import SavedClock

SAVE_EVERY_S = 2.0
"""How often a running stack notes what its scaled clock shows."""

AHEAD_MS = 2 * instant.MINUTE
"""A store that is further ahead of real time than a device's clock may be was made scaled."""


class ClockConflict(RuntimeError):
    """The folder's time cannot continue as asked; the message says what can be done."""


@dataclass(frozen=True)
class ScaledClock:
    """A clock that shows `start` at the real instant `anchor` and runs at `rate`."""

    start: Instant
    anchor: Instant
    rate: float


def decide(
    asked_rate: float | None, saved: SavedClock | None, newest: Instant, real_now: Instant
) -> ScaledClock | None:
    """Choose the clock of a start; None is real time.

    `asked_rate` is None when nobody asked, `newest` the latest instant in the store (0: empty).

    Raises:
        ClockConflict: real time was asked for, but the folder's time is ahead of it.
    """
    last = newest
    if saved is not None:
        # The note may be that old, and what ran may have shown later times since.
        last = max(last, saved.seen_at + round(SAVE_EVERY_S * 1000 * saved.rate))
    rate = asked_rate
    if rate is None:
        rate = 1.0 if saved is None else saved.rate
    if rate != 1.0:
        # A folder that has only known real time goes on from now.
        start = last + 1 if saved is not None else max(real_now, last + 1)
        return ScaledClock(start, real_now, rate)
    if last <= real_now + AHEAD_MS:
        return None
    raise ClockConflict(
        f"this state has reached {instant.text(last)} on a clock that ran faster than real time, "
        "and time in it cannot go back; continue with --speed, or use another folder with "
        "STATE_DIR (or remove it) to start in real time"
    )
