"""Telling whether a part of the stack works: by asking it, never by its pid or its port."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping

from puente import orphan
from puente.instant import SECOND, Instant
from puente.store import live
from puente.store.connection import Store, StoreUnavailable

FRESH_MS = 10 * SECOND
"""A commit or heartbeat older than this is not live (real time; scaled clocks multiply it)."""

_TIMEOUT_S = 2.0
_PROBE_TIMEOUT_S = 8.0


def redis_answers(port: int) -> bool:
    """Tell whether a Redis on loopback says anything, be it that it is loading its data."""
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT_S) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(1) in (b"+", b"-")
    except OSError:
        return False


class BrokerProbe:
    """A publish and subscribe round trip in a small process of its own.

    Its exit code says whether the broker passes messages on; only `ingest.mqtt` speaks MQTT.
    """

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "puente.orphan", "-m", "ingest.mqtt", url],
            env={**environment, orphan.PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def outcome(self, age_s: float) -> bool | None:
        """Return whether the broker answered, None while that is open; `age_s` limits it."""
        code = self._process.poll()
        if code is not None:
            return code == 0
        if age_s < _PROBE_TIMEOUT_S:
            return None
        self.cancel()
        return False

    def cancel(self) -> None:
        """Give up the probe."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def gateway_is_fresh(store: Store, now: Instant, rate: float) -> bool:
    """Tell whether the gateway is connected to the broker and said so lately."""
    try:
        status = live.read_gateway_status(store)
    except StoreUnavailable:
        return False
    return (
        status is not None and status.connected and now - status.beat_at <= FRESH_MS * max(1, rate)
    )


def engine_is_fresh(store: Store, now: Instant, rate: float) -> bool:
    """Tell whether every partition was committed lately."""
    try:
        statuses = live.read_status(store)
    except StoreUnavailable:
        return False
    return bool(statuses) and all(
        now - status.committed_at <= FRESH_MS * max(1, rate) for status in statuses
    )


def has_live_fix(store: Store, since: Instant) -> bool:
    """Tell whether a fix that was taken since an instant is on the map; history does not count."""
    try:
        rows = live.load_rows(store)
    except StoreUnavailable:
        return False
    return any(
        row.lat_deg is not None and row.fix_at is not None and row.fix_at >= since for row in rows
    )


def dashboard_answers(host: str, port: int) -> bool:
    """Tell whether /healthz answers with 200."""
    return health(host, port) is not None


def health(host: str, port: int) -> dict[str, object] | None:
    """Return what /healthz says, None unless it answers with 200 and an object."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        said = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return said if response.status == http.HTTPStatus.OK and isinstance(said, dict) else None
