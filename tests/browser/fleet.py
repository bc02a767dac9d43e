"""A small fleet in a real store that keeps beating, written as the engine and the desk do."""

import json
import threading
from typing import Any

from puente import keys
from puente.clock import real_now
from puente.model import Severity
from puente.planfile import parse
from puente.row import Row
from puente.store import alerts as alert_store
from puente.store.connection import Store
from puente.store.packing import pack
from puente.store.plans import save_plan
from puente.triage import Alert

LAREDO = (27.5973, -99.5371)


class Fleet:
    """Writes rows, alerts and heartbeats; `beating` says whether the partitions go on."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.beating = threading.Event()
        self._end = threading.Event()
        self._alerts = 0
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "Fleet":
        self.store.client.flushall()
        self.beating.set()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(10)

    def _beat(self) -> None:
        while not self._end.is_set():
            if self.beating.is_set():
                now = str(real_now())
                with self.store.client.pipeline(transaction=False) as pipe:
                    for partition in range(keys.PARTITIONS):
                        fields = {"clock": now, "committed_at": now, "readings": 1, "events": 0}
                        pipe.hset(keys.STATUS(pNN=partition), mapping=fields)
                    beat = {"beat_at": now, "connected": "1", "broker": "test", "received": 1}
                    pipe.hset(keys.GATEWAY_STATUS(), mapping=beat)
                    pipe.execute()
            self._end.wait(0.5)

    def plan(self, *shipments: str) -> None:
        """Load a plan with one straight route north and a fence at the bridge."""
        lat, lon = LAREDO
        document = {
            "shipments": [
                {
                    "id": name,
                    "carrier": "Fletes Bajío",
                    "route": "R1",
                    "origin": {"name": "Monterrey", "lat": 25.6866, "lon": -100.3161},
                    "destination": {"name": "San Antonio", "lat": 29.4241, "lon": -98.4936},
                    "devices": [{"device_id": f"TRK-{name}", "role": "trailer"}],
                }
                for name in shipments
            ],
            "geofences": {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "geometry": {"type": "Point", "coordinates": [lon, lat]},
                        "properties": {
                            "id": "WTB", "name": "World Trade Bridge", "class": "BORDER_QUEUE",
                            "radius_m": 3000,
                        },
                    }
                ],
            },
            "routes": {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "geometry": {
                            "type": "LineString",
                            "coordinates": [[-100.3161, 25.6866], [lon, lat], [-98.4936, 29.4241]],
                        },
                        "properties": {"id": "R1", "name": "Monterrey to San Antonio"},
                    }
                ],
            },
        }  # fmt: skip
        save_plan(self.store, parse(json.dumps(document).encode(), "test"), real_now())

    def row(self, subject: str, lat: float, lon: float, **known: object) -> Row:
        """Put a vehicle somewhere, now."""
        now = real_now()
        values: dict[str, Any] = {
            "device_id": f"TRK-{subject}",
            "speed_mps": 22.0,
            "course_deg": 20.0,
            "fix_at": now,
            "fix_received_at": now,
            "heard_at": now,
            **known,
        }
        row = Row(id=subject, lat_deg=lat, lon_deg=lon, **values)
        partition = keys.partition_of(subject)
        with self.store.client.pipeline(transaction=True) as pipe:
            pipe.hset(keys.ROWS(pNN=partition), subject, pack(row))
            pipe.xadd(keys.CHANGES(pNN=partition), {"r": pack([row])}, maxlen=2000)
            pipe.execute()
        return row

    def alert(
        self, shipment: str, severity: Severity = Severity.CRITICAL, **more: object
    ) -> Alert:
        """Open an alert as the desk does."""
        self._alerts += 1
        now = real_now()
        values: dict[str, Any] = {
            "title": "Seal tampered with",
            "lat": LAREDO[0],
            "lon": LAREDO[1],
            "kind": "seal.tamper",
            **more,
        }
        alert = Alert(
            id=f"{self._alerts:016x}",
            shipment_id=shipment,
            subject=f"seal-{self._alerts}",
            episode=now,
            severity=severity,
            summary="The e-seal reports its rope cut.",
            response="Call the driver and the carrier.",
            occurred_at=now - 65_000,
            learned_at=now,
            updated_at=now,
            **values,
        )
        assert alert_store.write(self.store, [alert_store.Write(alert, 0, ())]) == "ok"
        return alert
