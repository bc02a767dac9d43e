"""The map's own look: a MapLibre style over the layers in `assets/geo`, with nothing from outside.

Without a `glyphs` entry MapLibre draws text from the fonts that `assets/fonts.css` declares, so a
`text-font` here is the name of a CSS family.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

Theme = Literal["dark", "light"]
Layer = dict[str, Any]
Expression = list[Any]

ATTRIBUTION: Final = "Natural Earth · © OpenStreetMap contributors · GeoNames"

FLEET_BEFORE: Final = "city"
"""Trucks are drawn below this layer: above every road, under the names of the cities."""

SOURCES: Final = (
    "land",
    "lakes",
    "admin0",
    "admin1",
    "roads1",
    "roads2",
    "roads3",
    "cities",
    "labels",
    "crossings",
)


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Every colour of the map. All are quiet: only trucks and breaches may be loud."""

    water: str
    land: str
    coast: str
    coast_glow: str
    state_line: str
    country_line: str
    border: str
    border_glow: str
    road_main: str
    road_casing: str
    road_secondary: str
    road_minor: str
    city: str
    town: str
    city_dot: str
    state: str
    country: str
    sea: str
    shield: str
    crossing: str
    halo: str


PALETTES: Final[dict[Theme, Palette]] = {
    "dark": Palette(
        water="#070d17",
        land="#131e2f",
        coast="#2a405c",
        coast_glow="#1d3450",
        state_line="#263650",
        country_line="#3c5878",
        border="#5fb4d6",
        border_glow="#2b7fa8",
        road_main="#4a678f",
        road_casing="#0c1420",
        road_secondary="#30476a",
        road_minor="#1f2f47",
        city="#dfe9f5",
        town="#93a8c2",
        city_dot="#8fb0d3",
        state="#4d6686",
        country="#6f8aac",
        sea="#2d4968",
        shield="#a3bcd9",
        crossing="#8fd3ee",
        halo="#0d1626",
    ),
    "light": Palette(
        water="#cddbe6",
        land="#f5f6f4",
        coast="#a5bccd",
        coast_glow="#b7cbda",
        state_line="#cfd5da",
        country_line="#a2afbb",
        border="#39709a",
        border_glow="#9fc3dc",
        road_main="#9dacbb",
        road_casing="#ffffff",
        road_secondary="#c3ccd4",
        road_minor="#e0e4e6",
        city="#1b2836",
        town="#54636f",
        city_dot="#5c7186",
        state="#9ba7b2",
        country="#76858f",
        sea="#7a9bb6",
        shield="#44535f",
        crossing="#1f5f8b",
        halo="#ffffff",
    ),
}


def style(theme: Theme, base_url: str, *, lite: bool = False) -> dict[str, Any]:
    """The whole style.

    Args:
        theme: Which palette.
        base_url: Absolute address of the application, ending in a slash; MapLibre does not
            accept a relative address for the sprite.
        lite: Leave out glows and minor roads, for machines that draw without a GPU.
    """
    layers = [
        *_ground(PALETTES[theme], lite=lite),
        *_roads(PALETTES[theme], lite=lite),
        *_borders(PALETTES[theme], lite=lite),
        *_names(PALETTES[theme], theme),
        *_places(PALETTES[theme]),
    ]
    used = {layer["source"] for layer in layers if "source" in layer}
    return {
        "version": 8,
        "name": f"puente-{theme}{'-lite' if lite else ''}",
        "sprite": f"{base_url}assets/sprite",
        "sources": {name: _source(name) for name in SOURCES if name in used},
        "layers": layers,
        "transition": {"duration": 0, "delay": 0},
    }


def _source(name: str) -> dict[str, Any]:
    return {
        "type": "geojson",
        "data": f"/assets/geo/{name}.geojson",
        "attribution": ATTRIBUTION,
        # Finer than MapLibre's default: the data is simplified already.
        "tolerance": 0.25,
    }


def _ground(colors: Palette, *, lite: bool) -> list[Layer]:
    glow = _line(
        "coast-glow",
        "land",
        colors.coast_glow,
        _growing(3, 3, 8, 14),
        paint={"line-blur": _growing(3, 3, 8, 12), "line-opacity": 0.5},
    )
    return [
        {
            "id": "water",
            "type": "background",
            "paint": {"background-color": colors.water},
        },
        *([] if lite else [glow]),
        {
            "id": "land",
            "type": "fill",
            "source": "land",
            "paint": {"fill-color": colors.land},
        },
        _line("coast", "land", colors.coast, _growing(3, 0.6, 8, 1.2)),
        {
            "id": "lakes",
            "type": "fill",
            "source": "lakes",
            "paint": {"fill-color": colors.water, "fill-outline-color": colors.coast},
        },
        _line(
            "state-line",
            "admin1",
            colors.state_line,
            _growing(3, 0.5, 8, 1.4),
            paint={"line-dasharray": [3, 2]},
        ),
    ]


