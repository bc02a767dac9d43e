"""The map: trucks move, alerts arrive, both select each other, and the URL keeps it."""

import io
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from dashboard import text
from puente.model import Severity
from puente.store.alerts import get_alert
from puente.triage import AlertState
from tests.browser.conftest import MAP_READY, Visit
from tests.browser.fleet import LAREDO, Fleet

pytestmark = pytest.mark.browser

WHERE = """(subject) => {
    const slot = Puente.slotOf.get(subject);
    return slot === undefined ? null : [Puente.fleet.lat[slot], Puente.fleet.lon[slot]];
}"""
PIXEL = """(subject) => {
    const slot = Puente.slotOf.get(subject), map = Puente.map();
    const at = map.project([Puente.fleet.lon[slot], Puente.fleet.lat[slot]]);
    const box = map.getCanvas().getBoundingClientRect();
    return [box.x + at.x, box.y + at.y];
}"""


def query(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_plotly_still_keeps_its_map_where_we_look_for_it(open_map: Visit) -> None:
    page = open_map()
    methods = [
        "addLayer",
        "getLayersOrder",
        "project",
        "cameraForBounds",
        "setPixelRatio",
        "isStyleLoaded",
    ]
    found = page.evaluate(
        "(names) => names.filter((n) => typeof Puente.map()[n] === 'function')", methods
    )
    assert found == methods
    order = page.evaluate("Puente.map().getLayersOrder()")
    assert order.index("fleet") == order.index("city") - 1
    assert order.index("puente-fences-line") < order.index("fleet")


def test_a_truck_moves_on_the_map_when_its_row_changes(open_map: Visit, fleet: Fleet) -> None:
    page = open_map()
    fleet.row("S1", 26.9, -99.8)
    page.wait_for_function(f"(s) => Math.abs(({WHERE})(s)[0] - 26.9) < 1e-4", arg="S1")
    assert page.evaluate(WHERE, "S1") == pytest.approx([26.9, -99.8], abs=1e-4)


def test_trucks_are_really_painted_in_the_colour_of_their_state(
    open_map: Visit, fleet: Fleet
) -> None:
    fleet.row("S3", 29.0, -98.7)
    page = open_map("/?lat=29.0&lon=-98.7&z=9")
    page.wait_for_timeout(1200)  # one more frame, so that a picture is surely complete
    x, y = page.evaluate(PIXEL, "S3")
    clip = {"x": x - 12, "y": y - 12, "width": 24, "height": 24}
    found = _colours(page.screenshot(clip=clip))
    assert any(abs(r - 45) < 14 and abs(g - 212) < 14 and abs(b - 191) < 14 for r, g, b in found)


def _colours(png: bytes) -> set[tuple[int, int, int]]:
    with Image.open(io.BytesIO(png)) as image:
        return {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}


def test_an_alert_appears_within_three_seconds(open_map: Visit, fleet: Fleet) -> None:
    page = open_map()
    alert = fleet.alert("S1", title="Panic button pressed")
    item = page.locator(f".alert-item[data-id='{alert.id}']")
    expect(item).to_contain_text("Panic button pressed", timeout=3_000)
    expect(item).to_contain_text("Critical")
    expect(item).to_contain_text("S1")


def test_choosing_an_alert_selects_its_truck_and_writes_the_url(
    open_map: Visit, fleet: Fleet
) -> None:
    alert = fleet.alert("S3", Severity.HIGH, title="Off its route")
    page = open_map()
    page.locator(f".alert-item[data-id='{alert.id}']").click()
    expect(page.locator("#map-card")).to_contain_text("S3")
    expect(page.locator("#map-card")).to_contain_text("79 km/h")
    assert query(page)["shipment"] == "S3"
    assert query(page)["alert"] == alert.id
    page.wait_for_function("() => Math.abs(Puente.map().getCenter().lat - 29.0) < 0.05")
    page.wait_for_function(
        "() => document.querySelector('#map .js-plotly-plot').data[0].lat.length > 1"
    )


def test_clicking_a_truck_selects_it_and_lights_up_its_alerts(
    open_map: Visit, fleet: Fleet
) -> None:
    alert = fleet.alert("S2", Severity.MEDIUM, title="Unplanned stop")
    page = open_map(f"/?lat={LAREDO[0]}&lon={LAREDO[1]}&z=9")
    item = page.locator(f".alert-item[data-id='{alert.id}']")
    expect(item).to_be_attached()
    page.mouse.click(*page.evaluate(PIXEL, "S2"))
    expect(page.locator("#map-card")).to_contain_text("At the border")
    expect(item).to_have_class(re.compile("is-related"))
    assert query(page)["shipment"] == "S2"
    page.keyboard.press("Escape")
    expect(page.locator("#map-card")).to_be_hidden()
    assert "shipment" not in query(page)


def test_pointing_at_a_truck_shows_its_card(open_map: Visit, fleet: Fleet) -> None:
    fleet.row("S3", 29.0, -98.7, temperature_c=4.26)
    page = open_map("/?lat=29.0&lon=-98.7&z=9")
    x, y = page.evaluate(PIXEL, "S3")
    page.mouse.move(x - 30, y - 30)
    page.mouse.move(x, y)
    card = page.locator("#hover-card")
    expect(card).to_contain_text("Fletes Bajío")
    expect(card).to_contain_text("4.3 °C")
    page.mouse.move(x - 200, y - 200)
    expect(card).to_be_hidden()


def test_the_url_restores_selection_filters_search_and_box(open_map: Visit, fleet: Fleet) -> None:
    page = open_map("/?shipment=S1&states=on_route,stopped&q=s1&lat=28.00&lon=-99.50&z=8.00")
    expect(page.locator("#map-card")).to_contain_text("S1")
    expect(page.locator("#map-search")).to_have_value("s1")
    expect(page.locator("[data-state=silent]")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("[data-state=on_route]")).to_have_attribute("aria-pressed", "true")
    centre = page.evaluate("[Puente.map().getCenter().lat, Puente.map().getZoom()]")
    assert centre == pytest.approx([28.0, 8.0], abs=0.01)


def test_the_legend_hides_a_state_and_the_search_narrows(open_map: Visit, fleet: Fleet) -> None:
    page = open_map()
    page.locator("[data-state=unassigned]").click()
    assert "unassigned" not in query(page)["states"].split(",")
    page.fill("#map-search", "TRK-S3")
    expect(page.locator("#map-search-count")).to_have_text("1 found")
    assert query(page)["q"] == "TRK-S3"
    page.locator(".legend-all").click()
    assert "states" not in query(page)


def test_acknowledging_needs_a_name_and_is_kept(open_map: Visit, fleet: Fleet) -> None:
    alert = fleet.alert("S1", title="Cargo far too warm")
    page = open_map()
    item = page.locator(f".alert-item[data-id='{alert.id}']")
    page.evaluate("localStorage.clear()")
    item.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#toasts")).to_contain_text("Enter your name")
    page.fill("#operator-name", "Ana Ruiz")
    item.get_by_role("button", name="Acknowledge").click()
    expect(item).to_contain_text("Acknowledged · Ana Ruiz", timeout=5_000)
    kept = get_alert(fleet.store, alert.id)
    assert kept is not None
    assert (kept.state, kept.acknowledged_by) == (AlertState.ACTIVE_ACKNOWLEDGED, "Ana Ruiz")


def test_the_list_stands_still_while_pointed_at_and_counts_what_is_new(
    open_map: Visit, fleet: Fleet
) -> None:
    fleet.alert("S1", Severity.LOW, title="Battery low")
    page = open_map()
    page.locator(".alert-item").first.hover()
    before = page.locator(".alert-item .alert-title").all_inner_texts()
    fleet.alert("S2", title="Seal opened without authority")
    expect(page.locator("#alert-new")).to_have_text("1 new", timeout=4_000)
    assert page.locator(".alert-item .alert-title").all_inner_texts() == before
    page.locator("#alert-new").click()
    expect(page.locator(".alert-item .alert-title").first).to_have_text(
        "Seal opened without authority"
    )


def test_trucks_survive_a_theme_switch(open_map: Visit) -> None:
    page = open_map()
    page.click("#theme-toggle")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    page.wait_for_function("() => Puente.map().getStyle().name.startsWith('puente-light')")
    page.wait_for_function(MAP_READY)
    draws = page.evaluate("Puente.fleetLayer.draws")
    page.wait_for_function("(n) => Puente.fleetLayer.draws > n", arg=draws)
    assert query(page)["theme"] == "light"


def test_the_remembered_theme_is_the_maps_from_the_first_paint(visit: Visit) -> None:
    page = visit("/shipments")
    page.click("#theme-toggle")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page.url.split("/shipments")[0] + "/?lite=1")
    page.wait_for_function(MAP_READY, timeout=60_000)
    assert page.evaluate("Puente.map().getStyle().name") == "puente-light-lite"
    assert not [url for url in asked if "/basemap/dark" in url]


