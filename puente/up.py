"""`puente up`: everything on one machine, in one terminal."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import click

from puente import planfile, ports, scaling, settings, statedir
from puente.launch import Launch, Options
from puente.stack import StackFailure, Stopped
from puente.store.meta import LayoutError

_PORT = click.IntRange(0, 65_535)


@click.command(
    epilog="Example: puente up --demo --shipments 200 --speed 60",
)
@click.option(
    "--plan", type=click.Path(exists=True, dir_okay=False), help="Plan file to load first."
)
@click.option("--demo", is_flag=True, help="Start the simulator too.")
@click.option("--shipments", type=click.IntRange(1), help="Shipments that the demo simulates.")
@click.option(
    "--speed",
    type=click.FloatRange(0.01, 10_000),
    help="How much faster than real time the clock of everything runs.",
)
@click.option("--seed", type=int, help="Seed of the demo: the same seed, the same journeys.")
@click.option(
    "--incidents",
    type=click.FloatRange(0, 1),
    help="Share of the demo's journeys on which something goes wrong.",
)
@click.option("--port", type=_PORT, help="Port of the dashboard.  [default: 8050]")
@click.option(
    "--mqtt-port", type=_PORT, help="Port of a broker that Puente starts.  [default: 1883]"
)
@click.option(
    "--redis-port", type=_PORT, help="Port of a Redis that Puente starts.  [default: any]"
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False),
    help="Where state is kept.  [default: .puente]",
)
@click.option(
    "--gateways", type=click.IntRange(1, 16), default=1, show_default=True, help="Gateways."
)
def up(
    plan: str | None,
    demo: bool,
    shipments: int | None,
    speed: float | None,
    seed: int | None,
    incidents: float | None,
    port: int | None,
    mqtt_port: int | None,
    redis_port: int | None,
    state_dir: str | None,
    gateways: int,
) -> None:
    """Start servers, gateway, engine, desk and dashboard here.

    Uses the Redis of REDIS_URL, one on PATH, or the embedded one; the broker of MQTT_URL,
    mosquitto on PATH, or the embedded one. State stays in .puente and survives a restart. Ctrl-C
    stops everything that was started, and nothing else.
    """
    simulate = {"--shipments": shipments, "--seed": seed, "--incidents": incidents}
    words = tuple(
        word
        for name, value in simulate.items()
        if value is not None
        for word in (name, f"{value:g}")
    )
    if words and not demo:
        raise click.UsageError(f"{words[0]} says what the demo shows; add --demo")
    options = Options(
        plan=planfile.read_files([plan]) if plan else None,
        demo=demo,
        simulate=words,
        speed=speed,
        gateways=gateways,
        asked_ports=frozenset(
            name
            for name, given in (
                ("port", port),
                ("mqtt_port", mqtt_port),
                ("redis_port", redis_port),
            )
            if given is not None or os.environ.get(settings.variable(name))
        ),
    )
    loaded = settings.load()
    loaded = replace(
        loaded,
        port=loaded.port if port is None else port,
        mqtt_port=loaded.mqtt_port if mqtt_port is None else mqtt_port,
        redis_port=loaded.redis_port if redis_port is None else redis_port,
    )
    if state_dir is not None:
        loaded = replace(loaded, state_dir=Path(state_dir))
    _run(loaded, options)


def _run(loaded: settings.Settings, options: Options) -> None:
    try:
        lock = statedir.Lock(loaded.state_dir)
        lock.take()
    except (OSError, statedir.StateDirInUse) as error:
        raise click.ClickException(str(error)) from error
    launch = Launch(loaded, options, lock, click.echo)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: launch.stack.request_stop())
    try:
        launch.up()
    except Stopped:
        pass
    except (StackFailure, ports.PortTaken, scaling.ClockConflict, LayoutError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        if launch.stack.pids:
            click.echo("stopping")
        launch.down()
        lock.release()
