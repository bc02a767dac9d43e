"""How values are written in the API: the fields and formats of replay output.

Instants are RFC 3339 UTC with milliseconds and `Z`, floats have at most six decimals, units end a
name. Nothing here reads the store.
"""

from collections.abc import Mapping
from typing import Any

from dashboard.queries.board import place_of, state_of
from dashboard.queries.devices import binding_now
from puente import instant
from puente.instant import Instant
from puente.model import Event, Reading, Rejection
from puente.plan import Binding, Place, Plan, Shipment
from puente.row import Row
from puente.store.devices import DeviceRecord
from puente.triage import Alert, allowed

Json = dict[str, Any]

_MAX_INSTANT = 253_402_300_799_999
"""The last millisecond of the year 9999; beyond it there is no RFC 3339."""


def moment(at: Instant | None) -> str | None:
    """Write an instant; None stays None, and so does what lies outside the calendar."""
    return None if at is None or not 0 <= at <= _MAX_INSTANT else instant.text(at)


def rounded(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Round every float in a JSON value to six decimals; what JSON cannot hold becomes null."""
    match value:
        case float():
            finite = value == value and abs(value) != float("inf")  # noqa: PLR0124 - NaN test
            return round(value, 6) if finite else None
        case Mapping():
            return {str(key): rounded(inner) for key, inner in value.items()}
        case list() | tuple():
            return [rounded(inner) for inner in value]
        case _:
            return value


def event(e: Event) -> Json:
    """Write an event, field by field as `puente replay` does, with the response expected."""
    return rounded(
        {
            "id": e.id,
            "shipment_id": e.shipment_id,
            "device_id": e.device_id,
            "kind": e.kind,
            "phase": e.phase.value,
            "subject": e.subject,
            "episode": moment(e.episode),
            "severity": e.severity.value,
            "occurred_at": moment(e.occurred_at),
            "confirmed_at": moment(e.confirmed_at),
            "learned_at": moment(e.learned_at),
            "late": e.late,
            "lat": e.lat,
            "lon": e.lon,
            "title": e.title,
            "summary": e.summary,
            "response": e.response,
            "respond_within_s": e.respond_within_s,
            "evidence": e.evidence,
        }
    )


def alert(a: Alert) -> Json:
    """Write an alert; `actions` is what may be done to it now."""
    return rounded(
        {
            "id": a.id,
            "shipment_id": a.shipment_id,
            "device_id": a.device_id,
            "kind": a.kind,
            "subject": a.subject,
            "episode": moment(a.episode),
            "severity": a.severity.value,
            "state": a.state.value,
            "title": a.title,
            "summary": a.summary,
            "response": a.response,
            "respond_within_s": a.respond_within_s,
            "occurred_at": moment(a.occurred_at),
            "learned_at": moment(a.learned_at),
            "cleared_at": moment(a.cleared_at),
            "updated_at": moment(a.updated_at),
            "late": a.late,
            "lat": a.lat,
            "lon": a.lon,
            "evidence": a.evidence,
            "acknowledged_by": a.acknowledged_by,
            "acknowledged_at": moment(a.acknowledged_at),
            "assigned_to": a.assigned_to,
            "assigned_by": a.assigned_by,
            "assigned_at": moment(a.assigned_at),
            "closed_by": a.closed_by,
            "closed_at": moment(a.closed_at),
            "comments": [{"by": c.by, "at": moment(c.at), "note": c.note} for c in a.comments],
            "supersedes": a.supersedes,
            "superseded_by": a.superseded_by,
            "revision": a.revision,
            "actions": [action.value for action in allowed(a.state)],
        }
    )


def shipment(plan: Plan, planned: Shipment, row: Row | None, now: Instant) -> Json:
    """Write a shipment: what is planned, and under the same names as a reading what is known."""
    profile = plan.profiles.get(planned.cargo_profile or "")
    live: Json = {
        "device_id": None,
        "lat": None,
        "lon": None,
        "accuracy_m": None,
        "speed_mps": None,
        "course_deg": None,
        "fix_at": None,
        "fix_received_at": None,
        "heard_at": None,
        "temperature_c": None,
        "temperature_at": None,
        "battery_pct": None,
        "seal": "unknown",
        "progress": None,
        "remaining_m": None,
        "off_route_m": None,
        "stopped_since": None,
        "classes": [],
        "open_episodes": [],
    }
    if row is not None:
        live = {
            "device_id": row.device_id,
            "lat": row.lat_deg,
            "lon": row.lon_deg,
            "accuracy_m": row.accuracy_m,
            "speed_mps": row.speed_mps,
            "course_deg": row.course_deg,
            "fix_at": moment(row.fix_at),
            "fix_received_at": moment(row.fix_received_at),
            "heard_at": moment(row.heard_at or None),
            "temperature_c": row.temperature_c,
            "temperature_at": moment(row.temperature_at),
            "battery_pct": row.battery_pct,
            "seal": row.seal.value,
            "progress": row.progress,
            "remaining_m": row.remaining_m,
            "off_route_m": row.off_route_m,
            "stopped_since": moment(row.stopped_since),
            "classes": list(row.classes),
            "open_episodes": [
                {
                    "kind": o.kind,
                    "subject": o.subject,
                    "episode": moment(o.episode),
                    "severity": o.severity.value,
                }
                for o in row.open
            ],
        }
    return rounded(
        {
            "id": planned.id,
            "state": state_of(row, now),
            "place": place_of(row),
            "carrier": planned.carrier,
            "sector": planned.sector,
            "cargo_profile": planned.cargo_profile,
            "band_c": [profile.low_c, profile.high_c] if profile else None,
            "value_usd": planned.value_usd,
            "high_value": planned.high_value,
            "fast": planned.fast,
            "consignments": [{"id": c.id, "customer": c.customer} for c in planned.consignments],
            "origin": _place(planned.origin),
            "destination": _place(planned.destination),
            "crossing": planned.crossing,
            "route": planned.route,
            "corridor_m": planned.corridor_m,
            "planned_departure": moment(planned.planned_departure),
            "planned_arrival": moment(planned.planned_arrival),
            "devices": [_binding(b) for b in planned.devices],
            **live,
        }
    )


def _place(place: Place | None) -> Json | None:
    if place is None:
        return None
    return {
        "name": place.name,
        "lat": place.lat_deg,
        "lon": place.lon_deg,
        "radius_m": place.radius_m,
    }


def _binding(binding: Binding) -> Json:
    return {
        "device_id": binding.device_id,
        "role": binding.role.value,
        "from": moment(binding.from_at),
        "to": moment(binding.to_at),
    }


def reading(r: Reading) -> Json:
    """Write one reading with the names of the native dialect; unset fields are left out."""
    t = r.telemetry
    written: Json = {
        "at": moment(r.at),
        "received_at": moment(r.received_at),
        "device_id": r.device_id,
        "boot": t.boot,
        "seq": t.seq,
        "lat": t.lat_deg,
        "lon": t.lon_deg,
        "accuracy_m": t.accuracy_m,
        "hdop": t.hdop,
        "satellites": t.satellites,
        "altitude_m": t.altitude_m,
        "fix": t.fix.value,
        "speed_mps": t.speed_mps,
        "course_deg": t.course_deg,
        "odometer_m": t.odometer_m,
        "ignition": t.ignition,
        "motion": t.motion,
        "temperature_c": t.temperature_c,
        "humidity_pct": t.humidity_pct,
        "light_lux": t.light_lux,
        "shock_g": t.shock_g,
        "tilt_deg": t.tilt_deg,
        "door": t.door,
        "battery_pct": t.battery_pct,
        "jamming": t.jamming,
        "panic": t.panic,
        "discard": r.discard.value if r.discard else None,
        "clock_fault": r.clock_fault or None,
    }
    if t.seal is not None:
        written["seal"] = {
            name: value
            for name in ("state", "rope", "motor", "event", "actor", "number")
            if (value := getattr(t.seal, name)) is not None
        }
    return rounded({name: value for name, value in written.items() if value is not None})


def device(record: DeviceRecord, plan: Plan) -> Json:
    """Write what arrived of one device; `watermark` is null for a device that does not number."""
    binding = binding_now(plan, record)
    mark = record.watermark
    return {
        "device_id": record.device_id,
        "shipment_id": binding.shipment_id if binding else None,
        "role": binding.role.value if binding else None,
        "last_at": moment(record.last_at),
        "last_received_at": moment(record.last_received_at),
        "readings": record.readings,
        "duplicates": record.duplicates,
        "conflicts": record.conflicts,
        "rejected": record.rejected,
        "watermark": None if mark is None else {"boot": mark[0], "seq": mark[1]},
        "topic": record.topic,
    }


def rejection(r: Rejection) -> Json:
    """Write a rejection; `excerpt` is the beginning of the payload as text."""
    return {
        "rejection": r.rejection.value,
        "detail": r.detail,
        "topic": r.topic,
        "device_id": r.device_id,
        "received_at": moment(r.received_at),
        "excerpt": r.excerpt,
    }