def _roads(colors: Palette, *, lite: bool) -> list[Layer]:
    minor = _line(
        "road-minor",
        "roads3",
        colors.road_minor,
        _growing(4, 0.3, 7, 1, 11, 3),
        minzoom=4.2,
        paint={"line-opacity": _linear(4.2, 0, 5.6, 1)},
    )
    return [
        *([] if lite else [minor]),
        _line("road-secondary", "roads2", colors.road_secondary, _growing(3, 0.35, 6, 1.2, 11, 4)),
        _line(
            "road-main-casing",
            "roads1",
            colors.road_casing,
            _growing(3, 1.2, 6, 3.4, 11, 8),
            minzoom=4.5,
        ),
        _line("road-main", "roads1", colors.road_main, _growing(3, 0.6, 6, 1.8, 11, 5)),
    ]


def _borders(colors: Palette, *, lite: bool) -> list[Layer]:
    between_us_and_mexico: Expression = ["==", ["get", "main"], 1]
    glow = _line(
        "border-glow",
        "admin0",
        colors.border_glow,
        _growing(3, 3.5, 8, 10),
        where=between_us_and_mexico,
        paint={"line-blur": _growing(3, 3, 8, 8), "line-opacity": 0.55},
    )
    return [
        _line(
            "country-line",
            "admin0",
            colors.country_line,
            _growing(3, 0.7, 8, 1.6),
            where=["!", between_us_and_mexico],
        ),
        *([] if lite else [glow]),
        _line(
            "border", "admin0", colors.border, _growing(3, 1, 8, 2.2), where=between_us_and_mexico
        ),
    ]


def _names(colors: Palette, theme: Theme) -> list[Layer]:
    """Names that belong to areas, and highway shields."""
    name: Expression = ["get", "n"]
    return [
        _text(
            "sea",
            "labels",
            # A gulf has no room for its name until one is nearer.
            ["step", ["zoom"], ["case", ["==", ["get", "t"], "sea"], name, ""], 5.4, name],
            color=colors.sea,
            halo_color=colors.halo,
            font="Inter Italic",
            size=_linear(3, 11, 6, 18),
            where=["in", ["get", "t"], ["literal", ["sea", "gulf"]]],
            minzoom=3,
            maxzoom=8,
            layout={"text-letter-spacing": 0.18, "text-max-width": 6},
        ),
        _text(
            "state",
            "labels",
            ["step", ["zoom"], ["get", "a"], 5.4, ["upcase", ["get", "n"]]],
            color=colors.state,
            halo_color=colors.halo,
            font="Inter Medium",
            size=_linear(3.5, 9, 5.3, 10.5, 5.5, 10, 7.5, 14),
            where=["==", ["get", "t"], "state"],
            minzoom=3.8,
            maxzoom=8,
            layout={"text-letter-spacing": 0.14, "text-max-width": 9},
        ),
        _text(
            "country",
            "labels",
            ["upcase", ["get", "n"]],
            color=colors.country,
            halo_color=colors.halo,
            font="Inter Semibold",
            size=_linear(2, 10, 5, 18),
            where=["==", ["get", "t"], "country"],
            maxzoom=6,
            opacity=_linear(4.2, 0.8, 5.6, 0),
            layout={"text-letter-spacing": 0.32, "text-max-width": 12},
        ),
        _text(
            "neighbour",
            "labels",
            ["upcase", ["get", "n"]],
            color=colors.country,
            halo_color=colors.halo,
            font="Inter Semibold",
            size=_linear(3, 9, 6, 13),
            where=["==", ["get", "t"], "neighbour"],
            minzoom=3.4,
            maxzoom=8,
            opacity=0.7,
            layout={"text-letter-spacing": 0.2},
        ),
        {
            "id": "shield",
            "type": "symbol",
            "source": "labels",
            "minzoom": 5.6,
            "filter": ["==", ["get", "t"], "shield"],
            "layout": {
                "text-field": ["get", "n"],
                "text-font": ["Inter Bold"],
                "text-size": _linear(5.6, 8, 8, 10.5),
                "text-padding": 3,
                "icon-image": f"shield-{theme}",
                "icon-text-fit": "both",
                "icon-text-fit-padding": [2, 4, 2, 4],
                "icon-padding": 3,
            },
            "paint": {"text-color": colors.shield},
        },
    ]


