"""A small fleet in a store, written the way gateway, engine and desk write it."""

import json
from collections.abc import Sequence
from typing import Any

from puente import geo, keys
from puente.instant import HOUR, MINUTE, Instant, parse
from puente.model import (
    Event,
    Phase,
    Reading,
    Reject,
    Rejection,
    SealReading,
    SealState,
    Severity,
    Telemetry,
    event_id,
)
from puente.planfile import parse as parse_plan
from puente.row import OpenEpisode, Row
from puente.store import tracks
from puente.store.alerts import AuditEntry, Write, write
from puente.store.connection import Store
from puente.store.devices import DeviceNote, note_devices, store_rejections
from puente.store.packing import json_pack, pack
from puente.store.plans import save_plan
from puente.triage import Alert, fold

NOW: Instant = parse("2026-11-21T20:00:00Z")

ROUTE: tuple[geo.LatLon, ...] = (
    (20.5888, -100.3899),
    (21.8000, -100.7200),
    (22.1565, -100.9855),
    (23.6500, -100.6400),
    (25.4232, -100.9900),
    (25.6866, -100.3161),
    (26.5070, -100.1830),
    (27.4763, -99.5164),
    (27.6000, -99.5370),
    (28.7091, -99.5200),
    (29.4241, -98.4936),
)


def shipment(shipment_id: str, **more: object) -> dict[str, Any]:
    return {
        "id": shipment_id,
        "carrier": "Transportes del Norte",
        "sector": "pharma",
        "cargo_profile": "PH_2_8",
        "value_usd": 250_000,
        "origin": {"name": "Querétaro plant", "lat": 20.5888, "lon": -100.3899},
        "destination": {"name": "San Antonio DC", "lat": 29.4241, "lon": -98.4936},
        "crossing": "WTB",
        "route": "MX57_QRO_SAT",
        "planned_departure": "2026-11-20T06:00:00-06:00",
        "planned_arrival": "2026-11-22T18:00:00-06:00",
        "devices": [{"device_id": f"TRK-{shipment_id}", "role": "trailer"}],
        **more,
    }


def load_plan(store: Store, shipments: Sequence[dict[str, Any]]) -> None:
    """Save a plan with one route and a fence at the bridge."""
    fence = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [-99.5371, 27.5973]},
        "properties": {
            "id": "WTB-queue",
            "name": "World Trade Bridge queue",
            "class": "BORDER_QUEUE",
            "radius_m": 2500,
        },
    }
    route = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[lon, lat] for lat, lon in ROUTE]},
        "properties": {"id": "MX57_QRO_SAT", "name": "MX-57"},
    }
    document = {
        "shipments": list(shipments),
        "geofences": {"type": "FeatureCollection", "features": [fence]},
        "routes": {"type": "FeatureCollection", "features": [route]},
    }
    save_plan(store, parse_plan(json.dumps(document).encode(), "seed.json"), NOW)


def put_rows(store: Store, *rows: Row) -> None:
    for row in rows:
        store.client.hset(keys.ROWS(pNN=keys.partition_of(row.id)), row.id, pack(row))


def row(shipment_id: str, along: float = 0.5, **more: object) -> Row:
    line = geo.Line(ROUTE)
    lat, lon = line.at(along * line.length_m)
    values: dict[str, Any] = {
        "device_id": f"TRK-{shipment_id}",
        "lat_deg": lat,
        "lon_deg": lon,
        "accuracy_m": 8.0,
        "speed_mps": 22.5,
        "course_deg": 12.0,
        "fix_at": NOW - 40_000,
        "fix_received_at": NOW - 38_000,
        "heard_at": NOW - 38_000,
        "temperature_c": 5.2,
        "temperature_at": NOW - 40_000,
        "battery_pct": 81.0,
        "seal": SealState.SEALED,
        "progress": along,
        "remaining_m": (1 - along) * line.length_m,
        "off_route_m": 12.0,
        **more,
    }
    return Row(id=shipment_id, **values)


def event(
    shipment_id: str,
    kind: str = "temperature.critical",
    phase: Phase = Phase.RAISED,
    *,
    at: Instant = NOW - 20 * MINUTE,
    learned_at: Instant | None = None,
    episode: Instant | None = None,
    severity: Severity = Severity.CRITICAL,
    subject: str = "product",
    **more: object,
) -> Event:
    episode = at if episode is None else episode
    values: dict[str, Any] = {
        "device_id": f"TRK-{shipment_id}",
        "late": False,
        "lat": 26.1,
        "lon": -100.2,
        "title": "Cargo too warm",
        "summary": "9.4 °C for 31 min, band 2 to 8 °C.",
        "response": "Call the driver and reefer service; tell QA.",
        "respond_within_s": 600,
        "evidence": {"temperature_c": 9.43, "high_c": 8.0, "outside_s": 1860, "readings": 31},
        **more,
    }
    return Event(
        id=event_id(kind, shipment_id, subject, episode, phase),
        shipment_id=shipment_id,
        kind=kind,
        phase=phase,
        subject=subject,
        episode=episode,
        severity=severity,
        occurred_at=at,
        confirmed_at=at,
        learned_at=learned_at if learned_at is not None else at + 5_000,
        **values,
    )


