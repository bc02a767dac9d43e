"""One partition's fold: the clock, deadlines, heartbeats, late readings, unassigned devices."""

from ingest.partition import LATE_WINDOW_MS, Partition, row_of
from puente.instant import HOUR, SECOND, text
from puente.model import Event, Gap, Phase, Role, SealState
from puente.plan import Binding, FenceClass, Place, Plan
from puente.row import OpenEpisode
from tests.ingest.builders import (
    AT,
    CHILLED,
    DEVICE,
    HOME,
    SHIPMENT,
    circle,
    locked,
    place,
    plan_of,
    reading,
    road,
)


def told(events: list[Event]) -> list[tuple[str, str, float]]:
    return [(e.kind, e.phase.value, (e.learned_at - AT) / SECOND) for e in events]


def test_deadlines_fire_in_order_of_time_as_the_clock_passes_them() -> None:
    partition = Partition(plan_of(profile=CHILLED))
    partition.read(reading(0, place(0), speed_mps=0.0, temperature_c={"product": 9.0}))
    assert told(partition.advance(AT + 3_000 * SECOND)) == [
        ("temperature.warning", "raised", 600.0),
        ("device.silent", "raised", 900.0),
        ("stop.unplanned", "raised", 1800.0),
        ("temperature.critical", "raised", 1800.0),
    ]
    assert partition.clock == AT + 3_000 * SECOND
    assert partition.advance(AT + 9_000 * SECOND) == []


def test_the_clock_never_goes_back() -> None:
    partition = Partition(plan_of())
    partition.advance(AT + HOUR)
    partition.read(reading(0))
    partition.advance(AT)
    assert partition.clock == AT + HOUR


def test_an_outage_of_ours_is_no_silence_and_counted_once() -> None:
    partition = Partition(plan_of())
    partition.beat(AT)
    partition.read(reading(0))
    assert partition.beat(AT + 10 * SECOND) == []
    assert partition.outage_ms == 0
    assert partition.beat(AT + 2_000 * SECOND) == []
    assert partition.outage_ms == 1_990 * SECOND
    silent = [e for s in range(2_001, 2_891) for e in partition.beat(AT + s * SECOND)]
    assert told(silent) == [("device.silent", "raised", 2890.0)]


def test_an_event_is_stamped_with_when_it_was_learned() -> None:
    partition = Partition(plan_of(circle("F", confirm_fixes=1, enter_m=0.0, exit_m=0.0)))
    partition.read(reading(0, place(900)))
    (entered,) = partition.read(reading(30, place(0), delay_s=600))
    assert (entered.learned_at, entered.late) == (AT + 630 * SECOND, False)
    (left,) = partition.read(reading(60, place(900), delay_s=601))
    assert left.late
    assert (left.lat, left.lon) == place(900)


def test_an_episode_that_moves_names_what_replaces_it() -> None:
    partition = Partition(plan_of(circle("F", confirm_fixes=1, enter_m=0.0, exit_m=0.0)))
    partition.read(reading(0, place(900)))
    partition.read(reading(100, place(0)))
    events = partition.read(reading(50, place(0), delay_s=70))
    back, again = events
    assert (back.phase, back.episode) == (Phase.RETRACTED, AT + 100 * SECOND)
    assert back.evidence["superseded_by"] == text(AT + 50 * SECOND)
    assert (again.phase, again.episode) == (Phase.NOTED, AT + 50 * SECOND)
    assert again.evidence["supersedes"] == text(AT + 100 * SECOND)


def test_a_reading_beyond_the_window_changes_no_decision_but_is_heard() -> None:
    partition = Partition(plan_of(circle("F")))
    partition.read(reading(0, place(900)))
    partition.advance(AT + 900 * SECOND)
    window_s = LATE_WINDOW_MS / SECOND
    events = partition.read(reading(-window_s, place(0), delay_s=window_s + 1_000))
    assert told(events) == [("device.silent", "cleared", 1000.0)]
    assert partition.beyond_window == 1
    assert len(partition.subjects[SHIPMENT].timeline.steps) == 1
    partition.read(reading(1_001 - window_s, place(0), delay_s=window_s))
    assert partition.beyond_window == 1
    assert len(partition.subjects[SHIPMENT].timeline.steps) == 2


