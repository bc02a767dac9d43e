import os
import subprocess
import sys

import pytest

from puente import orphan

CALL = "from puente import orphan; orphan.exit_with_parent(); print('lives')"


def run(parent: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, orphan.PARENT: parent}
    command = [sys.executable, "-c", CALL]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_a_stack_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(orphan.PARENT, raising=False)
    assert orphan.parent_pid() is None
    orphan.exit_with_parent()


def test_a_child_of_its_stack_lives() -> None:
    assert run(str(os.getpid())).stdout == "lives\n"


def test_a_child_whose_stack_is_gone_already_does_not_begin() -> None:
    done = run("1" if os.getpid() != 1 else "2")
    assert (done.returncode, done.stdout) == (0, "")
