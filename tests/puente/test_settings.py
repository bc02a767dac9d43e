from dataclasses import fields
from pathlib import Path

import pytest

from puente import settings
from puente.instant import parse
from puente.settings import Settings, SettingsError, environment_of, load, require, variable


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load({}) == Settings()
    assert load({variable(f.name): "" for f in fields(Settings)}) == Settings()


def test_other_variables_are_left_alone() -> None:
    assert load({"PATH": "/bin", "REDIS": "x"}) == Settings()


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("redis_url", "redis://db:6379/3", "redis://db:6379/3"),
        ("port", "0", 0),
        ("clock_rate", "1", 1.0),
        ("state_dir", "/srv/puente", Path("/srv/puente")),
        ("allow_unauthenticated", "1", True),
        ("allow_unauthenticated", "Yes", True),
        ("allow_unauthenticated", "off", False),
        ("late_window_h", "24", 24),
    ],
)
def test_a_variable_sets_its_field(name: str, raw: str, value: object) -> None:
    assert getattr(load({variable(name): raw}), name) == value


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORT": "eighty"}, "PORT='eighty' is not a valid int"),
        ({"PORT": "70000"}, "PORT=70000 is not a port"),
        ({"MQTT_PORT": "-1"}, "MQTT_PORT=-1 is not a port"),
        ({"ALLOW_UNAUTHENTICATED": "maybe"}, "ALLOW_UNAUTHENTICATED='maybe' is not a valid bool"),
        ({"CLOCK_RATE": "fast"}, "CLOCK_RATE='fast' is not a valid float"),
        ({"CLOCK_RATE": "60"}, "CLOCK_ANCHOR and CLOCK_RATE need CLOCK_START"),
        ({"CLOCK_ANCHOR": "2026-01-01T00:00:00Z"}, "need CLOCK_START"),
        ({"CLOCK_START": "2026-01-01T00:00:00Z"}, "CLOCK_START needs CLOCK_ANCHOR"),
        ({"CLOCK_START": "yesterday"}, "CLOCK_START: 'yesterday' is not an RFC 3339"),
        (
            {
                "CLOCK_START": "2026-01-01T00:00:00Z",
                "CLOCK_ANCHOR": "2026-01-01T00:00:00Z",
                "CLOCK_RATE": "nan",
            },
            "is not between",
        ),
        ({"MQTT_RECEIVE_MAXIMUM": "10"}, "between 20 and 65535"),
        ({"GATEWAY_BATCH": "300"}, "at least twice GATEWAY_BATCH"),
        ({"GATEWAY_BATCH": "0"}, "GATEWAY_BATCH=0 is less than 1"),
        ({"ENGINE_BATCH": "0"}, "ENGINE_BATCH=0 is less than 1"),
        ({"LATE_WINDOW_H": "-48"}, "LATE_WINDOW_H=-48 is less than 1"),
        ({"LATE_SHARE_PCT": "0"}, "between 1 and 100"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_would_do(
    environment: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingsError, match=words.replace("(", r"\(")):
        load(environment)


def test_children_get_the_same_settings() -> None:
    given = Settings(
        redis_url="redis://127.0.0.1:1/0",
        clock_start="2026-01-01T00:00:00Z",
        clock_anchor="2026-02-01T00:00:00Z",
        clock_rate=60.0,
        allow_unauthenticated=True,
        state_dir=Path("/srv/x"),
    )
    assert load(environment_of(given)) == given
    assert load(environment_of(Settings())) == Settings()


def test_what_is_required_is_named() -> None:
    with pytest.raises(SettingsError, match="MQTT_URL must be set"):
        require(Settings(redis_url="redis://x"), "redis_url", "mqtt_url")
    given = Settings(redis_url="redis://x")
    assert require(given, "redis_url") is given


def test_the_clock_is_the_one_the_settings_describe() -> None:
    given = Settings(
        clock_start="2026-01-01T00:00:00Z", clock_anchor="2026-02-01T00:00:00Z", clock_rate=60.0
    )
    an_hour_later = parse("2026-02-01T01:00:00Z")
    assert given.clock.at(an_hour_later) == parse("2026-01-03T12:00:00Z")


def test_every_setting_is_documented() -> None:
    for field in fields(settings.Settings):
        assert field.metadata["doc"], field.name
