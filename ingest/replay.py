"""`puente replay`: the whole decision path without a server (interfaces, section 4).

The same decoders, admission and fold as live; only the log is a file, duplicates are found in
memory, and the desk is not there. Same input, same output, byte for byte.
"""

import base64
import binascii
import gzip
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import click
import msgspec

from ingest.admission import Admitted, Refused, admit
from ingest.gaps import find_gaps
from ingest.partition import Partition
from ingest.summary import shipment_summary
from puente.instant import Instant, parse, text
from puente.model import Delivery, Event, Phase, Reading, Reject, Rejection, sent_hash
from puente.plan import Plan
from puente.plandocument import warnings
from puente.planfile import PlanError, read_files, to_plan
from puente.ranges import Ranges, add


class _Line(msgspec.Struct):
    topic: str
    received_at: str
    payload: msgspec.Raw = msgspec.Raw()
    payload_base64: str | None = None


_line_decoder = msgspec.json.Decoder(_Line)


class BadLine(ValueError):
    """A line of the input that is not a delivery."""


def read_delivery(line: bytes, clock: Instant | None) -> Delivery:
    """Read one line; the clock never goes back, so an earlier reception counts as the clock.

    Raises:
        BadLine: not an object with `topic`, `received_at` and one of the payload fields.
    """
    try:
        fields = _line_decoder.decode(line)
        received_at = parse(fields.received_at)
        if fields.payload_base64 is not None:
            payload = base64.b64decode(fields.payload_base64, validate=True)
        else:
            payload = bytes(fields.payload)
    except (msgspec.MsgspecError, ValueError, binascii.Error, RecursionError) as error:
        raise BadLine(str(error)) from None
    if not payload and fields.payload_base64 is None:
        raise BadLine("neither payload nor payload_base64")
    return Delivery(fields.topic, payload, max(received_at, clock or received_at))


@dataclass
class Replay:
    """One replay: feed it lines, take what it decides."""

    plan: Plan
    partition: Partition = field(init=False)
    counts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    unassigned: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    clock: Instant | None = None
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)
    _ranges: dict[tuple[str, int], Ranges] = field(default_factory=dict)
    _instant: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with no reading."""
        self.partition = Partition(self.plan)

    def feed(self, line: bytes, number: int) -> Iterator[bytes]:
        """Take one line of the input; yields what is decided by then, one JSON text each."""
        try:
            delivery = read_delivery(line, self.clock)
        except BadLine:
            self.rejected[Reject.BAD_LINE.value] += 1
            yield _encode({"rejection": Reject.BAD_LINE.value, "detail": f"line {number}"})
            return
        self.counts["deliveries"] += 1
        yield from self.pass_time(delivery.received_at)
        verdict = admit(delivery)
        if isinstance(verdict, Refused):
            self.rejected[verdict.rejection.rejection.value] += 1
            self._note_number(verdict.rejection.device_id, verdict.boot, verdict.seq)
            yield _encode(_rejection(verdict.rejection))
            return
        self._decide(self.partition.advance(delivery.received_at))
        reading = self._once(verdict)
        if reading is not None:
            self._decide(self.partition.read(reading))

    def pass_time(self, to: Instant) -> Iterator[bytes]:
        """Let the clock go on; yields the events of every instant that is over."""
        if self.clock is not None and to <= self.clock:
            return
        if self.clock is not None:
            self._decide(self.partition.advance(to - 1))
            yield from self._flush()
        self.clock = to

    def end(self, at: Instant | None = None) -> Iterator[bytes]:
        """Finish: deadlines up to the clock fire, with `at` up to that."""
        reached = [t for t in (self.clock, at) if t is not None]
        if reached:
            self.clock = max(reached)
            self._decide(self.partition.advance(self.clock))
        yield from self._flush()

    def summary(self) -> dict[str, Any]:
        """Tell what became of everything (interfaces, section 4)."""
        return {
            "deliveries": self.counts["deliveries"],
            "readings": self.counts["readings"],
            "duplicates": self.counts["duplicates"],
            "conflicts": self.counts["conflicts"],
            "late": self.counts["late"],
            "rejected": dict(sorted(self.rejected.items())),
            "unassigned": dict(sorted(self.unassigned.items())),
            "events": {kind: n for kind, n in sorted(self.kinds.items()) if n},
            "shipments": {
                subject.id: shipment_summary(subject, view)
                for subject in sorted(self.partition.subjects.values(), key=lambda s: s.id)
                if (view := self.plan.view(subject.id)) is not None
            },
        }

    def _once(self, admitted: Admitted) -> Reading | None:
        reading = admitted.reading
        t = reading.telemetry
        key, content = (t.device_id, reading.identity), sent_hash(reading)
        known = self._seen.get(key)
        if known is not None:
            self.counts["duplicates"] += 1
            self.counts["conflicts"] += known != content
            return None
        self._seen[key] = content
        self.counts["readings"] += 1
        self.counts["late"] += reading.late
        if self.plan.bind(t.device_id, t.at) is None:
            self.unassigned[t.device_id] += 1
        return self._with_gaps(reading)

    def _with_gaps(self, reading: Reading) -> Reading:
        t = reading.telemetry
        self._note_number(t.device_id, t.boot, t.seq)
        if t.boot is None or t.oldest is None:
            return reading
        key = (t.device_id, t.boot)
        gaps, self._ranges[key] = find_gaps(self._ranges[key], t.boot, t.oldest)
        return msgspec.structs.replace(reading, gaps=gaps) if gaps else reading

    def _note_number(self, device_id: str | None, boot: int | None, seq: int | None) -> None:
        if device_id is not None and boot is not None and seq is not None:
            key = (device_id, boot)
            self._ranges[key] = add(self._ranges.get(key, ()), seq, seq)

    def _decide(self, events: list[Event]) -> None:
        self._instant += events

    def _flush(self) -> Iterator[bytes]:
        events = sorted(
            settled(self._instant),
            key=lambda e: (
                e.learned_at,
                e.shipment_id,
                e.kind,
                e.subject,
                _PHASES.index(e.phase),
                e.episode,
            ),
        )
        self._instant = []
        for event in events:
            self.kinds[event.kind] += _weight(event)
            yield _encode(event_object(event))


def settled(events: Iterable[Event]) -> list[Event]:
    """Leave out what one instant both said and took back: nobody could have seen it.

    Many readings may arrive at one instant; only what stands after all of them was decided then.
    """
    said: list[Event] = []
    for event in events:
        if event.phase is Phase.RETRACTED:
            begun = [i for i, e in enumerate(said) if _begins(e, event)]
            if begun:
                episode = _episode(event)
                said[begun[-1] :] = [e for e in said[begun[-1] :] if _episode(e) != episode]
                continue
        said.append(event)
    return said


def _begins(event: Event, retraction: Event) -> bool:
    return (
        event.phase in (Phase.RAISED, Phase.NOTED)
        and event.learned_at == retraction.learned_at
        and _episode(event) == _episode(retraction)
    )


def _episode(event: Event) -> tuple[str, str, str, Instant]:
    return event.shipment_id, event.kind, event.subject, event.episode


_PHASES = (Phase.RETRACTED, Phase.RAISED, Phase.NOTED, Phase.CLEARED)
"""Order at one instant: taken back before said anew, raised before cleared. A reader that takes
one line after the other never sees an episode end that has not begun."""


def _weight(event: Event) -> int:
    match event.phase:
        case Phase.RAISED | Phase.NOTED:
            return 1
        case Phase.RETRACTED:
            return -1
        case _:
            return 0


def event_object(event: Event) -> dict[str, Any]:
    """Write an event as interfaces section 4 promises it; floats rounded to 6 decimals."""
    plain = msgspec.to_builtins(event)
    for name in ("episode", "occurred_at", "confirmed_at", "learned_at"):
        plain[name] = text(plain[name])
    rounded: dict[str, Any] = round_floats(plain)
    return rounded


def round_floats(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Round every float in a JSON value to 6 decimals."""
    match value:
        case float():
            return round(value, 6) + 0.0
        case dict():
            return {key: round_floats(item) for key, item in value.items()}
        case list() | tuple():
            return [round_floats(item) for item in value]
        case _:
            return value


