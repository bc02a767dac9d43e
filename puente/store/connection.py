"""The connection to Redis, its scripts, and what the server promises.

Writes are never retried by the client: a retry after a lost reply would write twice. Whoever
calls repeats an idempotent script instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

StoreUnavailable = RedisError
"""Redis cannot be reached, or it refuses (out of memory, disk full, read-only)."""

MINIMUM_VERSION = (6, 2)

SOCKET_TIMEOUT_S = 5.0
"""Longer than any script runs; a server that is slower than this counts as away."""

_SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True)
class ServerInfo:
    """What a Redis server is, and what it does not promise.

    `lacks` has a plain sentence for everything that could be lost; empty when it is set up as
    Puente sets up its own.
    """

    name: str
    version: str
    durable: bool
    lacks: tuple[str, ...]


class Store:
    """A handle on one Redis. Bytes in, bytes out; threads may share it."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    @cached_property
    def _scripts(self) -> dict[str, Script]:
        return {}

    def run(self, name: str, keys: Sequence[str], args: Sequence[bytes | str | int]) -> Any:  # noqa: ANN401 - a script answers with any shape
        """Run `scripts/<name>.lua`; `-- include NAME` lines in it are replaced by that file."""
        return self._script(name)(keys=list(keys), args=list(args))

    def run_many(
        self, name: str, calls: Sequence[tuple[Sequence[str], Sequence[bytes | str | int]]]
    ) -> list[Any]:
        """Run one script several times in one round trip; the calls are independent.

        Raises:
            StoreUnavailable: a call failed; others may have been carried out, so the script must
                be one that can be repeated.
        """
        if not calls:
            return []
        script = self._script(name)
        with self.client.pipeline(transaction=False) as pipe:
            for keys, args in calls:
                script(keys=list(keys), args=list(args), client=pipe)
            return pipe.execute()

    def _script(self, name: str) -> Script:
        script = self._scripts.get(name)
        if script is None:
            script = self._scripts[name] = self.client.register_script(_source(name))
        return script

    def ping(self) -> bool:
        """Tell whether the server answers."""
        try:
            return bool(self.client.ping())
        except StoreUnavailable:
            return False

    def close(self) -> None:
        """Close all connections of this handle."""
        self.client.close()


def connect(url: str) -> Store:
    """Make a handle; nothing is sent before the first use.

    `url` is `redis://host:port/db`, `rediss://...` or `unix:///path?db=0`.
    """
    client = redis.Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        health_check_interval=0,
    )
    return Store(client)


def _source(name: str) -> str:
    lines = []
    for line in (_SCRIPTS / f"{name}.lua").read_text(encoding="utf-8").splitlines():
        if line.startswith("-- include "):
            lines.append(_source(line.removeprefix("-- include ").strip()))
        else:
            lines.append(line)
    return "\n".join(lines)


def server_info(store: Store) -> ServerInfo:
    """Ask the server who it is and how it keeps its data."""
    about = store.client.info("server")
    name = "valkey" if "valkey_version" in about else "redis"
    version = str(about.get("valkey_version") or about.get("redis_version") or "?")
    lacks = []
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < MINIMUM_VERSION:
        lacks.append(f"version {version} is older than 6.2: commands Puente needs are missing")
    try:
        configured = cast("dict[str, str]", store.client.config_get("*"))
    except StoreUnavailable:
        lacks.append("its configuration cannot be read: what a power cut would lose is unknown")
        return ServerInfo(name, version, durable=False, lacks=tuple(lacks))
    if configured.get("appendonly") != "yes":
        lacks.append("appendonly is off: a restart loses what came after the last snapshot")
    elif configured.get("appendfsync") != "always":
        lacks.append("appendfsync is not always: a power cut loses up to a second")
    if configured.get("maxmemory-policy", "noeviction") != "noeviction":
        lacks.append("maxmemory-policy is not noeviction: data is dropped when memory is full")
    return ServerInfo(name, version, durable=not lacks, lacks=tuple(lacks))
