"""The text messages of the live channel. Keys are the browser's contract (`assets/15-frames.js`).

`hello` once; `attributes` and `alerts` in full at first and then what changed; `status` every
second; `card` for the vehicles a browser watches.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from dashboard.live.freshness import DELAYED_S, NOT_LIVE_S, Freshness
from dashboard.places import gazetteer
from dashboard.safe_text import clean
from dashboard.status import STATE_WORDS, Counts, VehicleState
from dashboard.text import ALERT_STATE_WORDS, SEVERITY_WORDS
from puente.instant import Instant
from puente.keys import UNBOUND
from puente.model import Severity
from puente.plan import Plan
from puente.row import Row
from puente.triage import Alert

PROTOCOL = 1

encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode


def hello() -> str:
    """Greet a browser with what it needs to judge and to draw."""
    return encode(
        {
            "t": "hello",
            "protocol": PROTOCOL,
            "delayed_s": DELAYED_S,
            "not_live_s": NOT_LIVE_S,
            "states": [{"key": s.key, "words": STATE_WORDS[s]} for s in VehicleState],
            "severities": [
                {"key": s.value, "words": SEVERITY_WORDS[s]}
                for s in sorted(Severity, key=lambda s: -s.rank)
            ],
        }
    ).decode()


def attributes_of(slot: int, row: Row | None, plan: Plan) -> dict[str, Any]:
    """Describe the vehicle in a slot as far as it rarely changes; None frees the slot."""
    if row is None:
        return {"slot": slot}
    shipment = plan.shipments.get(row.id)
    return {
        "slot": slot,
        "id": row.id,
        "name": clean(row.id.removeprefix(UNBOUND)),
        "assigned": row.assigned,
        "device": clean(row.device_id or ""),
        "devices": [clean(b.device_id) for b in shipment.devices] if shipment else [],
        "carrier": clean(shipment.carrier) if shipment else "",
        "crossing": clean(shipment.crossing or "") if shipment else "",
        "to": clean(shipment.destination.name)
        if shipment is not None and shipment.destination is not None
        else "",
    }


def alert_item(alert: Alert, plan: Plan) -> dict[str, Any]:
    """Describe one open alert for lists. No comments and no evidence: those are on its page."""
    shipment = plan.shipments.get(alert.shipment_id)
    located = alert.lat is not None and alert.lon is not None
    return {
        "id": alert.id,
        "shipment": alert.shipment_id,
        "carrier": clean(shipment.carrier) if shipment else "",
        "severity": alert.severity.value,
        "rank": alert.severity.rank,
        "kind": alert.kind,
        "title": clean(alert.title),
        "summary": clean(alert.summary),
        "response": clean(alert.response),
        "place": gazetteer().describe(alert.lat or 0.0, alert.lon or 0.0) if located else "",
        "state": alert.state.value,
        "state_words": ALERT_STATE_WORDS[alert.state],
        "acknowledged": alert.state.acknowledged,
        "active": alert.state.active,
        "owner": clean(alert.assigned_to or alert.acknowledged_by or ""),
        "occurred_at": alert.occurred_at,
        "learned_at": alert.learned_at,
        "late": alert.late,
        "respond_s": alert.respond_within_s,
        "lat": alert.lat,
        "lon": alert.lon,
        "revision": alert.revision,
    }


def status(
    *,
    sequence: int,
    clock_at: Instant,
    rate: float,
    freshness: Freshness,
    counts: Counts,
    shown: Sequence[int],
    alerts: Sequence[Alert],
    plan: Plan,
    lacks: Sequence[str],
) -> str:
    """Say once a second how old everything is and what the header shows."""
    severities = {s.value: 0 for s in Severity}
    for alert in alerts:
        severities[alert.severity.value] += 1
    return encode(
        {
            "t": "status",
            "seq": sequence,
            "clock": clock_at,
            "rate": rate,
            "commit_s": freshness.commit_s,
            "partition": freshness.partition,
            "beat_s": freshness.beat_s,
            "fix_s": freshness.fix_s,
            "reachable": freshness.reachable,
            "counts": counts,
            "shown": list(shown),
            "severities": severities,
            "unacknowledged": sum(not alert.state.acknowledged for alert in alerts),
            "plan": plan.version,
            "planned": len(plan.shipments),
            "lacks": list(lacks),
        }
    ).decode()
