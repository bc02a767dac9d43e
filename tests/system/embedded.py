"""The embedded servers as processes of a test: started on free ports, killed, started again."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from ingest import mqtt
from puente import servers
from puente.clock import monotonic_s
from puente.store.connection import Store, connect


def eventually(holds: Callable[[], bool], within_s: float = 30.0, every_s: float = 0.02) -> bool:
    """Poll a condition until it holds; False when it does not in time."""
    deadline = monotonic_s() + within_s
    pause = threading.Event()
    while not holds():
        if monotonic_s() > deadline:
            return False
        pause.wait(every_s)
    return True


def free_port() -> int:
    """Find a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Server:
    """A process that is killed rather than asked."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self.command = command
        self.log = log
        self.environment = {**os.environ, **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, its output appended to its log."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """End it without notice."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def stop(self) -> int:
        """Ask it to end; returns its exit code."""
        assert self.process is not None
        self.process.terminate()
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.process = None
        return code

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)


class Valkey(Server):
    """A Redis of one's own, as Puente starts it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        command = servers.redis_command(servers.embedded_valkey(), self.port, folder)
        super().__init__(command, folder / "log")
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.store: Store = connect(self.url)

    def start(self) -> None:
        """Start it and wait for its answer."""
        super().start()
        assert eventually(self.store.ping), self.log.read_text()

    def close(self) -> None:
        """Kill it and close the connection to it."""
        self.kill()
        self.store.close()


class Broker(Server):
    """The embedded broker, as Puente starts it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        configuration = folder / "rumqttd.toml"
        configuration.write_text(servers.iotcore_configuration(self.port, free_port()))
        command = [sys.executable, "-m", "puente.broker_iotcore", str(configuration)]
        super().__init__(command, folder / "log")
        self.url = f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it passes messages on."""
        super().start()

        def passes() -> bool:
            with contextlib.suppress(OSError):
                return mqtt.probe(self.url, timeout_s=2.0)
            return False

        assert eventually(passes), self.log.read_text()
