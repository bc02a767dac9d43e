"""Going on after a pause: the same fleet on the same journeys, not another one in its place.

A stack that is started again finds its trucks where their journeys are by now; what they measured
during the pause is sent as a backfill, as a device's memory would. What has to be remembered is
one small file in the state folder.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from puente.instant import HOUR, Instant

LONGEST_PAUSE_MS = 6 * HOUR
"""After a longer pause the backfill would take minutes: a new fleet sets out instead."""

LONGEST_RUN_MS = 20 * HOUR
"""By then most journeys are over, and a demo would show parked trucks."""

_FILE = "simulation.json"


class Run(Struct, frozen=True):
    """A simulation under way: what it was made from, when it began, up to when it has sent.

    `first` is the number of its first shipment, so that a later fleet has numbers of its own.
    """

    shipments: int
    seed: int
    incident_rate: float
    backfill_h: float
    began_at: Instant
    sent_until: Instant
    first: int = 1


def set_out(folder: Path, wanted: Run) -> Run:
    """Return the run to go on with: the remembered one if it fits, else the wanted one.

    `wanted` is a new run; its `began_at` is now. A run of other settings, or one that paused or
    lasted too long, is followed by a fleet with numbers after its own.
    """
    known = _read(folder)
    if known is None:
        return wanted
    now = wanted.began_at
    same = msgspec.structs.replace(
        wanted, began_at=known.began_at, sent_until=known.sent_until, first=known.first
    )
    fresh = (
        known.sent_until <= now <= known.sent_until + LONGEST_PAUSE_MS
        and now - known.began_at <= LONGEST_RUN_MS
    )
    if same == known and fresh:
        return known
    return msgspec.structs.replace(wanted, first=known.first + known.shipments)


def remember(folder: Path, run: Run, sent_until: Instant) -> None:
    """Write down up to when a run has sent; a folder that is not there is made."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / (_FILE + ".new")
    draft.write_bytes(msgspec.json.encode(msgspec.structs.replace(run, sent_until=sent_until)))
    draft.replace(folder / _FILE)


def _read(folder: Path) -> Run | None:
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=Run)
    except (OSError, msgspec.DecodeError):
        return None
