"""Weekly schedules: which minutes they cover, in the zone where a fence lies."""

import pytest

from puente import schedule
from puente.instant import parse

NIGHTS = "Mon-Fri 18:00-06:00"
MONTERREY, LAREDO = "America/Monterrey", "America/Chicago"


@pytest.mark.parametrize(
    ("weekly", "zone", "at", "covered"),
    [
        # 2026-07-01 is a Wednesday
        pytest.param(None, None, "2026-07-01T12:00:00Z", True, id="no schedule is always"),
        pytest.param("Wed 12:00-13:00", None, "2026-07-01T12:00:00Z", True, id="its first minute"),
        pytest.param(
            "Wed 12:00-13:00", None, "2026-07-01T12:59:59.999Z", True, id="its last moment"
        ),
        pytest.param("Wed 12:00-13:00", None, "2026-07-01T13:00:00Z", False, id="its end"),
        pytest.param("Thu 12:00-13:00", None, "2026-07-01T12:30:00Z", False, id="another day"),
        pytest.param(NIGHTS, None, "2026-07-01T23:59:00Z", True, id="before midnight"),
        pytest.param(NIGHTS, None, "2026-07-02T05:59:00Z", True, id="past midnight"),
        pytest.param(NIGHTS, None, "2026-07-02T06:00:00Z", False, id="in the morning"),
        pytest.param(NIGHTS, None, "2026-07-04T05:59:00Z", True, id="Friday's night on Saturday"),
        pytest.param(NIGHTS, None, "2026-07-04T18:30:00Z", False, id="Saturday evening"),
        pytest.param(NIGHTS, None, "2026-07-06T05:00:00Z", False, id="Monday early is Sunday's"),
        pytest.param("Sat-Sun 00:00-24:00", None, "2026-07-05T23:59:00Z", True, id="all day"),
        pytest.param("Sat-Sun 00:00-24:00", None, "2026-07-06T00:00:00Z", False, id="and no more"),
        pytest.param("Wed 08:00-08:00", None, "2026-07-02T07:59:00Z", True, id="24 hours round"),
        pytest.param("Fri-Mon 10:00-11:00", None, "2026-07-05T10:30:00Z", True, id="over Sunday"),
        pytest.param("Fri-Mon 10:00-11:00", None, "2026-07-07T10:30:00Z", False, id="not Tuesday"),
        pytest.param(
            "mon,wed 01:00-02:00; thu 03:00-04:00",
            None,
            "2026-07-02T03:30:00Z",
            True,
            id="the second part",
        ),
        pytest.param(
            "Wed 06:00-07:00", MONTERREY, "2026-07-01T12:30:00Z", True, id="Monterrey is UTC-6"
        ),
        pytest.param(
            "Wed 07:00-08:00", LAREDO, "2026-07-01T12:30:00Z", True, id="Laredo in summer is -5"
        ),
        pytest.param(
            "Tue 20:00-22:00", MONTERREY, "2026-07-01T03:00:00Z", True, id="the day is the local"
        ),
        # US clocks: 2026-03-08 02:00 -> 03:00, 2026-11-01 02:00 -> 01:00
        pytest.param(
            "Sun 01:00-03:00", LAREDO, "2026-03-08T07:59:00Z", True, id="before the missing hour"
        ),
        pytest.param(
            "Sun 01:00-03:00", LAREDO, "2026-03-08T08:00:00Z", False, id="the missing hour is gone"
        ),
        pytest.param("Sun 01:00-02:00", LAREDO, "2026-11-01T06:30:00Z", True, id="first 01:30"),
        pytest.param("Sun 01:00-02:00", LAREDO, "2026-11-01T07:30:00Z", True, id="second 01:30"),
        pytest.param("Sun 01:00-02:00", LAREDO, "2026-11-01T08:00:00Z", False, id="02:00 after"),
        pytest.param(
            "Sat 22:00-02:30", LAREDO, "2026-11-01T08:29:00Z", True, id="a night of 25 hours"
        ),
    ],
)
def test_a_schedule_covers(weekly: str | None, zone: str | None, at: str, covered: bool) -> None:
    assert schedule.in_force(weekly, zone, parse(at)) == covered


@pytest.mark.parametrize(
    "weekly",
    [
        "",
        ";",
        "always",
        "Mon 8:00-9:00",
        "Mon 24:00-25:00",
        "Mon 08:60-09:00",
        "Mon 08:00-24:30",
        "Mon-Xxx 08:00-09:00",
        "Mon 08:00",
        "Lun 08:00-09:00",
    ],
)
def test_what_is_not_a_schedule_is_refused(weekly: str) -> None:
    with pytest.raises(ValueError, match="schedule"):
        schedule.parse(weekly)


@pytest.mark.parametrize("name", ["Monterrey", "America", "../etc/passwd", "", "America/Nowhere"])
def test_what_is_not_a_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not an IANA time zone"):
        schedule.zone(name)
