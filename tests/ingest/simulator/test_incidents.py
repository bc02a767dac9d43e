import pytest

from ingest.simulator.fleet import Message
from ingest.simulator.gazetteer import clusters
from ingest.simulator.incidents import OUTSIDE_AIR_C, Incident, Label
from ingest.simulator.places import PLACE_RADIUS_M
from ingest.simulator.scenario import Scenario, Settings, build
from ingest.simulator.sensors import Reefer
from ingest.simulator.trip import Trip
from puente import geo, instant
from puente.instant import HOUR, MINUTE, SECOND
from puente.plan import FenceClass
from tests.ingest.simulator.conftest import NOW, WINDOW

END = NOW + 45 * MINUTE


def at_of(message: Message) -> int:
    at = message.payload["at"]
    return at if isinstance(at, int) else instant.parse(at)


@pytest.fixture(scope="session")
def trips(scenario: Scenario) -> dict[str, Trip]:
    return {trip.load.shipment_id: trip for trip in scenario.trips}


@pytest.fixture(scope="session")
def sent(messages: list[Message]) -> dict[str, list[Message]]:
    devices: dict[str, list[Message]] = {}
    for message in messages:
        devices.setdefault(message.device_id, []).append(message)
    return devices


def visible(scenario: Scenario, kind: str) -> list[Label]:
    """Labels of a kind that lie well within the messages that the tests look at."""
    labels = [
        label
        for label in scenario.labels
        if label.kind == kind
        and WINDOW.history_from + 10 * MINUTE < label.occurred_at < END - 15 * MINUTE
    ]
    assert labels, f"the scenario shows no {kind}"
    return labels


def during(label: Label, messages: list[Message]) -> list[Message]:
    until = min(END, label.until or END)
    return [m for m in messages if label.occurred_at <= at_of(m) <= until]


def test_one_incident_of_every_kind_is_under_way_or_begins_when_live_time_opens() -> None:
    opening = build(Settings(300, 1, NOW))
    begun = {
        label.incident
        for label in opening.labels
        if label.occurred_at < NOW + 2 * MINUTE and (label.until or END) > NOW
    }
    assert begun == set(Incident)


@pytest.mark.parametrize("seed", [2, 3])
def test_the_rate_says_on_how_many_shipments_something_goes_wrong(seed: int) -> None:
    made = build(Settings(120, seed, NOW, incident_rate=0.2))
    affected = [trip for trip in made.trips if trip.incidents]
    assert 22 <= len(affected) <= 24
    assert all(len(trip.incidents) == 1 for trip in affected)
    labelled = {label.shipment_id for label in made.labels}
    assert labelled == {trip.load.shipment_id for trip in affected}


def test_without_incidents_there_is_nothing_to_notice() -> None:
    made = build(Settings(40, 1, NOW, incident_rate=0.0))
    assert made.labels == ()
    assert not any(trip.incidents for trip in made.trips)


def test_a_deviating_truck_is_seen_off_its_corridor(
    scenario: Scenario, trips: dict[str, Trip], sent: dict[str, list[Message]]
) -> None:
    for label in visible(scenario, "route.deviation"):
        trip = trips[label.shipment_id]
        line = trip.road.way.line
        off = [
            line.locate((m.payload["lat"], m.payload["lon"])).off_m
            for m in during(label, sent[trip.load.trailer_id])
            if m.payload["accuracy_m"] < 50
        ]
        assert min(off) > trip.corridor_m - 30.0
        assert max(off) > 2_000.0
        assert label.until is not None
        assert label.until - label.occurred_at > 6 * MINUTE


def test_a_truck_in_a_forbidden_area_is_seen_inside_it(
    scenario: Scenario, trips: dict[str, Trip], sent: dict[str, list[Message]]
) -> None:
    for label in visible(scenario, "geofence.forbidden"):
        readings = during(label, sent[trips[label.shipment_id].load.trailer_id])
        assert readings
        for m in readings:
            point = (m.payload["lat"], m.payload["lon"])
            assert scenario.book.depth_m(point, {FenceClass.NO_GO}) > -50.0


def test_an_unplanned_stop_stands_still_where_stopping_is_not_lawful(
    scenario: Scenario, trips: dict[str, Trip], sent: dict[str, list[Message]]
) -> None:
    for label in visible(scenario, "stop.unplanned"):
        readings = during(label, sent[trips[label.shipment_id].load.trailer_id])
        seen_for = at_of(readings[-1]) - at_of(readings[0])
        assert seen_for > min(60 * MINUTE, END - label.occurred_at - 6 * MINUTE)
        good = [m.payload for m in readings[1:] if m.payload["accuracy_m"] < 50]
        here = (good[0]["lat"], good[0]["lon"])
        assert max(geo.distance_m(here, (p["lat"], p["lon"])) for p in good) < 60.0
        assert max(p["speed_mps"] for p in good) < 0.8
        assert scenario.book.lawful_depth_m(here) < -200.0
        hot = scenario.book.depth_m(here, {FenceClass.HOT}) > 0.0
        assert hot == (label.incident is Incident.HOT_STOP)


@pytest.mark.parametrize(
    ("kind", "state", "event"),
    [("seal.tamper", "tampered", "cut"), ("seal.unauthorised", "open", "unlocked")],
)
def test_a_violated_seal_says_so_at_that_very_moment(
    scenario: Scenario, sent: dict[str, list[Message]], kind: str, state: str, event: str
) -> None:
    for label in visible(scenario, kind):
        assert label.device_id is not None
        moment = next(m for m in sent[label.device_id] if at_of(m) >= label.occurred_at)
        assert at_of(moment) == label.occurred_at
        assert moment.payload["seal"]["state"] == state
        assert moment.payload["seal"]["event"] == event


