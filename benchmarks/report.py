"""What a benchmark found: a JSON object for programs (interfaces, section 5), a table for people.

Fields beyond the promised ones: `events` and `events_pct` (decisions per reading), `plain_*` (what
the plain worker used) and `machine`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class Throughput:
    """A measured stretch of one program: readings committed, seconds, CPU seconds by process."""

    committed: int
    seconds: float
    cpu_s: Mapping[str, float]

    @property
    def per_s(self) -> float:
        """Readings committed per second."""
        return self.committed / self.seconds if self.seconds else 0.0

    def cpu_us(self) -> dict[str, float]:
        """CPU time of each process per reading, in microseconds."""
        return {name: 1e6 * s / max(1, self.committed) for name, s in self.cpu_s.items()}


def together(stretches: Sequence[Throughput]) -> Throughput:
    """Join stretches of one program."""
    names = [name for stretch in stretches for name in stretch.cpu_s]
    return Throughput(
        sum(s.committed for s in stretches),
        sum(s.seconds for s in stretches),
        {name: sum(s.cpu_s.get(name, 0.0) for s in stretches) for name in names},
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of the values do not exceed."""
    if not values:
        return 0.0
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def summed(values: Mapping[str, float], digits: int = 1) -> dict[str, float]:
    """Add up processes of one kind: `engine-0` and `engine-1` are the engine."""
    total: dict[str, float] = {}
    for name, value in values.items():
        kind = name.partition("-")[0]
        total[kind] = total.get(kind, 0.0) + value
    return {kind: round(value, digits) for kind, value in total.items() if kind != "publisher"}


@dataclass(frozen=True)
class Outcome:
    """Everything a run of `puente bench ingest` measured."""

    plain: Throughput
    puente: Throughput
    published: int
    committed: int
    lost: int
    doubled: int
    events: int
    latencies_ms: Sequence[float]
    latency_rate_per_s: int
    rss_mb: Mapping[str, float]
    redis_bytes_per_shipment: int
    machine: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Write the JSON object."""
        return {
            "plain_messages_per_s": round(self.plain.per_s),
            "messages_per_s": round(self.puente.per_s),
            "ratio": round(self.puente.per_s / self.plain.per_s, 3) if self.plain.per_s else 0.0,
            "published": self.published,
            "committed": self.committed,
            "lost": self.lost,
            "doubled": self.doubled,
            "latency_ms": {
                f"p{p}": round(percentile(self.latencies_ms, p), 1) for p in PERCENTILES
            },
            "latency_rate_per_s": self.latency_rate_per_s,
            "cpu_us_per_message": summed(self.puente.cpu_us()),
            "rss_mb": summed(self.rss_mb),
            "redis_bytes_per_shipment": self.redis_bytes_per_shipment,
            "events": self.events,
            "events_pct": round(100.0 * self.events / max(1, self.committed), 1),
            "plain_cpu_us_per_message": summed(self.plain.cpu_us()),
            "machine": dict(self.machine),
        }


def table(found: Mapping[str, Any]) -> Iterable[str]:
    """Write a document for people, line by line."""
    machine, latency = found["machine"], found["latency_ms"]
    yield f"{'':34}{'plain worker':>14}{'Puente':>14}"
    yield _row(
        "readings committed per second",
        f"{found['plain_messages_per_s']:,}",
        f"{found['messages_per_s']:,}",
    )
    yield _row("  Puente / plain worker", "", f"{found['ratio']:.2f}")
    plain, ours = found["plain_cpu_us_per_message"], found["cpu_us_per_message"]
    for name in dict.fromkeys((*plain, *ours)):
        yield _row(f"CPU of {name}, us per reading", _number(plain, name), _number(ours, name))
    yield _row("CPU together", f"{sum(plain.values()):.1f}", f"{sum(ours.values()):.1f}")
    for name, value in found["rss_mb"].items():
        yield _row(f"memory of {name}, MB", "", f"{value:.0f}")
    yield _row("Redis bytes per shipment", "", f"{found['redis_bytes_per_shipment']:,}")
    yield ""
    yield (
        f"published {found['published']:,}, committed {found['committed']:,}, "
        f"lost {found['lost']}, doubled {found['doubled']}; "
        f"{found['events']:,} events ({found['events_pct']} % of readings)"
    )
    yield (
        f"published to committed at {found['latency_rate_per_s']:,} per second: "
        + ", ".join(f"{name} {value:g} ms" for name, value in latency.items())
    )
    yield (
        f"{machine['broker']}; {machine['redis']}; appendfsync always; {machine['cpus']} CPUs, "
        f"load {machine['load_before']:.1f} before the start"
    )
    if machine["load_before"] > machine["cpus"] / 2:
        yield "The machine had other work: compare ratios and CPU times, not readings per second."


def _number(values: Mapping[str, float], name: str) -> str:
    return f"{values[name]:.1f}" if name in values else ""


def _row(label: str, plain: str, ours: str) -> str:
    return f"{label:34}{plain:>14}{ours:>14}"
