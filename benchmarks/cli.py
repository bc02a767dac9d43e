"""`puente bench`: what this machine can do."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from benchmarks import ingest as ingest_bench
from benchmarks.report import table


@click.group(epilog="Example: puente bench ingest --seconds 20 --shipments 1000")
def bench() -> None:
    """Measure this machine against a plain worker."""


@bench.command(epilog="Example: puente bench ingest --seconds 20 --shipments 1000 --json")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 120),
    default=20.0,
    show_default=True,
    help="How long each of the two programs is measured.",
)
@click.option(
    "--shipments",
    type=click.IntRange(10, 20_000),
    default=1000,
    show_default=True,
    help="Trucks, each with a device, a route, a cargo profile and a seal.",
)
@click.option(
    "--geofences",
    type=click.IntRange(8, 20_000),
    default=1000,
    show_default=True,
    help="Geofences, three quarters of them on the routes.",
)
@click.option(
    "--engines", type=click.IntRange(1, 16), default=1, show_default=True, help="Engines."
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def ingest(*, seconds: float, shipments: int, geofences: int, engines: int, as_json: bool) -> None:
    """Measure the way from the broker to a committed decision.

    A plain worker (paho, json, HSET and XADD by redis-py; it only stores) and Puente with every
    detector take turns behind the same broker and the same Redis, which are started for this and
    stopped again: the ones on PATH, else the embedded ones. Takes two and a half times SECONDS
    and some more. Redis syncs every write to the disk that holds TMPDIR.
    """
    options = ingest_bench.Options(seconds, shipments, geofences, engines)
    try:
        with _stoppable(), _progress(options) as step:
            found = ingest_bench.run(options, step).document()
    except ingest_bench.BenchFailure as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(found))
        return
    for line in table(found):
        click.echo(line)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM and a closed terminal stop the run as Ctrl-C does, servers included.

    Ctrl-C too: a shell script's background commands begin with SIGINT ignored.
    """
    usual = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in usual:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


@contextmanager
def _progress(options: ingest_bench.Options) -> Iterator[ingest_bench.Step]:
    """Show on a terminal how far the run is."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    total = round(options.planned_s * 10)
    with click.progressbar(
        length=total, file=sys.stderr, item_show_func=lambda what: what or ""
    ) as bar:
        shown = 0.0

        def step(what: str, seconds: float) -> None:
            nonlocal shown
            shown += seconds * 10
            if int(shown) > bar.pos:
                bar.update(int(shown) - bar.pos, what)

        yield step
