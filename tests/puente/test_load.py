import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from puente import planfile
from puente.cli import main
from puente.store import plans
from puente.store.connection import Store

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_url: str) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.chdir(tmp_path)


def load(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["load", *words])
    return result.exit_code, result.output


def plan(name: str, *ids: str, **values: object) -> str:
    shipments = [{"id": identifier, "devices": [], **values} for identifier in ids]
    Path(name).write_text(json.dumps({"shipments": shipments}))
    return name


def test_a_plan_is_stored_as_the_next_version_and_summarised(store: Store) -> None:
    code, said = load(plan("one.json", "A", "B", colour="red"))
    assert code == 0
    assert "shipments  2 new, 0 changed, 0 unchanged, 0 stay" in said
    assert "ignored    unknown fields: shipment.colour (2)" in said
    assert "version 1 is in force" in said
    assert set(plans.load_plan(store).shipments) == {"A", "B"}


def test_a_later_load_replaces_by_id_and_keeps_the_rest(store: Store) -> None:
    load(plan("one.json", "A", "B"))
    code, said = load(plan("two.json", "B", "C", carrier="new"))
    assert code == 0
    assert "shipments  1 new, 1 changed, 0 unchanged, 1 stay" in said
    stored = plans.load_plan(store)
    assert stored.version == 2
    assert {s.id: s.carrier for s in stored.shipments.values()} == {
        "A": "",
        "B": "new",
        "C": "new",
    }


def test_replace_drops_what_is_not_named(store: Store) -> None:
    load(plan("one.json", "A", "B"))
    code, said = load(plan("two.json", "B"), "--replace")
    assert code == 0
    assert "0 new, 0 changed, 1 unchanged, 1 dropped" in said
    assert set(plans.load_plan(store).shipments) == {"B"}


def test_a_dry_run_changes_nothing(store: Store) -> None:
    code, said = load(plan("one.json", "A"), "--dry-run")
    assert (code, plans.plan_version(store)) == (0, 0)
    assert "checked, nothing changed" in said


def test_a_bad_plan_is_refused_with_every_problem_and_the_old_one_stays(store: Store) -> None:
    load(plan("one.json", "A"))
    code, said = load(plan("two.json", "B", "C", planned_arrival="soon", value_usd=-1))
    assert code == 1
    assert said.count("puente: two.json: shipment ") == 4
    assert said.endswith("puente: the plan was not loaded; correct the 4 problems above\n")
    assert set(plans.load_plan(store).shipments) == {"A"}


def test_a_redis_that_is_away_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    code, said = load(plan("one.json", "A"))
    assert code == 1
    assert said.startswith("puente: Redis cannot be reached (")
    assert said.count("\n") == 1


def test_without_a_running_stack_only_checking_is_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REDIS_URL")
    code, said = load(plan("one.json", "A"))
    assert code == 1
    assert "start 'puente up' or set REDIS_URL" in said
    assert load("one.json", "--dry-run")[0] == 0


def test_a_stored_plan_is_what_was_loaded(store: Store) -> None:
    load(plan("one.json", "A", carrier="Fleet", origin={"lat": 20.6, "lon": -100.4}))
    assert plans.load_document(store) == planfile.read_files(["one.json"])
