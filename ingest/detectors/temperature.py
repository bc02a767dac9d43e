"""Cargo temperature against the band of its profile.

Rule (interfaces, default rules): `warning` outside the band for the profile's warn delay;
`critical` outside it for the alarm delay, or beyond the critical limits for 300 s; both clear
after 600 s at least 0.5 C inside. A shipment without a cargo profile has no temperature events.
Of the probes in one reading the most trusted speaks for the cargo: product, then return air, then
supply air, never ambient; a reefer reports all of them, and one excursion is one alarm. Readings
that are error codes of probes are faults, not temperatures.
"""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ingest.detectors.detector import About, Result
from puente.instant import MINUTE, SECOND, Instant, text
from puente.model import Finding, Observation, Phase, Severity
from puente.plan import CargoProfile, ShipmentPlan

TRUSTED_PROBES = ("product", "return", "supply")
"""What is judged, the most trusted first; `ambient` is the weather (facts, domain 4.3)."""

ERROR_CODES_C = frozenset({-127.0, 85.0, 200.0, 300.0, 400.0})
"""What 1-wire and BLE probes send instead of a temperature (facts, domain section 4.3)."""

COLDEST_C, HOTTEST_C = -110.0, 150.0
"""Below dry ice and above any cargo: not a temperature of a load."""


def is_fault(celsius: float) -> bool:
    """Tell whether a number is a probe's error rather than a temperature."""
    return celsius in ERROR_CODES_C or not COLDEST_C <= celsius <= HOTTEST_C


class Probe(Struct, frozen=True, omit_defaults=True):
    """One probe: since when it is out of the band, beyond the critical limits, or well inside.

    `warning` and `critical` are the episodes that are raised, by their beginning; `peak_c` is the
    worst since it left the band.
    """

    celsius: float
    at: Instant
    device_id: str
    out_since: Instant | None = None
    beyond_since: Instant | None = None
    inside_since: Instant | None = None
    peak_c: float | None = None
    warning: Instant | None = None
    critical: Instant | None = None

    @property
    def open(self) -> bool:
        """Whether an episode of this probe is raised."""
        return self.warning is not None or self.critical is not None


class State(Struct, frozen=True, omit_defaults=True):
    """Every probe by `<device>/<probe>`, and the next instant at which time decides."""

    probes: dict[str, Probe] = {}
    next_at: Instant | None = None


@dataclass(frozen=True)
class TemperatureDetector:
    """Decides `temperature.warning` and `temperature.critical`."""

    name: ClassVar[str] = "temperature"
    about: ClassVar[About] = About.TRUTH
    kinds: ClassVar[tuple[str, ...]] = ("temperature.warning", "temperature.critical")
    state_type: ClassVar[type[State]] = State

    beyond_s: int = 300
    clear_s: int = 600
    deadband_c: float = 0.5

    def initial(self) -> State:
        """No probe yet."""
        return State()

    def observe(self, state: State, observation: Observation, plan: ShipmentPlan) -> Result[State]:
        """Note every probe of a reading."""
        given = observation.telemetry.temperature_c
        if not given:
            return state, ()
        probes = dict(state.probes)
        best = _most_trusted(given)
        for name, celsius in given.items():
            if is_fault(celsius):
                continue
            subject = f"{observation.device_id}/{name}"
            before = probes.get(subject)
            # An episode that is open is followed to its end, whatever else measures by then.
            judged = name == best or (before is not None and before.open)
            probes[subject] = self._note(
                before, celsius, observation, plan.profile if judged else None
            )
        return State(probes, self._next(probes, plan.profile)), ()

    def deadline(self, state: State) -> Instant | None:
        """When a delay of any probe is over."""
        return state.next_at

    def expire(self, state: State, now: Instant, plan: ShipmentPlan) -> Result[State]:
        """Raise and clear what waited long enough."""
        profile = plan.profile
        if profile is None:
            return replace(state, next_at=None), ()
        probes = dict(state.probes)
        findings: list[Finding] = []
        for subject, probe in state.probes.items():
            probes[subject] = self._expire(subject, probe, now, profile, findings)
        return State(probes, self._next(probes, profile)), tuple(findings)

    def _note(
        self,
        before: Probe | None,
        celsius: float,
        observation: Observation,
        profile: CargoProfile | None,
    ) -> Probe:
        at = observation.at
        probe = before or Probe(celsius, at, observation.device_id)
        if profile is None:
            return Probe(celsius, at, observation.device_id)
        open_ = probe.open
        out = not profile.low_c <= celsius <= profile.high_c
        beyond = _beyond(celsius, profile)
        well_inside = (
            profile.low_c + self.deadband_c <= celsius <= profile.high_c - self.deadband_c
        )
        return replace(
            probe,
            celsius=celsius,
            at=at,
            out_since=(probe.out_since or at) if out else None,
            beyond_since=(probe.beyond_since or at) if beyond else None,
            inside_since=(probe.inside_since or at) if well_inside and open_ else None,
            peak_c=_peak(probe.peak_c, celsius, profile) if out or open_ else None,
        )

    def _expire(
        self,
        subject: str,
        probe: Probe,
        now: Instant,
        profile: CargoProfile,
        findings: list[Finding],
    ) -> Probe:
        warn_at, critical_at, clear_at = self._due(probe, profile)
        if clear_at is not None and clear_at <= now:
            for kind, episode in (
                ("temperature.warning", probe.warning),
                ("temperature.critical", probe.critical),
            ):
                if episode is not None:
                    findings.append(_cleared(kind, subject, probe, episode, clear_at, profile))
            return Probe(probe.celsius, probe.at, probe.device_id)
        if warn_at is not None and warn_at <= now and probe.out_since is not None:
            episode = probe.out_since
            findings.append(
                _raised("temperature.warning", subject, probe, episode, warn_at, profile)
            )
            probe = replace(probe, warning=episode)
        if critical_at is not None and critical_at <= now:
            episode = self._critical_episode(probe, profile)
            findings.append(
                _raised("temperature.critical", subject, probe, episode, critical_at, profile)
            )
            probe = replace(probe, critical=episode)
        return probe

    def _critical_episode(self, probe: Probe, profile: CargoProfile) -> Instant:
        """The critical episode begins with whichever of its two conditions was met first."""
        by_delay, by_limit = self._critical_due(probe, profile)
        if by_delay is None or (by_limit is not None and by_limit < by_delay):
            return probe.beyond_since or probe.at
        return probe.out_since or probe.at

    def _critical_due(
        self, probe: Probe, profile: CargoProfile
    ) -> tuple[Instant | None, Instant | None]:
        by_delay = by_limit = None
        if probe.out_since is not None:
            by_delay = probe.out_since + profile.alarm_delay_s * SECOND
        if probe.beyond_since is not None:
            by_limit = probe.beyond_since + self.beyond_s * SECOND
        return by_delay, by_limit

    def _due(
        self, probe: Probe, profile: CargoProfile
    ) -> tuple[Instant | None, Instant | None, Instant | None]:
        warn_at = critical_at = clear_at = None
        if probe.warning is None and probe.out_since is not None:
            warn_at = probe.out_since + profile.warn_delay_s * SECOND
        if probe.critical is None:
            times = [t for t in self._critical_due(probe, profile) if t is not None]
            critical_at = min(times) if times else None
        if probe.inside_since is not None:
            clear_at = probe.inside_since + self.clear_s * SECOND
        return warn_at, critical_at, clear_at

    def _next(self, probes: dict[str, Probe], profile: CargoProfile | None) -> Instant | None:
        if profile is None:
            return None
        due = [t for probe in probes.values() for t in self._due(probe, profile) if t is not None]
        return min(due) if due else None


