"""`puente up` as a person uses it: real servers, real processes, one terminal."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from puente import clock, instant, ports, readiness, statedir
from puente.store import plans
from puente.store.connection import connect
from tests.puente.test_stack import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
SETTINGS = ("REDIS_URL", "MQTT_URL", "STATE_DIR", "PORT", "MQTT_PORT", "REDIS_PORT")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in SETTINGS}


def puente(*words: str) -> list[str]:
    return [sys.executable, "-m", "puente.cli", *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        puente(*words),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
    )


class Up:
    """A `puente up` that is ready."""

    def __init__(self, state_dir: Path, *words: str) -> None:
        self.state_dir = state_dir
        self.port = ports.any_free()
        command = puente("up", "--state-dir", str(state_dir), "--port", str(self.port), *words)
        self.process = subprocess.Popen(
            [*command, "--mqtt-port", str(ports.any_free())],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=ENVIRONMENT,
        )
        self.lines: list[str] = []

    def until_ready(self) -> None:
        self.read_until(f"http://127.0.0.1:{self.port}")

    def read_until(self, wanted: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if wanted in line:
                return
        raise AssertionError(f"{wanted!r} was never said, but:\n" + "\n".join(self.lines))

    @property
    def running(self) -> statedir.Running:
        running = statedir.read_running(self.state_dir)
        assert running is not None
        return running

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def begin(*words: str) -> Up:
        started.append(Up(tmp_path / "state", *words))
        started[-1].until_ready()
        return started[-1]

    yield begin
    for one in started:
        one.end()


def none_alive(pids: dict[str, int]) -> bool:
    return not any(statedir.alive(pid) for pid in pids.values())


def test_a_stack_starts_stops_and_starts_again_with_its_state(
    up: Callable[..., Up], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"shipments": [{"id": "MX26-1", "devices": []}]}))
    first = up("--plan", str(plan))
    assert readiness.health("127.0.0.1", first.port) is not None
    running = first.running
    assert running.ready
    assert set(running.pids) >= {"redis", "gateway", "engine", "desk", "dashboard"}

    refused = run("up", "--state-dir", str(first.state_dir))
    assert refused.returncode == 1
    assert f"already runs on {first.state_dir} (process {first.process.pid})" in refused.stderr

    taken = run("up", "--state-dir", str(tmp_path / "other"), "--port", str(first.port))
    assert taken.returncode == 1
    assert f"port {first.port} for the dashboard is already in use" in taken.stderr
    assert taken.stderr.count("\n") == 1

    plan.write_text(json.dumps({"shipments": [{"id": "MX26-2", "devices": []}]}))
    loaded = run("load", str(plan), "--state-dir", str(first.state_dir))
    assert "version 2 is in force" in loaded.stdout

    began_s = clock.monotonic_s()
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(15) == 0
    assert clock.monotonic_s() - began_s < 10
    assert none_alive(running.pids)
    assert statedir.read_running(first.state_dir) is None

    second = up()
    store = connect(second.running.redis_url)
    assert set(plans.load_plan(store).shipments) == {"MX26-1", "MX26-2"}
    store.close()

    os.kill(second.running.pids["engine"], signal.SIGKILL)
    second.read_until("engine runs again (start 2)")
    if broker := second.running.pids.get("broker"):
        os.kill(broker, signal.SIGKILL)
        second.read_until("broker runs again (start 2)")
    pids = second.running.pids
    second.process.kill()
    second.process.wait()
    assert eventually(lambda: none_alive(pids))

    # What a killed stack left behind does not keep the next one from starting.
    third = up()
    assert third.running.restarts["engine"] == 0


def test_a_scaled_clock_goes_on_after_a_restart_and_real_time_is_refused(
    up: Callable[..., Up],
) -> None:
    first = up("--speed", "120")
    began = clock.Clock().now()
    assert first.running.clock_rate == 120
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(15) == 0
    saved = statedir.read_clock(first.state_dir)
    assert saved is not None
    assert saved.seen_at > began

    refused = run("up", "--state-dir", str(first.state_dir), "--speed", "1", "--port", "0")
    assert refused.returncode == 1
    assert "time in it cannot go back; continue with --speed" in refused.stderr

    second = up()
    assert second.running.clock_rate == 120
    assert instant.parse(second.running.clock_start) > saved.seen_at
    assert readiness.health("127.0.0.1", second.port) is not None


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--plan", "bad.json"), 1, "bad.json: shipment #1: id: is missing"),
        (("--plan", "nowhere.json"), 2, "File 'nowhere.json' does not exist"),
        (("--gateways", "99"), 2, "99 is not in the range 1<=x<=16"),
    ],
)
def test_what_cannot_work_is_said_before_anything_starts(
    tmp_path: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    (tmp_path / "bad.json").write_text('{"shipments": [{"devices": []}]}')
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT), "STATE_DIR": "state"}
    done = subprocess.run(
        puente("up", *words),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode == code
    assert message in done.stderr
    assert not (tmp_path / "state").exists()
