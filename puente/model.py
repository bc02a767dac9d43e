"""What happened: the frozen values that flow from a device's message to an incident.

Units end a name (`_m _mps _deg _c _pct _s`); instants end in `_at` (`puente.instant`, UTC).
Latitude comes first everywhere but in GeoJSON. Nothing in here reads a clock or a server.
"""

import hashlib
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from puente.instant import Instant


class FixSource(StrEnum):
    """How a device found its position."""

    GNSS = "gnss"
    CELL = "cell"
    WIFI = "wifi"
    NONE = "none"


class Role(StrEnum):
    """What a device is mounted on. The order is the order of trust in its position."""

    TRAILER = "trailer"
    TRACTOR = "tractor"
    SEAL = "seal"
    COVERT = "covert"
    PROBE = "probe"


class Severity(StrEnum):
    """How bad; critical/high/medium/low are the priorities P1/P2/P3/P4, info makes no alert."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info up to 4 for critical, for sorting and comparing."""
        return _SEVERITY_RANK[self]


_SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class Phase(StrEnum):
    """What an event says about its episode."""

    RAISED = "raised"
    CLEARED = "cleared"
    NOTED = "noted"
    RETRACTED = "retracted"


class SealState(StrEnum):
    """State of an electronic seal (facts: ISO 18185 reduced, plus what GPS locks report)."""

    UNKNOWN = "unknown"
    OPEN = "open"
    ARMING = "arming"
    SEALED = "sealed"
    UNSEALED_AUTHORISED = "unsealed_authorised"
    UNSEALED_UNAUTHORISED = "unsealed_unauthorised"
    TAMPERED = "tampered"
    CUSTOMS_EXAM = "customs_exam"
    FAULT = "fault"


class Reject(StrEnum):
    """Why a whole delivery was rejected (interfaces, section 4)."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    DUPLICATE_KEY = "duplicate_key"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    HALF_PAIR = "half_pair"
    BAD_DEVICE_ID = "bad_device_id"
    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_DIALECT = "unknown_dialect"
    TIME_IN_FUTURE = "time_in_future"
    TIME_TOO_OLD = "time_too_old"
    BAD_LINE = "bad_line"


class Discard(StrEnum):
    """Why only the fix of a reading was discarded; the rest of the reading is kept."""

    NULL_ISLAND = "null_island"
    ACCURACY = "accuracy"
    HDOP = "hdop"
    SATELLITES = "satellites"
    CELL = "cell"
    IMPLAUSIBLE_SPEED = "implausible_speed"
    SWAPPED = "swapped"


class Delivery(Struct, frozen=True):
    """One message as the broker delivered it; `received_at` is the gateway's clock."""

    topic: str
    payload: bytes
    received_at: Instant


class SealReading(Struct, frozen=True, omit_defaults=True):
    """What an e-seal said about itself.

    `state` is `sealed`, `open` or `tampered`; `event` one of `cut forced shell removed unlocked
    locked denied`. A seal without `rope` and `motor` contacts is judged by `state`.
    """

    state: str
    rope: bool | None = None
    motor: bool | None = None
    event: str | None = None
    actor: str | None = None
    number: str | None = None


class CellFix(Struct, frozen=True, omit_defaults=True):
    """A network position, for comparison with GNSS only."""

    lat_deg: float
    lon_deg: float
    accuracy_m: float | None = None


class Telemetry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One reading as a decoder understood it: SI units, the device's own time.

    `lat_deg`/`lon_deg` come as a pair or not at all, and so do `boot`/`seq`. Angles are degrees
    clockwise from true north; `temperature_c` maps a probe (`product`, `supply`, `return`,
    `ambient`) to degrees Celsius; `jamming` is 0 none, 1 warning, 2 critical.
    """

    device_id: str
    at: Instant
    boot: int | None = None
    seq: int | None = None
    oldest: int | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    accuracy_m: float | None = None
    hdop: float | None = None
    satellites: int | None = None
    altitude_m: float | None = None
    fix: FixSource = FixSource.GNSS
    speed_mps: float | None = None
    course_deg: float | None = None
    odometer_m: float | None = None
    ignition: bool | None = None
    motion: bool | None = None
    temperature_c: dict[str, float] | None = None
    humidity_pct: float | None = None
    light_lux: float | None = None
    shock_g: float | None = None
    tilt_deg: float | None = None
    door: str | None = None
    seal: SealReading | None = None
    battery_pct: float | None = None
    jamming: int | None = None
    panic: bool | None = None
    cell: CellFix | None = None

    @property
    def safety_content(self) -> bool:
        """Whether the reading says something about theft that no noise filter may lose."""
        return (
            self.seal is not None
            or self.door is not None
            or bool(self.panic)
            or bool(self.jamming)
        )


class Gap(Struct, frozen=True):
    """Readings a device says it no longer holds: `first` to `last` of `boot`, inclusive."""

    boot: int
    first: int
    last: int


LATE_AFTER_MS = 600_000
"""Interfaces, section 4: a reading is late when it arrives more than 600 s after its time."""


class Reading(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A telemetry that was admitted: what the log and the track hold.

    `identity` is what makes it one reading however often it is delivered. `discard` is the
    verdict on the fix that needs no history. `clock_fault` means that the device's time was
    unusable and `telemetry.at` is the time of reception.
    """

    telemetry: Telemetry
    received_at: Instant
    identity: str
    discard: Discard | None = None
    clock_fault: bool = False
    gaps: tuple[Gap, ...] = ()

    @property
    def at(self) -> Instant:
        """Device time of the reading."""
        return self.telemetry.at

    @property
    def device_id(self) -> str:
        """The device that took the reading."""
        return self.telemetry.device_id

    @property
    def late(self) -> bool:
        """Whether it was already old when it arrived (interfaces, section 4)."""
        return self.received_at - self.telemetry.at > LATE_AFTER_MS

    @property
    def order(self) -> tuple[Instant, str, int, int, str]:
        """The place of this reading in the truth: device time, ties broken by content."""
        t = self.telemetry
        return (
            t.at,
            t.device_id,
            -1 if t.boot is None else t.boot,
            -1 if t.seq is None else t.seq,
            self.identity,
        )


