r"""Build the browser's fonts, icons and map sprite from registry packages.

Development time only; the output is committed. Needs npm, and Pillow in the environment:

    pip install pillow
    python scripts/build_assets.py

Fonts are Inter (OFL-1.1) from `@fontsource-variable/inter`, icons a subset of Tabler (MIT) from
`@iconify-json/tabler`; see NOTICE. To use another icon, add its name to `ICONS` and run again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import manifest
from PIL import Image, ImageDraw

ASSETS = manifest.ROOT / "assets"

INTER = "@fontsource-variable/inter", "5.3.0"
TABLER = "@iconify-json/tabler", "1.2.41"

ICONS = """
    activity alarm alert-triangle antenna-off arrow-down arrow-up ban battery-1 bell bell-ringing
    building-bridge check chevron-down chevron-left chevron-right chevron-up circle-dashed clock
    clock-check current-location device-desktop device-tv download droplet external-link filter
    focus-2 gauge hand-stop history info-circle layout-dashboard list lock lock-open lock-x login
    logout map map-2 map-pin message minus moon package player-pause player-play
    plug-connected-x plus polygon refresh route route-off router search settings shield-lock
    snowflake stack-2 sun temperature trash truck user user-check users volume volume-off wifi-off
    x
""".split()  # noqa: SIM905  a list of words reads best as words
"""Every icon of the dashboard, as in `tabler:truck`."""

RANGES = {
    "latin": (
        "U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, "
        "U+0329, U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD"
    ),
    "latin-ext": (
        "U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02D7, U+02DD-02FF, U+1D00-1DBF, "
        "U+1E00-1E9F, U+1EF2-1EFF, U+2020, U+20A0-20AB, U+20AD-20C0, U+2113, U+2C60-2C7F, "
        "U+A720-A7FF"
    ),
}
"""What each font file covers, as the font's own package declares it."""

MAP_FAMILIES = {
    "Inter Medium": "normal",
    "Inter Semibold": "normal",
    "Inter Bold": "normal",
    "Inter Italic": "oblique 0deg 12deg",
}
"""Families that the map asks for by name; it reads the weight from the name."""

SHIELDS = {
    "shield-dark": ("#182639", "#46628a"),
    "shield-light": ("#ffffff", "#a8b6c4"),
}
"""Fill and outline of the highway shields."""


def fetch(package: tuple[str, str], folder: Path) -> Path:
    """Unpack one npm package."""
    name, version = package
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed")
    subprocess.run(
        [npm, "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, timeout=300
    )
    (archive,) = folder.glob("*.tgz")
    target = folder / name.replace("/", "_")
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    archive.unlink()
    return target / "package"


def fonts(package: Path) -> list[Path]:
    """Copy the variable fonts and declare their families."""
    (ASSETS / "fonts").mkdir(parents=True, exist_ok=True)
    outputs: list[Path] = []
    rules: list[str] = []
    for subset in RANGES:
        name = f"inter-{subset}-wght-normal.woff2"
        outputs.append(ASSETS / "fonts" / name)
        shutil.copyfile(package / "files" / name, outputs[-1])
    for family, slant in ({"Inter": "normal"} | MAP_FAMILIES).items():
        for subset, characters in RANGES.items():
            rules.append(
                "@font-face {\n"
                f'  font-family: "{family}";\n'
                f"  font-style: {slant};\n"
                "  font-weight: 100 900;\n"
                "  font-display: swap;\n"
                f'  src: url("fonts/inter-{subset}-wght-normal.woff2") format("woff2");\n'
                f"  unicode-range: {characters};\n"
                "}\n"
            )
    sheet = ASSETS / "fonts.css"
    sheet.write_text(
        "/* Built by scripts/build_assets.py. Inter, SIL Open Font License 1.1. */\n"
        + "\n".join(rules),
        encoding="utf-8",
    )
    licence = ASSETS / "LICENSES" / "OFL-1.1-Inter.txt"
    licence.parent.mkdir(exist_ok=True)
    shutil.copyfile(package / "LICENSE", licence)
    return [*outputs, sheet, licence]


def icons(package: Path) -> list[Path]:
    """Write the icons as a script that must load before the icon component."""
    collection = json.loads((package / "icons.json").read_text(encoding="utf-8"))
    chosen: dict[str, object] = {}
    aliases: dict[str, object] = {}
    for name in ICONS:
        if name in collection["icons"]:
            chosen[name] = collection["icons"][name]
        else:
            alias = collection["aliases"][name]
            aliases[name] = alias
            chosen[alias["parent"]] = collection["icons"][alias["parent"]]
    subset = {
        "prefix": collection["prefix"],
        "icons": dict(sorted(chosen.items())),
        "aliases": aliases,
        "width": collection.get("width", 24),
        "height": collection.get("height", 24),
    }
    path = ASSETS / "00-icons.js"
    path.write_text(
        "// Built by scripts/build_assets.py. Tabler icons, MIT licence.\n"
        "window.IconifyPreload = (window.IconifyPreload || []).concat("
        + json.dumps(subset, separators=(",", ":"))
        + ");\n",
        encoding="utf-8",
    )
    return [path]


def sprite() -> list[Path]:
    """Draw the shields, once for each pixel density; their middle stretches with the text."""
    outputs: list[Path] = []
    for ratio in (1, 2):
        width, height, gap = 22, 18, 2
        # Drawn four times too large, then reduced: Pillow does not smooth rounded corners.
        fine = 4 * ratio
        canvas = Image.new("RGBA", ((width + gap) * len(SHIELDS) * fine, height * fine))
        draw = ImageDraw.Draw(canvas)
        places: dict[str, object] = {}
        for i, (name, (fill, outline)) in enumerate(SHIELDS.items()):
            x = i * (width + gap)
            draw.rounded_rectangle(
                [x * fine, 0, (x + width) * fine - 1, height * fine - 1],
                radius=4 * fine,
                fill=fill,
                outline=outline,
                width=fine,
            )
            places[name] = {
                "x": x * ratio,
                "y": 0,
                "width": width * ratio,
                "height": height * ratio,
                "pixelRatio": ratio,
                "stretchX": [[6 * ratio, 16 * ratio]],
                "stretchY": [[6 * ratio, 12 * ratio]],
                "content": [4 * ratio, 3 * ratio, 18 * ratio, 15 * ratio],
            }
        size = ((width + gap) * len(SHIELDS) * ratio, height * ratio)
        suffix = "@2x" if ratio == 2 else ""
        outputs += [ASSETS / f"sprite{suffix}.png", ASSETS / f"sprite{suffix}.json"]
        canvas.resize(size, Image.Resampling.LANCZOS).save(outputs[-2], optimize=True)
        outputs[-1].write_text(json.dumps(places, indent=1) + "\n", encoding="utf-8")
    return outputs


def main() -> None:
    """Write all assets and record how they were made."""
    ASSETS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outputs = fonts(fetch(INTER, folder)) + icons(fetch(TABLER, folder)) + sprite()
    for path in outputs:
        print(f"{path.relative_to(manifest.ROOT)!s:<50}{path.stat().st_size / 1000:8.1f} kB")
    manifest.write(
        Path(__file__), inputs=[], outputs=outputs, packages=[], versions=dict([INTER, TABLER])
    )


if __name__ == "__main__":
    main()
