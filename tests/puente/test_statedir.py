import os
import subprocess
import sys
from pathlib import Path

import pytest

from puente import statedir
from puente.settings import Settings
from puente.statedir import Lock, Running, SavedClock, StateDirInUse

HOLD = (
    "import sys; from pathlib import Path; from puente.statedir import Lock\n"
    "lock = Lock(Path(sys.argv[1])); lock.take(); print('held', flush=True); sys.stdin.read()"
)


def running(**values: object) -> Running:
    known = {
        "pid": os.getpid(),
        "started_at": 1,
        "redis_url": "redis://127.0.0.1:1/0",
        "mqtt_url": "mqtt://127.0.0.1:2",
        "dashboard_url": "http://127.0.0.1:3",
    }
    return Running(**{**known, **values})  # type: ignore[arg-type]


def test_a_second_stack_on_one_folder_is_refused_with_the_process_that_has_it(
    tmp_path: Path,
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StateDirInUse, match=f"already runs .* \\(process {holder.pid}\\)"):
        Lock(tmp_path).take()
    holder.kill()
    holder.communicate()
    again = Lock(tmp_path)
    again.take()
    assert (tmp_path / "lock").read_text() == str(os.getpid())
    again.release()


def test_left_over_children_of_a_dead_stack_keep_the_folder_until_they_end(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    lock.take()
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        pass_fds=(lock.fileno,),
    )
    lock.release()
    (tmp_path / "lock").write_text("")
    with pytest.raises(StateDirInUse, match="earlier 'puente up'"):
        Lock(tmp_path).take(wait_s=0.2)
    child.communicate()
    again = Lock(tmp_path)
    again.take(wait_s=0.2)
    again.release()


def test_addresses_of_a_running_stack_are_found_and_settings_win_over_them(tmp_path: Path) -> None:
    statedir.write_running(
        tmp_path,
        running(
            clock_start="2026-07-01T00:00:00Z", clock_anchor="2026-06-01T00:00:00Z", clock_rate=9.0
        ),
    )
    found = statedir.find_servers(Settings(state_dir=tmp_path, mqtt_url="mqtt://hub:1883"))
    assert found.redis_url == "redis://127.0.0.1:1/0"
    assert found.mqtt_url == "mqtt://hub:1883"
    assert found.clock_rate == 9.0


def test_addresses_of_a_stack_that_is_gone_are_not_used(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    statedir.write_running(tmp_path, running(pid=gone.pid))
    assert statedir.read_running(tmp_path) is None
    settings = Settings(state_dir=tmp_path)
    assert statedir.find_servers(settings) == settings
    statedir.remove_running(tmp_path)
    assert statedir.read_running(tmp_path) is None


def test_what_the_clock_showed_is_kept(tmp_path: Path) -> None:
    assert statedir.read_clock(tmp_path) is None
    statedir.write_clock(tmp_path, SavedClock(17, 60.0))
    assert statedir.read_clock(tmp_path) == SavedClock(17, 60.0)
    (tmp_path / "clock.json").write_text("{")
    assert statedir.read_clock(tmp_path) is None