def put_events(store: Store, *events: Event) -> list[Alert]:
    """Write events as the engine does, and the alerts they open as the desk does."""
    alerts: dict[str, Alert] = {}
    for one in events:
        partition = keys.partition_of(one.shipment_id)
        raw = json_pack(one)
        store.client.zadd(
            keys.HISTORY(pNN=partition, subject=one.shipment_id), {raw: one.learned_at}
        )
        store.client.xadd(keys.EVENTS(pNN=partition), {"e": raw})
        key = one.id if one.phase is Phase.NOTED else one.alert_id
        before = alerts.get(key)
        after = fold(before, one)
        if after is None or after is before:
            continue
        entry = AuditEntry(
            at=one.learned_at,
            by="engine",
            action=one.phase.value,
            alert_id=after.id,
            before=before.state.value if before else "",
            after=after.state.value,
            note="",
        )
        done = write(store, [Write(after, before.revision if before else 0, (entry,))])
        assert done == "ok"
        alerts[key] = after
    return list(alerts.values())


def reading(device_id: str, at: Instant, **more: object) -> Reading:
    received_at = more.pop("received_at", at + 1_000)
    discard = more.pop("discard", None)
    return Reading(
        telemetry=Telemetry(device_id=device_id, at=at, **more),
        received_at=received_at,
        identity=f"{device_id}:{at}",
        discard=discard,
    )


def put_track(store: Store, shipment_id: str, readings: Sequence[Reading]) -> None:
    if readings:
        operation = tracks.add(list(readings), shipment_id)
        store.client.execute_command(*operation)


def journey(
    shipment_id: str, *, hours: float = 20, step_s: int = 120, until: Instant = NOW
) -> list[Reading]:
    """A drive along the route with a stop, a silence, a warm spell and an opened seal."""
    line = geo.Line(ROUTE)
    start = until - int(hours * HOUR)
    found, along = [], 0.15 * line.length_m
    for i in range(int(hours * 3600 / step_s)):
        at = start + i * step_s * 1000
        share = i * step_s / (hours * 3600)
        standing = 0.30 < share < 0.36 or share > 0.985
        speed = 0.0 if standing else 20.0 + 4.0 * ((i * 7919) % 10) / 10
        along = min(line.length_m, along + speed * step_s * 0.8)
        if 0.55 < share < 0.62:
            continue
        lat, lon = line.at(along)
        warm = 6.2 * max(0.0, 1 - abs(share - 0.85) / 0.06)
        found.append(
            reading(
                f"TRK-{shipment_id}",
                at,
                lat_deg=lat + ((i * 31) % 7 - 3) * 0.00004,
                lon_deg=lon,
                accuracy_m=8.0,
                speed_mps=speed,
                temperature_c={
                    "product": round(4.6 + ((i * 37) % 11) / 14 + warm, 2),
                    "return": round(5.6 + ((i * 53) % 17) / 10 + warm * 1.4, 2),
                },
                battery_pct=90 - share * 20,
                seal=SealReading("open" if 0.31 < share < 0.34 else "sealed"),
            )
        )
    return found


def put_devices(store: Store, *notes: DeviceNote) -> None:
    note_devices(store, list(notes), 90)


def note(device_id: str, at: Instant = NOW - 30_000, **more: object) -> DeviceNote:
    values: dict[str, Any] = {
        "topic": f"puente/v1/{device_id}/telemetry",
        "last_at": at,
        "last_received_at": at + 1_000,
        "counters": {"readings": 120, "duplicates": 3},
        "numbers": {1: list(range(121))},
        **more,
    }
    return DeviceNote(device_id=device_id, **values)


def put_rejections(store: Store, *rejections: Rejection) -> None:
    store_rejections(store, rejections)


def rejection(reason: Reject = Reject.NOT_JSON, **more: object) -> Rejection:
    values: dict[str, Any] = {
        "detail": "line 1: expected a value",
        "topic": "puente/v1/TRK-9/telemetry",
        "received_at": NOW - 60_000,
        "device_id": "TRK-9",
        "excerpt": '{"at": <b>now</b>',
        **more,
    }
    return Rejection(rejection=reason, **values)


def episode(kind: str, severity: Severity = Severity.CRITICAL) -> OpenEpisode:
    return OpenEpisode(kind=kind, subject="product", episode=NOW - HOUR, severity=severity)
