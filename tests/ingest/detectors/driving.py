"""Drive one detector over observations, firing its deadlines as the pipeline does."""

from collections.abc import Iterable
from typing import Any

from ingest.detectors.detector import About, Detector
from puente.instant import SECOND
from puente.model import Finding, Observation
from puente.plan import ShipmentPlan
from tests.ingest.builders import AT

Said = tuple[str, str, str, float, float, float]
"""Kind, phase, subject; then seconds after AT: episode, occurred, confirmed."""


def findings(
    detector: Detector[Any],
    plan: ShipmentPlan,
    observations: Iterable[Observation],
    until_s: float | None = None,
) -> list[Finding]:
    """Return everything decided, with deadlines up to `until_s` after AT."""
    state = detector.initial()
    found: list[Finding] = []

    def pass_time(to: int) -> None:
        nonlocal state
        while (due := detector.deadline(state)) is not None and due <= to:
            state, said = detector.expire(state, due, plan)
            found.extend(said)

    for observation in observations:
        truth = detector.about is About.TRUTH
        pass_time(observation.at if truth else observation.received_at)
        state, said = detector.observe(state, observation, plan)
        found.extend(said)
    if until_s is not None:
        pass_time(AT + round(until_s * SECOND))
    return found


def said(found: Iterable[Finding]) -> list[Said]:
    """Put findings into words that a table can hold."""
    return [
        (
            f.kind,
            f.phase.value,
            f.subject,
            (f.episode - AT) / SECOND,
            (f.occurred_at - AT) / SECOND,
            (f.confirmed_at - AT) / SECOND,
        )
        for f in found
    ]
