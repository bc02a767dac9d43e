"""Late truth: one shipment's readings in device time, whatever the order they come in.

A timeline keeps the newest steps of the fold: each reading with the truth after it. A reading
that belongs between them sends the fold back to the step before it; everything after is folded
again, and only the difference of the ledger is published. Steps older than memory holds are
fetched by the caller from the track (`Timeline.reaches` says when).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from ingest import pipeline
from ingest.pipeline import Truth
from puente.instant import Instant
from puente.model import Finding, Observation, Phase, Reading
from puente.plan import ShipmentPlan

Order = tuple[Instant, str, int, int, str]
"""Where a reading stands in the truth (`Reading.order`)."""

LONG_AGO: Instant = -(1 << 62)

BEFORE_ALL: Order = (LONG_AGO, "", -1, -1, "")


class Step(NamedTuple):
    """One reading in the fold, and the truth after it."""

    order: Order
    reading: Reading
    truth: Truth
    findings: tuple[Finding, ...]
    observation: Observation | None


class Correction(NamedTuple):
    """What changed in the ledger: findings that no longer hold, and findings that now do."""

    retracted: tuple[Finding, ...]
    published: tuple[Finding, ...]


@dataclass
class Timeline:
    """The newest part of one shipment's truth.

    `base` is the truth before the first step, `base_order` the newest reading in it and
    `base_at` the newest deadline that fired in it after that reading.
    `tail` is the truth after the last step with the deadlines that the clock has passed since,
    `tail_findings` what they decided, `tail_at` the newest of those deadlines.
    """

    base: Truth = field(default_factory=pipeline.truth_before)
    base_order: Order = BEFORE_ALL
    base_at: Instant = LONG_AGO
    steps: list[Step] = field(default_factory=list)
    tail: Truth = field(init=False)
    tail_findings: tuple[Finding, ...] = ()
    tail_at: Instant = LONG_AGO

    def __post_init__(self) -> None:
        """Begin with no deadline passed."""
        self.tail = self.steps[-1].truth if self.steps else self.base

    @property
    def newest(self) -> Order:
        """The newest reading in the fold."""
        return self.steps[-1].order if self.steps else self.base_order

    def reaches(self, order: Order) -> bool:
        """Tell whether a reading of this order can be folded without fetching older steps."""
        return order > self.base_order and order[0] >= self.base_at

    def holds(self, order: Order) -> bool:
        """Tell whether exactly this reading is among the steps."""
        index = bisect_right(self.steps, order, key=_order) - 1
        return index >= 0 and self.steps[index].order == order

    def add(self, readings: Iterable[Reading], clock: Instant, plan: ShipmentPlan) -> Correction:
        """Fold readings at their own times; returns what changed in the ledger.

        Readings that are there already, or that the plan does not bind, change nothing. All must
        be within reach. `clock` is the instant up to which deadlines have passed.
        """
        fresh = sorted(
            {r.order: r for r in readings if not self.holds(r.order)}.items(), key=_first
        )
        if not fresh:
            return Correction((), ())
        first_order, first = fresh[0]
        if len(fresh) == 1 and first_order > self.newest and first.at >= self.tail_at:
            return self._append(first, clock, plan)
        return self._refold([reading for _, reading in fresh], clock, plan)

    def pass_time(self, clock: Instant, plan: ShipmentPlan) -> tuple[Finding, ...]:
        """Let the clock pass deadlines that no reading has passed yet."""
        due = self.tail.due
        if due is None or due > clock:
            return ()
        passed = pipeline.pass_time(self.tail, clock, plan)
        self.tail = passed.truth
        self.tail_findings = (*self.tail_findings, *passed.findings)
        if passed.fired_at is not None:
            self.tail_at = passed.fired_at
        return passed.findings

    def trim(self, keep_from: Instant, most: int) -> None:
        """Forget steps before an instant, and the oldest beyond a number of them."""
        cut = bisect_right(self.steps, keep_from, key=_at)
        cut = max(cut, len(self.steps) - most)
        if cut > 0:
            self.base, self.base_order = self.steps[cut - 1].truth, self.steps[cut - 1].order
            self.base_at = LONG_AGO
            del self.steps[:cut]

    def _append(self, reading: Reading, clock: Instant, plan: ShipmentPlan) -> Correction:
        before = self.tail_findings
        folded = pipeline.fold(self.tail, reading, plan)
        if folded is None:
            return Correction((), ())
        self.steps.append(
            Step(
                reading.order,
                reading,
                folded.truth,
                (*before, *folded.findings),
                folded.observation,
            )
        )
        self._restart_tail()
        return Correction((), (*folded.findings, *self.pass_time(clock, plan)))

    def _restart_tail(self) -> None:
        self.tail = self.steps[-1].truth if self.steps else self.base
        self.tail_findings, self.tail_at = (), LONG_AGO

    def _refold(self, fresh: Sequence[Reading], clock: Instant, plan: ShipmentPlan) -> Correction:
        cut = bisect_right(self.steps, fresh[0].order, key=_order)
        undone, self.steps = self.steps[cut:], self.steps[:cut]
        truth = self.steps[-1].truth if self.steps else self.base
        old: list[Finding] = []
        new: list[Finding] = []
        pending = list(fresh)
        for i, step in enumerate(undone):
            while pending and pending[0].order < step.order:
                truth = self._fold(truth, pending.pop(0), plan, new)
            truth = self._fold(truth, step.reading, plan, new)
            old += step.findings
            if not pending and truth == step.truth:
                # The late readings have left no trace from here on: the rest stands.
                self.steps += undone[i + 1 :]
                return correction(old, new, self.findings)
        for reading in pending:
            truth = self._fold(truth, reading, plan, new)
        old += self.tail_findings
        self._restart_tail()
        new += self.pass_time(clock, plan)
        return correction(old, new, self.findings)

    @property
    def findings(self) -> list[Finding]:
        """Everything that the steps in memory decided, and the deadlines after them."""
        decided = [finding for step in self.steps for finding in step.findings]
        return [*decided, *self.tail_findings]

    def _fold(
        self, truth: Truth, reading: Reading, plan: ShipmentPlan, found: list[Finding]
    ) -> Truth:
        folded = pipeline.fold(truth, reading, plan)
        if folded is None:
            return truth
        self.steps.append(
            Step(reading.order, reading, folded.truth, folded.findings, folded.observation)
        )
        found += folded.findings
        return folded.truth


def correction(
    old: Sequence[Finding], new: Sequence[Finding], earlier: Iterable[Finding] = ()
) -> Correction:
    """Compare what had been decided with what is decided now, episode by episode.

    What was only added is published. A clear that moved is published again. Anything else takes
    the episode back and publishes it anew: also when a clear no longer holds, whose raise may
    lie among `earlier` findings that were not decided again.
    """
    before, after = _by_episode(old), _by_episode(new)
    retracted: list[Finding] = []
    published: list[Finding] = []
    for episode in {**after, **before}:
        was, now = before.get(episode, []), after.get(episode, [])
        claims_was, claims_now = set(map(_claim, was)), set(map(_claim, now))
        if claims_was == claims_now:
            continue
        openings_was = [f for f in was if f.phase is not Phase.CLEARED]
        openings_now = [f for f in now if f.phase is not Phase.CLEARED]
        same_opening = set(map(_claim, openings_was)) == set(map(_claim, openings_now))
        still_cleared = len(now) > len(openings_now) or len(was) == len(openings_was)
        if same_opening and still_cleared:
            published += [f for f in now if _claim(f) not in claims_was]
            continue
        if same_opening and not openings_was:
            openings_was = openings_now = [_opening(episode, was[0], earlier)]
            now = openings_now
        retracted += openings_was
        published += now
    places = {id(f): i for i, f in enumerate(new)}
    published.sort(key=lambda f: places.get(id(f), -1))
    return Correction(tuple(retracted), tuple(published))


Episode = tuple[str, str, Instant]


def _by_episode(findings: Iterable[Finding]) -> dict[Episode, list[Finding]]:
    episodes: dict[Episode, list[Finding]] = {}
    for finding in findings:
        episodes.setdefault(_episode(finding), []).append(finding)
    return episodes


def _opening(episode: Episode, clear: Finding, earlier: Iterable[Finding]) -> Finding:
    for finding in earlier:
        if finding.phase is Phase.RAISED and _episode(finding) == episode:
            return finding
    # The raise is older than memory: say what the clear says of it.
    return msgspec.structs.replace(
        clear,
        phase=Phase.RAISED,
        occurred_at=clear.episode,
        confirmed_at=clear.episode,
        title="Open again",
        summary=f"Late readings show that this did not end as reported: {clear.summary}",
    )


def _claim(finding: Finding) -> tuple[object, ...]:
    return (*_episode(finding), finding.phase, finding.occurred_at, finding.severity)


def _episode(finding: Finding) -> Episode:
    return finding.kind, finding.subject, finding.episode


def _order(step: Step) -> Order:
    return step.order


def _at(step: Step) -> Instant:
    return step.order[0]


def _first(item: tuple[Order, Reading]) -> Order:
    return item[0]
