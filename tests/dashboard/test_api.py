import httpx2
import pytest
from starlette.testclient import TestClient

from dashboard import api
from puente.instant import HOUR, MINUTE, text
from puente.model import Discard, Phase, Reject, Severity
from puente.store.alerts import act
from puente.store.connection import Store, connect
from puente.triage import Action
from tests.dashboard.rigs import bare_app, context_over
from tests.dashboard.seeds import (
    NOW,
    event,
    journey,
    load_plan,
    note,
    put_devices,
    put_events,
    put_rejections,
    put_rows,
    put_track,
    reading,
    rejection,
    row,
    shipment,
)

pytestmark = pytest.mark.redis


def client_over(store: Store) -> TestClient:
    app = bare_app()
    api.mount(app, context_over(store))
    return TestClient(app.server, base_url="http://127.0.0.1:8050")


@pytest.fixture
def client(store: Store) -> TestClient:
    return client_over(store)


def test_shipments_have_plan_and_present_in_one(client: TestClient, store: Store) -> None:
    load_plan(store, [shipment("S1"), shipment("S2")])
    put_rows(store, row("S1", 0.5))
    listed = client.get("/api/v1/shipments").json()["shipments"]
    assert [s["id"] for s in listed] == ["S1", "S2"]
    first = client.get("/api/v1/shipments/S1").json()
    assert first == listed[0]
    assert first["planned_departure"] == "2026-11-20T12:00:00.000Z"
    assert first["fix_at"] == "2026-11-21T19:59:20.000Z"
    assert (first["state"], first["seal"], first["band_c"]) == ("on_route", "sealed", [2.0, 8.0])
    assert listed[1]["state"] == "not_heard"
    assert listed[1]["lat"] is None


def test_floats_have_at_most_six_decimals(client: TestClient, store: Store) -> None:
    load_plan(store, [shipment("S1")])
    put_rows(store, row("S1", 1 / 3, speed_mps=1 / 3))
    found = client.get("/api/v1/shipments/S1").json()
    assert found["speed_mps"] == 0.333333
    assert found["progress"] == 0.333333


def test_a_track_is_cut_to_the_time_that_was_asked_for(client: TestClient, store: Store) -> None:
    load_plan(store, [shipment("S1")])
    put_track(store, "S1", journey("S1", hours=2, step_s=600))
    whole = client.get("/api/v1/shipments/S1/track").json()["readings"]
    part = client.get(
        "/api/v1/shipments/S1/track",
        params={"from": text(NOW - HOUR), "to": text(NOW - 30 * MINUTE)},
    ).json()["readings"]
    assert [r for r in whole if text(NOW - HOUR) <= r["at"] <= text(NOW - 30 * MINUTE)] == part
    assert part[0]["at"] == text(NOW - HOUR)
    assert set(part[0]) >= {"at", "received_at", "device_id", "lat", "lon", "temperature_c"}


def test_a_discarded_fix_stays_in_the_track_with_its_reason(
    client: TestClient, store: Store
) -> None:
    load_plan(store, [shipment("S1")])
    put_track(
        store,
        "S1",
        [reading("TRK-S1", NOW, lat_deg=0.0, lon_deg=0.0, discard=Discard.NULL_ISLAND)],
    )
    (only,) = client.get("/api/v1/shipments/S1/track").json()["readings"]
    assert only["discard"] == "null_island"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param(
            "/shipments/S1/track?from=yesterday", "'from' must be RFC 3339", id="no date"
        ),
        pytest.param("/shipments/S1/track?to=2026-07-01T12:00:00", "with a zone", id="no zone"),
        pytest.param(
            "/shipments/S1/track?from=2026-07-02T00:00:00Z&to=2026-07-01T00:00:00Z",
            "'from' is after 'to'",
            id="backwards",
        ),
        pytest.param("/events?since=soon", "'since' is neither", id="no cursor"),
        pytest.param("/alerts?state=angry", "state", id="unknown state"),
        pytest.param("/alerts?limit=0", "limit", id="limit too small"),
        pytest.param("/rejections?limit=many", "limit", id="limit no number"),
    ],
)
def test_a_query_that_cannot_be_used_is_a_400_that_says_why(
    client: TestClient, store: Store, path: str, said: str
) -> None:
    load_plan(store, [shipment("S1")])
    answer = client.get("/api/v1" + path)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/shipments/S9", "/shipments/S9/track", "/alerts/nothing", "/nonsense"]
)
def test_what_is_not_there_is_a_404_in_words(client: TestClient, path: str) -> None:
    answer = client.get("/api/v1" + path)
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("no ")


def test_events_are_continued_where_the_last_answer_ended(
    client: TestClient, store: Store
) -> None:
    put_events(store, event("S1"), event("S2", at=NOW - MINUTE))
    first = client.get("/api/v1/events").json()
    assert [e["shipment_id"] for e in first["events"]] == ["S1", "S2"]
    put_events(store, event("S3", at=NOW))
    second = client.get("/api/v1/events", params={"since": first["next"]}).json()
    assert [e["shipment_id"] for e in second["events"]] == ["S3"]
    nothing = client.get("/api/v1/events", params={"since": second["next"]}).json()
    assert nothing["events"] == []


def test_events_since_an_instant(client: TestClient, store: Store) -> None:
    put_events(store, event("S1", at=NOW - HOUR), event("S2", at=NOW - MINUTE))
    found = client.get("/api/v1/events", params={"since": text(NOW - 30 * MINUTE)}).json()
    assert [e["shipment_id"] for e in found["events"]] == ["S2"]


