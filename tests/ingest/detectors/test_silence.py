"""Device silence; a row gives the seconds at which a device was heard."""

from typing import Any

import pytest

from ingest.detectors.silence import DeviceSilence
from puente.instant import SECOND
from puente.model import Role, Severity
from puente.plan import Binding
from tests.ingest.builders import AT, DEVICE, SHIPMENT, observation, view_of
from tests.ingest.detectors.driving import findings, said

HOT = frozenset({"HOT"})


def decide(
    heard_s: list[float],
    until_s: float | None = None,
    classes: frozenset[str] = frozenset(),
    **plan: Any,  # noqa: ANN401 - whatever plan_of takes
) -> list[tuple[str, float, float, float]]:
    observations = [observation(s, classes=classes) for s in heard_s]
    found = said(findings(DeviceSilence(), view_of(**plan), observations, until_s))
    return [(phase, episode, at, sure) for _, phase, _, episode, at, sure in found]


@pytest.mark.parametrize(
    ("heard", "classes", "limit_s"),
    [
        pytest.param([0], frozenset(), 900, id="900 s without a rhythm"),
        pytest.param([0, 60, 120], frozenset(), 900, id="at least 900 s"),
        pytest.param([0, 400, 800, 1200], frozenset(), 1200, id="three times its rhythm"),
        pytest.param([0, 10, 410, 810], frozenset(), 1200, id="the median, not the mean"),
        pytest.param([0, 60], HOT, 360, id="360 s in a hot zone"),
        pytest.param([0, 300, 600], HOT, 600, id="twice its rhythm in a hot zone"),
    ],
)
def test_a_device_is_silent_after_its_limit(
    heard: list[float], classes: frozenset[str], limit_s: float
) -> None:
    last = heard[-1]
    assert decide(heard, last + limit_s - 0.001, classes) == []
    assert decide(heard, last + limit_s, classes) == [("raised", last, last, last + limit_s)]


def test_only_the_newest_20_intervals_make_the_rhythm() -> None:
    slow = [400.0 * i for i in range(30)]
    quick = [slow[-1] + 10 * i for i in range(1, 21)]
    heard = slow + quick
    assert decide(heard, heard[-1] + 900)[-1] == ("raised", quick[-1], quick[-1], quick[-1] + 900)
    assert decide(heard[:-11], heard[-12] + 1_199) == []


def test_being_heard_ends_it_and_its_gap_is_no_rhythm() -> None:
    assert decide([0, 60, 5_000], 5_899) == [
        ("raised", 60.0, 60.0, 960.0),
        ("cleared", 60.0, 5000.0, 5000.0),
    ]
    assert decide([0, 60, 5_000], 5_900)[-1] == ("raised", 5000.0, 5000.0, 5900.0)


def test_a_backfill_is_heard_when_it_arrives() -> None:
    old = observation(100, delay_s=4_900)
    found = said(findings(DeviceSilence(), view_of(), [observation(60), old]))
    assert [(f[1], f[4]) for f in found] == [("raised", 60.0), ("cleared", 5000.0)]


def test_a_device_whose_binding_ended_is_not_missed() -> None:
    until = Binding(DEVICE, SHIPMENT, Role.TRAILER, None, AT + 900 * SECOND)
    assert decide([0], 9_999, bindings=(until,)) == []
    longer = Binding(DEVICE, SHIPMENT, Role.TRAILER, None, AT + 901 * SECOND)
    assert len(decide([0], 9_999, bindings=(longer,))) == 1


def test_a_device_that_never_spoke_is_not_silent() -> None:
    assert decide([], 99_999) == []


def test_our_own_outage_is_added_to_every_deadline() -> None:
    detector = DeviceSilence()
    state, _ = detector.observe(detector.initial(), observation(0), view_of())
    state = detector.excuse(detector.excuse(state, 60 * SECOND), 40 * SECOND)
    assert detector.deadline(state) == AT + 1_000 * SECOND
    state, found = detector.expire(state, AT + 1_000 * SECOND, view_of())
    assert found[0].evidence["own_outage_s"] == 100.0
    assert detector.deadline(state) is None
    state, _ = detector.observe(state, observation(2_000), view_of())
    assert detector.deadline(state) == AT + 2_900 * SECOND


def test_devices_are_silent_one_by_one() -> None:
    heard = [observation(0), observation(100, device="B")]
    plan = view_of(devices=((DEVICE, Role.TRAILER), ("B", Role.SEAL)))
    found = findings(DeviceSilence(), plan, heard, 1_000)
    assert [(f.subject, f.episode - AT) for f in found] == [(DEVICE, 0), ("B", 100 * SECOND)]


@pytest.mark.parametrize(
    ("classes", "severity"), [(frozenset(), Severity.MEDIUM), (HOT, Severity.HIGH)]
)
def test_its_severity_is_that_of_the_catalogue(
    classes: frozenset[str], severity: Severity
) -> None:
    (found,) = findings(DeviceSilence(), view_of(), [observation(0, classes=classes)], 900)
    assert found.severity is severity
    assert found.evidence["silent_s"] == found.evidence["limit_s"]
