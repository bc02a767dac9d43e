"""The fold of one shipment: every detector over its observations, purely.

`fold` takes the state of the truth through one reading; `pass_time` lets deadlines fire. The
order in which readings come, and what happens when one comes late, is `ingest.timeline`'s.
"""

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ingest import position
from ingest.detectors import KNOWLEDGE, TRUTH
from ingest.detectors.detector import Detector
from ingest.position import Sense
from puente.instant import Instant, text
from puente.model import Event, Finding, Observation, Phase, Reading, event_id
from puente.plan import ShipmentPlan

EVENT_LATE_MS = 600_000
"""Interfaces, section 4: an event learned this long after its confirmation is late."""

_ENDLESS = 10_000
"""More deadlines than this in a row mean that a detector does not move on."""


class Truth(Struct, frozen=True):
    """What happened up to a point: position sense and the state of every truth detector.

    `due` is the earliest deadline of any of them, kept so that most readings skip asking.
    """

    sense: Sense
    states: tuple[Any, ...]
    due: Instant | None = None


class Knowledge(Struct, frozen=True):
    """What we knew up to now: the state of every knowledge detector."""

    states: tuple[Any, ...]
    due: Instant | None = None


class Passed(Struct, frozen=True):
    """What time alone did: the truth after it, what was decided, the newest deadline fired."""

    truth: Truth
    findings: tuple[Finding, ...] = ()
    fired_at: Instant | None = None


class Folded(Struct, frozen=True):
    """What one reading did: the new truth, the observation it became, what was decided."""

    truth: Truth
    observation: Observation
    findings: tuple[Finding, ...]


def truth_before() -> Truth:
    """Return the state before the first reading."""
    return Truth(Sense(), tuple(d.initial() for d in TRUTH))


def knowledge_before() -> Knowledge:
    """Return the state before anything was heard."""
    return Knowledge(tuple(d.initial() for d in KNOWLEDGE))


def fold(truth: Truth, reading: Reading, plan: ShipmentPlan) -> Folded | None:
    """Fold one reading at its own time; None when the plan does not bind its device then."""
    role = plan.role_of(reading.device_id, reading.at)
    if role is None:
        return None
    passed = pass_time(truth, reading.at, plan)
    truth, findings = passed.truth, passed.findings
    sense, observation = position.observe(truth.sense, reading, role, plan)
    states, decided = _observe(TRUTH, truth.states, observation, plan)
    return Folded(Truth(sense, states, _due(TRUTH, states)), observation, (*findings, *decided))


def pass_time(truth: Truth, until: Instant, plan: ShipmentPlan) -> Passed:
    """Fire all deadlines of the truth up to an instant, in order of time."""
    if truth.due is None or truth.due > until:
        return Passed(truth)
    fired = _expire(TRUTH, truth.states, until, plan)
    return Passed(Truth(truth.sense, fired.states, fired.due), fired.findings, fired.at)


def hear(
    knowledge: Knowledge, observation: Observation, plan: ShipmentPlan
) -> tuple[Knowledge, tuple[Finding, ...]]:
    """Fold one observation into what we know; once, in order of reception."""
    states, findings = _observe(KNOWLEDGE, knowledge.states, observation, plan)
    return Knowledge(states, _due(KNOWLEDGE, states)), findings


def pass_knowing(
    knowledge: Knowledge, until: Instant, plan: ShipmentPlan
) -> tuple[Knowledge, tuple[Finding, ...]]:
    """Fire all deadlines of what we know up to an instant."""
    if knowledge.due is None or knowledge.due > until:
        return knowledge, ()
    fired = _expire(KNOWLEDGE, knowledge.states, until, plan)
    return Knowledge(fired.states, fired.due), fired.findings


def excuse(knowledge: Knowledge, outage_ms: int) -> Knowledge:
    """Add an outage of our own to every silence deadline."""
    states = tuple(
        detector.excuse(state, outage_ms) if hasattr(detector, "excuse") else state
        for detector, state in zip(KNOWLEDGE, knowledge.states, strict=True)
    )
    return Knowledge(states, _due(KNOWLEDGE, states))


def _observe(
    detectors: tuple[Detector[Any], ...],
    states: tuple[Any, ...],
    observation: Observation,
    plan: ShipmentPlan,
) -> tuple[tuple[Any, ...], tuple[Finding, ...]]:
    after = []
    findings: tuple[Finding, ...] = ()
    for detector, state in zip(detectors, states, strict=True):
        state, found = detector.observe(state, observation, plan)  # noqa: PLW2901
        after.append(state)
        if found:
            findings = (*findings, *found)
    return tuple(after), findings


def _due(detectors: tuple[Detector[Any], ...], states: tuple[Any, ...]) -> Instant | None:
    earliest = None
    for detector, state in zip(detectors, states, strict=True):
        due = detector.deadline(state)
        if due is not None and (earliest is None or due < earliest):
            earliest = due
    return earliest


