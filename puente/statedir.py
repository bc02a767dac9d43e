"""The state folder: who uses it, where the running stack answers, and what its clock showed.

`lock` is held by `puente up` and everything it started, so a second one neither starts beside a
running stack nor before the last process of a killed one is gone. `stack.json` tells other
commands the addresses; `clock.json` lets a restart continue the same scaled time.
"""

import fcntl
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
from msgspec import Struct

from puente import clock
from puente.instant import Instant
from puente.settings import Settings

LEFT_OVER_S = 10.0
"""How long the processes of a `puente up` that was killed may take to end."""


class StateDirInUse(RuntimeError):
    """Another `puente up` runs on this folder; the message names it."""


class Running(Struct, frozen=True):
    """What a running stack says about itself in `stack.json`."""

    pid: int
    started_at: Instant
    redis_url: str
    mqtt_url: str
    dashboard_url: str
    clock_start: str = ""
    clock_anchor: str = ""
    clock_rate: float = 1.0
    ready: bool = False
    servers: dict[str, str] = {}
    pids: dict[str, int] = {}
    restarts: dict[str, int] = {}


class Lock:
    """The right to use a state folder; children inherit it by `fileno`."""

    def __init__(self, state_dir: Path) -> None:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = state_dir / "lock"
        self._file = self._path.open("a+b")

    def take(self, wait_s: float = LEFT_OVER_S) -> None:
        """Take the lock, waiting only for the left-overs of a stack whose parent is dead.

        Raises:
            StateDirInUse: a `puente up` runs, or its left-overs do not go away.
        """
        deadline = clock.monotonic_s() + wait_s
        while not self._try():
            owner = self._owner()
            if alive(owner):
                self.release()
                raise StateDirInUse(
                    f"'puente up' already runs on {self._path.parent} (process {owner}); "
                    "stop it, or use another folder with STATE_DIR"
                )
            if clock.monotonic_s() > deadline:
                self.release()
                raise StateDirInUse(
                    f"processes of an earlier 'puente up' on {self._path.parent} do not end; "
                    "end them, or use another folder with STATE_DIR"
                )
            time.sleep(0.1)
        self._file.truncate(0)
        self._file.write(str(os.getpid()).encode())
        self._file.flush()

    @property
    def fileno(self) -> int:
        """The descriptor that keeps the lock alive in a child."""
        return self._file.fileno()

    def release(self) -> None:
        """Let go; the lock is free when the last child let go too."""
        self._file.close()

    def _try(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _owner(self) -> int:
        raw = self._path.read_bytes()
        return int(raw) if raw.isdigit() else 0


def alive(pid: int) -> bool:
    """Tell whether a process exists."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _zombie(pid)


def _zombie(pid: int) -> bool:
    """Tell whether a process ended and only waits to be noticed (known on Linux only)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        return False
    return state == "Z"


def write_running(state_dir: Path, running: Running) -> None:
    """Write `stack.json` in one step."""
    _write(state_dir / "stack.json", msgspec.json.format(msgspec.json.encode(running)))


def remove_running(state_dir: Path) -> None:
    """Remove `stack.json`: nothing runs any more."""
    (state_dir / "stack.json").unlink(missing_ok=True)


def read_running(state_dir: Path) -> Running | None:
    """Return what the running stack says; None when none runs."""
    try:
        running = msgspec.json.decode((state_dir / "stack.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None
    return running if alive(running.pid) else None


def find_servers(settings: Settings) -> Settings:
    """Fill in the servers and the clock of a stack that runs from `state_dir`.

    What the settings name already stays: REDIS_URL and MQTT_URL win over a running stack.
    """
    running = read_running(settings.state_dir)
    if running is None:
        return settings
    found = replace(
        settings,
        redis_url=settings.redis_url or running.redis_url,
        mqtt_url=settings.mqtt_url or running.mqtt_url,
    )
    if found.clock_start:
        return found
    return replace(
        found,
        clock_start=running.clock_start,
        clock_anchor=running.clock_anchor,
        clock_rate=running.clock_rate,
    )


class SavedClock(Struct, frozen=True):
    """What the clock showed when it was last looked at, and how fast it ran."""

    seen_at: Instant
    rate: float


def write_clock(state_dir: Path, saved: SavedClock) -> None:
    """Write `clock.json` in one step."""
    _write(state_dir / "clock.json", msgspec.json.encode(saved))


def read_clock(state_dir: Path) -> SavedClock | None:
    """Return what a scaled clock last showed; None when this folder only knew real time."""
    try:
        return msgspec.json.decode((state_dir / "clock.json").read_bytes(), type=SavedClock)
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_bytes(content + b"\n")
    temporary.replace(path)


def child_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return our environment with the settings in it, for a process we start."""
    return {**os.environ, **settings, "PYTHONUNBUFFERED": "1"}
