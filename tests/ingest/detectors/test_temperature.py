"""Temperature; a row gives (seconds, product temperature) for a band of 2 to 8 C.

The profile warns after 600 s, alarms after 1,800 s; its critical limits are 0 and 15 C.
"""

from typing import Any

import pytest

from ingest.detectors.temperature import TemperatureDetector, is_fault
from puente.model import Severity
from tests.ingest.builders import CHILLED, observation, view_of
from tests.ingest.detectors.driving import findings, said

VIEW = view_of(profile=CHILLED)

Reading = tuple[float, float]
WARNING, CRITICAL = "warning", "critical"


def decide(
    readings: list[Reading], until_s: float | None = None
) -> list[tuple[str, str, float, float, float]]:
    observations = [observation(s, temperature_c={"product": c}) for s, c in readings]
    found = said(findings(TemperatureDetector(), VIEW, observations, until_s))
    assert {subject for _, _, subject, *_ in found} <= {"TRK-1/product"}
    return [(k.removeprefix("temperature."), p, e, at, sure) for k, p, _, e, at, sure in found]


WARNED = (WARNING, "raised", 0.0, 0.0, 600.0)
ALARMED = (CRITICAL, "raised", 0.0, 0.0, 1800.0)


@pytest.mark.parametrize(
    ("readings", "until_s", "expected"),
    [
        pytest.param([(0, 8.0)], 9_999, [], id="8.0 is in the band"),
        pytest.param([(0, 2.0)], 9_999, [], id="2.0 is in the band"),
        pytest.param([(0, 8.1)], 599.999, [], id="outside for 599.999 s"),
        pytest.param([(0, 8.1)], 600, [WARNED], id="outside for 600 s"),
        pytest.param([(0, 1.9)], 600, [WARNED], id="too cold"),
        pytest.param([(0, 8.1), (300, 9.0), (600, 8.5)], None, [WARNED], id="at the reading"),
        pytest.param([(0, 8.1), (300, 8.0), (400, 8.1)], 999, [], id="back in between"),
        pytest.param(
            [(0, 8.1), (300, 8.0), (400, 8.1)],
            1_000,
            [(WARNING, "raised", 400.0, 400.0, 1000.0)],
            id="the delay begins anew",
        ),
        pytest.param([(0, 8.1)], 1_799.999, [WARNED], id="not yet critical"),
        pytest.param([(0, 8.1)], 1_800, [WARNED, ALARMED], id="critical after the alarm delay"),
        pytest.param(
            [(0, 8.1), (900, 7.9)], 9_999, [WARNED], id="in the band but not well: no alarm"
        ),
        pytest.param([(0, 15.0)], 599, [], id="15.0 is not beyond the critical limit"),
        pytest.param([(0, 15.1)], 299.999, [], id="beyond it for 299.999 s"),
        pytest.param(
            [(0, 15.1)], 300, [(CRITICAL, "raised", 0.0, 0.0, 300.0)], id="beyond it for 300 s"
        ),
        pytest.param(
            [(0, -0.1)], 300, [(CRITICAL, "raised", 0.0, 0.0, 300.0)], id="beyond the lower one"
        ),
        pytest.param(
            [(0, 9.0), (200, 16.0)],
            600,
            [(CRITICAL, "raised", 200.0, 200.0, 500.0), WARNED],
            id="each counts from its own beginning",
        ),
        pytest.param([(0, 16.0), (200, 14.0)], 599, [], id="beyond it for 200 s only"),
    ],
)
def test_outside_the_band(
    readings: list[Reading], until_s: float | None, expected: list[Any]
) -> None:
    assert decide(readings, until_s) == expected


OUT = [(0.0, 9.0), (700.0, 9.0)]


@pytest.mark.parametrize(
    ("back", "until_s", "cleared"),
    [
        pytest.param([(800, 7.5)], 1_399.999, None, id="0.5 inside for 599.999 s"),
        pytest.param([(800, 7.5)], 1_400, (800.0, 1400.0), id="0.5 inside for 600 s"),
        pytest.param([(800, 2.5)], 1_400, (800.0, 1400.0), id="at the other end"),
        pytest.param([(800, 7.6)], 9_999, None, id="0.4 inside never clears"),
        pytest.param([(800, 2.4)], 9_999, None, id="0.4 inside at the other end"),
        pytest.param(
            [(800, 7.0), (900, 7.6), (1_000, 7.0)],
            1_600,
            (1000.0, 1600.0),
            id="the 600 s begin anew",
        ),
        pytest.param([(800, 7.0), (1_400, 9.0)], None, (800.0, 1400.0), id="out again at 600 s"),
        pytest.param([(800, 7.0), (1_399, 9.0)], None, None, id="out again before"),
    ],
)
def test_it_clears_after_600_s_well_inside(
    back: list[Reading], until_s: float | None, cleared: tuple[float, float] | None
) -> None:
    found = [f for f in decide([*OUT, *back], until_s) if f[1] == "cleared"]
    assert found == ([] if cleared is None else [(WARNING, "cleared", 0.0, *cleared)])


