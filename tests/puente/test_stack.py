"""The life of a stack's processes, with real processes: nothing is left behind, ever."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from puente import clock, statedir
from puente.children import KEPT_LOGS, MAX_LOG_BYTES, Child, rotate
from puente.stack import Program, Stack, StackFailure, Stopped

SMALL_STACK = Path(__file__).parent / "small_stack.py"
ROOT = Path(__file__).parents[2]


def eventually(check: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = clock.monotonic_s() + timeout_s
    while not check():
        if clock.monotonic_s() > deadline:
            return False
        time.sleep(0.02)
    return True


class SmallStack:
    """A running small_stack.py."""

    def __init__(self, state_dir: Path, *names: str) -> None:
        self.state_dir = state_dir
        self.process = subprocess.Popen(
            [sys.executable, str(SMALL_STACK), str(state_dir), *names],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.lines: list[str] = []

    def until_ready(self) -> None:
        self.read_until("ready")

    def read_until(self, wanted: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if wanted in line:
                return
        raise AssertionError(f"{wanted!r} was never said, but {self.lines}")

    def wait_for_log(self, name: str, words: str) -> None:
        log = self.state_dir / "logs" / f"{name}.log"
        assert eventually(lambda: words in log.read_text())

    @property
    def pids(self) -> dict[str, int]:
        running = statedir.read_running(self.state_dir)
        assert running is not None
        return running.pids

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SmallStack]]:
    started: list[SmallStack] = []

    def begin(*names: str) -> SmallStack:
        started.append(SmallStack(tmp_path, *names))
        started[-1].until_ready()
        return started[-1]

    yield begin
    for stack in started:
        stack.end()


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_leaves_no_process_behind(
    start: Callable[..., SmallStack], number: signal.Signals
) -> None:
    stack = start("steady", "server", "module", "stubborn")
    pids = stack.pids
    assert set(pids) == {"steady", "server", "module", "stubborn"}
    stack.wait_for_log("stubborn", "deaf")
    began_s = clock.monotonic_s()
    stack.process.send_signal(number)
    stack.read_until("stopped")
    assert clock.monotonic_s() - began_s < 10
    assert not any(statedir.alive(pid) for pid in pids.values())
    assert stack.process.wait(5) == 0


@pytest.mark.system
def test_killed_it_leaves_no_process_behind_either(start: Callable[..., SmallStack]) -> None:
    stack = start("steady", "server", "module", "stubborn")
    pids = stack.pids
    stack.wait_for_log("stubborn", "deaf")
    stack.process.kill()
    stack.process.wait()
    assert eventually(lambda: not any(statedir.alive(pid) for pid in pids.values()))


@pytest.mark.system
def test_ctrl_c_on_the_terminal_reaches_only_the_one_that_stops_the_others(
    start: Callable[..., SmallStack],
) -> None:
    stack = start("steady", "server")
    groups = {os.getpgid(pid) for pid in stack.pids.values()}
    assert groups == set(stack.pids.values())
    assert os.getpgid(stack.process.pid) not in groups


@pytest.mark.system
def test_a_child_that_dies_is_started_again_and_counted(start: Callable[..., SmallStack]) -> None:
    stack = start("steady")
    before = stack.pids["steady"]
    os.kill(before, signal.SIGKILL)
    stack.read_until("steady runs again (start 2)")
    assert any("steady ended with signal 9, starting it again in 0.5 s" in s for s in stack.lines)
    assert eventually(lambda: stack.pids.get("steady") not in (None, before))
    running = statedir.read_running(stack.state_dir)
    assert running is not None
    assert running.restarts == {"steady": 1}


@pytest.mark.system
def test_a_child_that_keeps_dying_is_started_again_ever_later(
    start: Callable[..., SmallStack],
) -> None:
    stack = start("fragile")
    stack.read_until("starting it again in 2 s")
    pauses = [line.split(" in ")[1].split()[0] for line in stack.lines if "ended with" in line]
    assert pauses == ["0.5", "1", "2"]


@pytest.mark.system
def test_a_program_that_may_finish_is_not_started_again(start: Callable[..., SmallStack]) -> None:
    stack = start("brief", "steady")
    stack.read_until("brief has finished")
    assert eventually(lambda: set(stack.pids) == {"steady"})


def quick(name: str, code: str, **values: object) -> Program:
    command = [sys.executable, "-c", code]
    return Program(name, command, dict(os.environ), 0, **values)  # type: ignore[arg-type]


def test_a_child_that_cannot_work_ends_the_start_with_its_last_words(tmp_path: Path) -> None:
    stack = Stack(tmp_path, lambda _: None)
    stack.start(quick("gateway", "print('MQTT_URL is wrong'); raise SystemExit(2)"))
    with pytest.raises(StackFailure, match="gateway cannot start: MQTT_URL is wrong"):
        stack.wait_for(lambda: False, "never", 20)
    stack.stop()


def test_what_does_not_become_ready_in_time_is_a_failure_that_says_what(tmp_path: Path) -> None:
    stack = Stack(tmp_path, lambda _: None)
    with pytest.raises(StackFailure, match=r"waited for the moon, but not within 0\.1 s"):
        stack.wait_for(lambda: False, "the moon", 0.1, every_s=0.01)


def test_a_stop_during_the_start_ends_the_waiting(tmp_path: Path) -> None:
    stack = Stack(tmp_path, lambda _: None)
    stack.request_stop()
    with pytest.raises(Stopped):
        stack.wait_for(lambda: False, "never", 20)


def test_a_program_that_does_not_exist_is_a_failure(tmp_path: Path) -> None:
    stack = Stack(tmp_path, lambda _: None)
    with pytest.raises(StackFailure, match="redis cannot be started"):
        stack.start(Program("redis", ["/no/such/program"], {}, 0))


class DeafServer:
    """A watch whose server never answers."""

    def poll(self, now_s: float) -> bool | None:
        return False

    def cancel(self) -> None:
        pass


def test_a_server_that_runs_but_does_not_answer_is_ended_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("puente.stack._PROBE_GRACE_S", 0.0)
    said: list[str] = []
    stack = Stack(tmp_path, said.append)
    stack.start(quick("broker", "import time; time.sleep(100)"), DeafServer())
    stack.wait_for(lambda: stack.restarts["broker"] == 1, "a restart", 20, every_s=0.01)
    assert said[:2] == [
        "broker runs but does not answer, ending it",
        f"broker ended with signal 9, starting it again in 0.5 s ({tmp_path / 'broker.log'})",
    ]
    stack.stop()


def test_logs_of_earlier_runs_are_kept_up_to_a_number(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "gateway.log"
    for number in range(6):
        rotate(log)
        log.write_text(f"run {number}")
    kept = [log, *(log.with_name(f"gateway.log.{n}") for n in range(1, KEPT_LOGS + 1))]
    assert [path.read_text() for path in kept] == ["run 5", "run 4", "run 3", "run 2"]
    assert len(list(log.parent.iterdir())) == 1 + KEPT_LOGS


def test_a_log_does_not_grow_without_bound(tmp_path: Path) -> None:
    child = Child("noisy", ["true"], {}, tmp_path / "noisy.log")
    child.log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))
    child.bound_log()
    assert child.log.stat().st_size == 0
    child.log.write_bytes(b"first\n\nlast words \n")
    assert child.last_words() == "last words"
    child.bound_log()
    assert child.log.stat().st_size > 0