def test_a_device_in_no_plan_raises_nothing_and_has_a_place() -> None:
    partition = Partition(plan_of())
    far = reading(0, place(7), device="X", temperature_c={"product": 99.0}, battery_pct=40.0)
    assert partition.read(far) == []
    assert partition.read(reading(-60, place(1), device="X", delay_s=70)) == []
    assert partition.read(reading(20, device="X", gaps=(Gap(1, 1, 1),))) == []
    assert partition.advance(AT + HOUR) == []
    subject = partition.subjects["~X"]
    row = row_of(subject, None)
    assert (row.lat_deg, row.lon_deg) == place(7)
    assert (row.assigned, row.battery_pct, row.device_id) == (False, 40.0, "X")
    assert row.heard_at == AT + 20 * SECOND


def test_the_fold_decides_whose_a_reading_is_by_its_device_time() -> None:
    until = Binding(DEVICE, SHIPMENT, Role.TRAILER, None, AT)
    partition = Partition(plan_of(bindings=(until,)))
    assert partition.subject_of(reading(-1, delay_s=60)) == SHIPMENT
    assert partition.subject_of(reading(0)) == f"~{DEVICE}"


def test_a_row_says_what_is_known_now() -> None:
    plan = plan_of(
        circle("Y", 20_000, 900, FenceClass.YARD),
        route=road(),
        profile=CHILLED,
        origin=Place(*HOME),
    )
    partition = Partition(plan)
    partition.read(reading(0, place(20_000), speed_mps=0.0, seal=locked(), battery_pct=80.0))
    probes = {"supply": 1.0, "product": 9.0, "ambient": 40.0}
    partition.read(reading(600, place(20_010), speed_mps=0.0, temperature_c=probes))
    partition.advance(AT + 1_200 * SECOND)
    row = row_of(partition.subjects[SHIPMENT], plan.view(SHIPMENT))
    assert (row.seal, row.battery_pct, row.temperature_c) == (SealState.SEALED, 80.0, 9.0)
    assert row.stopped_since == AT
    assert row.classes == ("YARD",)
    assert row.progress is not None
    assert abs(row.progress - 0.2) < 0.001
    assert row.off_route_m is not None
    assert row.off_route_m < 50.0
    assert [e.kind for e in row.open] == ["temperature.warning"]
    assert row.fix_at == AT + 600 * SECOND


def test_a_plan_without_the_device_retracts_what_it_opened() -> None:
    partition = Partition(plan_of(profile=CHILLED))
    warm = [reading(s, temperature_c={"product": 9.0}) for s in (0, 700)]
    for r in warm:
        partition.read(r)
    partition.plan = plan_of()
    events = partition.refold(SHIPMENT, warm)
    assert told(events) == [("temperature.warning", "retracted", 700.0)]
    assert partition.subjects[SHIPMENT].open == {}
    partition.plan = Plan()
    assert partition.refold(SHIPMENT, []) == []


def test_a_refold_raises_what_the_new_plan_shows() -> None:
    partition = Partition(plan_of())
    warm = [reading(s, temperature_c={"product": 9.0}) for s in (0, 700)]
    for r in warm:
        partition.read(r)
    partition.plan = plan_of(profile=CHILLED)
    assert told(partition.refold(SHIPMENT, warm)) == [("temperature.warning", "raised", 700.0)]
    key = ("temperature.warning", f"{DEVICE}/product", AT)
    assert isinstance(partition.subjects[SHIPMENT].open[key], OpenEpisode)
    assert partition.refold(SHIPMENT, warm) == []
