"""A stack: processes that are started, watched, started again when they die, and stopped in order.

What a Puente stack is made of is `puente.launch`'s. One thread does everything: the kernel ties
the life of a child to the thread that started it, and there is nothing to lock.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from puente import clock
from puente.children import Child
from puente.supervision import Probes

TICK_S = 0.2
STOP_PHASE_S = 1.5
"""How long the processes of one phase may take to end; six phases stay below ten seconds."""

FAILURES_BEFORE_READY = 4
"""A process that died this often while the stack starts will not live."""

WRONG_USE = 2
"""Exit code of a process that cannot work with what it was told: trying again cannot help."""

_PROBE_GRACE_S = 10.0
_BOUND_LOGS_EVERY_S = 30.0


class StackFailure(RuntimeError):
    """The stack cannot start; the message says what is wrong and what to do."""


class Stopped(Exception):
    """Somebody asked the stack to stop while it was starting."""


@dataclass(frozen=True)
class Program:
    """What to start. Lower `phase` stops earlier. `may_finish`: exit code 0 is no death."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    phase: int
    may_finish: bool = False


class Watch(Protocol):
    """Asks a server now and then whether it still works."""

    def poll(self, now_s: float) -> bool | None:
        """Return what a probe said that ended just now, None when there is no news."""
        ...

    def cancel(self) -> None:
        """Give up a probe that is under way."""
        ...


class Stack:
    """Named children in the order in which they were started."""

    def __init__(
        self,
        logs: Path,
        say: Callable[[str], None],
        changed: Callable[["Stack"], None] = lambda _: None,
        inherit: Sequence[int] = (),
    ) -> None:
        """Make an empty stack.

        `say` gets a line for people, `changed` is called after a child was started or died, and
        `inherit` are descriptors that children hold open.
        """
        self.ready = False
        self._logs = logs
        self._say = say
        self._changed = changed
        self._inherit = tuple(inherit)
        self._children: dict[str, Child] = {}
        self._programs: dict[str, Program] = {}
        self._watches: dict[str, Watch] = {}
        self._probes: dict[str, Probes] = {}
        self._finished: set[str] = set()
        self._stopping = threading.Event()
        self._hurry = False
        self._logs_bounded_s = clock.monotonic_s()

    def request_stop(self) -> None:
        """Ask the stack to stop, asked again without waiting; a signal handler may call this."""
        self._hurry = self._stopping.is_set()
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stopping.is_set()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the children that live."""
        return {name: child.pid for name, child in self._children.items() if child.pid}

    @property
    def restarts(self) -> dict[str, int]:
        """How often each child was started again."""
        return {name: child.attempts.restarts for name, child in self._children.items()}

    def start(self, program: Program, watch: Watch | None = None) -> Child:
        """Start a program and keep it alive from now on."""
        child = Child(
            program.name,
            program.command,
            program.environment,
            self._logs / f"{program.name}.log",
            self._inherit,
        )
        self._children[program.name] = child
        self._programs[program.name] = program
        if watch is not None:
            self._watches[program.name] = watch
        try:
            child.start()
        except OSError as error:
            raise StackFailure(f"{program.name} cannot be started: {error}") from error
        self._changed(self)
        return child

    def wait_for(
        self,
        check: Callable[[], bool],
        what: str,
        timeout_s: float,
        every_s: float = TICK_S,
        advice: str = "",
    ) -> None:
        """Keep the stack alive until a check holds.

        `what` names what is waited for, `advice` what a person can do when it does not come.

        Raises:
            StackFailure: it did not hold in time, or a child cannot live.
            Stopped: somebody asked to stop.
        """
        deadline = clock.monotonic_s() + timeout_s
        while not check():
            self.tick()
            if self._stopping.wait(every_s):
                raise Stopped
            if clock.monotonic_s() > deadline:
                raise StackFailure(
                    f"waited for {what}, but not within {timeout_s:g} s; "
                    f"{advice or f'the logs in {self._logs} say why'}"
                )

    def run(self, each_tick: Callable[[], None] = lambda: None) -> None:
        """Keep the stack alive until it is asked to stop."""
        while not self._stopping.wait(TICK_S):
            self.tick()
            each_tick()

    def tick(self) -> None:
        """Look after every child once."""
        now_s = clock.monotonic_s()
        for name, child in self._children.items():
            if name in self._finished:
                continue
            if child.running:
                self._watch(name, child, now_s)
            elif child.attempts.due_at_s is None:
                self._note_death(name, child, now_s)
            elif child.attempts.due(now_s):
                self._start_again(name, child, now_s)
        if now_s - self._logs_bounded_s >= _BOUND_LOGS_EVERY_S:
            self._logs_bounded_s = now_s
            for child in self._children.values():
                child.bound_log()

    def _note_death(self, name: str, child: Child, now_s: float) -> None:
        code = child.exit_code
        if code == 0 and self._programs[name].may_finish:
            self._finished.add(name)
            self._say(f"{name} has finished")
            self._changed(self)
            return
        child.attempts = child.attempts.died(now_s)
        words = child.last_words()
        if not self.ready and (
            code == WRONG_USE or child.attempts.failures >= FAILURES_BEFORE_READY
        ):
            raise StackFailure(f"{name} cannot start: {words or f'it ended with {_ending(code)}'}")
        pause_s = (child.attempts.due_at_s or now_s) - now_s
        self._say(
            f"{name} ended with {_ending(code)}, starting it again in {pause_s:g} s ({child.log})"
        )
        self._changed(self)

    def _start_again(self, name: str, child: Child, now_s: float) -> None:
        child.attempts = child.attempts.started(now_s)
        self._probes.pop(name, None)
        try:
            child.start()
        except OSError as error:
            self._say(f"{name} cannot be started: {error}")
        else:
            self._say(f"{name} runs again (start {child.attempts.restarts + 1})")
        self._changed(self)

    def _watch(self, name: str, child: Child, now_s: float) -> None:
        watch = self._watches.get(name)
        if watch is None or now_s - child.attempts.started_at_s < _PROBE_GRACE_S:
            return
        answered = watch.poll(now_s)
        if answered is None:
            return
        self._probes[name] = self._probes.get(name, Probes()).heard(answered)
        if self._probes[name].dead:
            self._say(f"{name} runs but does not answer, ending it")
            child.kill()

    def stop(self) -> None:
        """Stop everything in order of phase; what does not end in time is killed."""
        self._stopping.set()
        for watch in self._watches.values():
            watch.cancel()
        for phase in sorted({program.phase for program in self._programs.values()}):
            members = [
                child
                for name, child in self._children.items()
                if self._programs[name].phase == phase
            ]
            for child in members:
                child.terminate()
            deadline = clock.monotonic_s() + STOP_PHASE_S
            for child in members:
                while not child.wait(min(0.05, deadline - clock.monotonic_s())):
                    if self._hurry or clock.monotonic_s() > deadline:
                        child.kill()
                        child.wait(STOP_PHASE_S)
                        break


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}"
    return f"code {code}"
