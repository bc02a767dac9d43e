"""Admission: what becomes of a delivery, by the words of interfaces section 4."""

import json
from typing import Any

import pytest

from ingest.admission import Admitted, Refused, admit, identity_of, judge_fix
from puente.instant import HOUR, SECOND, parse
from puente.model import Delivery, Discard, FixSource, Reading, Rejection
from tests.corpus.poison import CASES, RECEIVED_AT, Case
from tests.ingest.builders import telemetry

TOPIC = "puente/v1/TRK-1/telemetry"
FIX = {"at": RECEIVED_AT, "lat": 27.5, "lon": -99.5}


def deliver(payload: object, topic: str = TOPIC, at: int = RECEIVED_AT) -> Admitted | Refused:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return admit(Delivery(topic, raw, at))


def reading(payload: object, at: int = RECEIVED_AT) -> Reading:
    verdict = deliver(payload, at=at)
    assert isinstance(verdict, Admitted), verdict
    return verdict.reading


def rejection(payload: object, topic: str = TOPIC, at: int = RECEIVED_AT) -> Rejection:
    verdict = deliver(payload, topic, at)
    assert isinstance(verdict, Refused), verdict
    return verdict.rejection


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_poison_is_judged_and_stops_nothing(case: Case) -> None:
    verdict = admit(Delivery(case.topic, case.payload, RECEIVED_AT))
    if isinstance(verdict, Refused):
        outcome = verdict.rejection.rejection.value
        assert verdict.rejection.detail
        assert len(verdict.rejection.excerpt) <= 300
        assert len(verdict.rejection.topic or "") <= 300
        assert "\u202e" not in (verdict.rejection.topic or "")
    elif verdict.reading.discard is not None:
        outcome = f"discard:{verdict.reading.discard.value}"
    else:
        outcome = "ok"
    assert outcome == case.outcome


@pytest.mark.parametrize(
    ("payload", "topic", "reason"),
    [
        pytest.param(b"\xff" * 16_385, "nowhere", "too_large", id="size before topic"),
        pytest.param(b"\xff", "nowhere", "unknown_topic", id="topic before encoding"),
        pytest.param(b"{\xff", TOPIC, "not_utf8", id="encoding before JSON"),
        pytest.param(b'{"at":true,"at":1', TOPIC, "not_json", id="JSON before keys"),
        pytest.param(b'{"at":true,"at":1}', TOPIC, "duplicate_key", id="keys before schema"),
        pytest.param(
            b'{"at":9999999999999,"lat":1}', TOPIC, "half_pair", id="schema before clock"
        ),
    ],
)
def test_the_order_of_judgement(payload: bytes, topic: str, reason: str) -> None:
    assert rejection(payload, topic).rejection.value == reason


def test_the_clock_is_judged_before_the_fix() -> None:
    late_fix = {"at": RECEIVED_AT + 200_000, "lat": 0, "lon": 0}
    assert rejection(late_fix).rejection.value == "time_in_future"


@pytest.mark.parametrize(
    ("at", "received_at", "reason"),
    [
        pytest.param("2026-07-01T12:02:00Z", "2026-07-01T12:00:00Z", None, id="120 s ahead"),
        pytest.param(
            "2026-07-01T12:02:00.001Z",
            "2026-07-01T12:00:00Z",
            "time_in_future",
            id="120.001 s ahead",
        ),
        pytest.param("2020-01-01T00:00:00Z", "2026-07-01T12:00:00Z", None, id="years late"),
        pytest.param(
            "2019-12-31T23:59:59.999Z", "2026-07-01T12:00:00Z", "time_too_old", id="before 2020"
        ),
        pytest.param("2009-03-01T00:00:00Z", "2009-03-01T00:00:01Z", None, id="data of 2009"),
        pytest.param("2018-10-05T10:00:00Z", "2018-10-07T10:00:00Z", None, id="2018, 48 h old"),
        pytest.param(
            "2018-10-05T10:00:00Z",
            "2018-10-07T10:00:00.001Z",
            "time_too_old",
            id="2018, older than 48 h",
        ),
        pytest.param(
            "2009-03-01T00:05:00Z", "2009-03-01T00:00:00Z", "time_in_future", id="2009 ahead"
        ),
        pytest.param(
            "2019-12-31T12:00:00Z", "2020-01-01T12:00:00Z", None, id="over the turn of 2020"
        ),
    ],
)
def test_the_clock_of_a_device(at: str, received_at: str, reason: str | None) -> None:
    verdict = deliver({**FIX, "at": at}, at=parse(received_at))
    if reason is None:
        assert isinstance(verdict, Admitted)
        assert verdict.reading.at == parse(at)
        assert not verdict.reading.clock_fault
    else:
        assert isinstance(verdict, Refused)
        assert verdict.rejection.rejection.value == reason


@pytest.mark.parametrize("at", [0, RECEIVED_AT + 10 * HOUR], ids=["1970", "10 h ahead"])
@pytest.mark.parametrize(
    "content",
    [{"seal": {"state": "open"}}, {"door": "open"}, {"panic": True}, {"jamming": 2}],
    ids=["seal", "door", "panic", "jamming"],
)
def test_safety_content_survives_a_broken_clock(at: int, content: dict[str, Any]) -> None:
    found = reading({**FIX, "at": at, **content})
    assert found.clock_fault
    assert found.at == RECEIVED_AT
    assert found.discard is None
    assert found.telemetry.safety_content


