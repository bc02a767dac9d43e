import tomllib
from pathlib import Path

import pytest

from puente import servers
from puente.servers import Server

VERSIONS = {
    "/bin/redis-server": "7.0.15",
    "/bin/valkey-server": "8.0.1",
    "/old/redis-server": "6.0.16",
    "/odd/redis-server": None,
    "/wheel/valkey-server": "9.1.2",
    "/sbin/mosquitto": "2.0.11",
    "/old/mosquitto": "1.5.7",
}


def redis_for(url: str, found: dict[str, str]) -> Server:
    return servers.choose_redis(url, found.get, VERSIONS.get, lambda: "/wheel/valkey-server")


def broker_for(url: str, found: dict[str, str]) -> Server:
    return servers.choose_broker(url, found.get, VERSIONS.get, lambda: "0.4.0")


@pytest.mark.parametrize(
    ("url", "found", "kind", "label", "skipped"),
    [
        pytest.param(
            "redis://u:secret@db:6379/0",
            {"redis-server": "/bin/redis-server"},
            "given",
            "Redis at redis://db:6379/0",
            0,
            id="a named server wins, its password is not shown",
        ),
        pytest.param(
            "",
            {"redis-server": "/bin/redis-server", "valkey-server": "/bin/valkey-server"},
            "path",
            "redis-server 7.0.15",
            0,
            id="redis-server on PATH",
        ),
        pytest.param(
            "",
            {"valkey-server": "/bin/valkey-server"},
            "path",
            "valkey-server 8.0.1",
            0,
            id="valkey-server on PATH",
        ),
        pytest.param(
            "",
            {"redis-server": "/old/redis-server", "valkey-server": "/bin/valkey-server"},
            "path",
            "valkey-server 8.0.1",
            1,
            id="too old, the next one",
        ),
        pytest.param(
            "",
            {"redis-server": "/odd/redis-server"},
            "embedded",
            "embedded Valkey 9.1.2",
            1,
            id="not a Redis at all",
        ),
        pytest.param("", {}, "embedded", "embedded Valkey 9.1.2", 0, id="nothing found"),
    ],
)
def test_redis_is_the_named_one_then_one_on_path_then_the_embedded_one(
    url: str, found: dict[str, str], kind: str, label: str, skipped: int
) -> None:
    chosen = redis_for(url, found)
    assert (chosen.kind, chosen.label, len(chosen.skipped)) == (kind, label, skipped)
    assert chosen.ours is (kind != "given")


@pytest.mark.parametrize(
    ("url", "found", "kind", "label"),
    [
        ("mqtt://u:secret@hub:1883", {}, "given", "MQTT broker at mqtt://hub:1883"),
        ("", {"mosquitto": "/sbin/mosquitto"}, "mosquitto", "mosquitto 2.0.11"),
        ("", {"mosquitto": "/old/mosquitto"}, "iotcore", "embedded rumqttd, iotcore 0.4.0"),
        ("", {}, "iotcore", "embedded rumqttd, iotcore 0.4.0"),
    ],
)
def test_the_broker_is_the_named_one_then_mosquitto_then_the_embedded_one(
    url: str, found: dict[str, str], kind: str, label: str
) -> None:
    chosen = broker_for(url, found)
    assert (chosen.kind, chosen.label) == (kind, label)


def test_the_embedded_broker_says_what_it_lacks_and_refuses_a_second_gateway() -> None:
    embedded = broker_for("", {})
    assert "one gateway only" in embedded.lacks
    assert servers.why_not_gateways(embedded, 1) is None
    refusal = servers.why_not_gateways(embedded, 2)
    assert refusal is not None
    assert "--gateways 2" in refusal
    assert "mosquitto" in refusal
    assert servers.why_not_gateways(broker_for("", {"mosquitto": "/sbin/mosquitto"}), 4) is None


def test_redis_is_started_durable_and_on_loopback_only() -> None:
    command = " ".join(servers.redis_command("redis-server", 7777, Path("/state/redis")))
    for words in (
        "--port 7777 --bind 127.0.0.1",
        "--appendonly yes --appendfsync always",
        "--maxmemory-policy noeviction",
        "--unixsocket /state/redis/redis.sock --unixsocketperm 700",
    ):
        assert words in command


def test_a_socket_path_that_is_too_long_for_an_address_is_left_out() -> None:
    command = servers.redis_command("redis-server", 7777, Path("/" + "x" * 100))
    assert "--unixsocket" not in command


def test_mosquitto_drops_nothing_by_number_and_stays_root_when_it_is_root() -> None:
    text = servers.mosquitto_configuration(1883, Path("/state/mosquitto"), root=True)
    lines = text.splitlines()
    assert "listener 1883 127.0.0.1" in lines
    assert "max_queued_messages 0" in lines
    assert "max_queued_bytes 134217728" in lines
    assert "persistence_location /state/mosquitto/" in lines
    assert "user root" in lines
    assert "user root" not in servers.mosquitto_configuration(1883, Path("/s"), root=False)


def test_the_embedded_broker_listens_on_loopback_with_both_protocols() -> None:
    configuration = tomllib.loads(servers.iotcore_configuration(1883, 1884))
    assert configuration["v5"]["1"]["listen"] == "127.0.0.1:1883"
    assert configuration["v4"]["1"]["listen"] == "127.0.0.1:1884"
    assert configuration["v5"]["1"]["connections"]["max_inflight_count"] == servers.RECEIVE_MAXIMUM


def test_versions_are_asked_of_the_programs_themselves() -> None:
    embedded = servers.embedded_valkey()
    version = servers.version_of_redis(embedded)
    assert version is not None
    assert version.startswith("9.")
    assert servers.version_of_mosquitto("/no/such/program") is None
