"""One small scenario, built once: pure values that no test can change."""

import pytest

from ingest.simulator.devices import Window
from ingest.simulator.fleet import Fleet, Message
from ingest.simulator.scenario import Scenario, Settings, build
from puente import instant
from puente.instant import HOUR, MINUTE

NOW = instant.parse("2026-07-01T16:00:00Z")
WINDOW = Window(NOW - 2 * HOUR, NOW, 10.0)


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return build(Settings(shipments=60, seed=11, now=NOW, incident_rate=0.4))


@pytest.fixture(scope="session")
def messages(scenario: Scenario) -> list[Message]:
    """Two hours of history and three quarters of an hour of live time."""
    return list(Fleet(scenario.trips, WINDOW).until(NOW + 45 * MINUTE))
