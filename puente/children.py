"""One process that the stack started: its log, its life, its end."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from puente import clock
from puente.supervision import Attempts

MAX_LOG_BYTES = 10 * 1024 * 1024
KEPT_LOGS = 3


class Child:
    """A process in its own process group, so that Ctrl-C reaches only the one that stops it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        inherit: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environment = dict(environment)
        self.log = log
        self._inherit = tuple(inherit)
        self._process: subprocess.Popen[bytes] | None = None
        self.attempts = Attempts(started_at_s=clock.monotonic_s())
        rotate(log)

    def start(self) -> None:
        """Start the process, its output appended to the log."""
        with self._open_log() as output:
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self._inherit,
            )

    def _open_log(self) -> BinaryIO:
        return self.log.open("ab")

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it lives or before it was started."""
        return None if self._process is None else self._process.poll()

    def terminate(self) -> None:
        """Ask the process to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and whatever it started in its group."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            # Its process id is its group's: it was started as the leader of a session.
            os.killpg(self._process.pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; returns whether it came."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, timeout_s))
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self, lines: int = 1) -> str:
        """Return the last lines of the log that say something."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 8192))
                text = log.read().decode(errors="replace")
        except OSError:
            return ""
        said = [line.strip() for line in text.splitlines() if line.strip()]
        return "\n".join(said[-lines:])

    def bound_log(self) -> None:
        """Keep the size of the log bounded; the process appends, so it may write on meanwhile."""
        try:
            if self.log.stat().st_size > MAX_LOG_BYTES:
                _numbered(self.log, 1).write_bytes(self.log.read_bytes())
                os.truncate(self.log, 0)
        except OSError:
            return


def rotate(log: Path) -> None:
    """Move the log of an earlier run aside; the newest few are kept."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if not log.exists() or log.stat().st_size == 0:
        return
    for number in range(KEPT_LOGS - 1, 0, -1):
        if _numbered(log, number).exists():
            _numbered(log, number).replace(_numbered(log, number + 1))
    log.replace(_numbered(log, 1))


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
