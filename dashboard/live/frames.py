"""The binary frame: where every vehicle is and how it appears, 14 bytes each.

One frame is packed for all browsers. After a header of 32 bytes come whole columns, so that the
browser reads them as typed arrays without a loop. A vehicle keeps its slot for as long as it is
known; a slot without a vehicle has the state `EMPTY`. `assets/15-frames.js` is the other side.
"""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from puente.instant import Instant

MAGIC = b"PNTE"
VERSION = 1
HEADER = struct.Struct("<4sHHIIdII")
"""magic, version, flags, slots, sequence, clock in ms since 1970, attributes version, spare."""

EMPTY = 255
"""State of a slot that no vehicle holds."""

UNKNOWN_HEADING = 255
UNKNOWN_SPEED = 255
MAX_AGE_S = 65_535
BYTES_PER_SLOT = 14

FLAG_STALE = 1
"""Nothing was heard of the vehicle for too long: drawn hollow whatever its state."""
FLAG_MOVING = 2
"""The heading means something."""


@dataclass(frozen=True)
class Columns:
    """One array a column, all of one length; index = slot.

    `lon_deg`/`lat_deg` are NaN without a fix; `age_s` is the age of the fix; `heading` counts
    1/255 turns clockwise from north with 255 for unknown; `speed_kmh` has 255 for unknown.
    """

    lon_deg: npt.NDArray[np.float32]
    lat_deg: npt.NDArray[np.float32]
    age_s: npt.NDArray[np.uint16]
    heading: npt.NDArray[np.uint8]
    state: npt.NDArray[np.uint8]
    flags: npt.NDArray[np.uint8]
    speed_kmh: npt.NDArray[np.uint8]

    @classmethod
    def empty(cls, slots: int) -> "Columns":
        """Make columns in which no slot is taken."""
        return cls(
            lon_deg=np.full(slots, np.nan, np.float32),
            lat_deg=np.full(slots, np.nan, np.float32),
            age_s=np.full(slots, MAX_AGE_S, np.uint16),
            heading=np.full(slots, UNKNOWN_HEADING, np.uint8),
            state=np.full(slots, EMPTY, np.uint8),
            flags=np.zeros(slots, np.uint8),
            speed_kmh=np.full(slots, UNKNOWN_SPEED, np.uint8),
        )

    def __len__(self) -> int:
        return len(self.state)


@dataclass(frozen=True)
class Frame:
    """What a frame says besides its columns."""

    sequence: int
    clock_at: Instant
    attributes_version: int
    columns: Columns


def heading_byte(course_deg: float | None) -> int:
    """Pack a course into 255 steps of 1.41 degrees."""
    return UNKNOWN_HEADING if course_deg is None else round(course_deg % 360 / 360 * 255) % 255


def speed_byte(speed_mps: float | None) -> int:
    """Pack a speed in whole km/h up to 254."""
    return UNKNOWN_SPEED if speed_mps is None else min(254, max(0, round(speed_mps * 3.6)))


def age_field(seconds: float | None) -> int:
    """Pack an age in whole seconds; unknown counts as the oldest that fits."""
    return MAX_AGE_S if seconds is None else int(min(MAX_AGE_S, max(0.0, seconds)))


def pack(frame: Frame) -> bytes:
    """Write a frame."""
    c = frame.columns
    header = HEADER.pack(
        MAGIC,
        VERSION,
        0,
        len(c),
        frame.sequence,
        float(frame.clock_at),
        frame.attributes_version,
        0,
    )
    return b"".join(
        (
            header,
            c.lon_deg.astype("<f4").tobytes(),
            c.lat_deg.astype("<f4").tobytes(),
            c.age_s.astype("<u2").tobytes(),
            c.heading.tobytes(),
            c.state.tobytes(),
            c.flags.tobytes(),
            c.speed_kmh.tobytes(),
        )
    )


def unpack(data: bytes) -> Frame:
    """Read a frame.

    Raises:
        ValueError: not a frame of this version, or cut short.
    """
    if len(data) < HEADER.size:
        raise ValueError("shorter than a header")
    magic, version, _flags, slots, sequence, clock_at, attributes, _spare = HEADER.unpack_from(
        data
    )
    if magic != MAGIC or version != VERSION:
        raise ValueError(f"not a frame of version {VERSION}")
    if len(data) != HEADER.size + BYTES_PER_SLOT * slots:
        raise ValueError(f"{len(data)} bytes do not hold {slots} slots")

    offset = HEADER.size
    parts = []
    for kind in ("<f4", "<f4", "<u2", "u1", "u1", "u1", "u1"):
        parts.append(np.frombuffer(data, kind, slots, offset).copy())
        offset += parts[-1].nbytes
    return Frame(sequence, int(clock_at), attributes, Columns(*parts))