def test_an_event_has_the_fields_of_replay(client: TestClient, store: Store) -> None:
    put_events(store, event("S1"))
    (found,) = client.get("/api/v1/events").json()["events"]
    assert set(found) >= {
        "id", "shipment_id", "device_id", "kind", "phase", "subject", "episode", "severity",
        "occurred_at", "confirmed_at", "learned_at", "late", "lat", "lon", "title", "summary",
        "evidence",
    }  # fmt: skip
    assert found["episode"] == found["occurred_at"] == "2026-11-21T19:40:00.000Z"


def acknowledge(client: TestClient, alert_id: str, **body: object) -> httpx2.Response:
    return client.post(f"/api/v1/alerts/{alert_id}/acknowledge", json=body)


def test_an_alert_is_worked_from_queue_to_history(client: TestClient, store: Store) -> None:
    (alert,) = put_events(store, event("S1"))
    (listed,) = client.get("/api/v1/alerts").json()["alerts"]
    assert listed["actions"] == ["acknowledge", "assign", "comment"]
    answer = acknowledge(client, alert.id, by="Ana", note="on it", revision=1)
    assert answer.status_code == 200
    assert answer.json()["state"] == "active_acknowledged"
    path = f"/api/v1/alerts/{alert.id}"
    assert client.post(path + "/assign", json={"by": "Ana", "to": "Luz"}).json()[
        "assigned_to"
    ] == ("Luz")
    assert client.post(path + "/comment", json={"by": "Luz", "note": "called"}).status_code == 200
    assert client.post(path + "/close", json={"by": "Luz", "note": "fixed"}).status_code == 200
    assert client.get("/api/v1/alerts").json()["alerts"] == []
    (closed,) = client.get("/api/v1/alerts?state=closed").json()["alerts"]
    assert (closed["closed_by"], closed["closed_at"]) == ("Luz", text(NOW))
    history = client.get(path).json()["history"]
    assert [(h["by"], h["action"]) for h in history] == [
        ("engine", "raised"),
        ("Ana", "acknowledge"),
        ("Ana", "assign"),
        ("Luz", "comment"),
        ("Luz", "close"),
    ]


def test_the_second_of_two_gets_409_with_who_and_when(client: TestClient, store: Store) -> None:
    (alert,) = put_events(store, event("S1"))
    act(store, alert.id, Action.ACKNOWLEDGE, by="Ana", now=NOW - MINUTE)
    answer = acknowledge(client, alert.id, by="Luz")
    assert answer.status_code == 409
    body = answer.json()
    assert (body["by"], body["at"]) == ("Ana", text(NOW - MINUTE))
    assert body["detail"].startswith("Ana was faster")
    assert body["alert"]["state"] == "active_acknowledged"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({}, "by: Field required", id="nobody"),
        pytest.param({"by": ""}, "name", id="empty name"),
        pytest.param({"by": 7}, "by: Input should be a valid string", id="a number"),
        pytest.param({"by": "x" * 81}, "1 to 80", id="long name"),
        pytest.param([], "body", id="no object"),
    ],
)
def test_a_body_that_cannot_be_used_is_a_400_that_says_why(
    client: TestClient, store: Store, body: object, said: str
) -> None:
    (alert,) = put_events(store, event("S1"))
    answer = client.post(f"/api/v1/alerts/{alert.id}/acknowledge", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


def test_a_form_of_another_page_cannot_act(client: TestClient, store: Store) -> None:
    (alert,) = put_events(store, event("S1"))
    answer = client.post(
        f"/api/v1/alerts/{alert.id}/acknowledge",
        content='{"by": "Eve"}',
        headers={"content-type": "text/plain"},
    )
    assert answer.status_code == 400
    assert client.get(f"/api/v1/alerts/{alert.id}").json()["acknowledged_by"] is None


def test_devices_and_rejections(client: TestClient, store: Store) -> None:
    load_plan(store, [shipment("S1")])
    put_devices(store, note("TRK-S1"), note("SPARE", numbers={}))
    put_rejections(store, rejection(Reject.NOT_JSON), rejection(Reject.TOO_LARGE))
    devices = {d["device_id"]: d for d in client.get("/api/v1/devices").json()["devices"]}
    assert devices["TRK-S1"]["shipment_id"] == "S1"
    assert devices["TRK-S1"]["watermark"] == {"boot": 1, "seq": 120}
    assert (devices["SPARE"]["shipment_id"], devices["SPARE"]["watermark"]) == (None, None)
    answer = client.get("/api/v1/rejections").json()
    assert answer["counts"] == {"not_json": 1, "too_large": 1}
    assert [r["rejection"] for r in answer["rejections"]] == ["too_large", "not_json"]


def test_openapi_describes_the_api_and_nothing_else(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert sorted(described["paths"]) == [
        "/api/v1/alerts",
        "/api/v1/alerts/{alert_id}",
        "/api/v1/alerts/{alert_id}/{action}",
        "/api/v1/devices",
        "/api/v1/events",
        "/api/v1/rejections",
        "/api/v1/shipments",
        "/api/v1/shipments/{shipment_id}",
        "/api/v1/shipments/{shipment_id}/track",
    ]


def test_a_store_that_is_away_is_a_503_without_a_trace() -> None:
    answer = client_over(connect("redis://127.0.0.1:1/0")).get("/api/v1/alerts")
    assert answer.status_code == 503
    assert answer.json() == {"detail": "the store cannot be reached; try again in a moment"}


def test_retracted_alerts_are_not_in_the_queue(client: TestClient, store: Store) -> None:
    raised = event("S1", severity=Severity.HIGH)
    put_events(store, raised, event("S1", phase=Phase.RETRACTED, at=raised.occurred_at,
                                    episode=raised.episode, severity=Severity.HIGH))  # fmt: skip
    assert client.get("/api/v1/alerts").json()["alerts"] == []
