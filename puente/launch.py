"""What a Puente stack on one machine is made of, and the order in which it comes up.

Redis first (the clock and the plan need it), then the broker, then everything else at once; ready
is what was asked and answered, not what was started.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from puente import clock, instant, orphan, planfile, ports, readiness, scaling, servers, statedir
from puente.instant import Instant
from puente.plandocument import PlanDocument
from puente.progress import Progress
from puente.settings import Settings, environment_of
from puente.stack import Program, Stack, StackFailure
from puente.store import live, plans
from puente.store.connection import Store, connect, server_info
from puente.store.meta import ensure_layout

PHASE_VIEWERS, PHASE_GATEWAY, PHASE_ENGINE, PHASE_DESK, PHASE_BROKER, PHASE_REDIS = range(6)
"""Order of stopping: what reads last is fed first."""

READY_TIMEOUT_S = 90.0
SERVER_TIMEOUT_S = 30.0
GIVEN_TIMEOUT_S = 10.0
"""A server that somebody else runs answers at once, or it is not there."""

_FAST_S = 0.02
_ANY_ADDRESS = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Options:
    """What `puente up` was asked for, beside the settings. None: not asked for."""

    plan: PlanDocument | None = None
    demo: bool = False
    simulate: tuple[str, ...] = ()
    speed: float | None = None
    gateways: int = 1
    asked_ports: frozenset[str] = field(default_factory=frozenset)


class RedisWatch:
    """Probes a Redis that Puente started."""

    EVERY_S = 5.0

    def __init__(self, port: int) -> None:
        self._port = port
        self._asked_s = 0.0

    def poll(self, now_s: float) -> bool | None:
        """Ask when it is time."""
        if now_s - self._asked_s < self.EVERY_S:
            return None
        self._asked_s = now_s
        return readiness.redis_answers(self._port)

    def cancel(self) -> None:
        """Nothing is ever under way."""


class BrokerWatch:
    """Probes a broker that Puente started, in a process beside ours."""

    EVERY_S = 10.0

    def __init__(self, url: str, environment: dict[str, str]) -> None:
        self._url = url
        self._environment = environment
        self._asked_s = 0.0
        self._probe: readiness.BrokerProbe | None = None

    def poll(self, now_s: float) -> bool | None:
        """Start a probe when it is time, or look whether the last one ended."""
        if self._probe is None:
            if now_s - self._asked_s >= self.EVERY_S:
                self._asked_s = now_s
                self._probe = readiness.BrokerProbe(self._url, self._environment)
            return None
        outcome = self._probe.outcome(now_s - self._asked_s)
        if outcome is not None:
            self._probe = None
        return outcome

    def cancel(self) -> None:
        """Give up a probe that is under way."""
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None

    def passes_messages(self) -> bool:
        """Tell whether a probe succeeded; starts the next one when the last failed."""
        now_s = clock.monotonic_s()
        if self._probe is None:
            self._asked_s = now_s
            self._probe = readiness.BrokerProbe(self._url, self._environment)
        outcome = self._probe.outcome(now_s - self._asked_s)
        if outcome is False:
            self._probe = None
        return outcome is True


class Launch:
    """One run of the stack."""

    def __init__(
        self, settings: Settings, options: Options, lock: statedir.Lock, say: Callable[[str], None]
    ) -> None:
        self.settings = replace(settings, state_dir=settings.state_dir.resolve())
        # Where our own processes reach the broker past its front door, which costs a hop.
        self._inner_url = ""
        self.options = options
        self.state_dir = self.settings.state_dir
        self._write_line = say
        self._progress: Progress | None = None
        self._started_s = clock.monotonic_s()
        self._servers: dict[str, str] = {}
        self._scaled = False
        self._clock_saved_s = 0.0
        self._device_url = ""
        self.stack = Stack(self.state_dir / "logs", self._say, self._write_running, (lock.fileno,))

    def _say(self, line: str) -> None:
        if self._progress is not None:
            self._progress.clear()
        self._write_line(line)

    @property
    def dashboard_url(self) -> str:
        """Where people look."""
        return f"http://{self.settings.host}:{self.settings.port}"

    def up(self) -> None:
        """Start everything, say when it is ready, keep it alive until asked to stop.

        Raises:
            StackFailure, PortTaken, ClockConflict: it cannot start, and why.
            Stopped: it was asked to stop before it was ready.
        """
        redis, broker = self._choose_servers()
        self.settings = replace(
            self.settings,
            port=self._port("port", "the dashboard", "--port or PORT"),
        )
        self._say(f"Puente, state in {self.state_dir}")
        store = self._start_redis(redis)
        self._set_clock(store)
        self._load_plan(store)
        watch = self._start_broker(broker)
        began_at = self.settings.clock.now()
        for program in self._programs():
            self.stack.start(program)
        self._wait_ready(store, watch, began_at)
        store.close()
        self.stack.ready = True
        self._write_running(self.stack)
        seconds = clock.monotonic_s() - self._started_s
        shown = "first live fix on the map" if self.options.demo else "ready"
        self._say(
            f"{self.dashboard_url}  ({shown} after {seconds:.1f} s; Ctrl-C stops everything)"
        )
        self.stack.run(self._save_clock)

    def down(self) -> None:
        """Stop everything that was started and forget the addresses."""
        self._save_clock(force=True)
        self.stack.stop()
        statedir.remove_running(self.state_dir)

    def _choose_servers(self) -> tuple[servers.Server, servers.Server]:
        try:
            redis = servers.choose_redis(
                self.settings.redis_url,
                servers.find_on_path,
                servers.version_of_redis,
                servers.embedded_valkey,
            )
        except RuntimeError as error:
            raise StackFailure(str(error)) from error
        broker = servers.choose_broker(
            self.settings.mqtt_url,
            servers.find_on_path,
            servers.version_of_mosquitto,
            servers.iotcore_version,
        )
        refusal = servers.why_not_gateways(broker, self.options.gateways)
        if refusal is not None:
            raise StackFailure(refusal)
        return redis, broker

    def _port(
        self, name: str, purpose: str, setting: str, avoid: frozenset[int] = frozenset()
    ) -> int:
        wanted: int = getattr(self.settings, name)
        asked = name in self.options.asked_ports
        chosen = ports.choose(wanted, asked=asked, purpose=purpose, setting=setting, avoid=avoid)
        if wanted not in (0, chosen):
            self._say(f"port {wanted} for {purpose} is in use, taking {chosen}")
        return chosen

    # Redis

    def _start_redis(self, chosen: servers.Server) -> Store:
        if not chosen.ours:
            store = connect(self.settings.redis_url)
            self.stack.wait_for(
                store.ping,
                f"an answer from {chosen.label}",
                GIVEN_TIMEOUT_S,
                advice="start it, or correct or unset REDIS_URL",
            )
        else:
            port = self._port("redis_port", "Redis", "--redis-port or REDIS_PORT")
            folder = self._folder("redis")
            command = servers.redis_command(chosen.binary or "", port, folder)
            self.stack.start(self._server("redis", command, PHASE_REDIS), RedisWatch(port))
            self.settings = replace(
                self.settings, redis_url=f"redis://127.0.0.1:{port}/0", redis_port=port
            )
            store = connect(self.settings.redis_url)
            self.stack.wait_for(store.ping, "an answer from Redis", SERVER_TIMEOUT_S, _FAST_S)
        info = server_info(store)
        label = chosen.label if chosen.ours else f"{chosen.label}, {info.name} {info.version}"
        address = f" on {servers.without_password(self.settings.redis_url)}" if chosen.ours else ""
        self._introduce("redis", "Redis", label + address, info.lacks, chosen.skipped)
        ensure_layout(store, clock.real_now())
        return store

    # The clock and the plan

    def _set_clock(self, store: Store) -> None:
        if self.settings.clock_start:
            # Whoever sets the three variables has a clock of their own to agree with.
            self._say(f"  clock    as set, at {self.settings.clock_rate:g}x")
            return
        newest = max((status.clock_at for status in live.read_status(store)), default=0)
        saved = statedir.read_clock(self.state_dir)
        chosen = scaling.decide(self.options.speed, saved, newest, clock.real_now())
        if chosen is None:
            return
        self._scaled = True
        self.settings = replace(
            self.settings,
            clock_start=instant.text(chosen.start),
            clock_anchor=instant.text(chosen.anchor),
            clock_rate=chosen.rate,
        )
        self._say(f"  clock    {instant.text(chosen.start)}, runs at {chosen.rate:g}x")

    def _save_clock(self, force: bool = False) -> None:
        now_s = clock.monotonic_s()
        if self._scaled and (force or now_s - self._clock_saved_s >= scaling.SAVE_EVERY_S):
            self._clock_saved_s = now_s
            saved = statedir.SavedClock(self.settings.clock.now(), self.settings.clock_rate)
            statedir.write_clock(self.state_dir, saved)

    def _load_plan(self, store: Store) -> None:
        if self.options.plan is None:
            return
        base = plans.load_document(store) or PlanDocument()
        merged = planfile.merge(base, self.options.plan)
        version = plans.save_plan(store, merged, self.settings.clock.now())
        self._say(f"  plan     version {version}, {len(merged.shipments)} shipments")

    # The broker

    def _start_broker(self, chosen: servers.Server) -> BrokerWatch:
        if chosen.kind == "mosquitto":
            command, label = self._prepare_mosquitto(chosen)
        elif chosen.kind == "iotcore":
            command, label = self._prepare_iotcore(chosen)
        else:
            command, label = [], chosen.label
        if self.options.gateways > 1 and not self.settings.mqtt_shared_group:
            self.settings = replace(self.settings, mqtt_shared_group="puente")
        watch = BrokerWatch(
            self.settings.mqtt_url, statedir.child_environment(environment_of(self.settings))
        )
        if command:
            self.stack.start(self._server("broker", command, PHASE_BROKER), watch)
            port = self.settings.mqtt_port
            self.stack.wait_for(
                lambda: ports.answers(port), "the broker listens", SERVER_TIMEOUT_S, _FAST_S
            )
        else:
            self.stack.wait_for(
                watch.passes_messages,
                f"an answer from {chosen.label}",
                GIVEN_TIMEOUT_S,
                advice="start it, or correct or unset MQTT_URL",
            )
        self.settings = replace(self.settings, mqtt_broker_name=chosen.label)
        self._introduce("broker", "Broker", label, chosen.lacks, chosen.skipped)
        return watch

    def _prepare_mosquitto(self, chosen: servers.Server) -> tuple[list[str], str]:
        port = self._port("mqtt_port", "the broker", "--mqtt-port or MQTT_PORT")
        folder = self._folder("mosquitto")
        self._forget_other_sessions(folder)
        configuration = self.state_dir / "mosquitto.conf"
        text = servers.mosquitto_configuration(port, folder, root=os.geteuid() == 0)
        configuration.write_text(text, encoding="utf-8")
        self._use_broker(port)
        command = [chosen.binary or "", "-c", str(configuration)]
        return command, f"{chosen.label} on {self.settings.mqtt_url}"

    def _prepare_iotcore(self, chosen: servers.Server) -> tuple[list[str], str]:
        port = self._port("mqtt_port", "the broker", "--mqtt-port or MQTT_PORT")
        # rumqttd has a port for each version of MQTT; devices know only one.
        taken = frozenset({port})
        old_port = ports.choose(
            min(port + 1, 65_535), asked=False, purpose="", setting="", avoid=taken
        )
        new_port = ports.choose(
            min(port + 2, 65_535), asked=False, purpose="", setting="", avoid=taken | {old_port}
        )
        configuration = self.state_dir / "rumqttd.toml"
        text = servers.iotcore_configuration(new_port, old_port)
        configuration.write_text(text, encoding="utf-8")
        self._use_broker(port)
        self._inner_url = f"mqtt://127.0.0.1:{new_port}"
        door = [str(p) for p in (port, old_port, new_port)]
        command = [sys.executable, "-m", "puente.broker_iotcore", str(configuration), *door]
        return command, f"{chosen.label} on {self.settings.mqtt_url}"

    def _use_broker(self, port: int) -> None:
        self.settings = replace(self.settings, mqtt_port=port, mqtt_url=f"mqtt://127.0.0.1:{port}")

    def _forget_other_sessions(self, folder: Path) -> None:
        """Drop the broker's queue when the gateways change: an absent member keeps its share."""
        note = folder / "gateways"
        now = f"{self.options.gateways} {self.settings.mqtt_shared_group}".strip()
        before = note.read_text(encoding="utf-8") if note.exists() else now
        if before != now:
            (folder / "mosquitto.db").unlink(missing_ok=True)
            self._say(
                "  the number of gateways changed: the broker starts with an empty queue, devices "
                "that number their readings send again what was in it"
            )
        note.write_text(now, encoding="utf-8")

    # Everything else

    def _programs(self) -> list[Program]:
        inner = replace(self.settings, mqtt_url=self._inner_url or self.settings.mqtt_url)
        environment = statedir.child_environment(environment_of(inner))
        environment[orphan.PARENT] = str(os.getpid())

        def python(
            name: str, phase: int, *words: str, may_finish: bool = False, **more: str
        ) -> Program:
            command = [sys.executable, "-m", "puente.orphan", "-m", *words]
            return Program(name, command, {**environment, **more}, phase, may_finish)

        programs = [
            python(
                "gateway" if number == 0 else f"gateway-{number}",
                PHASE_GATEWAY,
                "ingest.gateway",
                MQTT_CLIENT_ID=f"puente-gateway-{number}",
            )
            for number in range(self.options.gateways)
        ]
        programs += [
            python("engine", PHASE_ENGINE, "ingest.engine"),
            python("desk", PHASE_DESK, "ingest.desk"),
            python("dashboard", PHASE_VIEWERS, "dashboard"),
        ]
        if self.options.demo:
            words = ("puente.cli", "simulate", *self.options.simulate)
            programs.append(python("simulator", PHASE_VIEWERS, *words, may_finish=True))
        return programs

    def _wait_ready(self, store: Store, watch: BrokerWatch, began_at: Instant) -> None:
        shown_clock, rate = self.settings.clock, self.settings.clock_rate
        host = "127.0.0.1" if self.settings.host in _ANY_ADDRESS else self.settings.host
        port = self.settings.port
        steps: list[tuple[str, Callable[[], bool]]] = [
            ("the broker passes messages on", watch.passes_messages),
            (
                "the gateway is connected",
                lambda: readiness.gateway_is_fresh(store, shown_clock.now(), rate),
            ),
            (
                "the engine commits",
                lambda: readiness.engine_is_fresh(store, shown_clock.now(), rate),
            ),
        ]
        if self.options.demo:
            steps.append(
                ("a live fix is on the map", lambda: readiness.has_live_fix(store, began_at))
            )
        steps.append(
            ("the dashboard answers", lambda: readiness.dashboard_answers(host, port)),
        )
        self._progress = Progress(len(steps), self._say, sys.stdout.isatty())
        try:
            for what, check in steps:
                self._progress.waiting(what)
                self.stack.wait_for(check, f"until {what}", READY_TIMEOUT_S)
                self._progress.done(what)
        finally:
            self._progress.clear()
            self._progress = None

    # Small things

    def _server(self, name: str, command: Sequence[str], phase: int) -> Program:
        """Tie a server to our life: it starts through `puente.orphan`."""
        environment = {
            **statedir.child_environment({}),
            orphan.PARENT: str(os.getpid()),
        }
        return Program(name, [sys.executable, "-m", "puente.orphan", *command], environment, phase)

    def _folder(self, name: str) -> Path:
        folder = self.state_dir / name
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder

    def _introduce(
        self,
        key: str,
        title: str,
        label: str,
        lacks: Sequence[str],
        skipped: Sequence[str],
    ) -> None:
        self._servers[key] = label
        self._say(f"  {title:8} {label}")
        for reason in skipped:
            self._say(f"           not used: {reason}")
        for missing in lacks:
            self._say(f"           lacks: {missing}")

    def _write_running(self, stack: Stack) -> None:
        if stack.stopping:
            return
        running = statedir.Running(
            pid=os.getpid(),
            started_at=clock.real_now(),
            redis_url=self.settings.redis_url,
            mqtt_url=self.settings.mqtt_url,
            dashboard_url=self.dashboard_url,
            clock_start=self.settings.clock_start,
            clock_anchor=self.settings.clock_anchor,
            clock_rate=self.settings.clock_rate,
            ready=stack.ready,
            servers=self._servers,
            pids=stack.pids,
            restarts=stack.restarts,
        )
        statedir.write_running(self.state_dir, running)
