"""`puente simulate`: labelled journeys on real roads, published over MQTT like any device's."""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ingest.simulator.continuation import Run, remember, set_out
from ingest.simulator.devices import Window
from ingest.simulator.fleet import Fleet, Message
from ingest.simulator.incidents import Label
from ingest.simulator.plan_maker import make_plan
from ingest.simulator.publisher import Publisher, PublishError
from ingest.simulator.run import Courier, Progress, live, write_deliveries
from ingest.simulator.scenario import Scenario, Settings, build
from puente import clock as clocks
from puente import instant
from puente.clock import Clock
from puente.instant import HOUR, MINUTE, Instant
from puente.settings import Settings as Environment
from puente.settings import SettingsError
from puente.settings import load as load_environment

MOST_SHIPMENTS = 20_000
PLAN_SOURCE = "simulator"


@click.command(
    name="simulate",
    epilog="Example: puente simulate --shipments 50 --seed 7 --labels labels.jsonl",
)
@click.option(
    "--shipments",
    default=300,
    show_default=True,
    type=click.IntRange(1, MOST_SHIPMENTS),
    help="Shipments under way.",
)
@click.option(
    "--speed",
    default=None,
    type=click.FloatRange(0.01, 10_000),
    help="How much faster than real time; other than 1 it must be the CLOCK_RATE that all "
    "processes share, which `puente up` sees to.",
)
@click.option(
    "--seed", default=1, show_default=True, type=int, help="The same seed, the same journeys."
)
@click.option(
    "--incidents",
    "rate",
    default=0.06,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of shipments on which something goes wrong.",
)
@click.option(
    "--labels",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what should be noticed to this file, JSON lines.",
)
@click.option(
    "--plan-out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the plan to this file.",
)
@click.option("--mqtt", "mqtt_url", help="Broker; default MQTT_URL, else the local MQTT_PORT.")
@click.option(
    "--backfill-h",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, 48),
    help="Hours of history that are sent first.",
)
@click.option(
    "--interval-s",
    default=10.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    help="Seconds between readings of a moving trailer.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0),
    help="Stop after so many minutes on the clock; default: never, with --output 10.",
)
@click.option("--no-load", is_flag=True, help="Do not store the plan in Redis.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write deliveries for `puente replay` to this file (.gz packs) instead of publishing.",
)
@click.option("--start", help="With --output: the instant at which live time begins, RFC 3339.")
def main(
    *,
    shipments: int,
    speed: float | None,
    seed: int,
    rate: float,
    labels: Path | None,
    plan_out: Path | None,
    mqtt_url: str | None,
    backfill_h: float,
    interval_s: float,
    minutes: float | None,
    no_load: bool,
    output: Path | None,
    start: str | None,
) -> None:
    """Simulate trucks on real roads, with labelled incidents, as MQTT devices.

    The plan is stored first, then the last hours are sent as fast as the broker takes them, then
    live readings follow until Ctrl-C. All devices share one MQTT connection; each numbers its
    readings and sends again what the server's watermark does not confirm.
    """
    environment = _environment()
    if start is not None and output is None:
        raise click.UsageError("--start is for --output: what is published happens now")
    if output is None:
        _check_speed(speed, environment)
    clock = environment.clock
    now = clock.now() if start is None else _instant(start)
    new = Run(shipments, seed, rate, backfill_h, now, now - round(backfill_h * HOUR))
    run = new if output is not None else set_out(environment.state_dir, new)
    scenario = build(Settings(shipments, seed, run.began_at, rate, backfill_h, run.first))
    window = Window(run.sent_until, now, interval_s)
    if minutes is None and output is not None:
        minutes = 10.0
    end_at = None if minutes is None else now + round(minutes * MINUTE)
    plan = make_plan(scenario)
    if plan_out is not None:
        _write(plan_out, [plan])
    if labels is not None:
        _write(labels, [label.document() for label in labels_until(scenario, end_at)])
    fleet = Fleet(scenario.trips, window)
    if output is not None:
        assert end_at is not None
        count = write_deliveries(fleet, end_at, output)
        click.echo(f"{count} deliveries of {shipments} shipments written to {output}")
        return
    if not no_load:
        store_plan(environment, plan, now)
    url = mqtt_url or environment.mqtt_url or f"mqtt://127.0.0.1:{environment.mqtt_port}"
    try:
        _publish(url, fleet, window, clock, end_at, environment.state_dir, run)
    except PublishError as error:
        raise click.ClickException(str(error)) from None


