"""The app as a whole: every id that a callback names exists, and every page can be laid out."""

from dataclasses import replace

import pytest
from dash import Dash
from dash.development.base_component import Component

from dashboard import shell
from dashboard.app import create_app
from dashboard.live.cards import card
from dashboard.live.hub import Hub
from dashboard.page import Context
from dashboard.pages import PAGES
from puente.clock import Clock, real_now
from puente.model import Severity
from puente.row import Row
from puente.settings import Settings
from puente.store.alerts import Write, write
from puente.store.connection import Store, connect
from puente.triage import Alert
from tests.browser.fleet import Fleet

pytestmark = pytest.mark.redis

ALERT = "00000000000000aa"


@pytest.fixture
def context(store: Store) -> Context:
    fleet = Fleet(store)
    fleet.plan("S1")
    fleet.row("S1", 27.0, -99.7)
    now = real_now()
    raised = Alert(
        id=ALERT, shipment_id="S1", kind="seal.tamper", subject="s", episode=now,
        severity=Severity.CRITICAL, title="Seal tampered with", summary="Rope cut",
        response="Call", occurred_at=now, learned_at=now,
    )  # fmt: skip
    assert write(store, [Write(raised, 0, ())]) == "ok"
    hub = Hub(store, Clock(), period_s=0.05)
    hub._look(whole=True)
    return Context(store=store, hub=hub, clock=Clock(), settings=Settings())


@pytest.fixture
def app(context: Context) -> Dash:
    return create_app(context)


def ids_in(tree: object) -> list[str]:
    found = []
    if isinstance(tree, list | tuple):
        for part in tree:
            found += ids_in(part)
    elif isinstance(tree, Component):
        identifier = getattr(tree, "id", None)
        if isinstance(identifier, str):
            found.append(identifier)
        for name in tree._prop_names:
            value = getattr(tree, name, None)
            if isinstance(value, list | tuple | Component):
                found += ids_in(value)
    return found


def laid_out(context: Context, name: str) -> list[str]:
    page = next(page for page in PAGES if page.name == name)
    params = {"alert": {"id": ALERT}, "shipment": {"id": "S1"}}.get(name, {})
    return ids_in(page.layout(context, params, {}))


@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_every_page_has_a_layout_with_ids_of_its_own(context: Context, name: str) -> None:
    own = laid_out(context, name)
    assert len(own) == len(set(own))
    assert not set(own) & set(ids_in(shell.layout(context)))


def test_every_id_that_a_callback_names_is_on_some_page(app: Dash, context: Context) -> None:
    known = set(ids_in(shell.layout(context)))
    for page in PAGES:
        known |= set(laid_out(context, page.name))
    missing = []
    for callback in app._callback_list:
        ends = [*callback["inputs"], *callback["state"]]
        missing += [
            f"{end['id']}.{end['property']}"
            for end in ends
            if not end["id"].startswith("{") and end["id"] not in known
        ]
        for output in callback["output"].strip(".").split("..."):
            identifier = output.rsplit(".", 1)[0].split("@")[0]
            if not identifier.startswith("{") and identifier not in known:
                missing.append(output)
    assert missing == []


def test_two_apps_live_in_one_process(context: Context) -> None:
    first, second = create_app(context), create_app(context)
    assert len(first._callback_list) == len(second._callback_list) > 0


@pytest.mark.parametrize(
    ("path", "name", "params"),
    [
        ("/", "map", {}),
        ("/alerts", "alerts", {}),
        ("/alerts/", "alerts", {}),
        ("/alerts/ab12", "alert", {"id": "ab12"}),
        ("/shipments/MX26%2F1", "shipment", {"id": "MX26/1"}),
        ("/wall", "wall", {}),
    ],
)
def test_a_path_leads_to_its_page(path: str, name: str, params: dict[str, str]) -> None:
    found = shell.find(path)
    assert found is not None
    assert (found[0].name, found[1]) == (name, params)


@pytest.mark.parametrize("path", ["/nowhere", "/alerts/a/b", "/wall/1"])
def test_an_unknown_path_leads_nowhere(path: str) -> None:
    assert shell.find(path) is None


def test_page_names_and_paths_are_unique() -> None:
    assert len({page.name for page in PAGES}) == len({page.path for page in PAGES}) == len(PAGES)


def test_the_map_is_built_once_and_then_kept(context: Context) -> None:
    stage, _, staged, kind = shell.show(context, "/", {}, staged=False)
    assert ids_in(stage)
    assert (staged, kind) == (True, "shell page-map")
    stage, content, staged, kind = shell.show(context, "/alerts", {}, staged=True)
    assert not ids_in(stage)
    assert content is not None
    assert (staged, kind.split()[1]) == (True, "page-other")


def test_a_page_without_a_store_says_so(context: Context) -> None:
    away = replace(context, store=connect("redis://127.0.0.1:1/0"))
    for page in PAGES:
        path = page.path.replace("<id>", "x")
        _, content, _, _ = shell.show(away, path, {}, staged=True)
        assert content is not None or page.name == "map"


def test_a_row_of_an_unplanned_device_has_a_card() -> None:
    made = card(Row(id="~D1", device_id="D1", lat_deg=25.0, lon_deg=-100.0, heard_at=5), None, 9)
    assert (made["name"], made["state_words"], made["assigned"]) == ("D1", "Unassigned", False)
