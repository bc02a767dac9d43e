"""Puente without processes: the gateway's writes, engines and a desk, driven step by step.

Time is what the test says: heartbeats are written by hand, as the gateway writes them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

from ingest import replay
from ingest.desk import Desk
from ingest.engine import Engine, LateBudget
from ingest.gateway import Gateway, judge
from ingest.mqtt import Arrival
from puente import keys
from puente.clock import Clock
from puente.instant import SECOND, Instant, parse, text
from puente.model import Delivery, Event
from puente.planfile import parse as parse_plan
from puente.planfile import to_plan
from puente.settings import Settings
from puente.store import events, log, plans
from puente.store.connection import Store

NOW: Instant = parse("2026-07-01T12:00:00Z")

SETTINGS = Settings(mqtt_url="mqtt://127.0.0.1:1", engine_idle_ms=1)


def delivery(
    device: str = "TRK-1",
    at: Instant = NOW,
    *,
    received_at: Instant | None = None,
    **fields: Any,  # noqa: ANN401 - whatever a payload may have
) -> Delivery:
    """One native message; `at` is when the reading was taken."""
    payload = json.dumps({"at": at, **fields}).encode()
    topic = f"puente/v1/{device}/telemetry"
    return Delivery(topic, payload, at + SECOND if received_at is None else received_at)


@dataclass
class World:
    """One store with everything that writes to it."""

    store: Store
    settings: Settings = SETTINGS
    clock: Clock = field(default_factory=Clock)
    gateway: Gateway = field(init=False)
    engine: Engine = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        """Begin with one of each."""
        self.gateway = Gateway(self.settings, self.store, self.clock)
        self.gateway._beaten_at = 1 << 60  # heartbeats are the test's
        self.restart_engine()
        self.desk = Desk(self.settings, self.store, self.clock)

    def plan(
        self,
        *shipments: dict[str, Any],
        now: Instant = NOW,
        **more: Any,  # noqa: ANN401 - other parts of a plan file
    ) -> int:
        """Load a plan as `puente load` does."""
        document = parse_plan({"shipments": list(shipments), **more}, "test")
        version = plans.save_plan(self.store, document, now)
        self.gateway._look_at_plan()
        return version

    def deliver(self, *deliveries: Delivery) -> None:
        """Let the gateway store a batch."""
        self.gateway._store(judge([Arrival(d, 1, 1, -1) for d in deliveries]))

    def beat(self, *instants: Instant) -> None:
        """Write heartbeats."""
        log.beat(self.store, *instants)

    def beats(self, from_at: Instant, to_at: Instant, step: int = 9 * SECOND) -> None:
        """Write heartbeats over a time, without a pause that counts as an outage."""
        log.beat(self.store, *range(from_at, to_at, step), to_at)

    def restart_engine(self, **settings: int) -> None:
        """Begin a new engine; the old one is gone without a word, as after kill -9."""
        self.store.client.delete(*(keys.LEASE(pNN=p) for p in range(keys.PARTITIONS)))
        changed = replace(self.settings, **settings)  # type: ignore[arg-type]
        self.engine = Engine(changed, self.store, self.clock)

    def fold(self) -> None:
        """Let the engine work until nothing is left."""
        self.engine._renew_at = 0.0
        self.engine._renew()
        budget = LateBudget(1.0)
        while self.engine._turn(budget):
            if len(self.engine.folds) < keys.PARTITIONS:
                self.engine._renew_at = 0.0
                self.engine._renew()

    def alert(self) -> None:
        """Let the desk work until nothing is left."""
        while self.desk.turn():
            pass

    def events(self) -> list[Event]:
        """Every event, in order of learning."""
        found, _ = events.read_events(self.store, limit=10_000)
        return found


def ledger(found: Iterable[Event]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Episodes as they stand after all events (house, section 2), knowledge left out."""
    made: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for e in found:
        if e.kind.partition(".")[0] in ("device", "telemetry"):
            continue
        key = (e.shipment_id, e.kind, e.subject, e.episode)
        match e.phase.value:
            case "retracted":
                made.pop(key, None)
            case "cleared":
                severity, occurred_at, _ = made.get(key, (e.severity, None, None))
                made[key] = (severity, occurred_at, e.occurred_at)
            case _:
                made[key] = (e.severity, e.occurred_at, None)
    return made


def replayed(plan: dict[str, Any], deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """What `puente replay` says to the same deliveries."""
    lines = [
        json.dumps(
            {
                "topic": d.topic,
                "received_at": text(d.received_at),
                "payload": json.loads(d.payload),
            }
        ).encode()
        for d in deliveries
    ]
    output = BytesIO()
    replay.run(to_plan(parse_plan(plan, "test"), 1), lines, output)
    return [json.loads(line) for line in output.getvalue().splitlines()]
