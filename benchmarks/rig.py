"""What a benchmark runs on: servers and programs of its own in a temporary folder, all stopped.

Servers are chosen and configured as `puente up` does it, but never the ones of REDIS_URL or
MQTT_URL: a benchmark fills what it is given.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from puente import clock, orphan, ports, servers
from puente.children import Child
from puente.settings import Settings, environment_of
from puente.statedir import child_environment
from puente.store.connection import Store, connect

START_TIMEOUT_S = 60.0
_STOP_S = 5.0
_LOOK_EVERY_S = 0.02
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class BenchFailure(RuntimeError):
    """The benchmark cannot go on; the message says what is wrong."""


@dataclass(frozen=True)
class Usage:
    """CPU time of processes so far, by name."""

    cpu_s: Mapping[str, float]

    def since(self, before: "Usage") -> dict[str, float]:
        """Return the CPU seconds between two looks."""
        return {name: s - before.cpu_s.get(name, 0.0) for name, s in self.cpu_s.items()}


class Rig:
    """Servers in a temporary folder; stops everything it started, whatever happens."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="puente-bench-"))
        self.redis_port = ports.any_free()
        self.mqtt_port = ports.any_free()
        self.old_mqtt_port = self.mqtt_port
        self._children: dict[str, Child] = {}
        self._store: Store | None = None
        try:
            self.redis = servers.choose_redis(
                "", servers.find_on_path, servers.version_of_redis, servers.embedded_valkey
            )
        except RuntimeError as error:
            raise BenchFailure(str(error)) from error
        self.broker = servers.choose_broker(
            "", servers.find_on_path, servers.version_of_mosquitto, servers.iotcore_version
        )

    def __enter__(self) -> Self:
        try:
            self._start_redis()
            self._start_broker()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def store(self) -> Store:
        """The Redis of this rig."""
        assert self._store is not None
        return self._store

    @property
    def settings(self) -> Settings:
        """Default settings, but for the servers."""
        return replace(
            Settings(),
            redis_url=f"redis://127.0.0.1:{self.redis_port}/0",
            mqtt_url=f"mqtt://127.0.0.1:{self.mqtt_port}",
            state_dir=self.folder,
        )

    def python(self, name: str, *words: str) -> Child:
        """Start a Python program of this checkout."""
        return self._start(name, [sys.executable, "-m", *words])

    def stop(self, *names: str) -> None:
        """Stop programs, all at once."""
        found = [self._children.pop(name) for name in names if name in self._children]
        for child in found:
            child.terminate()
        for child in found:
            if not child.wait(_STOP_S):
                child.kill()
                child.wait(_STOP_S)

    def close(self) -> None:
        """Stop everything, servers last, and remove the folder."""
        if self._store is not None:
            self._store.close()
        last = [name for name in ("broker", "redis") if name in self._children]
        self.stop(*(name for name in list(self._children) if name not in last))
        for name in last:
            self.stop(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_for(self, check: Callable[[], bool], what: str) -> None:
        """Wait until a check holds, all programs living.

        Raises:
            BenchFailure: a program died, or it took too long.
        """
        deadline = clock.monotonic_s() + START_TIMEOUT_S
        while not check():
            self.look_after()
            if clock.monotonic_s() > deadline:
                raise BenchFailure(f"{what}: not within {START_TIMEOUT_S:g} s")
            time.sleep(_LOOK_EVERY_S)

    def look_after(self) -> None:
        """Raise BenchFailure when a program died."""
        for name, child in self._children.items():
            if not child.running:
                words = child.last_words(3) or f"code {child.exit_code}"
                raise BenchFailure(f"{name} died: {words}")

    def usage(self) -> Usage:
        """Read the CPU time of every program."""
        found = {}
        for name, child in self._children.items():
            stat = Path(f"/proc/{child.pid}/stat").read_text(encoding="ascii")
            fields = stat.rpartition(")")[2].split()
            found[name] = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
        return Usage(found)

    def rss_mb(self) -> dict[str, float]:
        """Read the resident memory of every program."""
        found = {}
        for name, child in self._children.items():
            pages = Path(f"/proc/{child.pid}/statm").read_text(encoding="ascii").split()[1]
            found[name] = int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6
        return found

    def _start(self, name: str, command: list[str]) -> Child:
        environment = child_environment(environment_of(self.settings))
        environment[orphan.PARENT] = str(os.getpid())
        child = Child(name, command, environment, self.folder / "logs" / f"{name}.log")
        self._children[name] = child
        try:
            child.start()
        except OSError as error:
            raise BenchFailure(f"{name} cannot be started: {error}") from error
        return child

    def _start_server(self, name: str, command: list[str]) -> None:
        self._start(name, [sys.executable, "-m", "puente.orphan", *command])

    def _start_redis(self) -> None:
        folder = self.folder / "redis"
        folder.mkdir()
        command = servers.redis_command(self.redis.binary or "", self.redis_port, folder)
        self._start_server("redis", command)
        self._store = connect(self.settings.redis_url)
        self.wait_for(self._store.ping, "an answer from Redis")

    def _start_broker(self) -> None:
        # rumqttd goes by the ending.
        configuration = self.folder / "broker.toml"
        if self.broker.kind == "mosquitto":
            folder = self.folder / "mosquitto"
            folder.mkdir()
            configuration.write_text(
                servers.mosquitto_configuration(self.mqtt_port, folder, os.geteuid() == 0),
                encoding="utf-8",
            )
            self._start_server("broker", [self.broker.binary or "", "-c", str(configuration)])
        else:
            self.old_mqtt_port = ports.any_free()
            configuration.write_text(
                servers.iotcore_configuration(self.mqtt_port, self.old_mqtt_port),
                encoding="utf-8",
            )
            words = (sys.executable, "-m", "puente.broker_iotcore", str(configuration))
            self._start_server("broker", list(words))
        for port in {self.mqtt_port, self.old_mqtt_port}:
            self.wait_for(lambda port=port: ports.answers(port), "the broker listens")  # type: ignore[misc]