def labels_until(scenario: Scenario, end_at: Instant | None) -> list[Label]:
    """Return the labels of what begins before an instant."""
    return [label for label in scenario.labels if end_at is None or label.occurred_at < end_at]


def _environment() -> Environment:
    try:
        return load_environment()
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def _check_speed(speed: float | None, environment: Environment) -> None:
    if speed is not None and speed != environment.clock_rate:
        raise click.UsageError(
            f"--speed {speed:g} needs every process on the same clock: set CLOCK_START, "
            f"CLOCK_ANCHOR and CLOCK_RATE={speed:g} for all of them, or use `puente up`"
        )


def _instant(text: str) -> Instant:
    try:
        return instant.parse(text)
    except ValueError as error:
        raise click.UsageError(f"--start: {error}") from None


def _write(path: Path, documents: list[dict[str, Any]]) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            for document in documents:
                file.write(json.dumps(document, ensure_ascii=False) + "\n")
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None


def store_plan(environment: Environment, plan: dict[str, Any], now: Instant) -> None:
    """Put the plan over what is stored, as `puente load` does."""
    # Imported here: writing files needs no Redis.
    from puente import planfile  # noqa: PLC0415
    from puente.store import connection, plans  # noqa: PLC0415

    if not environment.redis_url:
        raise click.UsageError("REDIS_URL says where the plan is stored; or give --no-load")
    store = connection.connect(environment.redis_url)
    try:
        stored = plans.load_document(store) or planfile.PlanDocument()
        document = planfile.merge(stored, planfile.parse(plan, PLAN_SOURCE))
        if document != stored:
            plans.save_plan(store, document, now)
    except (planfile.PlanError, connection.StoreUnavailable) as error:
        raise click.ClickException(f"the plan cannot be stored: {error}") from None


def _publish(
    url: str,
    fleet: Fleet,
    window: Window,
    clock: Clock,
    end_at: Instant | None,
    folder: Path,
    run: Run,
) -> None:
    publisher = Publisher(url)
    publisher.connect()
    courier = Courier(fleet, publisher, clocks.monotonic_s)
    try:
        with _stoppable():
            began_s = clocks.monotonic_s()
            with _progress(window) as progress:
                courier.deliver_until(window.live_from, progress)
            publisher.drain()
            took_s = clocks.monotonic_s() - began_s
            count = courier.totals.published
            click.echo(f"history: {count} readings in {took_s:.1f} s to {publisher.address}")
            remember(folder, run, window.live_from)
            live(
                courier,
                clock,
                end_at,
                threading.Event().wait,
                lambda until: remember(folder, run, until),
            )
            publisher.drain()
    except KeyboardInterrupt:
        pass
    finally:
        publisher.close()
        published, resent, held = courier.totals
        click.echo(
            f"published {published}, sent again {resent}, without watermark {held}, "
            f"reconnected {publisher.reconnects}"
        )
        for reason, count in sorted(publisher.refused.items()):
            click.echo(f"refused by the broker: {reason}: {count}", err=True)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM stop the run as Ctrl-C does, in the history too."""
    usual = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)


@contextmanager
def _progress(window: Window) -> Iterator[Progress | None]:
    """Show how much of the history is sent, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    seconds = (window.live_from - window.history_from) // 1000
    with click.progressbar(length=seconds, label="history", file=sys.stderr) as bar:
        shown = 0

        def progress(message: Message) -> None:
            nonlocal shown
            done = (message.send_at - window.history_from) // 1000
            if done - shown >= 30:
                bar.update(done - shown)
                shown = done

        yield progress
