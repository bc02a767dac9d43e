"""No process outlives the `puente up` that started it, however that one ends.

`puente up` names itself in `PUENTE_PARENT`. Every main calls `exit_with_parent()` first; without
that variable (a service manager, a shell, a container) it does nothing. Linux tells a process
that its parent died, even by SIGKILL; elsewhere, and as a second line, a thread looks.

`python -m puente.orphan -m MODULE ...` gives the same to a module that may not call it, and
`python -m puente.orphan COMMAND ...` to a server that is not ours.
"""

import ctypes
import os
import platform
import runpy
import signal
import subprocess
import sys
import threading
import time

PARENT = "PUENTE_PARENT"
"""Environment variable with the process id of the `puente up` that started a process."""

_LINUX = platform.system() == "Linux"
_PR_SET_PDEATHSIG = 1
_WATCHER = "puente-orphan"
_LOOK_EVERY_S = 1.0
_GRACE_S = 4.0
"""How long an orphan may take to end in an orderly way before it is ended."""


def parent_pid() -> int | None:
    """Return the process that we must not outlive, None when there is none."""
    raw = os.environ.get(PARENT, "")
    return int(raw) if raw.isdigit() else None


def exit_with_parent() -> None:
    """Arrange that this process ends, by SIGTERM first, when the one that started it is gone."""
    parent = parent_pid()
    if parent is None or any(thread.name == _WATCHER for thread in threading.enumerate()):
        return
    _ask_kernel()
    if os.getppid() != parent:
        sys.exit(0)
    threading.Thread(target=_watch, args=(parent,), name=_WATCHER, daemon=True).start()


def _ask_kernel() -> None:
    """Let Linux send SIGTERM when the parent ends; survives exec, unless the user changes."""
    if _LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run a module or a server so that it ends with our parent."""
    command = sys.argv[1:]
    if command[0] == "-m":
        exit_with_parent()
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
        return
    parent = parent_pid()
    if _LINUX:
        _ask_kernel()
        if parent is not None and os.getppid() != parent:
            sys.exit(0)
        os.execvp(command[0], command)
    server = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: server.terminate())
    while server.poll() is None and (parent is None or os.getppid() == parent):
        time.sleep(_LOOK_EVERY_S / 5)
    if server.poll() is None:
        server.terminate()
    sys.exit(server.wait())


if __name__ == "__main__":
    main()