@pytest.mark.parametrize(
    "content",
    [{"panic": False}, {"jamming": 0}, {"temperature_c": 5.0}],
    ids=["no panic", "no jamming", "a temperature"],
)
def test_other_content_does_not(content: dict[str, Any]) -> None:
    assert rejection({**FIX, "at": 0, **content}).rejection.value == "time_too_old"


def test_a_resent_reading_with_a_broken_clock_keeps_its_identity() -> None:
    payload = {"at": 0, "door": "open"}
    assert reading(payload).identity == reading(payload, RECEIVED_AT + 60 * SECOND).identity


@pytest.mark.parametrize(
    ("fields", "discard"),
    [
        pytest.param({}, None, id="a good fix"),
        pytest.param({"accuracy_m": 250.0}, None, id="exactly 250 m"),
        pytest.param({"accuracy_m": 250.1}, Discard.ACCURACY, id="more than 250 m"),
        pytest.param({"hdop": 5.0}, None, id="hdop exactly 5"),
        pytest.param({"hdop": 5.01}, Discard.HDOP, id="hdop above 5"),
        pytest.param({"satellites": 4}, None, id="four satellites"),
        pytest.param({"satellites": 3}, Discard.SATELLITES, id="three satellites"),
        pytest.param({"fix": "cell"}, Discard.CELL, id="a cell fix"),
        pytest.param({"fix": "wifi"}, Discard.CELL, id="a Wi-Fi fix"),
        pytest.param({"lat": 0.0, "lon": 0.0}, Discard.NULL_ISLAND, id="null island"),
        pytest.param({"lat": -0.0, "lon": 0}, Discard.NULL_ISLAND, id="minus zero is zero"),
        pytest.param({"lat": 0.0, "lon": -99.5}, None, id="on the equator"),
        pytest.param({"lat": -99.5, "lon": 27.5}, Discard.SWAPPED, id="swapped"),
        pytest.param({"lat": -80.0, "lon": 14.0}, Discard.SWAPPED, id="swapped, at a corner"),
        pytest.param({"lat": -79.9, "lon": 14.0}, None, id="just outside the box"),
        pytest.param({"lat": 52.5, "lon": 13.4}, None, id="Berlin"),
    ],
)
def test_a_bad_fix_is_discarded_and_the_rest_is_kept(
    fields: dict[str, Any], discard: Discard | None
) -> None:
    found = reading({**FIX, "temperature_c": 5.0, "seal": {"state": "open"}, **fields})
    assert found.discard is discard
    assert found.telemetry.temperature_c == {"product": 5.0}
    assert found.telemetry.seal is not None


def test_a_reading_without_a_fix_is_valid() -> None:
    found = reading({"at": RECEIVED_AT, "battery_pct": 50})
    assert (found.discard, found.telemetry.lat_deg) == (None, None)


def test_a_position_beside_fix_none_is_where_the_device_last_was() -> None:
    found = reading({**FIX, "fix": "none"})
    assert found.telemetry.fix is FixSource.NONE
    assert (found.telemetry.lat_deg, found.telemetry.lon_deg, found.discard) == (None, None, None)


def test_a_numbered_reading_is_known_by_its_number() -> None:
    one = reading({**FIX, "boot": 3, "seq": 17})
    two = reading({**FIX, "boot": 3, "seq": 17, "battery_pct": 5})
    assert one.identity == two.identity == "3.17"


def test_another_reading_is_known_by_its_time_and_content() -> None:
    one, same = reading(FIX), reading(dict(reversed(FIX.items())))
    assert one.identity == same.identity
    assert one.identity != reading({**FIX, "battery_pct": 5}).identity
    assert one.identity != reading({**FIX, "at": RECEIVED_AT - 1}).identity
    assert identity_of(one.telemetry) == one.identity


@pytest.mark.parametrize(
    ("payload", "number"),
    [
        pytest.param({**FIX, "boot": 3, "seq": 17, "lat": 91}, (3, 17), id="a bad value"),
        pytest.param({**FIX, "boot": 3, "seq": 17, "lat": "x"}, (3, 17), id="a bad type"),
        pytest.param({**FIX, "boot": 3, "seq": 17, "at": 0}, (3, 17), id="a bad clock"),
        pytest.param({"boot": 3, "seq": 17}, (3, 17), id="a missing time"),
        pytest.param({**FIX, "boot": True, "seq": -1}, (None, None), id="no number"),
        pytest.param(b"[3, 17]", (None, None), id="no object"),
    ],
)
def test_a_rejection_knows_the_number_as_far_as_it_could_be_read(
    payload: object, number: tuple[int | None, int | None]
) -> None:
    verdict = deliver(payload)
    assert isinstance(verdict, Refused)
    assert (verdict.boot, verdict.seq) == number
    assert verdict.rejection.device_id == "TRK-1"


def test_ignored_fields_are_counted() -> None:
    verdict = deliver({**FIX, "colour": "red", "size": 3})
    assert isinstance(verdict, Admitted)
    assert verdict.ignored == 2


def test_a_fix_without_coordinates_is_not_judged() -> None:
    assert judge_fix(telemetry(0, accuracy_m=900.0)) is None
