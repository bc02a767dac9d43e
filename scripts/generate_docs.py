"""Write the reference tables in docs/ from the code they describe.

`python scripts/generate_docs.py` writes docs/redis.md, docs/settings.md and docs/events.md;
tests/test_docs.py checks that they are current.
"""

import dataclasses
import inspect
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ingest.detectors import DETECTORS  # noqa: E402 - the checkout's own packages
from ingest.detectors.detector import Detector  # noqa: E402
from puente import keys  # noqa: E402
from puente.settings import Settings, variable  # noqa: E402

NOTE = "<!-- Written by scripts/generate_docs.py; change the code, then run it again. -->"

RAISED, NOTED = "raised, cleared", "noted"

WORDS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "geofence.enter": (NOTED, ("info",), "None: for the record"),
    "geofence.exit": (NOTED, ("info",), "None: for the record"),
    "geofence.dwell": (RAISED, ("low",), "Ask the driver or the site what holds the truck"),
    "geofence.forbidden": (
        RAISED, ("high",), "Call the driver: why, and when does the truck leave?",
    ),
    "route.deviation": (
        RAISED, ("high",), "Call the driver: reason, and way back to the route",
    ),
    "stop.unplanned": (
        RAISED, ("medium", "high"), "Message the driver: reason and expected departure",
    ),
    "temperature.warning": (
        RAISED, ("medium",), "Message driver and carrier: doors, set point, unit running?",
    ),
    "temperature.critical": (
        RAISED, ("critical",), "Call the driver and the reefer service; tell quality assurance",
    ),
    "seal.opened": (
        NOTED, ("info",), "None: record the new seal number when it is closed",
    ),
    "seal.unauthorised": (
        "raised; a person resets it", ("high", "critical"),
        "Verify with broker and yard at once; unverified: treat as theft",
    ),
    "seal.tamper": (
        "raised; a person resets it", ("critical",),
        "Call driver and the carrier's security; no answer: Guardia Nacional 088 or 911",
    ),
    "seal.departed_unsealed": (
        RAISED, ("high",),
        "Call the driver: stop at a safe place, seal, photograph, report the number",
    ),
    "device.silent": (
        RAISED, ("medium", "high"),
        "Check coverage there, look at the other devices, call the driver",
    ),
    "device.clock_fault": (
        RAISED, ("low",), "Have the device's clock set at the next facility",
    ),
    "telemetry.gap": (
        NOTED, ("info",), "Look at its memory and its coverage if this repeats",
    ),
}  # fmt: skip
"""Kind -> phases, severities, the response asked for in the ordinary case. A detector decides
these case by case, so they are written down here and checked against its source."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def redis() -> str:
    """Document every family of keys."""
    rows = [(f"`{k.pattern}`", k.type, k.value, k.writer, k.lifetime, k.why) for k in keys.ALL]
    return f"""# What is in Redis

{NOTE}

`<...>` is a parameter, `{{...}}` the hash tag: all keys of a partition (`p00` to
`p{keys.PARTITIONS - 1}`) lie on one node of a cluster. A subject is a shipment's id, or
`{keys.UNBOUND}` and a device's id for a device that no plan binds. Only `puente/store/` reads and
writes these keys.

{table(("Key", "Type", "Value", "Written by", "Kept", "Why"), rows)}
"""


def settings() -> str:
    """Document every setting."""
    rows = []
    for field in dataclasses.fields(Settings):
        unit = field.metadata["unit"]
        default = str(int(field.default)) if isinstance(field.default, bool) else field.default
        shown = f"`{default}`{' ' + unit if unit else ''}" if f"{default}" else "empty"
        rows.append((f"`{variable(field.name)}`", shown, field.metadata["doc"]))
    return f"""# Settings

{NOTE}

Environment variables; an unset or empty one keeps its default. Every process reads them at its
start and refuses a value that cannot work with a line that says why.

{table(("Variable", "Default", "Meaning"), rows)}
"""


def events() -> str:
    """Document every kind of event."""
    rows = [row for detector in DETECTORS for row in _kinds(detector)]
    rules = "\n\n".join(_rule(detector) for detector in DETECTORS)
    return f"""# Events

{NOTE}

A kind about the truth describes the load: late readings correct it, by retracting and raising
anew. A kind about knowledge describes what we knew: it uses the time of reception, and late
readings end it but never take it back. Raised kinds of severity low and above, and noted ones of
medium and above, become alerts. An event carries its own title, severity, summary and response;
the response below is the one of the ordinary case. A severity with two values depends on the
place or on the load.

{table(("Kind", "Detector", "About", "Phases", "Severity", "Response"), rows)}

## Rules

{rules}
"""


def _kinds(detector: Detector[object]) -> list[tuple[str, ...]]:
    """Return the rows of a detector's kinds, with the words checked against its source."""
    module = inspect.getmodule(type(detector))
    source = inspect.getsource(module or type(detector))
    rows = []
    for kind in detector.kinds:
        phases, severities, response = WORDS[kind]
        for word in severities:
            if f"Severity.{word.upper()}" not in source:
                raise SystemExit(f"{kind} is never of severity {word}: change WORDS")
        if f'"{response}"' not in source:
            raise SystemExit(f"{kind} no longer asks for {response!r}: change WORDS")
        words = (phases, ", ".join(severities), response)
        rows.append((f"`{kind}`", f"`{detector.name}`", detector.about.value, *words))
    return rows


def _rule(detector: Detector[object]) -> str:
    module = inspect.getmodule(type(detector))
    words = inspect.cleandoc((module.__doc__ if module else "") or "")
    return f"### `{detector.name}`\n\n{words}"


DOCUMENTS = {
    "docs/redis.md": redis,
    "docs/settings.md": settings,
    "docs/events.md": events,
}


def main() -> None:
    """Write all documents."""
    for name, write in DOCUMENTS.items():
        path = ROOT / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(write(), encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
