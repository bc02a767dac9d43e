"""How old things are, in real seconds, and what /healthz makes of it."""

import pytest

from dashboard import health
from dashboard.live.freshness import Freshness, Verdict, judge, measure
from puente.clock import Clock
from puente.store.live import GatewayStatus, PartitionStatus, ServerInfo

NOW = 1_782_000_000_000


def partition(number: int, behind_ms: int) -> PartitionStatus:
    return PartitionStatus(number, NOW - behind_ms, NOW - behind_ms, 1, 1)


def gateway(behind_ms: int) -> GatewayStatus:
    return GatewayStatus(NOW - behind_ms, True, "mosquitto 2", 5, 5)


@pytest.mark.parametrize(
    ("age_s", "verdict"),
    [
        (0.0, Verdict.LIVE),
        (10.0, Verdict.LIVE),
        (10.1, Verdict.DELAYED),
        (30.0, Verdict.DELAYED),
        (30.1, Verdict.NOT_LIVE),
        (None, Verdict.NOT_LIVE),
    ],
)
def test_an_age_is_judged(age_s: float | None, verdict: Verdict) -> None:
    assert judge(age_s) is verdict


def test_the_worst_partition_counts() -> None:
    found = measure(
        [partition(0, 500), partition(3, 42_000), partition(9, 900)],
        gateway(1_000),
        NOW - 2_000,
        NOW,
        Clock(),
        reachable=True,
    )
    assert (found.commit_s, found.partition, found.beat_s, found.fix_s) == (42.0, 3, 1.0, 2.0)
    assert found.verdict is Verdict.NOT_LIVE


def test_a_clock_that_runs_sixty_times_faster_does_not_make_things_older() -> None:
    found = measure([partition(0, 60_000)], None, None, NOW, Clock(rate=60.0), reachable=True)
    assert found.commit_s == 1.0
    assert found.verdict is Verdict.LIVE


def test_a_silent_gateway_is_as_bad_as_a_silent_engine() -> None:
    found = measure([partition(0, 0)], gateway(12_000), None, NOW, Clock(), reachable=True)
    assert found.verdict is Verdict.DELAYED


def test_the_report_lists_only_partitions_that_are_behind() -> None:
    freshness = measure(
        [partition(0, 100), partition(3, 12_000)], gateway(0), NOW, NOW, Clock(), reachable=True
    )
    server = ServerInfo("valkey", "9.1", durable=False, lacks=("appendonly is off",))
    body = health.report(freshness, 0.31, server, gateway(0))
    assert body["status"] == "delayed"
    assert body["partitions"] == {"p03": 12.0}
    assert (body["commit_age_s"], body["fix_age_s"], body["frame_age_s"]) == (12.0, 0.0, 0.3)
    assert body["redis"] == {
        "reachable": True, "name": "valkey", "version": "9.1", "durable": False,
        "lacks": ["appendonly is off"],
    }  # fmt: skip
    assert body["broker"] == {"connected": True, "name": "mosquitto 2"}


@pytest.mark.parametrize(
    "freshness",
    [
        pytest.param(Freshness(), id="nothing was ever committed"),
        pytest.param(Freshness(commit_s=1.0, reachable=False), id="Redis is away"),
        pytest.param(Freshness(commit_s=31.0), id="an old commit"),
    ],
)
def test_what_cannot_be_trusted_is_not_live(freshness: Freshness) -> None:
    assert health.report(freshness, 0.0, None, None)["status"] == "not_live"