class _Fired(NamedTuple):
    states: tuple[Any, ...]
    due: Instant | None
    findings: tuple[Finding, ...]
    at: Instant | None


def _expire(
    detectors: tuple[Detector[Any], ...],
    states: tuple[Any, ...],
    until: Instant,
    plan: ShipmentPlan,
) -> _Fired:
    findings: list[Finding] = []
    fired_at: Instant | None = None
    for _ in range(_ENDLESS):
        due = _due(detectors, states)
        if due is None or due > until:
            return _Fired(states, due, tuple(findings), fired_at)
        # A deadline may lie before one that fired: whoever was about to leave stayed after all.
        fired_at = due if fired_at is None else max(fired_at, due)
        after = []
        for detector, state in zip(detectors, states, strict=True):
            mine = detector.deadline(state)
            if mine is not None and mine <= due:
                state, found = detector.expire(state, due, plan)  # noqa: PLW2901
                findings += found
            after.append(state)
        states = tuple(after)
    raise RuntimeError(f"deadlines of {plan.shipment.id} do not move on from {due}")


def publish(finding: Finding, shipment_id: str, learned_at: Instant, place: Sense) -> Event:
    """Stamp a finding: whose it is, when it was learned, where it was."""
    where = finding.position or place.place
    return Event(
        id=event_id(finding.kind, shipment_id, finding.subject, finding.episode, finding.phase),
        shipment_id=shipment_id,
        device_id=finding.device_id,
        kind=finding.kind,
        phase=finding.phase,
        subject=finding.subject,
        episode=finding.episode,
        severity=finding.severity,
        occurred_at=finding.occurred_at,
        confirmed_at=finding.confirmed_at,
        learned_at=learned_at,
        late=learned_at - finding.confirmed_at > EVENT_LATE_MS,
        lat=None if where is None else where.lat_deg,
        lon=None if where is None else where.lon_deg,
        title=finding.title,
        summary=finding.summary,
        response=finding.response,
        respond_within_s=finding.respond_within_s,
        evidence=finding.evidence,
    )


def retraction(event: Event, learned_at: Instant, superseded_by: Instant | None) -> Event:
    """Take an event back: late readings showed that it was not so."""
    why = "did not happen as reported"
    successor = None if superseded_by is None else text(superseded_by)
    return msgspec.structs.replace(
        event,
        id=event_id(event.kind, event.shipment_id, event.subject, event.episode, Phase.RETRACTED),
        phase=Phase.RETRACTED,
        learned_at=learned_at,
        late=learned_at - event.confirmed_at > EVENT_LATE_MS,
        title=f"Retracted: {event.title}",
        summary=f"Late readings show: {event.title.lower()} {why}",
        response="None: the history was corrected",
        respond_within_s=None,
        evidence={**event.evidence, "superseded_by": successor},
    )


# -- packing -----------------------------------------------------------------------------------

_TRUTH_TYPES = msgspec.defstruct(
    "TruthStates",
    [(d.name, d.state_type, msgspec.field(default_factory=d.state_type)) for d in TRUTH],
)
_KNOWLEDGE_TYPES = msgspec.defstruct(
    "KnowledgeStates",
    [(d.name, d.state_type, msgspec.field(default_factory=d.state_type)) for d in KNOWLEDGE],
)


class _PackedTruth(Struct):
    sense: Sense
    states: _TRUTH_TYPES  # type: ignore[valid-type]


_encoder = msgspec.msgpack.Encoder()
_truth_decoder = msgspec.msgpack.Decoder(_PackedTruth)
_knowledge_decoder = msgspec.msgpack.Decoder(_KNOWLEDGE_TYPES)


def pack_truth(truth: Truth) -> bytes:
    """Encode a truth; detectors are named, so that one can be added later."""
    return _encoder.encode(_PackedTruth(truth.sense, _TRUTH_TYPES(*truth.states)))


def unpack_truth(packed: bytes) -> Truth:
    """Read what `pack_truth` wrote; a detector that was not there then begins anew."""
    kept = _truth_decoder.decode(packed)
    states = tuple(getattr(kept.states, d.name) for d in TRUTH)
    return Truth(kept.sense, states, _due(TRUTH, states))


def pack_knowledge(knowledge: Knowledge) -> bytes:
    """Encode what is known."""
    return _encoder.encode(_KNOWLEDGE_TYPES(*knowledge.states))


def unpack_knowledge(packed: bytes) -> Knowledge:
    """Read what `pack_knowledge` wrote."""
    kept = _knowledge_decoder.decode(packed)
    states = tuple(getattr(kept, d.name) for d in KNOWLEDGE)
    return Knowledge(states, _due(KNOWLEDGE, states))
