"""What all JSON dialects share: bytes to a checked object, and the error they raise.

Plain JSON parsers accept too much (`NaN`, duplicate keys, UTF-16, a number a thousand digits
long). msgspec refuses all of that but duplicate keys, which are found by counting colons.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn, TypeVar

import msgspec

from puente.model import Reject, Telemetry

T = TypeVar("T")


class Decoded(NamedTuple):
    """A reading, and how many fields of its payload the dialect does not know."""

    telemetry: Telemetry
    ignored: int = 0


MAX_BYTES = 16_384
"""Interfaces, section 2."""

DEVICE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MISSING = re.compile(r"missing required field `(\w+)`")


class DecodeError(ValueError):
    """A payload that cannot become a reading.

    `device_id`, `boot` and `seq` are set as far as they could be read, so that a rejected
    reading of a device that numbers can still be acknowledged.
    """

    def __init__(self, reason: Reject, detail: str, fields: dict[str, Any] | None = None) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail
        self.device_id: str | None = None
        self.boot = _count((fields or {}).get("boot"))
        self.seq = _count((fields or {}).get("seq"))


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53:
        return value
    return None


def parse_object(payload: bytes) -> dict[str, Any]:
    """Turn a payload into a JSON object with unique keys, or raise `DecodeError`."""
    if len(payload) > MAX_BYTES:
        raise DecodeError(Reject.TOO_LARGE, f"{len(payload)} bytes, at most {MAX_BYTES}")
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(Reject.NOT_UTF8, f"byte {error.start} is not UTF-8") from None
    try:
        value = msgspec.json.decode(payload)
        if isinstance(value, dict) and _may_repeat_keys(payload, value):
            _refuse_repeated_keys(payload)
    except msgspec.DecodeError as error:
        raise DecodeError(_why_not_json(str(error)), str(error)) from None
    except RecursionError:
        raise DecodeError(Reject.NOT_JSON, "nested too deeply") from None
    if not isinstance(value, dict):
        raise DecodeError(Reject.NOT_AN_OBJECT, f"a JSON {_json_name(value)}, not an object")
    return value


def _why_not_json(message: str) -> Reject:
    return Reject.OUT_OF_RANGE if "out of range" in message else Reject.NOT_JSON


def _json_name(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case list():
            return "array"
        case str():
            return "string"
        case _:
            return "number"


def _may_repeat_keys(payload: bytes, value: dict[str, Any]) -> bool:
    r"""Compare colons: every key has one, and so may strings; a dropped key leaves one over.

    Exact as long as no string holds an escaped colon, and `\u` is looked for.
    """
    return b"\\u" in payload or payload.count(b":") != _colons(value)


def _colons(value: object) -> int:
    if isinstance(value, dict):
        return sum(1 + key.count(":") + _colons(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(map(_colons, value))
    return value.count(":") if isinstance(value, str) else 0


def _refuse_repeated_keys(payload: bytes) -> None:
    def unique(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in pairs:
            if key in found:
                raise DecodeError(Reject.DUPLICATE_KEY, f"{clean(key)!r} is there twice")
            found[key] = value
        return found

    json.loads(payload, object_pairs_hook=unique)


def to_struct(fields: dict[str, Any], kind: type[T]) -> T:
    """Check an object against a typed struct, or raise `DecodeError` naming the field."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        message = str(error)
        missing = _MISSING.search(message)
        reason = Reject.MISSING_FIELD if missing else Reject.WRONG_TYPE
        raise DecodeError(reason, clean(message), fields) from None


def clean(text: str, limit: int = 200) -> str:
    """Take control and direction-changing characters out of a device's text and shorten it."""
    return _CONTROL.sub("", text)[:limit]


class Ranges:
    """Checks numbers of one payload against what is physically possible."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def refuse(self, reason: Reject, detail: str) -> NoReturn:
        """Raise a `DecodeError` that knows the payload's numbering."""
        raise DecodeError(reason, detail, self._fields)

    def check(self, name: str, value: float | None, low: float, high: float) -> None:
        """Refuse a value outside `[low, high]`; None passes."""
        # Compared, never converted: JSON integers may be too long for a float.
        if value is not None and not low <= value <= high:
            shown = f"{value:g}" if isinstance(value, float) else str(value)[:40]
            self.refuse(Reject.OUT_OF_RANGE, f"{name} {shown} is not in {low:g} to {high:g}")

    def pair(self, names: tuple[str, str], values: tuple[object, object]) -> None:
        """Refuse one half of a pair."""
        if (values[0] is None) != (values[1] is None):
            there, missing = names if values[1] is None else names[::-1]
            self.refuse(Reject.HALF_PAIR, f"{there} without {missing}")


def looks_swapped(lat_deg: float, lon_deg: float) -> bool:
    """Tell whether the two numbers make sense only the other way round.

    The box is the one of the poison corpus: latitudes 14 to 50, longitudes -125 to -80.
    """
    return not _in_corridor(lat_deg, lon_deg) and _in_corridor(lon_deg, lat_deg)


def _in_corridor(lat_deg: float, lon_deg: float) -> bool:
    return 14.0 <= lat_deg <= 50.0 and -125.0 <= lon_deg <= -80.0
