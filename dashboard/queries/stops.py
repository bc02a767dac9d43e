"""Where a truck stood: at most 0.83 m/s, within 100 m, for at least 180 s.

The thresholds are those of the default rules (interfaces, section 3); this is the history view of
them, from the track, and decides nothing.
"""

import pandas as pd

from dashboard.queries.coldchain import gap_limit_s
from dashboard.queries.frames import frame, to_instants
from puente import geo
from puente.instant import Instant

STOP_MPS = 0.83
STOP_RADIUS_M = 100.0
STOP_MS = 180_000

COLUMNS = ("to_at", "lat_deg", "lon_deg", "duration_s", "fixes")


def stops_frame(track: pd.DataFrame) -> pd.DataFrame:
    """Find the stops in one device's usable fixes, indexed by their beginning.

    A silence ends a stop: what happened in it is not known.
    """
    found: list[dict[str, object]] = []
    index = pd.DatetimeIndex(track.index)
    limit_ms = gap_limit_s(index) * 1000.0
    standing: list[tuple[Instant, geo.LatLon]] = []

    def close() -> None:
        if standing and standing[-1][0] - standing[0][0] >= STOP_MS:
            place = standing[0][1]
            found.append(
                {
                    "from_at": standing[0][0],
                    "to_at": standing[-1][0],
                    "lat_deg": place[0],
                    "lon_deg": place[1],
                    "duration_s": (standing[-1][0] - standing[0][0]) / 1000.0,
                    "fixes": len(standing),
                }
            )
        standing.clear()

    columns = (track["lat_deg"], track["lon_deg"], track["speed_mps"])
    for at, lat, lon, speed in zip(to_instants(index), *columns, strict=True):
        if at is None:
            continue
        place = (float(lat), float(lon))
        if standing and at - standing[-1][0] > limit_ms:
            close()
        slow = not speed > STOP_MPS  # a fix without a speed is judged by its place alone
        if standing and (not slow or geo.distance_m(standing[0][1], place) > STOP_RADIUS_M):
            close()
        if slow:
            standing.append((at, place))
    close()
    return frame(found, index="from_at", columns=COLUMNS)
