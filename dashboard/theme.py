"""Colours, named once.

`css()` writes them as CSS variables, which style sheets use as `var(--...)`; the map layer and
the figures read the same names. No state or severity is told by colour alone: each has a shape
(`assets/12-shapes.css` and the map's shader) and a word.
"""

from typing import Literal

from dashboard.status import VehicleState
from puente.model import Severity

Theme = Literal["dark", "light"]
THEMES: tuple[Theme, ...] = ("dark", "light")

SURFACES: dict[Theme, dict[str, str]] = {
    "dark": {
        "ground": "#080f1a",
        "panel": "#0d1726",
        "raised": "#132033",
        "hover": "#182942",
        "selected": "#1b3554",
        "line": "#1f2e45",
        "text": "#e2ebf6",
        "muted": "#93a7c1",
        "accent": "#4cb8f0",
        "on-accent": "#04121f",
        "live": "#2dd4bf",
        "delayed": "#fbbf24",
        "dead": "#ff6b81",
        "outline": "#060b14",
        "track": "#7dd3fc",
        "route": "#a5b4fc",
    },
    "light": {
        "ground": "#eef2f6",
        "panel": "#ffffff",
        "raised": "#f4f7fa",
        "hover": "#e9f0f7",
        "selected": "#d8e8f8",
        "line": "#d3dce6",
        "text": "#15202e",
        "muted": "#53647a",
        "accent": "#0b6bb3",
        "on-accent": "#ffffff",
        "live": "#0b7a6d",
        "delayed": "#8f5b00",
        "dead": "#b4122f",
        "outline": "#ffffff",
        "track": "#0369a1",
        "route": "#5b50c8",
    },
}

STATES: dict[Theme, dict[VehicleState, str]] = {
    "dark": {
        VehicleState.ON_ROUTE: "#2dd4bf",
        VehicleState.STOPPED: "#aebdd0",
        VehicleState.AT_BORDER: "#60a5fa",
        VehicleState.OFF_ROUTE: "#facc15",
        VehicleState.ALERT_HIGH: "#fb923c",
        VehicleState.ALERT_CRITICAL: "#ff4d67",
        VehicleState.SILENT: "#c084fc",
        VehicleState.UNASSIGNED: "#8296b0",
    },
    "light": {
        VehicleState.ON_ROUTE: "#0b8a7b",
        VehicleState.STOPPED: "#55657a",
        VehicleState.AT_BORDER: "#1d63d8",
        VehicleState.OFF_ROUTE: "#9a7400",
        VehicleState.ALERT_HIGH: "#c2500c",
        VehicleState.ALERT_CRITICAL: "#c8102e",
        VehicleState.SILENT: "#7c3aed",
        VehicleState.UNASSIGNED: "#6b7a8d",
    },
}

SEVERITIES: dict[Theme, dict[Severity, str]] = {
    "dark": {
        Severity.CRITICAL: "#ff4d67",
        Severity.HIGH: "#fb923c",
        Severity.MEDIUM: "#facc15",
        Severity.LOW: "#7cb3e8",
        Severity.INFO: "#93a7c1",
    },
    "light": {
        Severity.CRITICAL: "#c8102e",
        Severity.HIGH: "#c2500c",
        Severity.MEDIUM: "#8a6a00",
        Severity.LOW: "#2b6cb0",
        Severity.INFO: "#53647a",
    },
}

FENCE_GROUPS: dict[Theme, dict[str, str]] = {
    "dark": {"border": "#5b8fd6", "risk": "#c2606e", "safe": "#4fa393", "other": "#7f8fa6"},
    "light": {"border": "#3d74c7", "risk": "#b8485a", "safe": "#2f8576", "other": "#6f7f92"},
}
"""Muted on purpose: fences are ground, trucks are figure."""

FONT = "Inter, system-ui, sans-serif"


def css() -> str:
    """Write all colours as CSS variables; dark is the default, light by attribute."""
    return "\n".join(
        [
            _block(":root, [data-mantine-color-scheme='dark']", "dark"),
            _block(":root[data-mantine-color-scheme='light']", "light"),
        ]
    )


def _block(selector: str, theme: Theme) -> str:
    values = {
        **SURFACES[theme],
        **{f"state-{state.key}": colour for state, colour in STATES[theme].items()},
        **{f"severity-{s.value}": colour for s, colour in SEVERITIES[theme].items()},
        **{f"fence-{group}": colour for group, colour in FENCE_GROUPS[theme].items()},
    }
    lines = "".join(f"  --{name}: {colour};\n" for name, colour in values.items())
    return f"{selector} {{\n{lines}  color-scheme: {theme};\n}}"


def mantine() -> dict[str, object]:
    """Return the theme of the component library, so that its parts sit on our surfaces."""
    return {
        "fontFamily": FONT,
        "headings": {"fontFamily": FONT},
        "primaryColor": "blue",
        "defaultRadius": "sm",
    }
