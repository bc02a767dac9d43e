"""The live row: all that the map, the board and the wall need to know about one subject now.

The engine writes a row with every commit that changed it; the dashboard only reads. A subject is
a shipment, or a device that no plan binds (`keys.UNBOUND` before its id).
"""

from msgspec import Struct

from puente.instant import Instant
from puente.keys import UNBOUND
from puente.model import SealState, Severity


class OpenEpisode(Struct, frozen=True, omit_defaults=True):
    """An episode that was raised and not cleared."""

    kind: str
    subject: str
    episode: Instant
    severity: Severity


class Row(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of a subject.

    `fix_at` is the device time of the newest usable fix and `fix_received_at` when it reached
    us; `heard_at` is when anything of the subject's devices last reached us. `progress` runs
    from 0 to 1 along the planned route. `stopped_since` is set while the truck stands.
    """

    id: str
    device_id: str | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    accuracy_m: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    fix_at: Instant | None = None
    fix_received_at: Instant | None = None
    heard_at: Instant = 0
    temperature_c: float | None = None
    temperature_at: Instant | None = None
    battery_pct: float | None = None
    seal: SealState = SealState.UNKNOWN
    progress: float | None = None
    remaining_m: float | None = None
    off_route_m: float | None = None
    stopped_since: Instant | None = None
    classes: tuple[str, ...] = ()
    open: tuple[OpenEpisode, ...] = ()

    @property
    def assigned(self) -> bool:
        """Whether a plan binds the subject."""
        return not self.id.startswith(UNBOUND)

    @property
    def worst(self) -> Severity | None:
        """The worst severity among the open episodes."""
        severities = [episode.severity for episode in self.open]
        return max(severities, key=lambda s: s.rank) if severities else None