def _most_trusted(given: dict[str, float]) -> str | None:
    """Choose which probe of a reading speaks for the cargo: the most trusted that works."""
    for name in TRUSTED_PROBES:
        if name in given and not is_fault(given[name]):
            return name
    return None


def _beyond(celsius: float, profile: CargoProfile) -> bool:
    too_cold = profile.critical_low_c is not None and celsius < profile.critical_low_c
    too_warm = profile.critical_high_c is not None and celsius > profile.critical_high_c
    return too_cold or too_warm


def _peak(peak: float | None, celsius: float, profile: CargoProfile) -> float:
    def off(value: float) -> float:
        return max(profile.low_c - value, value - profile.high_c)

    return celsius if peak is None or off(celsius) > off(peak) else peak


def _evidence(
    subject: str, probe: Probe, profile: CargoProfile, episode: Instant
) -> dict[str, object]:
    return {
        "probe": subject,
        "temperature_c": probe.celsius,
        "peak_c": probe.peak_c,
        "profile": profile.code,
        "low_c": profile.low_c,
        "high_c": profile.high_c,
        "critical_low_c": profile.critical_low_c,
        "critical_high_c": profile.critical_high_c,
        "outside_since": text(probe.out_since or episode),
    }


def _severity(kind: str) -> Severity:
    return Severity.CRITICAL if kind == "temperature.critical" else Severity.MEDIUM


def _raised(
    kind: str,
    subject: str,
    probe: Probe,
    episode: Instant,
    confirmed_at: Instant,
    profile: CargoProfile,
) -> Finding:
    critical = kind == "temperature.critical"
    side = "above" if probe.celsius > profile.high_c else "below"
    if profile.low_c <= probe.celsius <= profile.high_c:
        side = "outside"
    return Finding(
        kind=kind,
        phase=Phase.RAISED,
        subject=subject,
        episode=episode,
        severity=_severity(kind),
        occurred_at=episode,
        confirmed_at=confirmed_at,
        device_id=probe.device_id,
        title=f"Temperature {side} the band" + (": cargo at risk" if critical else ""),
        summary=(
            f"{probe.celsius:.1f} °C at {subject}, band {profile.low_c:g} to {profile.high_c:g} °C"
            f" ({profile.code}), outside since {text(probe.out_since or episode)}"
        ),
        response=(
            "Call the driver and the reefer service; tell quality assurance"
            if critical
            else "Message driver and carrier: doors, set point, unit running?"
        ),
        respond_within_s=600 if critical else 1800,
        evidence=_evidence(subject, probe, profile, episode)
        | {"out_min": (confirmed_at - (probe.out_since or episode)) / MINUTE},
    )


def _cleared(
    kind: str,
    subject: str,
    probe: Probe,
    episode: Instant,
    confirmed_at: Instant,
    profile: CargoProfile,
) -> Finding:
    inside_since = probe.inside_since or confirmed_at
    return Finding(
        kind=kind,
        phase=Phase.CLEARED,
        subject=subject,
        episode=episode,
        severity=_severity(kind),
        occurred_at=inside_since,
        confirmed_at=confirmed_at,
        device_id=probe.device_id,
        title="Temperature back in the band",
        summary=(
            f"{probe.celsius:.1f} °C at {subject}, inside since {text(inside_since)}; "
            f"peak {probe.peak_c if probe.peak_c is not None else probe.celsius:.1f} °C"
        ),
        response="Tell quality assurance: the excursion needs a decision on the cargo",
        evidence=_evidence(subject, probe, profile, episode)
        | {"out_min": (inside_since - episode) / MINUTE},
    )
