"""A stack of small programs in a process of its own: `small_stack.py STATE_DIR [NAME...]`.

Run by test_stack.py, which kills it. Programs: `steady` and `stubborn` (ignores SIGTERM) run for
ever, `fragile` dies at once, `server` and `module` know nothing of us, `brief` finishes.
"""

import os
import signal
import sys
from pathlib import Path

from puente import statedir
from puente.clock import real_now
from puente.stack import Program, Stack

LOOP = "import time\nwhile True: time.sleep(0.1)"
OURS = "from puente import orphan; orphan.exit_with_parent()\n"

COMMANDS = {
    "steady": [sys.executable, "-c", OURS + LOOP],
    "stubborn": [
        sys.executable,
        "-c",
        f"{OURS}import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"print('deaf', flush=True)\n{LOOP}",
    ],
    "fragile": [sys.executable, "-c", "print('something broke'); raise SystemExit(3)"],
    "server": [sys.executable, "-m", "puente.orphan", "sleep", "1000"],
    "module": [sys.executable, "-m", "puente.orphan", "-m", "http.server", "0", "-b", "127.0.0.1"],
    "brief": [sys.executable, "-c", ""],
}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run until asked to stop."""
    state_dir = Path(sys.argv[1])
    lock = statedir.Lock(state_dir)
    lock.take()

    def changed(stack: Stack) -> None:
        running = statedir.Running(
            pid=os.getpid(),
            started_at=real_now(),
            redis_url="",
            mqtt_url="",
            dashboard_url="",
            ready=stack.ready,
            pids=stack.pids,
            restarts=stack.restarts,
        )
        statedir.write_running(state_dir, running)

    stack = Stack(state_dir / "logs", say, changed, [lock.fileno])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stack.request_stop())
    environment = {**os.environ, "PUENTE_PARENT": str(os.getpid())}
    for phase, name in enumerate(sys.argv[2:]):
        program = Program(name, COMMANDS[name], environment, phase, may_finish=name == "brief")
        stack.start(program)
    stack.ready = True
    changed(stack)
    say("ready")
    stack.run()
    stack.stop()
    say("stopped")


if __name__ == "__main__":
    main()
