"""Reading the fields of one item of a plan file, collecting what is wrong instead of stopping.

Every problem names the file, the item and the field, so that a person can fix a plan of a
thousand shipments in one go. Fields that nobody asked for are counted, never an error.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from puente import instant
from puente.instant import Instant

E = TypeVar("E", bound=StrEnum)

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class PlanError(ValueError):
    """A plan that cannot be used; `problems` holds every reason, one sentence each."""

    def __init__(self, problems: Collection[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class Findings:
    """What reading one file brought up: problems, and how often each unknown field was met."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[str] = []
        self.ignored: dict[str, int] = {}

    def problem(self, item: str, field: str, what: str) -> None:
        """Note a problem; an empty item or field leaves that part out."""
        self.problems.append(": ".join(filter(None, (self.source, item, field, what))))

    def ignore(self, field: str) -> None:
        """Count a field that means nothing here."""
        self.ignored[field] = self.ignored.get(field, 0) + 1


def shown(value: object) -> str:
    """Show an offending value, shortened to what fits a line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class Fields:
    """The fields of one object. Each reading method returns None or its default when it failed.

    `null` counts as absent. `path` names the object inside its item, such as `origin.`.
    """

    def __init__(
        self, findings: Findings, item: str, values: Mapping[str, object], path: str = ""
    ) -> None:
        self.findings = findings
        self.item = item
        self.path = path
        self._values = values
        self._known: set[str] = set()

    def problem(self, field: str, what: str) -> None:
        """Note that a field of this object is wrong."""
        self.findings.problem(self.item, self.path + field, what)

    def take(self, name: str) -> object | None:
        """Return a raw value and remember that the field is known."""
        self._known.add(name)
        return self._values.get(name)

    def count_unknown(self, kind: str) -> None:
        """Count the fields that nobody took, under names such as `shipment.colour`."""
        for name in self._values:
            if name not in self._known:
                self.findings.ignore(f"{kind}.{name}")

    def text(self, name: str) -> str | None:
        """Read a string."""
        value = self.take(name)
        if value is None or isinstance(value, str):
            return value
        self.problem(name, f"{shown(value)} is not a text")
        return None

    def identifier(self, name: str, *, required: bool = False) -> str | None:
        """Read an id: 1 to 64 of `A-Z a-z 0-9 . _ -`."""
        value = self.take(name)
        if value is None and not required:
            return None
        if isinstance(value, str) and _ID.fullmatch(value):
            return value
        self.problem(
            name,
            "is missing"
            if value is None
            else f"{shown(value)} is not an id of 1 to 64 letters, digits, '.', '_' or '-'",
        )
        return None

    def choice(self, name: str, kind: type[E], default: E) -> E:
        """Read one of a closed set of words."""
        value = self.take(name)
        if value is None:
            return default
        try:
            return kind(str(value))
        except ValueError:
            self.problem(name, f"{shown(value)} is not one of {' '.join(kind)}")
            return default

    def boolean(self, name: str) -> bool:
        """Read true or false; absent is false."""
        value = self.take(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.problem(name, f"{shown(value)} is neither true nor false")
        return False

    def instant(self, name: str) -> Instant | None:
        """Read an RFC 3339 date and time with a zone."""
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.problem(name, f"{shown(value)} is not an RFC 3339 date and time with a zone")
            return None
        try:
            return instant.parse(value)
        except (ValueError, OverflowError) as error:
            self.problem(name, str(error))
            return None

    def number(
        self,
        name: str,
        *,
        least: float = -math.inf,
        most: float = math.inf,
        above: float = -math.inf,
        required: bool = False,
    ) -> float | None:
        """Read a finite number between `least` and `most` and greater than `above`."""
        value = self.take(name)
        if value is None:
            if required:
                self.problem(name, "is missing")
            return None
        number = finite(value)
        if number is None:
            self.problem(name, f"{shown(value)} is not a number")
        elif number <= above:
            self.problem(name, f"{shown(value)} is not above {above:g}")
        elif not least <= number <= most:
            limits = f"below {least:g}" if most == math.inf else f"outside {least:g} to {most:g}"
            self.problem(name, f"{shown(value)} is {limits}")
        else:
            return number
        return None

    def whole(self, name: str, *, least: int = 0) -> int | None:
        """Read a whole number from `least` upwards."""
        number = self.number(name, least=least)
        if number is None:
            return None
        if number != int(number):
            self.problem(name, f"{number:g} is not a whole number")
            return None
        return int(number)

    def object(self, name: str) -> "Fields | None":
        """Read an object inside this one."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return Fields(self.findings, self.item, value, f"{self.path}{name}.")
        self.problem(name, f"{shown(value)} is not an object")
        return None

    def objects(self, name: str, *, required: bool = False) -> Iterator["Fields"]:
        """Read a list of objects inside this one; positions count from 1."""
        value = self.take(name)
        if value is None:
            if required:
                self.problem(name, "is missing")
            return
        if not isinstance(value, list):
            self.problem(name, f"{shown(value)} is not a list")
            return
        for position, entry in enumerate(value, start=1):
            if isinstance(entry, Mapping):
                yield Fields(self.findings, self.item, entry, f"{self.path}{name}[{position}].")
            else:
                self.problem(f"{name}[{position}]", f"{shown(entry)} is not an object")


def finite(value: object) -> float | None:
    """Return a JSON number as a float; None for anything else, `true` and NaN included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    # Adding zero turns -0.0 into 0.0, so that equal documents are written alike.
    return number + 0.0 if math.isfinite(number) else None
