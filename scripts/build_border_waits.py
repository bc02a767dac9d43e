"""Build the simulator's border waits: median minutes by crossing, lane and local hour.

    python scripts/build_border_waits.py commercial_lanes_2026-04_to_2026-07.csv.gz

Development time only; the output is committed. The input is U.S. Customs and Border Protection's
published northbound commercial waits, a work of the US government. `Update Pending` and an empty
delay are unknown, not zero, and an officer's update that several snapshots repeat counts once.
"""

from __future__ import annotations

import csv
import gzip
import statistics
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import manifest

ROOT = Path(__file__).resolve().parent.parent
CROSSINGS = ROOT / "puente" / "geodata" / "crossings.csv"
OUTPUT = ROOT / "ingest" / "simulator" / "border_waits.csv"

ALSO_KNOWN_AS = {"250601": "OTM", "250609": "OTM", "240207": "BOTA", "240221": "BOTA"}
"""One facility appears under several port numbers."""

PLAUSIBLE_MIN = 240
"""Single values up to 700 minutes are typing errors of a port, not queues."""

FEWEST = 5
"""An hour with fewer updates than this says nothing of its own."""


def main(source: Path) -> None:
    """Read the feed's snapshots and write the table."""
    with CROSSINGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    crossing_of = {row["bwt_port"]: row["id"] for row in rows} | ALSO_KNOWN_AS
    zones = {row["id"]: ZoneInfo(row["tz"]) for row in rows}
    updates: dict[tuple[str, str, int], dict[tuple[str, str], int]] = defaultdict(dict)
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            crossing = crossing_of.get(row["port_number"])
            if crossing is None or row["operational_status"] == "Update Pending":
                continue
            if not row["delay_minutes"] or int(row["delay_minutes"]) > PLAUSIBLE_MIN:
                continue
            local = datetime.fromisoformat(row["observed_at_utc"]).astimezone(zones[crossing])
            lane = row["lane"].removeprefix("commercial_")
            said = (local.date().isoformat(), row["update_time"])
            updates[crossing, lane, local.hour].setdefault(said, int(row["delay_minutes"]))
    with OUTPUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["crossing", "lane", "local_hour", "updates", "median_min", "p90_min"])
        for (crossing, lane, hour), seen in sorted(updates.items()):
            if len(seen) >= FEWEST:
                waits = sorted(seen.values())
                p90 = waits[min(len(waits) - 1, round(0.9 * (len(waits) - 1)))]
                median = round(statistics.median(waits))
                writer.writerow([crossing, lane, hour, len(waits), median, p90])
    manifest.write(Path(__file__), inputs=[], outputs=[OUTPUT])
    print(f"{OUTPUT.name}: {sum(len(s) for s in updates.values())} updates")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
