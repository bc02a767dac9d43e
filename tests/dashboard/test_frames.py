"""The binary frame keeps what is put into it, and refuses what is not one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dashboard.live import frames
from dashboard.live.frames import Columns, Frame

lengths = st.integers(0, 40)


@st.composite
def columns(draw: st.DrawFn) -> Columns:
    n = draw(lengths)

    def array(kind: type) -> np.ndarray:
        return draw(hnp.arrays(kind, n))

    return Columns(
        lon_deg=array(np.float32),
        lat_deg=array(np.float32),
        age_s=array(np.uint16),
        heading=array(np.uint8),
        state=array(np.uint8),
        flags=array(np.uint8),
        speed_kmh=array(np.uint8),
    )


@given(columns(), st.integers(0, 2**32 - 1), st.integers(0, 2**47), st.integers(0, 2**32 - 1))
def test_a_frame_comes_back_as_it_was_packed(
    packed: Columns, sequence: int, clock_at: int, version: int
) -> None:
    data = frames.pack(Frame(sequence, clock_at, version, packed))
    assert len(data) == frames.HEADER.size + frames.BYTES_PER_SLOT * len(packed)
    found = frames.unpack(data)
    assert (found.sequence, found.clock_at, found.attributes_version) == (
        sequence,
        clock_at,
        version,
    )
    for name in Columns.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found.columns, name), getattr(packed, name))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda d: d[:10], id="cut inside the header"),
        pytest.param(lambda d: d[:-1], id="cut inside a column"),
        pytest.param(lambda d: b"XXXX" + d[4:], id="another magic"),
        pytest.param(lambda d: d[:4] + b"\x63\x00" + d[6:], id="another version"),
    ],
)
def test_what_is_not_a_frame_is_refused(damage: object) -> None:
    data = frames.pack(Frame(1, 2, 3, Columns.empty(4)))
    with pytest.raises(ValueError, match=r"."):
        frames.unpack(damage(data))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("course_deg", "byte"),
    [(None, 255), (0.0, 0), (360.0, 0), (180.0, 128), (359.9, 0), (90.0, 64), (-90.0, 191)],
)
def test_a_course_fits_into_a_byte(course_deg: float | None, byte: int) -> None:
    assert frames.heading_byte(course_deg) == byte


@given(st.floats(0, 360))
def test_a_packed_course_is_less_than_a_degree_off(course_deg: float) -> None:
    back = frames.heading_byte(course_deg) / 255 * 360
    assert abs((back - course_deg + 180) % 360 - 180) <= 0.71


@pytest.mark.parametrize(
    ("speed_mps", "byte"), [(None, 255), (0.0, 0), (25.0, 90), (1000.0, 254), (-1.0, 0)]
)
def test_a_speed_fits_into_a_byte(speed_mps: float | None, byte: int) -> None:
    assert frames.speed_byte(speed_mps) == byte


@pytest.mark.parametrize(("age_s", "field"), [(None, 65_535), (-5, 0), (7.9, 7), (1e9, 65_535)])
def test_an_age_saturates(age_s: float | None, field: int) -> None:
    assert frames.age_field(age_s) == field
