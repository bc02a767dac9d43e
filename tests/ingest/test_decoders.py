"""Decoders: a golden corpus per dialect, every reason of refusal, and arbitrary bytes."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.decoders import DECODERS, SUBSCRIPTIONS, Decoder, decoder_of, native, owntracks
from ingest.decoders.payload import Decoded, DecodeError, clean, looks_swapped, parse_object
from puente.model import Reject, Telemetry

CORPUS = Path(__file__).parents[1] / "corpus"
FILES = sorted(CORPUS.glob("*/*.json"))
AT = 1_782_907_200_000
TOPICS = ("puente/v1/TRK-1/telemetry", "owntracks/ana/phone")


def decode(payload: object, topic: str = TOPICS[0]) -> Decoded:
    decoder = decoder_of(topic)
    assert decoder is not None
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return decoder.decode(topic, raw)


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_the_golden_corpus_is_read_as_written(path: Path) -> None:
    case = json.loads(path.read_text())
    if "rejection" in case:
        with pytest.raises(DecodeError) as refused:
            decode(case["payload"], case["topic"])
        assert refused.value.reason.value == case["rejection"]
        return
    decoded = decode(case["payload"], case["topic"])
    assert decoded.telemetry == msgspec.convert(case["telemetry"], Telemetry)
    assert decoded.ignored == case.get("ignored", 0)


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda d: d.NAME)
def test_every_dialect_has_a_name_a_corpus_and_topics_that_only_it_claims(
    decoder: Decoder,
) -> None:
    files = [p for p in FILES if p.parent.name == decoder.NAME]
    assert len(files) >= 3
    assert decoder.SUBSCRIPTIONS
    assert set(decoder.SUBSCRIPTIONS) <= set(SUBSCRIPTIONS)
    for path in files:
        topic = json.loads(path.read_text())["topic"]
        assert [d for d in DECODERS if d.claims(topic)] == [decoder]


@pytest.mark.parametrize(
    ("topic", "dialect"),
    [
        ("puente/v1/TRK-1/telemetry", native),
        ("puente/v9/TRK-1/telemetry", native),
        ("puente/v1/TRK-1/ack", None),
        ("puente/v1/TRK-1/telemetry/x", None),
        ("owntracks/ana/phone", owntracks),
        ("owntracks/ana/phone/event", None),
        ("owntracks/ana", None),
        ("$SYS/broker/uptime", None),
    ],
)
def test_a_topic_belongs_to_one_dialect(topic: str, dialect: Decoder | None) -> None:
    assert decoder_of(topic) is dialect


def reason(payload: object, topic: str = TOPICS[0]) -> Reject:
    with pytest.raises(DecodeError) as refused:
        decode(payload, topic)
    assert refused.value.detail
    assert refused.value.detail.isprintable()
    return refused.value.reason


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("lon", -180, 180),
        ("accuracy_m", 0, 1e7),
        ("hdop", 0, 1e4),
        ("satellites", 0, 1000),
        ("altitude_m", -1000, 100_000),
        ("speed_mps", 0, 1000),
        ("course_deg", 0, 360),
        ("odometer_m", 0, 1e11),
        ("humidity_pct", 0, 100),
        ("light_lux", 0, 1e6),
        ("shock_g", 0, 1e4),
        ("tilt_deg", -360, 360),
        ("battery_pct", 0, 100),
        ("jamming", 0, 2),
        ("temperature_c", -273.15, 1000),
        ("oldest", 0, 2**53 - 1),
    ],
)
def test_the_limits_of_a_field_are_its_last_good_values(
    name: str, low: float, high: float
) -> None:
    base = {"at": AT, "lat": 27.5, "lon": -99.5}
    for good in (low, high):
        decode({**base, name: good})
    for bad in (low - 1, high + 1):
        assert reason({**base, name: bad}) is Reject.OUT_OF_RANGE


def test_a_device_holds_at_least_the_reading_that_it_sends() -> None:
    numbered = {"at": AT, "boot": 1, "seq": 5}
    decode({**numbered, "oldest": 5})
    assert reason({**numbered, "oldest": 6}) is Reject.OUT_OF_RANGE


@pytest.mark.parametrize("name", sorted(native.KNOWN_FIELDS))
def test_no_field_takes_a_value_of_another_type(name: str) -> None:
    payload = {"at": AT, "lat": 27.5, "lon": -99.5, "boot": 1, "seq": 1, name: [{"x": 1}]}
    assert reason(payload) is Reject.WRONG_TYPE


def test_a_detail_names_the_field() -> None:
    with pytest.raises(DecodeError, match=r"lon 181 is not in -180 to 180"):
        decode({"at": AT, "lat": 27.5, "lon": 181})
    with pytest.raises(DecodeError, match=r"lat without lon"):
        decode({"at": AT, "lat": 27.5})
    with pytest.raises(DecodeError, match=r"seq without boot"):
        decode({"at": AT, "seq": 5})


@pytest.mark.parametrize(
    ("lat", "lon", "swapped"),
    [
        pytest.param(27.5, -99.5, False, id="in the corridor"),
        pytest.param(-99.5, 27.5, True, id="the other way round"),
        pytest.param(-125.0, 50.0, True, id="the far corner"),
        pytest.param(-125.1, 50.0, False, id="beyond it"),
        pytest.param(48.1, 11.6, False, id="Munich"),
    ],
)
def test_swapped_coordinates_make_sense_only_the_other_way_round(
    lat: float, lon: float, swapped: bool
) -> None:
    assert looks_swapped(lat, lon) is swapped


def test_text_is_cleaned_of_what_changes_a_screen() -> None:
    assert clean("a\x00b\x1b[31mc\u202ed\u2066e\x7f") == "ab[31mcde"
    assert clean("x" * 300) == "x" * 200


# -- arbitrary input ---------------------------------------------------------------------------

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just(AT),
    st.sampled_from(("open", "sealed", "gnss", "none", "location", "2026-07-01T12:00:00Z")),
)  # fmt: skip
keys = st.one_of(
    st.sampled_from(sorted(native.KNOWN_FIELDS | owntracks.KNOWN_FIELDS | {"state", "rope"})),
    st.text(max_size=4),
)
values = st.recursive(
    scalars,
    lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(keys, v, max_size=4)),
    max_leaves=8,
)
objects = st.dictionaries(keys, values, max_size=8)


@given(st.binary(max_size=200), st.sampled_from(TOPICS))
@example(b"[" * 16_000, TOPICS[0])
@example(b'{"at":1,"x":' + b"[" * 900 + b"]" * 900 + b"}", TOPICS[0])
@example(b'{"at":1,"x":' + b'{"a":' * 700 + b'"\\u0041"' + b"}" * 700 + b"}", TOPICS[0])
@example(b'{"at":1,"boot":1,"seq":' + b"9" * 4000 + b"}", TOPICS[0])
@example(b'{"_type":"location","lat":1,"lon":1,"tst":' + b"9" * 400 + b"}", TOPICS[1])
@example(b'{"at":"0001-01-01T00:00:00+23:59"}', TOPICS[0])
def test_arbitrary_bytes_become_a_reading_or_a_decode_error(payload: bytes, topic: str) -> None:
    try:
        decode(payload, topic)
    except DecodeError as error:
        assert error.reason in Reject  # noqa: PT017 - either outcome is right


@given(objects, st.sampled_from(TOPICS), st.booleans())
@settings(max_examples=120)
def test_arbitrary_objects_become_a_reading_or_a_decode_error(
    fields: dict[str, Any], topic: str, helped: bool
) -> None:
    if helped:
        fields = {"at": AT, "_type": "location", "lat": 1, "lon": 1, "tst": 1, **fields}
    try:
        telemetry = decode(json.dumps(fields).encode(), topic).telemetry
    except DecodeError as error:
        assert error.detail  # noqa: PT017 - either outcome is right
    else:
        assert (telemetry.lat_deg is None) == (telemetry.lon_deg is None)
        assert (telemetry.boot is None) == (telemetry.seq is None)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(telemetry), type=Telemetry) == (
            telemetry
        )


@st.composite
def texts_with_repeats(draw: st.DrawFn) -> str:
    """Draw JSON text in which keys may repeat, at any depth, in any spelling."""
    spelled = st.sampled_from(('"a"', '"b"', '"a:b"', '"\\u0061"', '"\\\\u0061"', '"c\\"d"', '""'))

    def value(depth: int) -> str:
        kind = draw(st.integers(0, 4 if depth else 2))
        match kind:
            case 0:
                return draw(spelled)
            case 1:
                return str(draw(st.integers(-5, 5)))
            case 2:
                return draw(st.sampled_from(("true", '"::"', '"\\u003a"', '"\\u003A:"')))
            case 3:
                return (
                    "[" + ",".join(value(depth - 1) for _ in range(draw(st.integers(0, 2)))) + "]"
                )
            case _:
                return whole(depth - 1)

    def whole(depth: int) -> str:
        members = [f"{draw(spelled)}: {value(depth)}" for _ in range(draw(st.integers(0, 3)))]
        return "{" + ", ".join(members) + "}"

    return whole(3)


def repeats(text: str) -> bool:
    """Ask the standard library whether any object of a text has a key twice."""
    twice = []

    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        twice.append(len(dict(members)) < len(members))
        return dict(members)

    json.loads(text, object_pairs_hook=pairs)
    return any(twice)


@given(texts_with_repeats())
@example('{"a": 1, "a": 2, "b": "\\u003a"}')
@settings(max_examples=200)
def test_repeated_keys_are_found_exactly(text: str) -> None:
    try:
        parse_object(text.encode())
    except DecodeError as error:
        assert error.reason is Reject.DUPLICATE_KEY  # noqa: PT017 - the other outcome is below
        assert repeats(text)
    else:
        assert not repeats(text)
