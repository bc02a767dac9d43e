"""What values promise by themselves: names of events, order of readings, what becomes an alert."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from puente.model import (
    Event,
    Phase,
    Reading,
    SealReading,
    Severity,
    Telemetry,
    content_hash,
    event_id,
    is_alert,
)
from puente.row import OpenEpisode, Row

AT = 1_782_907_200_000


def event(phase: Phase, severity: Severity) -> Event:
    return Event(
        id="x", shipment_id="S", device_id=None, kind="stop.unplanned", phase=phase,
        subject="stop", episode=AT, severity=severity, occurred_at=AT, confirmed_at=AT,
        learned_at=AT, late=False,        lat=None, lon=None, title="t", summary="s",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "severity", "alert"),
    [
        (Phase.RAISED, Severity.INFO, False),
        (Phase.RAISED, Severity.LOW, True),
        (Phase.RAISED, Severity.CRITICAL, True),
        (Phase.NOTED, Severity.INFO, False),
        (Phase.NOTED, Severity.LOW, False),
        (Phase.NOTED, Severity.MEDIUM, True),
        (Phase.CLEARED, Severity.CRITICAL, False),
        (Phase.RETRACTED, Severity.CRITICAL, False),
    ],
)
def test_raised_from_low_and_noted_from_medium_become_alerts(
    phase: Phase, severity: Severity, alert: bool
) -> None:
    assert is_alert(event(phase, severity)) == alert


def test_an_event_id_is_the_documented_hash() -> None:
    # printf 'stop.unplanned\x1fS\x1fstop\x1f1782907200000\x1fraised' | sha256sum
    assert event_id("stop.unplanned", "S", "stop", AT, Phase.RAISED) == "340830d7eb64fb5d"


@given(st.lists(st.text(max_size=5), min_size=3, max_size=3), st.integers(), st.integers())
def test_events_that_say_different_things_have_different_ids(
    words: list[str], episode: int, other: int
) -> None:
    ids = {
        event_id(words[0], words[1], words[2], at, phase)
        for at in (episode, other)
        for phase in Phase
    }
    assert len(ids) == len(Phase) * len({episode, other})
    assert all(len(i) == 16 and int(i, 16) >= 0 for i in ids)


def test_every_phase_of_an_episode_belongs_to_the_alert_of_its_raise() -> None:
    raised = event_id("stop.unplanned", "S", "stop", AT, Phase.RAISED)
    assert {event(phase, Severity.LOW).alert_id for phase in Phase} == {raised}


def test_severities_rank_from_info_to_critical() -> None:
    assert [s.rank for s in Severity] == [0, 1, 2, 3, 4]
    assert max(Severity, key=lambda s: s.rank) is Severity.CRITICAL


@pytest.mark.parametrize(
    ("fields", "safety"),
    [
        pytest.param({}, False, id="a fix only"),
        pytest.param({"seal": SealReading("sealed")}, True, id="a seal, even locked"),
        pytest.param({"door": "closed"}, True, id="a door, even closed"),
        pytest.param({"panic": True}, True, id="panic"),
        pytest.param({"panic": False}, False, id="no panic"),
        pytest.param({"jamming": 1}, True, id="jamming"),
        pytest.param({"jamming": 0}, False, id="no jamming"),
        pytest.param({"temperature_c": {"product": 5.0}}, False, id="a temperature"),
    ],
)
def test_what_counts_as_safety_content(fields: dict[str, object], safety: bool) -> None:
    assert Telemetry(device_id="D", at=AT, **fields).safety_content is safety  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("delay_ms", "late"),
    [(600_000, False), (600_001, True), (-120_000, False)],
)
def test_a_reading_is_late_after_600_seconds(delay_ms: int, late: bool) -> None:
    reading = Reading(
        telemetry=Telemetry(device_id="D", at=AT), received_at=AT + delay_ms, identity="1.1"
    )
    assert reading.late is late


def reading(at: int = AT, device: str = "D", boot: int | None = 1, seq: int | None = 1) -> Reading:
    return Reading(
        telemetry=Telemetry(device_id=device, at=at, boot=boot, seq=seq),
        received_at=AT,
        identity=f"{boot}.{seq}",
    )


def test_readings_are_ordered_by_device_time_then_device_then_number() -> None:
    ordered = [
        reading(at=AT - 1, device="Z", seq=9),
        reading(device="A", boot=None, seq=None),
        reading(device="A", boot=0, seq=5),
        reading(device="A", boot=1, seq=2),
        reading(device="A", boot=1, seq=10),
        reading(device="B", boot=0, seq=0),
        reading(at=AT + 1, device="A"),
    ]
    assert sorted(reversed(ordered), key=lambda r: r.order) == ordered


def test_equal_content_has_an_equal_hash_in_any_order_of_keys() -> None:
    one = Telemetry(device_id="D", at=AT, temperature_c={"product": 5.0, "supply": 2.0})
    two = Telemetry(device_id="D", at=AT, temperature_c={"supply": 2.0, "product": 5.0})
    assert content_hash(one) == content_hash(two)
    assert content_hash(one) != content_hash(msgspec.structs.replace(one, at=AT + 1))
    assert content_hash(one) == content_hash(msgspec.structs.replace(one, oldest=3))


def test_a_row_knows_its_worst_episode_and_whether_it_is_assigned() -> None:
    low = OpenEpisode("geofence.dwell", "yard", AT, Severity.LOW)
    high = OpenEpisode("route.deviation", "R", AT, Severity.HIGH)
    assert Row(id="S", open=(low, high)).worst is Severity.HIGH
    assert Row(id="S").worst is None
    assert Row(id="S").assigned
    assert not Row(id="~D").assigned
