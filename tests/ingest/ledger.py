"""The ledger of house.md section 2: what remains of all output when retracted pairs are gone.

Key (shipment, kind, subject, episode), value (severity, occurred_at, cleared at). Events that
describe our knowledge are not part of it.
"""

from collections.abc import Iterable

from ingest.detectors import KNOWLEDGE
from puente.instant import Instant
from puente.model import Event, Phase, Severity

ABOUT_KNOWLEDGE = frozenset(kind for detector in KNOWLEDGE for kind in detector.kinds)

Key = tuple[str, str, str, Instant]
Value = tuple[Severity, Instant, Instant | None]


def ledger_of(events: Iterable[Event]) -> dict[Key, Value]:
    """Build the ledger, insisting on what must hold at every step of the way."""
    ledger: dict[Key, Value] = {}
    for event in events:
        if event.kind in ABOUT_KNOWLEDGE:
            assert event.phase is not Phase.RETRACTED, "knowledge is cleared, never retracted"
            continue
        key = (event.shipment_id, event.kind, event.subject, event.episode)
        match event.phase:
            case Phase.RAISED | Phase.NOTED:
                assert key not in ledger, f"said twice: {event}"
                ledger[key] = (event.severity, event.occurred_at, None)
            case Phase.CLEARED:
                assert key in ledger, f"cleared but never raised: {event}"
                severity, occurred_at, _ = ledger[key]
                ledger[key] = (severity, occurred_at, event.occurred_at)
            case Phase.RETRACTED:
                assert key in ledger, f"taken back but never said: {event}"
                del ledger[key]
    return ledger


def open_keys(ledger: dict[Key, Value], latching: frozenset[str]) -> set[tuple[str, str, Instant]]:
    """Return what stands open by the ledger: raised and not cleared, without noted kinds."""
    return {
        (kind, subject, episode)
        for (_, kind, subject, episode), (_, _, cleared_at) in ledger.items()
        if cleared_at is None and kind in latching
    }
