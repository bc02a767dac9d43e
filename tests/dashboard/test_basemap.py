"""The map style: complete, offline, stable where others hook in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboard.basemap import ATTRIBUTION, FLEET_BEFORE, Theme, style

ASSETS = Path(__file__).resolve().parents[2] / "assets"
BASE = "https://tower.example/"


def built(theme: Theme, *, lite: bool = False) -> dict[str, Any]:
    return style(theme, BASE, lite=lite)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("lite", [False, True])
def test_every_layer_has_a_source_and_every_source_a_file(theme: Theme, lite: bool) -> None:
    made = built(theme, lite=lite)
    used = {layer["source"] for layer in made["layers"] if layer["type"] != "background"}
    assert used == set(made["sources"])
    for source in made["sources"].values():
        assert (ASSETS / source["data"].removeprefix("/assets/")).is_file()
        assert source["attribution"] == ATTRIBUTION


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_both_themes_have_the_same_layers(theme: Theme) -> None:
    ids = [layer["id"] for layer in built(theme)["layers"]]
    assert ids == [layer["id"] for layer in built("dark")["layers"]]
    assert len(set(ids)) == len(ids)
    assert FLEET_BEFORE in ids


def test_trucks_come_above_roads_and_below_names_of_cities() -> None:
    ids = [layer["id"] for layer in built("dark")["layers"]]
    fleet = ids.index(FLEET_BEFORE)
    assert max(ids.index(name) for name in ("road-main", "border", "shield", "city-dot")) < fleet
    assert ids[fleet:] == ["city", "crossing", "city-main"]


def test_lite_leaves_out_what_costs_most() -> None:
    left_out = {layer["id"] for layer in built("dark")["layers"]} - {
        layer["id"] for layer in built("dark", lite=True)["layers"]
    }
    assert left_out == {"coast-glow", "border-glow", "road-minor"}
    assert "line-blur" not in json.dumps(built("dark", lite=True))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_comes_from_outside(theme: Theme) -> None:
    made = built(theme)
    assert "glyphs" not in made
    assert made["sprite"] == f"{BASE}assets/sprite"
    assert json.dumps(made).count("://") == 1


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_icons_and_fonts_exist(theme: Theme) -> None:
    sprite = json.loads((ASSETS / "sprite.json").read_text("utf-8"))
    sheet = (ASSETS / "fonts.css").read_text("utf-8")
    for layer in built(theme)["layers"]:
        layout = layer.get("layout", {})
        if "icon-image" in layout:
            assert layout["icon-image"] in sprite
        for family in layout.get("text-font", []):
            assert f'font-family: "{family}";' in sheet
