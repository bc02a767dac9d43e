"""Numbers, ages and times in plain words."""

import pytest

from dashboard import text
from puente import instant
from puente.model import SealState, Severity
from puente.triage import AlertState

AGES = [
    (None, "–"),
    (-3, "0 s"),
    (0, "0 s"),
    (59.9, "59 s"),
    (60, "1 min"),
    (3599, "59 min"),
    (3600, "1 h"),
    (7500, "2 h 5 min"),
    (86_399, "23 h 59 min"),
    (86_400, "1 d"),
    (273_600, "3 d 4 h"),
]


@pytest.mark.parametrize(("seconds", "words"), AGES)
def test_an_age_takes_at_most_two_units(seconds: float | None, words: str) -> None:
    assert text.age(seconds) == words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (text.ago(None), "never"),
        (text.ago(61), "1 min ago"),
        (text.number(1234567), "1,234,567"),
        (text.number(-4.25, 1), "−4.2"),
        (text.number(None), "–"),
        (text.speed(25.0), "90 km/h"),
        (text.speed(None), "–"),
        (text.temperature(-18.04), "−18.0 °C"),
        (text.distance(None), "–"),
        (text.distance(849.6), "850 m"),
        (text.distance(12_345), "12.3 km"),
        (text.distance(1_575_678), "1,576 km"),
        (text.percent(33.4), "33 %"),
        (text.plural(1, "truck"), "1 truck"),
        (text.plural(2000, "truck"), "2,000 trucks"),
        (text.plural(2, "query", "queries"), "2 queries"),
        (text.course(0), "north"),
        (text.course(359), "north"),
        (text.course(224), "south-west"),
        (text.course(None), "–"),
    ],
)
def test_values_are_written_with_their_units(said: str, words: str) -> None:
    assert said == words


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("UTC", "15 Jul 18:00 UTC"),
        ("America/Chicago", "15 Jul 13:00 CDT"),
        ("America/Mexico_City", "15 Jul 12:00 CST"),
        ("America/Tijuana", "15 Jul 11:00 PDT"),
    ],
)
def test_a_time_says_its_zone(zone: str, words: str) -> None:
    assert text.when(instant.parse("2026-07-15T18:00:00Z"), zone) == words


def test_the_time_of_day_says_its_zone() -> None:
    at = instant.parse("2026-07-15T18:00:11Z")
    assert text.clock_time(at, "America/Chicago") == "13:00:11 CDT"
    assert text.when(None) == "–"


def test_every_severity_seal_and_alert_state_has_words() -> None:
    assert set(text.SEVERITY_WORDS) == set(Severity)
    assert set(text.SEAL_WORDS) == set(SealState)
    assert set(text.ALERT_STATE_WORDS) == set(AlertState)