def test_warning_and_critical_clear_together() -> None:
    assert decide([(0, 16.0), (700, 5.0)], 1_300) == [
        (CRITICAL, "raised", 0.0, 0.0, 300.0),
        (WARNING, "raised", 0.0, 0.0, 600.0),
        (WARNING, "cleared", 0.0, 700.0, 1300.0),
        (CRITICAL, "cleared", 0.0, 700.0, 1300.0),
    ]


def test_a_second_excursion_is_a_new_episode() -> None:
    found = decide([(0, 9.0), (700, 5.0), (1_400, 9.0)], 2_000)
    assert [(p, e) for _, p, e, _, _ in found] == [
        ("raised", 0.0),
        ("cleared", 0.0),
        ("raised", 1400.0),
    ]


@pytest.mark.parametrize(
    "celsius", [85.0, -127.0, 200.0, 300.0, 400.0, -110.1, 150.1], ids=lambda c: f"{c} C"
)
def test_error_codes_of_probes_are_no_temperatures(celsius: float) -> None:
    assert is_fault(celsius)
    assert decide([(0, celsius)], 9_999) == []
    assert decide([(0, 9.0), (300, celsius)], 600) == [WARNED]
    assert decide([(0, 5.0), (300, celsius)], 9_999) == []


@pytest.mark.parametrize("celsius", [84.9, -109.9, 149.9, 0.0])
def test_other_numbers_are(celsius: float) -> None:
    assert not is_fault(celsius)


def test_without_a_cargo_profile_there_are_no_temperature_events() -> None:
    hot = [observation(s, temperature_c={"product": 60.0}) for s in (0, 600, 1_800)]
    assert findings(TemperatureDetector(), view_of(), hot, 9_999) == []


@pytest.mark.parametrize(
    ("given", "subjects"),
    [
        pytest.param([{"product": 9.0, "supply": 9.0}], ["TRK-1/product"], id="the product first"),
        pytest.param([{"return": 9.0, "supply": 9.0}], ["TRK-1/return"], id="then return air"),
        pytest.param([{"supply": 9.0}], ["TRK-1/supply"], id="then supply air"),
        pytest.param([{"ambient": 41.0}], [], id="never the weather"),
        pytest.param([{"product": 5.0, "supply": 1.0}], [], id="the product is well"),
        pytest.param(
            [{"product": 85.0, "supply": 1.0}], ["TRK-1/supply"], id="a broken probe says nothing"
        ),
        pytest.param(
            [{"supply": 9.0}, {"product": 5.0, "supply": 9.0}],
            [],
            id="what a lesser probe said before does not count on",
        ),
    ],
)
def test_the_most_trusted_probe_of_a_reading_speaks(
    given: list[dict[str, float]], subjects: list[str]
) -> None:
    seen = [observation(i, temperature_c=temperatures) for i, temperatures in enumerate(given)]
    assert [f.subject for f in findings(TemperatureDetector(), VIEW, seen, 700)] == subjects


def test_devices_are_judged_one_by_one() -> None:
    given = [
        observation(0, temperature_c={"product": 9.0}),
        observation(10, temperature_c={"product": 9.0}, device="PRB-2"),
    ]
    found = findings(TemperatureDetector(), VIEW, given, 700)
    assert [f.subject for f in found] == ["TRK-1/product", "PRB-2/product"]


def test_a_finding_says_what_was_measured_and_allowed() -> None:
    given = [observation(s, temperature_c={"product": c}) for s, c in ((0, 9.0), (300, 16.5))]
    critical, warning = sorted(
        findings(TemperatureDetector(), VIEW, given, 600), key=lambda f: f.kind
    )
    assert (critical.severity, critical.respond_within_s) == (Severity.CRITICAL, 600)
    assert (warning.severity, warning.respond_within_s) == (Severity.MEDIUM, 1800)
    assert warning.evidence["peak_c"] == 16.5
    assert warning.evidence["temperature_c"] == 16.5
    assert (warning.evidence["low_c"], warning.evidence["high_c"]) == (2.0, 8.0)
    assert "cargo at risk" in critical.title