def test_trucks_survive_the_loss_of_the_graphics_context(open_map: Visit) -> None:
    page = open_map()
    page.evaluate(
        """() => {
            const gl = Puente.map().getCanvas().getContext('webgl2');
            window.lost = gl.getExtension('WEBGL_lose_context');
            window.lost.loseContext();
        }"""
    )
    page.wait_for_function("() => !Puente.map().getLayer('fleet')")
    page.evaluate("window.lost.restoreContext()")
    page.wait_for_function(MAP_READY)
    draws = page.evaluate("Puente.fleetLayer.draws")
    page.wait_for_function("(n) => Puente.fleetLayer.draws > n", arg=draws)


def test_another_page_and_back_keeps_the_map_and_its_box(open_map: Visit) -> None:
    page = open_map("/?lat=28.00&lon=-99.50&z=8.00")
    page.evaluate("window.sameMap = Puente.map()")
    page.click("#nav-alerts")
    expect(page.locator("#map")).to_be_hidden()
    page.click("#nav-map")
    expect(page.locator("#map")).to_be_visible()
    assert page.evaluate("window.sameMap === Puente.map()")
    assert page.evaluate("Puente.map().getZoom()") == pytest.approx(8.0, abs=0.01)


def test_the_browser_writes_ages_as_the_server_does(open_map: Visit) -> None:
    seconds = [None, -3, 0, 59.9, 60, 3599, 3600, 7500, 86_399, 86_400, 273_600]
    page = open_map()
    assert page.evaluate("(all) => all.map(Puente.age)", seconds) == [text.age(s) for s in seconds]
