"""How values are packed in Redis: msgpack for rows, readings and states, JSON for events."""

from typing import Any

import msgspec

from puente.model import Event, Reading, Rejection
from puente.row import Row
from puente.triage import Alert

_encoder = msgspec.msgpack.Encoder()
_json = msgspec.json.Encoder(order="sorted")

pack = _encoder.encode
"""Encode any value as msgpack."""

json_pack = _json.encode
"""Encode any value as JSON with sorted keys."""

unpack_row = msgspec.msgpack.Decoder(Row).decode
unpack_rows = msgspec.msgpack.Decoder(list[Row]).decode
unpack_reading = msgspec.msgpack.Decoder(Reading).decode
unpack_readings = msgspec.msgpack.Decoder(list[Reading]).decode
unpack_alert = msgspec.msgpack.Decoder(Alert).decode
unpack_event = msgspec.json.Decoder(Event).decode
unpack_rejection = msgspec.json.Decoder(Rejection).decode


def unpack(raw: bytes) -> Any:  # noqa: ANN401 - plain msgpack values
    """Decode msgpack without a type."""
    return msgspec.msgpack.decode(raw)


def text(value: bytes | str | None, default: str = "") -> str:
    """Turn what Redis answered into text."""
    if value is None:
        return default
    return value.decode() if isinstance(value, bytes) else value


def number(value: bytes | str | None, default: int = 0) -> int:
    """Turn what Redis answered into an integer."""
    return default if value is None else int(value)
