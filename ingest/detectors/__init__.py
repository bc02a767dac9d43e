"""The detectors, one file each, in the order in which they see an observation.

To add one: write the file, add a line to `DETECTORS`. The laws test, the catalogue of events and
the alerts page find it by themselves.
"""

from typing import Any

from ingest.detectors.clock_fault import ClockFault
from ingest.detectors.detector import About, Detector
from ingest.detectors.deviation import RouteDeviation
from ingest.detectors.gap import TelemetryGap
from ingest.detectors.geofence import GeofenceDetector
from ingest.detectors.seal import SealDetector
from ingest.detectors.silence import DeviceSilence
from ingest.detectors.stop import UnplannedStop
from ingest.detectors.temperature import TemperatureDetector

DETECTORS: tuple[Detector[Any], ...] = (
    GeofenceDetector(),
    RouteDeviation(),
    UnplannedStop(),
    TemperatureDetector(),
    SealDetector(),
    DeviceSilence(),
    ClockFault(),
    TelemetryGap(),
)

TRUTH: tuple[Detector[Any], ...] = tuple(d for d in DETECTORS if d.about is About.TRUTH)
KNOWLEDGE: tuple[Detector[Any], ...] = tuple(d for d in DETECTORS if d.about is About.KNOWLEDGE)
