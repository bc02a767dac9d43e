"""End to end: devices publish, processes die, and what people see is what happened."""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.mqtt import connected_client
from puente import clock
from puente.instant import SECOND
from puente.planfile import parse
from puente.settings import Settings, environment_of
from puente.store import alerts, events, live, plans, tracks
from puente.store.connection import Store
from tests.system.embedded import Broker, Server, Valkey, eventually

pytestmark = [pytest.mark.redis, pytest.mark.system]

SHIPMENT, TRUCK = "MX26-000001", "TRK-1"

PLAN = {
    "shipments": [
        {
            "id": SHIPMENT,
            "devices": [{"device_id": TRUCK, "role": "trailer"}],
        }
    ],
    "geofences": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"id": f"NG{n}", "class": "NO_GO", "radius_m": 50,
                               "confirm_fixes": 1, "enter_m": 0, "exit_m": 0},
                "geometry": {"type": "Point", "coordinates": [-100.0 + 0.002 * n, 25.0]},
            }
            for n in range(1, 9)
        ],
    },
}  # fmt: skip


class Processes:
    """Broker, Redis and Puente's own programs, each killed and started on its own."""

    def __init__(self, folder: Path) -> None:
        self.redis = Valkey(folder / "redis")
        self.broker = Broker(folder / "broker")
        self.redis.start()
        self.broker.start()
        settings = Settings(redis_url=self.redis.url, mqtt_url=self.broker.url)
        self.programs = {
            name: Server(
                [sys.executable, "-m", f"ingest.{name}"],
                folder / f"{name}.log",
                **environment_of(settings),
            )
            for name in ("gateway", "engine", "desk")
        }
        for program in self.programs.values():
            program.start()
        self.store: Store = self.redis.store

    def close(self) -> None:
        for program in self.programs.values():
            program.kill()
        self.broker.kill()
        self.redis.close()

    def words(self) -> str:
        return "\n".join(p.log.read_text()[-2000:] for p in self.programs.values())


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    made.close()


class Truck:
    """A device that numbers its readings, keeps them, and sends again what no watermark covers."""

    def __init__(self, url: str) -> None:
        self.sent: dict[int, bytes] = {}
        self.watermark = -1
        self.subscribed = threading.Event()
        self.began_at = clock.real_now() - 400 * SECOND

        def subscribe(client: Any) -> None:  # noqa: ANN401 - paho's client
            client.on_message = lambda _c, _u, m: self._hear(json.loads(m.payload))
            client.on_subscribe = lambda *_: self.subscribed.set()
            client.subscribe(f"puente/v1/{TRUCK}/ack")

        self.client = connected_client(url, subscribe)
        assert self.subscribed.wait(10)

    def _hear(self, ack: dict[str, int]) -> None:
        self.watermark = max(self.watermark, ack["seq"])

    def drive(self, seq: int) -> None:
        """Take the reading of a place: every fifth one lies in a forbidden zone."""
        at = self.began_at + seq * SECOND
        reading = {
            "at": at, "boot": 1, "seq": seq, "lat": 25.0, "lon": -100.0 + 0.0004 * seq,
            "satellites": 9,
        }  # fmt: skip
        self.sent[seq] = json.dumps(reading).encode()
        self.send(seq)

    def send(self, seq: int) -> None:
        self.client.publish(f"puente/v1/{TRUCK}/telemetry", self.sent[seq], qos=1)

    def send_again(self) -> None:
        for seq in sorted(self.sent):
            if seq > self.watermark:
                self.send(seq)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def truck(processes: Processes) -> Iterator[Truck]:
    plans.save_plan(processes.store, parse(PLAN, "test"), clock.real_now())
    made = Truck(processes.broker.url)
    yield made
    made.close()


def zones(store: Store) -> list[str]:
    return sorted(a.subject for a in alerts.open_alerts(store))


def test_what_a_device_sends_is_an_alert_and_a_live_row_within_seconds_and_survives_kills(
    processes: Processes, truck: Truck
) -> None:
    store = processes.store
    assert eventually(
        lambda: (s := live.read_gateway_status(store)) is not None and s.connected
    ), processes.words()
    for seq in range(12):
        truck.drive(seq)
    assert eventually(lambda: truck.watermark == 11), processes.words()
    assert eventually(lambda: zones(store) == ["NG1", "NG2"], within_s=10), processes.words()
    assert eventually(lambda: [r.id for r in live.load_rows(store)] == [SHIPMENT])
    (row,) = live.load_rows(store)
    assert row.fix_at == truck.began_at + 11 * SECOND
    assert row.lon_deg == pytest.approx(-99.9956)

    # Both die in the middle of what they do.
    for seq in range(12, 30):
        truck.drive(seq)
        if seq == 15:
            processes.programs["engine"].kill()
        if seq == 20:
            processes.programs["gateway"].kill()
    for name in ("gateway", "engine"):
        processes.programs[name].start()
    for seq in range(30, 42):
        truck.drive(seq)

    def all_acknowledged() -> bool:
        if truck.watermark < 41:
            truck.send_again()
        return truck.watermark == 41

    assert eventually(all_acknowledged, every_s=1.0), processes.words()
    # The engine's lease outlives it for ten seconds: then its successor goes on.
    everything = [f"NG{n}" for n in range(1, 9)]
    assert eventually(lambda: zones(store) == everything), processes.words()

    track = tracks.read_track(store, SHIPMENT)
    assert [r.telemetry.seq for r in track] == list(range(42))
    found = events.read_history(store, SHIPMENT)
    said = [(e.kind, e.subject, e.phase.value) for e in found]
    assert len(said) == len(set(said))
    assert len([e for e in found if e.phase.value == "raised"]) == 8
    assert not [e for e in found if e.kind == "device.silent"]
    # The truck still stands in the last zone.
    assert len(alerts.read_audit(store)) == 15
    assert sum(s.readings for s in live.read_status(store)) == 42
    for name, program in processes.programs.items():
        assert program.stop() == 0, name