def _rejection(rejection: Rejection) -> dict[str, Any]:
    return {
        "rejection": rejection.rejection.value,
        "detail": rejection.detail,
        "topic": rejection.topic,
        "received_at": None if rejection.received_at is None else text(rejection.received_at),
    }


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def open_input(path: Path) -> BinaryIO:
    """Open a deliveries file; `-` is standard input, `.gz` is decompressed."""
    if str(path) == "-":
        return sys.stdin.buffer
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def run(
    plan: Plan, lines: Iterable[bytes], output: IO[bytes], end_at: Instant | None = None
) -> Replay:
    """Replay deliveries and write what is decided, one JSON object a line."""
    replay = Replay(plan)
    for number, line in enumerate(lines, start=1):
        for said in replay.feed(line, number):
            output.write(said + b"\n")
    for said in replay.end(end_at):
        output.write(said + b"\n")
    return replay


class _InstantParam(click.ParamType[Instant]):
    name = "instant"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click passes what it has
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Instant:
        if isinstance(value, int):
            return value
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(
    epilog="Example: puente replay --plan plan.json --input deliveries.jsonl "
    "--output events.jsonl --summary summary.json"
)
@click.option(
    "--plan",
    "plan_files",
    type=Path,
    multiple=True,
    required=True,
    help="Plan file (JSON); may be given several times.",
)
@click.option(
    "--input",
    "input_path",
    type=Path,
    required=True,
    help="Deliveries, one JSON object a line; .gz is read as it is, - is stdin.",
)
@click.option("--output", type=Path, help="Where events go; default: standard output.")
@click.option("--summary", type=Path, help="Where the summary (JSON) goes.")
@click.option(
    "--end-at",
    type=_InstantParam(),
    help="Let the clock run to this RFC 3339 instant after the last line.",
)
def replay(
    plan_files: tuple[Path, ...],
    input_path: Path,
    output: Path | None,
    summary: Path | None,
    end_at: Instant | None,
) -> None:
    """Decide over recorded deliveries, without a server.

    Prints every event that the same messages would have caused live, and every rejection.
    """
    try:
        document = read_files(plan_files)
        plan = to_plan(document, 1)
    except (PlanError, OSError) as error:
        raise click.ClickException(str(error)) from None
    for warning in warnings(document):
        click.echo(f"warning: {warning}", err=True)
    with ExitStack() as stack:
        try:
            source = stack.enter_context(open_input(input_path))
            target = stack.enter_context(output.open("wb")) if output else sys.stdout.buffer
            done = run(plan, source, target, end_at)
        except (OSError, EOFError) as error:
            raise click.ClickException(f"{input_path}: {error}") from None
        target.flush()
    if summary is not None:
        told = round_floats(done.summary())
        summary.write_bytes(msgspec.json.format(_encode(told), indent=2) + b"\n")
