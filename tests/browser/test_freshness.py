"""The screen never lies about its age: DELAYED past 10 s, NOT LIVE past 30 s, and back."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Dashboard, Visit
from tests.browser.fleet import Fleet

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

BADGE = "#header .live-badge"


def test_it_says_live_while_everything_is_fresh(visit: Visit) -> None:
    page = visit("/alerts")
    expect(page.locator(BADGE)).to_have_text("LIVE", timeout=15_000)


def test_it_says_delayed_when_commits_stop_and_live_when_they_go_on(
    visit: Visit, fleet: Fleet
) -> None:
    page = visit("/shipments")
    expect(page.locator(BADGE)).to_have_text("LIVE", timeout=15_000)
    fleet.beating.clear()
    try:
        expect(page.locator(BADGE)).to_have_text(re.compile(r"DELAYED \d+ s"), timeout=20_000)
        expect(page.locator("#footer")).to_contain_text(re.compile("partition|gateway"))
    finally:
        fleet.beating.set()
    expect(page.locator(BADGE)).to_have_text("LIVE", timeout=10_000)


def test_it_says_not_live_since_when_the_server_is_killed_and_comes_back_by_itself(
    open_map: Visit, dashboard: Dashboard
) -> None:
    page = open_map()
    expect(page.locator(BADGE)).to_have_text("LIVE", timeout=15_000)
    dashboard.kill()
    try:
        expect(page.locator(BADGE)).to_have_text(re.compile("DELAYED"), timeout=20_000)
        since = re.compile(r"NOT LIVE since \d\d:\d\d:\d\d \S+")
        expect(page.locator(BADGE)).to_have_text(since, timeout=30_000)
        assert "grayscale" in page.evaluate(
            "getComputedStyle(document.getElementById('map')).filter"
        )
        expect(page.locator("#footer")).to_contain_text("No connection to the server")
    finally:
        dashboard.start()
    expect(page.locator(BADGE)).to_have_text("LIVE", timeout=60_000)
    assert page.evaluate("getComputedStyle(document.getElementById('map')).filter") == "none"