def _places(colors: Palette) -> list[Layer]:
    """Cities and crossings: dots below the trucks, names above them.

    MapLibre gives room to the topmost layer first: large cities, then crossings, then towns.
    """
    # A filter sees whole zoom levels only, so a city appears half a level early.
    due: Expression = ["<=", ["get", "z"], ["+", ["zoom"], 0.6]]
    population: Expression = ["get", "p"]
    prominent: Expression = ["any", [">=", population, 500_000], ["==", ["get", "b"], 1]]
    return [
        {
            "id": "city-dot",
            "type": "circle",
            "source": "cities",
            "minzoom": 3,
            "filter": due,
            "paint": {
                "circle-radius": _linear(
                    3,
                    ["step", population, 1.3, 1_000_000, 2],
                    9,
                    ["step", population, 2.2, 250_000, 3.4, 1_000_000, 4.4],
                ),
                "circle-color": colors.city_dot,
                "circle-opacity": 0.9,
                "circle-stroke-color": colors.halo,
                "circle-stroke-width": 1,
            },
        },
        {
            "id": "crossing-dot",
            "type": "circle",
            "source": "crossings",
            "minzoom": 6.4,
            "paint": {
                "circle-radius": _linear(6.4, 2.6, 10, 5),
                "circle-color": colors.halo,
                "circle-stroke-color": colors.crossing,
                "circle-stroke-width": _linear(6.4, 1.4, 10, 2.2),
            },
        },
        _cities("city", colors.town, colors.halo, ["all", due, ["!", prominent]]),
        _text(
            "crossing",
            "crossings",
            ["get", "n"],
            color=colors.crossing,
            halo_color=colors.halo,
            font="Inter Semibold",
            size=_linear(6.4, 9, 10, 12),
            halo=1.5,
            minzoom=6.6,
            layout={
                "text-variable-anchor-offset": _beside(0.75, "e"),
                "symbol-sort-key": ["-", 0, population],
            },
        ),
        _cities("city-main", colors.city, colors.halo, ["all", due, prominent]),
    ]


def _cities(layer_id: str, color: str, halo_color: str, where: Expression) -> Layer:
    population: Expression = ["get", "p"]
    return _text(
        layer_id,
        "cities",
        ["get", "n"],
        color=color,
        halo_color=halo_color,
        font="Inter Medium",
        size=_linear(
            3,
            ["step", population, 9.5, 1_000_000, 11.5],
            6,
            ["step", population, 10.5, 250_000, 12, 1_000_000, 14.5],
            9,
            ["step", population, 12, 250_000, 15, 1_000_000, 18],
        ),
        halo=1.5,
        minzoom=3,
        where=where,
        layout={
            "text-max-width": 10,
            "text-justify": "auto",
            "text-variable-anchor-offset": [
                "match",
                ["get", "s"],
                *(part for side in "wns" for part in (side, ["literal", _beside(0.55, side)])),
                ["literal", _beside(0.55, "e")],
            ],
            "symbol-sort-key": ["-", ["*", ["get", "z"], 1e8], population],
        },
    )


def _beside(distance_em: float, first: str) -> Expression:
    """Where a name may stand beside its dot, the preferred side first.

    An anchor is the part of the text that is nearest to the dot: a name east of it hangs by its
    left edge.
    """
    sides: dict[str, Expression] = {
        "e": ["left", [distance_em, 0]],
        "w": ["right", [-distance_em, 0]],
        "n": ["bottom", [0, -distance_em]],
        "s": ["top", [0, distance_em]],
    }
    order = sorted("ewns", key=lambda side: side != first)
    return [part for side in order for part in sides[side]]


def _growing(*stops: float) -> Expression:
    """A width that keeps its share of the picture while zooming in."""
    return ["interpolate", ["exponential", 1.4], ["zoom"], *stops]


def _linear(*stops: float | Expression) -> Expression:
    return ["interpolate", ["linear"], ["zoom"], *stops]


def _line(
    layer_id: str,
    source: str,
    color: str,
    width: Expression,
    *,
    where: Expression | None = None,
    minzoom: float | None = None,
    paint: dict[str, object] | None = None,
) -> Layer:
    return _without_none(
        {
            "id": layer_id,
            "type": "line",
            "source": source,
            "minzoom": minzoom,
            "filter": where,
            "layout": {
                "line-join": "round",
                # Round ends would show as beads where a soft line is cut at a tile's edge.
                "line-cap": "butt" if "line-blur" in (paint or {}) else "round",
            },
            "paint": {"line-color": color, "line-width": width, **(paint or {})},
        }
    )


def _text(
    layer_id: str,
    source: str,
    field: Expression,
    *,
    color: str | Expression,
    halo_color: str,
    font: str,
    size: Expression,
    where: Expression | None = None,
    minzoom: float | None = None,
    maxzoom: float | None = None,
    halo: float = 1.2,
    opacity: float | Expression | None = None,
    layout: dict[str, object] | None = None,
) -> Layer:
    return _without_none(
        {
            "id": layer_id,
            "type": "symbol",
            "source": source,
            "minzoom": minzoom,
            "maxzoom": maxzoom,
            "filter": where,
            "layout": {
                "text-field": field,
                "text-font": [font],
                "text-size": size,
                "text-max-width": 8,
                "text-padding": 3,
                **(layout or {}),
            },
            "paint": _without_none(
                {
                    "text-color": color,
                    "text-halo-color": halo_color,
                    "text-halo-width": halo,
                    "text-halo-blur": 0.4,
                    "text-opacity": opacity,
                }
            ),
        }
    )


def _without_none(entries: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if value is not None}
