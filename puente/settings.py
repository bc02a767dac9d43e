"""One frozen Settings; one documented field per environment variable.

docs/settings.md is generated from the fields, and a test compares docker-compose.yml with them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from puente import instant
from puente.clock import Clock


def _setting(default: object, doc: str, unit: str = "") -> Any:  # noqa: ANN401 - any field type
    return field(default=default, metadata={"doc": doc, "unit": unit})


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what would do."""


DEFAULT_STATE_DIR = Path(".puente")


@dataclass(frozen=True)
class Settings:
    """Everything a process can be told from outside. Field `redis_url` is `REDIS_URL`."""

    redis_url: str = _setting(
        "", "Redis to use, such as redis://127.0.0.1:6379/0; empty: PATH, else embedded"
    )
    mqtt_url: str = _setting(
        "",
        "MQTT 5 broker to use, such as mqtt://user:password@127.0.0.1:1883; empty: PATH, "
        "else embedded",
    )
    mqtt_broker_name: str = _setting(
        "", "name and version of the broker for /healthz; `puente up` knows it, else the address"
    )
    mqtt_shared_group: str = _setting(
        "", "shared subscription group of the gateways; empty: a plain subscription, one gateway"
    )
    mqtt_client_id: str = _setting("puente-gateway-0", "client id of the gateway's session")
    mqtt_session_expiry_s: int = _setting(
        7 * 86_400, "how long the broker keeps the gateway's session", "s"
    )
    mqtt_receive_maximum: int = _setting(500, "messages in flight to a gateway", "messages")
    gateway_batch: int = _setting(250, "readings appended at once at most", "readings")
    gateway_linger_ms: int = _setting(20, "how long a batch waits to fill", "ms")
    state_dir: Path = _setting(DEFAULT_STATE_DIR, "where the embedded servers keep their data")
    host: str = _setting("127.0.0.1", "address the dashboard listens on")
    port: int = _setting(8050, "port of the dashboard")
    redis_port: int = _setting(0, "port of a Redis that Puente starts; 0: any free one")
    mqtt_port: int = _setting(1883, "port of a broker that Puente starts")
    allow_unauthenticated: bool = _setting(
        False, "listen on an address other than loopback although there is no login yet"
    )
    clock_start: str = _setting("", "RFC 3339 instant at which the clock starts; empty: real time")
    clock_anchor: str = _setting(
        "", "real instant at which the clock showed CLOCK_START; empty: the start of the process"
    )
    clock_rate: float = _setting(1.0, "how much faster than real time the clock runs")
    engine_batch: int = _setting(500, "log entries folded into one commit at most", "entries")
    engine_idle_ms: int = _setting(25, "pause of an engine that found nothing to read", "ms")
    late_share_pct: int = _setting(
        30, "share of an engine's time for late readings while live ones wait", "%"
    )
    late_window_h: int = _setting(48, "how late a reading may be and still change the ledger", "h")
    log_retention_h: int = _setting(72, "how long the log is kept for replay", "h")
    event_retention_h: int = _setting(24 * 30, "how long events are kept", "h")
    track_retention_h: int = _setting(24 * 30, "how long tracks are kept", "h")
    alert_retention_d: int = _setting(365, "how long closed alerts are kept", "days")
    device_retention_d: int = _setting(90, "how long a device that fell silent is kept", "days")
    identity_retention_h: int = _setting(
        24 * 7, "how long readings without a number are recognised when sent again", "h"
    )

    @property
    def clock(self) -> Clock:
        """The clock these settings describe."""
        return Clock(
            start=instant.parse(self.clock_start) if self.clock_start else 0,
            anchor=instant.parse(self.clock_anchor) if self.clock_anchor else 0,
            rate=self.clock_rate,
        )


def variable(name: str) -> str:
    """Name the environment variable of a field."""
    return name.upper()


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read settings from environment variables; an unset or empty one keeps its default.

    Raises:
        SettingsError: a value is not of the kind its setting needs.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for item in fields(Settings):
        raw = environment.get(variable(item.name), "")
        if raw:
            values[item.name] = _convert(item.name, raw, item.default)
    settings = Settings(**values)
    _check(settings)
    return settings


def require(settings: Settings, *names: str) -> Settings:
    """Return the settings if all of these are given.

    Raises:
        SettingsError: one is missing; the message names its variable.
    """
    for name in names:
        if not getattr(settings, name):
            raise SettingsError(f"{variable(name)} must be set; 'puente up' sets it by itself")
    return settings


_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _convert(name: str, raw: str, default: object) -> object:
    try:
        match default:
            case bool():
                return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}[raw.lower()]
            case int():
                return int(raw)
            case float():
                return float(raw)
            case Path():
                return Path(raw)
            case _:
                return raw
    except (ValueError, KeyError):
        wanted = type(default).__name__
        raise SettingsError(f"{variable(name)}={raw!r} is not a valid {wanted}") from None


_POSITIVE = (
    "gateway_batch", "engine_batch", "engine_idle_ms", "late_window_h", "log_retention_h",
    "event_retention_h", "track_retention_h", "alert_retention_d", "device_retention_d",
    "identity_retention_h",
)  # fmt: skip
"""Settings that nothing works with at zero; the rest may be zero, but not negative."""


def _check(settings: Settings) -> None:
    for name in ("clock_start", "clock_anchor"):
        raw = getattr(settings, name)
        try:
            instant.parse(raw or "2026-01-01T00:00:00Z")
        except ValueError as error:
            raise SettingsError(f"{variable(name)}: {error}") from None
    if settings.clock_start and not settings.clock_anchor:
        raise SettingsError(
            "CLOCK_START needs CLOCK_ANCHOR, the real instant at which the clock showed it: "
            "without it every process would start its own clock"
        )
    if not settings.clock_start and (settings.clock_anchor or settings.clock_rate != 1.0):
        raise SettingsError("CLOCK_ANCHOR and CLOCK_RATE need CLOCK_START")
    if not 0.01 <= settings.clock_rate <= 10_000:
        raise SettingsError(f"CLOCK_RATE={settings.clock_rate} is not between 0.01 and 10000")
    for name in ("port", "redis_port", "mqtt_port"):
        if not 0 <= getattr(settings, name) <= 65_535:
            raise SettingsError(f"{variable(name)}={getattr(settings, name)} is not a port")
    for name in _POSITIVE:
        if getattr(settings, name) < 1:
            raise SettingsError(f"{variable(name)}={getattr(settings, name)} is less than 1")
    if not 20 <= settings.mqtt_receive_maximum <= 65_535:
        raise SettingsError("MQTT_RECEIVE_MAXIMUM must be between 20 and 65535")
    if settings.mqtt_receive_maximum < 2 * settings.gateway_batch:
        raise SettingsError(
            "MQTT_RECEIVE_MAXIMUM must be at least twice GATEWAY_BATCH, or a batch that waits to "
            "fill would stop the broker"
        )
    if not 1 <= settings.late_share_pct <= 100:
        raise SettingsError("LATE_SHARE_PCT must be between 1 and 100")


def environment_of(settings: Settings) -> dict[str, str]:
    """Write settings as environment variables, for child processes; defaults included."""
    values: dict[str, str] = {}
    for item in fields(Settings):
        value = getattr(settings, item.name)
        values[variable(item.name)] = str(int(value)) if isinstance(value, bool) else str(value)
    return values
