"""A few numbers that two processes share through a mapped file."""

import mmap
import struct
from pathlib import Path

_FORMAT = struct.Struct("<q")
NAMES = (
    "ready",
    "quit",
    "limit",
    "committed",
    "rate",
    "sent",
    "acknowledged",
    "rate_from_n",
    "rate_from_ms",
)
"""`limit`: readings that may have been sent at most; `rate`: 0 is a closed loop."""


class Control:
    """Numbers by name. Each is written by one side only."""

    def __init__(self, path: Path, create: bool = False) -> None:
        if create:
            path.write_bytes(bytes(_FORMAT.size * len(NAMES)))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def __getitem__(self, name: str) -> int:
        value: int = _FORMAT.unpack_from(self._map, NAMES.index(name) * _FORMAT.size)[0]
        return value

    def __setitem__(self, name: str, value: int) -> None:
        _FORMAT.pack_into(self._map, NAMES.index(name) * _FORMAT.size, value)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