def test_a_truck_that_departs_unsealed_is_seen_outside_its_origin_with_an_unlocked_seal(
    scenario: Scenario, trips: dict[str, Trip], sent: dict[str, list[Message]]
) -> None:
    for label in visible(scenario, "seal.departed_unsealed"):
        assert label.device_id is not None
        readings = during(label, sent[label.device_id])
        assert readings
        assert not any(m.payload["seal"]["motor"] for m in readings)
        origin = clusters()[trips[label.shipment_id].road.route.origin].centre
        last = readings[-1].payload
        assert geo.distance_m(origin, (last["lat"], last["lon"])) > PLACE_RADIUS_M


@pytest.mark.parametrize("kind", ["temperature.warning", "temperature.critical"])
def test_a_failed_reefer_warms_its_cargo_beyond_the_limit(
    scenario: Scenario, trips: dict[str, Trip], sent: dict[str, list[Message]], kind: str
) -> None:
    for label in visible(scenario, kind):
        assert label.device_id is not None
        band = trips[label.shipment_id].load.band
        assert band is not None
        limit = band.high_c if kind.endswith("warning") else band.critical_high_c
        assert limit is not None
        width = band.high_c - band.low_c
        readings = during(label, sent[label.device_id])
        products = [m.payload["temperature_c"]["product"] for m in readings]
        assert min(products) > limit - 0.15 * width
        assert max(products) > limit + 0.3


def test_a_jammed_truck_says_so_until_it_cannot_and_tells_the_rest_late(
    scenario: Scenario, trips: dict[str, Trip], sent: dict[str, list[Message]]
) -> None:
    for label in visible(scenario, "position.jamming"):
        trip = trips[label.shipment_id]
        readings = during(label, sent[trip.load.trailer_id])
        assert {m.payload["jamming"] for m in readings} >= {1, 2}
        assert all("lat" not in m.payload for m in readings if m.payload["jamming"] == 2)
        if label.until is not None and label.until < END - 5 * MINUTE:
            assert max(m.send_at - at_of(m) for m in readings) > 20 * MINUTE


def test_a_silent_device_sends_nothing_while_it_is_silent(
    scenario: Scenario, sent: dict[str, list[Message]]
) -> None:
    for label in visible(scenario, "device.silent"):
        assert label.device_id is not None
        until = min(END, label.until or END)
        assert not [
            m for m in sent[label.device_id] if label.occurred_at + 2 * SECOND < m.send_at < until
        ]


def test_lawful_seals_are_open_only_where_that_is_lawful(
    scenario: Scenario, messages: list[Message]
) -> None:
    touched = {Incident.SEAL_CUT, Incident.SEAL_OPENED, Incident.UNSEALED}
    lawful = {t.load.seal_id: t for t in scenario.trips if not touched & set(t.incidents)}
    opened = 0
    for message in messages:
        trip = lawful.get(message.device_id)
        if trip is None:
            continue
        seal = message.payload["seal"]
        assert seal["state"] in ("open", "sealed")
        assert (seal["state"] == "sealed") == (seal["rope"] and seal["motor"])
        if seal["state"] == "open":
            opened += 1
            truth = trip.journey.where(at_of(message))
            ends = (trip.road.route.origin, trip.road.route.destination)
            near_m = min(geo.distance_m(truth.point, clusters()[e].centre) for e in ends)
            customs = scenario.book.depth_m(truth.point, {FenceClass.CBP, FenceClass.MX_EXPORT})
            assert near_m < PLACE_RADIUS_M / 2 or customs > 80.0
            assert truth.speed_mps == 0.0
    assert opened > 10


def test_lawful_cargo_stays_inside_its_band(scenario: Scenario, messages: list[Message]) -> None:
    cold = {
        t.load.trailer_id: t.load.band
        for t in scenario.trips
        if t.load.band is not None and not t.reefer_faults
    }
    assert cold
    for message in messages:
        band = cold.get(message.device_id)
        if band is not None:
            for celsius in message.payload["temperature_c"].values():
                assert band.low_c <= celsius <= band.high_c


def test_the_truth_of_an_excursion_has_the_ends_that_its_label_says(
    scenario: Scenario, trips: dict[str, Trip]
) -> None:
    for label in visible(scenario, "temperature.warning"):
        trip = trips[label.shipment_id]
        assert trip.load.band is not None
        assert label.until is not None
        reefer = Reefer(trip.load.band, trip.reefer_phase, trip.reefer_faults, OUTSIDE_AIR_C)
        high = trip.load.band.high_c
        assert reefer.product_c(label.occurred_at - 2 * SECOND) <= high
        assert reefer.product_c(label.occurred_at + 2 * SECOND) > high
        assert reefer.product_c(label.until - 2 * SECOND) > high
        assert reefer.product_c(label.until + HOUR) <= high


def test_a_label_is_a_line_with_the_words_that_evaluation_expects(scenario: Scenario) -> None:
    label = visible(scenario, "route.deviation")[0]
    line = label.document()
    assert line["shipment_id"].startswith("MX26-")
    assert instant.parse(line["occurred_at"]) == label.occurred_at
    assert instant.parse(line["until"]) == label.until
    assert line["incident"] in ("deviation", "no_go_area")
