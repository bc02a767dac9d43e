"""docker-compose.yml, its Dockerfile and the broker's configuration, read without Docker."""

import importlib.util
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboard import security
from puente import servers, settings
from puente.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("gateway", "engine", "desk", "dashboard", "simulator")
VARIABLES = {settings.variable(item.name) for item in fields(Settings)}


def broker_options(text: str) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines()]
    return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


def test_there_are_the_servers_the_four_processes_and_a_simulator_for_the_demo() -> None:
    assert set(SERVICES) == {"broker", "redis", *OURS}
    assert SERVICES["simulator"]["profiles"] == ["demo"]
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["simulator"]
    assert SERVICES["broker"]["image"] == "eclipse-mosquitto:2"
    assert SERVICES["redis"]["image"] == "valkey/valkey:8"


@pytest.mark.parametrize("name", OURS)
def test_every_command_starts_a_module_of_this_checkout(name: str) -> None:
    program, flag, module, *_ = SERVICES[name]["command"]
    assert (program, flag) == ("python", "-m")
    found = importlib.util.find_spec(module)
    assert found is not None
    if found.submodule_search_locations is not None:
        assert importlib.util.find_spec(f"{module}.__main__") is not None


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_with_a_value_that_it_takes(name: str) -> None:
    environment = {k: str(v) for k, v in SERVICES[name]["environment"].items()}
    assert set(environment) <= VARIABLES
    assert environment["REDIS_URL"] == "redis://redis:6379/0"
    settings.load(environment)


def test_ports_are_published_on_loopback_only() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    assert published == {
        "broker": ["127.0.0.1:1883:1883"],
        "dashboard": ["127.0.0.1:8050:8050"],
    }
    assert COMPOSE["networks"]["private"] == {"internal": True}
    assert SERVICES["redis"]["networks"] == ["private"]
    assert all("network_mode" not in service for service in SERVICES.values())


def test_the_dashboard_may_listen_in_its_container_and_every_page_says_so() -> None:
    loaded = settings.load({k: str(v) for k, v in SERVICES["dashboard"]["environment"].items()})
    security.check_address(loaded)
    assert security.open_to_others(loaded)
    assert f"127.0.0.1:{loaded.port}:{loaded.port}" in SERVICES["dashboard"]["ports"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    if name not in OURS:
        user, _, group = service["user"].partition(":")
        assert int(user) > 0
        assert int(group) > 0


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "simulator"])
def test_every_service_says_whether_it_is_healthy(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_waits_for_exists_and_says_when_it_is_ready(name: str) -> None:
    for other, wanted in SERVICES[name]["depends_on"].items():
        assert wanted == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", ["gateway", "engine", "desk", "dashboard"])
def test_the_health_check_of_each_process_exists(name: str) -> None:
    *_, script, what = SERVICES[name]["healthcheck"]["test"]
    spec = importlib.util.spec_from_file_location("healthy", ROOT / "deploy" / Path(script).name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert what == name
    assert name in module.CHECKS


def test_redis_loses_and_drops_nothing_and_keeps_its_data_in_a_volume() -> None:
    command = SERVICES["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--maxmemory-policy"] == "noeviction"
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]
    assert "broker:/mosquitto/data" in SERVICES["broker"]["volumes"]
    assert set(COMPOSE["volumes"]) == {"redis", "broker"}


def test_the_broker_is_set_up_as_puente_up_sets_up_its_own() -> None:
    ours = broker_options((ROOT / "deploy" / "mosquitto.conf").read_text())
    generated = broker_options(servers.mosquitto_configuration(1883, ROOT, root=False))
    assert ours.pop("listener") == "1883"
    assert generated.pop("listener") == "1883 127.0.0.1"
    assert ours.pop("persistence_location") == "/mosquitto/data/"
    del generated["persistence_location"]
    assert ours == generated
    assert int(ours["max_inflight_messages"]) >= 2 * Settings().gateway_batch
    assert int(ours["message_size_limit"]) > 16_384


def test_the_image_installs_from_the_lock_and_runs_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text()
    steps = [line.split(None, 1) for line in text.splitlines() if re.match(r"[A-Z]+ ", line)]
    assert [rest for name, rest in steps if name == "FROM"] == [
        "python:3.11-slim AS build",
        "python:3.11-slim",
    ]
    installs = [rest for name, rest in steps if name == "RUN" and "pip install" in rest]
    assert "--no-deps --require-hashes -r requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation ." in installs[1]
    users = [rest for name, rest in steps if name == "USER"]
    assert users == ["10001:10001"]
    last = [name for name, _ in steps]
    assert last.index("USER") > max(i for i, name in enumerate(last) if name == "RUN")
    for word in ("http://", "https://", "index-url", "trusted-host"):
        assert word not in text


def test_the_image_is_built_from_the_packages_only() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    let_through = {line[1:] for line in lines if line.startswith("!")}
    assert all((ROOT / name).exists() for name in let_through)
    assert {"puente", "ingest", "dashboard", "assets", "benchmarks"} <= let_through
    assert not {".git", ".venv", ".puente", "tests"} & let_through
