"""Saying how far a start is: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable

_WIDTH = 24


class Progress:
    """Counts steps that were done out of a known number."""

    def __init__(self, steps: int, say: Callable[[str], None], terminal: bool) -> None:
        self._steps = steps
        self._done = 0
        self._say = say
        self._terminal = terminal

    def waiting(self, what: str) -> None:
        """Show what has to hold next."""
        if self._terminal:
            filled = _WIDTH * self._done // self._steps
            bar = "#" * filled + "-" * (_WIDTH - filled)
            self._draw(f"  [{bar}] {self._done}/{self._steps} waiting until {what}")

    def done(self, what: str) -> None:
        """Count a step."""
        self._done += 1
        if not self._terminal:
            self._say(f"  {what}")

    def clear(self) -> None:
        """Remove the bar, before other lines are written."""
        if self._terminal:
            self._draw("")

    def _draw(self, text: str) -> None:
        # Back to the first column, the text, and nothing behind it.
        sys.stdout.write(f"\r{text}\x1b[K")
        sys.stdout.flush()