class Position(Struct, frozen=True, omit_defaults=True):
    """A usable fix. `speed_mps` is over ground, `course_deg` clockwise from true north."""

    lat_deg: float
    lon_deg: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None


class Observation(Struct, frozen=True, kw_only=True):
    """A reading bound to a shipment and judged: what every detector sees.

    `position` is set when the reading carries a usable fix of the device that leads the
    shipment's position. `place` is the newest usable position of the shipment at this moment,
    from this or an earlier reading; `classes` are the classes of the fences that hold it, and
    `slow_since` the device time since when the shipment has moved at walking pace or less.
    """

    shipment_id: str
    role: Role
    reading: Reading
    position: Position | None = None
    place: Position | None = None
    place_at: Instant | None = None
    classes: frozenset[str] = frozenset()
    slow_since: Instant | None = None
    discard: Discard | None = None

    @property
    def at(self) -> Instant:
        """Device time of the reading."""
        return self.reading.telemetry.at

    @property
    def received_at(self) -> Instant:
        """When the reading reached us."""
        return self.reading.received_at

    @property
    def device_id(self) -> str:
        """The device that took the reading."""
        return self.reading.telemetry.device_id

    @property
    def telemetry(self) -> Telemetry:
        """What the device said."""
        return self.reading.telemetry


class Finding(Struct, frozen=True, kw_only=True):
    """What a detector decided, before the pipeline stamps shipment, id and the time of learning.

    `episode` and `occurred_at` are device times of readings, `confirmed_at` the instant at which
    the confirmation or the delay was met. `evidence` names carry their units. `response` is what
    a person is expected to do, `respond_within_s` how soon.
    """

    kind: str
    phase: Phase
    subject: str
    episode: Instant
    severity: Severity
    occurred_at: Instant
    confirmed_at: Instant
    device_id: str | None
    title: str
    summary: str
    response: str = ""
    respond_within_s: int | None = None
    position: Position | None = None
    evidence: dict[str, Any] = {}


class Event(Struct, frozen=True, kw_only=True):
    """A published decision about one shipment (interfaces, section 4)."""

    id: str
    shipment_id: str
    device_id: str | None
    kind: str
    phase: Phase
    subject: str
    episode: Instant
    severity: Severity
    occurred_at: Instant
    confirmed_at: Instant
    learned_at: Instant
    late: bool
    lat: float | None
    lon: float | None
    title: str
    summary: str
    response: str = ""
    respond_within_s: int | None = None
    evidence: dict[str, Any] = {}

    @property
    def alert_id(self) -> str:
        """The alert this event belongs to: the id of the event that opens the episode."""
        return event_id(self.kind, self.shipment_id, self.subject, self.episode, Phase.RAISED)


class Rejection(Struct, frozen=True, kw_only=True):
    """A delivery that could not become a reading, kept where a person can see it."""

    rejection: Reject
    detail: str
    topic: str | None = None
    received_at: Instant | None = None
    device_id: str | None = None
    excerpt: str = ""


def event_id(kind: str, shipment_id: str, subject: str, episode: Instant, phase: Phase) -> str:
    """Name an event by what it says: the same decision has the same id wherever it is made."""
    said = "\x1f".join((kind, shipment_id, subject, str(episode), phase.value))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def is_alert(event: Event) -> bool:
    """Tell whether an event opens an alert: raised from low, noted from medium upwards."""
    if event.phase is Phase.RAISED:
        return event.severity.rank >= Severity.LOW.rank
    return event.phase is Phase.NOTED and event.severity.rank >= Severity.MEDIUM.rank


def content_hash(telemetry: Telemetry) -> str:
    """Hash a decoded reading with sorted keys: equal content, equal hash, in any key order.

    `oldest` is left out: it says what the device holds when it sends, not what it measured.
    """
    measured = telemetry if telemetry.oldest is None else replace(telemetry, oldest=None)
    return hashlib.sha256(msgspec.json.encode(measured, order="sorted")).hexdigest()[:16]


def sent_hash(reading: Reading) -> str:
    """Hash what was sent: the time of a reading with a wrong clock is ours, not the device's."""
    t = reading.telemetry
    return content_hash(replace(t, at=0) if reading.clock_fault else t)
