"""Admission: a delivery becomes a reading or a rejection, by the words of interfaces section 4.

Order of judgement: topic and size, encoding, JSON, schema (the decoder), clock, and the part of
the fix that needs no history. Duplicates are found where readings are stored, binding and
implausible speed where they are folded. Pure: everything it needs is in the delivery.
"""

from dataclasses import dataclass

import msgspec

from ingest.decoders import decoder_of
from ingest.decoders.payload import MAX_BYTES, Decoded, DecodeError, clean, looks_swapped
from puente.instant import HOUR, SECOND, Instant, parse, text
from puente.model import (
    Delivery,
    Discard,
    FixSource,
    Reading,
    Reject,
    Rejection,
    Telemetry,
    content_hash,
)

FUTURE_MS = 120 * SECOND
"""Interfaces, section 4: how far a device's clock may be ahead."""

EARLIEST = parse("2020-01-01T00:00:00Z")
"""Interfaces, section 4: nothing of ours was on the road before, but for recorded data."""

RECORDED_MS = 48 * HOUR
"""A reading older than `EARLIEST` counts as recorded data if received within this of its time."""

MAX_ACCURACY_M = 250.0
MAX_HDOP = 5.0
MIN_SATELLITES = 4
"""Facts, domain section 5: beyond these a fix says too little about a fence or a road."""

_EXCERPT_BYTES = 300


@dataclass(frozen=True)
class Refused:
    """A rejection, with the numbering of the payload as far as it could be read."""

    rejection: Rejection
    boot: int | None = None
    seq: int | None = None


@dataclass(frozen=True)
class Admitted:
    """A reading, and how many fields of its payload its dialect does not know."""

    reading: Reading
    ignored: int = 0


def admit(delivery: Delivery) -> Admitted | Refused:
    """Judge one delivery."""
    try:
        decoded = _decode(delivery)
        reading = _judge_clock(decoded.telemetry, delivery.received_at)
    except DecodeError as error:
        return _refuse(delivery, error)
    return Admitted(reading, decoded.ignored)


def _decode(delivery: Delivery) -> Decoded:
    if len(delivery.payload) > MAX_BYTES:
        raise DecodeError(Reject.TOO_LARGE, f"{len(delivery.payload)} bytes, at most {MAX_BYTES}")
    decoder = decoder_of(delivery.topic)
    if decoder is None:
        raise DecodeError(Reject.UNKNOWN_TOPIC, "no dialect uses this topic")
    return decoder.decode(delivery.topic, delivery.payload)


def _judge_clock(telemetry: Telemetry, received_at: Instant) -> Reading:
    identity = identity_of(telemetry)
    reason, detail = _clock_fault(telemetry.at, received_at)
    if reason is None:
        return Reading(
            telemetry=telemetry,
            received_at=received_at,
            identity=identity,
            discard=judge_fix(telemetry),
        )
    if not telemetry.safety_content:
        error = DecodeError(reason, detail, {"boot": telemetry.boot, "seq": telemetry.seq})
        error.device_id = telemetry.device_id
        raise error
    # A broken clock must not lose a cut seal: it is kept at the time it reached us.
    return Reading(
        telemetry=msgspec.structs.replace(telemetry, at=received_at),
        received_at=received_at,
        identity=identity,
        discard=judge_fix(telemetry),
        clock_fault=True,
    )


def _clock_fault(at: Instant, received_at: Instant) -> tuple[Reject | None, str]:
    if at > received_at + FUTURE_MS:
        ahead_s = (at - received_at) / SECOND
        return Reject.TIME_IN_FUTURE, f"{text(at)} is {ahead_s:.0f} s ahead, at most 120 s"
    if at < EARLIEST and received_at - at > RECORDED_MS:
        return Reject.TIME_TOO_OLD, f"{text(at)} is before 2020 and not recorded data"
    return None, ""


def identity_of(telemetry: Telemetry) -> str:
    """Name what makes a reading one, beside its device: its number, or its time and content."""
    if telemetry.boot is not None and telemetry.seq is not None:
        return f"{telemetry.boot}.{telemetry.seq}"
    return f"@{telemetry.at}.{content_hash(telemetry)}"


def judge_fix(telemetry: Telemetry) -> Discard | None:
    """Say why a fix is unusable by itself; None when it is usable or when there is none."""
    lat, lon = telemetry.lat_deg, telemetry.lon_deg
    if lat is None or lon is None:
        return None
    if lat == 0.0 and lon == 0.0:
        return Discard.NULL_ISLAND
    if telemetry.fix in (FixSource.CELL, FixSource.WIFI):
        return Discard.CELL
    if telemetry.accuracy_m is not None and telemetry.accuracy_m > MAX_ACCURACY_M:
        return Discard.ACCURACY
    if telemetry.hdop is not None and telemetry.hdop > MAX_HDOP:
        return Discard.HDOP
    if telemetry.satellites is not None and telemetry.satellites < MIN_SATELLITES:
        return Discard.SATELLITES
    if looks_swapped(lat, lon):
        return Discard.SWAPPED
    return None


def _refuse(delivery: Delivery, error: DecodeError) -> Refused:
    excerpt = delivery.payload[:_EXCERPT_BYTES].decode("utf-8", "replace")
    rejection = Rejection(
        rejection=error.reason,
        detail=error.detail,
        topic=clean(delivery.topic, 300),
        received_at=delivery.received_at,
        device_id=error.device_id,
        excerpt=clean(excerpt, _EXCERPT_BYTES),
    )
    return Refused(rejection, error.boot, error.seq)
