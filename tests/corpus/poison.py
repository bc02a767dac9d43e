"""Payloads that break naive consumers, with what must become of each (facts: reliability, 3).

`CASES` holds (name, topic, payload, outcome). The outcome is a reason of rejection, `ok`, or
`discard:<reason>` where only the fix is refused. All are received at `RECEIVED_AT`. Tests of
admission and of the running system share this list.
"""

import json
from typing import NamedTuple

RECEIVED_AT = 1_782_907_200_000
"""2026-07-01T12:00:00Z"""

TOPIC = "puente/v1/TRK-1/telemetry"
OWNTRACKS = "owntracks/ana/phone"


class Case(NamedTuple):
    """One payload and what must become of it."""

    name: str
    topic: str
    payload: bytes
    outcome: str


def _fix(**fields: object) -> bytes:
    return json.dumps({"at": RECEIVED_AT, "lat": 27.5, "lon": -99.5, **fields}).encode()


def _raw(fields: str) -> bytes:
    return b'{"at": 1782907200000, ' + fields.encode() + b"}"


def _native(name: str, payload: bytes, outcome: str) -> Case:
    return Case(name, TOPIC, payload, outcome)


CASES: tuple[Case, ...] = (
    _native("good", _fix(), "ok"),
    # not JSON, or not the JSON that everyone reads alike
    _native("empty", b"", "not_json"),
    _native("blank", b"  \n", "not_json"),
    _native("null", b"null", "not_an_object"),
    _native("list", b"[]", "not_an_object"),
    _native("number", b"1782907200000", "not_an_object"),
    _native("text", b'"lat"', "not_an_object"),
    _native("true", b"true", "not_an_object"),
    _native("cut short", _fix()[:-3], "not_json"),
    _native("two objects", _fix() + _fix(), "not_json"),
    _native("trailing comma", _raw('"lat": 27.5, "lon": -99.5,'), "not_json"),
    _native("single quotes", b"{'at': 1782907200000}", "not_json"),
    _native("comment", _raw('"lat": 27.5 /* n */'), "not_json"),
    _native("NaN", _raw('"lat": NaN, "lon": -99.5'), "not_json"),
    _native("Infinity", _raw('"lat": -Infinity, "lon": -99.5'), "not_json"),
    _native("1e400", _raw('"lat": 1e400, "lon": -99.5'), "out_of_range"),
    _native("integer of 5,000 digits", _raw('"seq": ' + "9" * 5000), "out_of_range"),
    _native("integer of 400 digits", _raw('"boot": 1, "seq": ' + "9" * 400), "out_of_range"),
    _native("depth 8,000", b"[" * 8000 + b"]" * 8000, "not_json"),
    _native("object of depth 2,000", b'{"a":' * 2000 + b"1" + b"}" * 2000, "not_json"),
    _native("unknown field of depth 400", _raw('"x": ' + "[" * 400 + "]" * 400), "ok"),
    _native("bad UTF-8", b'{"at": "\xff\xfe"}', "not_utf8"),
    _native("Latin-1", '{"actor": "Peña"}'.encode("latin-1"), "not_utf8"),
    _native("UTF-16 with mark", '{"at": 1}'.encode("utf-16"), "not_utf8"),
    _native("UTF-16 without mark", '{"at": 1}'.encode("utf-16-le"), "not_json"),
    _native("UTF-8 with mark", b"\xef\xbb\xbf" + _fix(), "not_json"),
    _native("lone surrogate", _raw('"seal": {"state": "open", "actor": "\\ud800"}'), "not_json"),
    _native("duplicate key", _raw('"lat": 27.5, "lat": 20.0, "lon": -99.5'), "duplicate_key"),
    _native(
        "duplicate key, escaped", _raw('"door": "open", "d\\u006for": "closed"'), "duplicate_key"
    ),
    _native(
        "duplicate key, inside",
        _raw('"seal": {"state": "open", "state": "sealed"}'),
        "duplicate_key",
    ),
    _native("10 MB", b'{"a": "' + b"x" * 10_000_000 + b'"}', "too_large"),
    _native("one byte too many", _fix(x="y" * 16_384)[:16_385], "too_large"),
    _native("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "not_utf8"),
    _native("tracker frame", b"+RESP:GTFRI,270100,860000000000000$", "not_json"),
    # JSON of the wrong shape
    _native("no time", b'{"lat": 27.5, "lon": -99.5}', "missing_field"),
    _native("time without zone", _fix(at="2026-07-01T12:00:00"), "wrong_type"),
    _native("time as a fraction", _fix(at=1782907200.5), "wrong_type"),
    _native("time as null", _fix(at=None), "wrong_type"),
    _native("bool latitude", _raw('"lat": true, "lon": -99.5'), "wrong_type"),
    _native("text latitude", _raw('"lat": "27.5", "lon": -99.5'), "wrong_type"),
    _native("list of probes", _fix(temperature_c=[5.0]), "wrong_type"),
    _native("unknown door", _fix(door="ajar"), "wrong_type"),
    _native("seal without state", _fix(seal={"rope": True}), "missing_field"),
    _native("half a position", _raw('"lat": 27.5'), "half_pair"),
    _native("half a number", _fix(seq=7), "half_pair"),
    # numbers that no device measures
    _native("latitude 90.1", _fix(lat=90.1), "out_of_range"),
    _native("longitude -180.5", _fix(lon=-180.5), "out_of_range"),
    _native("speed 1e9", _fix(speed_mps=1e9), "out_of_range"),
    _native("temperature below zero kelvin", _fix(temperature_c=-273.16), "out_of_range"),
    _native("temperature 1e308", _fix(temperature_c=1e308), "out_of_range"),
    _native("battery 101", _fix(battery_pct=101), "out_of_range"),
    _native("jamming 3", _fix(jamming=3), "out_of_range"),
    _native("sequence -1", _fix(boot=1, seq=-1), "out_of_range"),
    _native("at the pole", _fix(lat=90, lon=180), "ok"),
    _native("minus zero", _fix(lat=-0.0, lon=-99.5), "ok"),
    _native("zero accuracy", _fix(accuracy_m=0), "ok"),
    # time
    _native("121 s ahead", _fix(at=RECEIVED_AT + 120_001), "time_in_future"),
    _native("120 s ahead", _fix(at=RECEIVED_AT + 120_000), "ok"),
    _native("1970", _fix(at=0), "time_too_old"),
    _native("GPS week rollover", _fix(at="2006-11-15T12:00:00Z"), "time_too_old"),
    _native("2038", _fix(at="2038-01-19T03:14:08Z"), "time_in_future"),
    _native("year 1 east", _fix(at="0001-01-01T00:00:00+14:00"), "out_of_range"),
    _native("year 9999 west", _fix(at="9999-12-31T23:59:59-14:00"), "out_of_range"),
    # fixes that say nothing
    _native("null island", _fix(lat=0, lon=0), "discard:null_island"),
    _native("latitude and longitude swapped", _fix(lat=-99.5, lon=27.5), "discard:swapped"),
    _native("swapped beyond 90", _fix(lat=-101.5, lon=22.5), "discard:swapped"),
    # names
    Case("blank in device id", "puente/v1/TRK 1/telemetry", _fix(), "bad_device_id"),
    Case("no device id", "puente/v1//telemetry", _fix(), "bad_device_id"),
    Case("long device id", f"puente/v1/{'x' * 65}/telemetry", _fix(), "bad_device_id"),
    Case("device id of 60,000", f"puente/v1/{'x' * 60_000}/telemetry", _fix(), "bad_device_id"),
    Case("markup in device id", "puente/v1/<script>/telemetry", _fix(), "bad_device_id"),
    Case("right-to-left device id", "puente/v1/\u202eTRK/telemetry", _fix(), "bad_device_id"),
    Case("line end in device id", "puente/v1/TRK-1\r\n/telemetry", _fix(), "bad_device_id"),
    Case("path as device id", "puente/v1/../telemetry", _fix(), "ok"),
    Case("version 2", "puente/v2/TRK-1/telemetry", _fix(), "unknown_dialect"),
    Case("another topic", "puente/v1/TRK-1/command", _fix(), "unknown_topic"),
    Case("a deep topic", "puente/v1/a/b/telemetry", _fix(), "unknown_topic"),
    Case("a topic of 1,000 levels", "/".join("x" * 1000), _fix(), "unknown_topic"),
    Case("an empty topic", "", _fix(), "unknown_topic"),
    # texts that someone will show
    _native("NUL in text", _fix(seal={"state": "open", "actor": "a\x00b"}), "ok"),
    _native("markup in text", _fix(seal={"state": "open", "actor": "<script>x"}), "ok"),
    _native("template in text", _fix(seal={"state": "open", "actor": "{{7*7}}"}), "ok"),
    _native("right-to-left text", _fix(seal={"state": "open", "actor": "\u202ecba"}), "ok"),
    _native("emoji in text", _fix(seal={"state": "open", "actor": "\U0001f69a"}), "ok"),
    _native("unknown fields", _fix(colour="red", nested={"a": [1, {"b": None}]}), "ok"),
    # OwnTracks
    Case(
        "OwnTracks location",
        OWNTRACKS,
        b'{"_type": "location", "lat": 27.5, "lon": -99.5, "tst": 1782907200}',
        "ok",
    ),
    Case("OwnTracks will", OWNTRACKS, b'{"_type": "lwt", "tst": 1782907200}', "unknown_dialect"),
    Case("OwnTracks without type", OWNTRACKS, b'{"lat": 1, "lon": 2, "tst": 3}', "missing_field"),
    Case("OwnTracks type as list", OWNTRACKS, b'{"_type": ["location"]}', "unknown_dialect"),
    Case(
        "OwnTracks without position",
        OWNTRACKS,
        b'{"_type": "location", "tst": 1782907200}',
        "missing_field",
    ),
    Case("OwnTracks event", "owntracks/ana/phone/event", b"{}", "unknown_topic"),
    Case(
        "OwnTracks long name",
        f"owntracks/{'a' * 40}/{'b' * 40}",
        b'{"_type": "location", "lat": 27.5, "lon": -99.5, "tst": 1782907200}',
        "bad_device_id",
    ),
)
