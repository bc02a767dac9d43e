"""Plan files: read, checked, merged and written.

The form is interfaces section 3 (JSON), shipments also as CSV (`puente.plancsv`), geofences and
routes also as plain GeoJSON files, where a LineString without `class` is a route. A plan may add
its own `cargo_profiles`: objects with `code low_c high_c` and optionally `warn_delay_s
alarm_delay_s critical_low_c critical_high_c commodity`.

A file is read item by item (`parse`); whatever spans items - references, a device on two
shipments - is checked on the merged whole (`check`), because a later load may complete an earlier
one. Either way all problems are reported together, each naming file, item and field.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from puente import plancsv, planshapes, profiles, schedule
from puente.model import Role
from puente.plan import (
    Binding,
    CargoProfile,
    Consignment,
    FenceClass,
    Geofence,
    Place,
    Plan,
    Route,
    Shipment,
)
from puente.plandocument import STORED, PlanDocument, check, union
from puente.planfields import Fields, Findings, PlanError, shown
from puente.planwriting import encode

__all__ = [
    "PlanDocument",
    "PlanError",
    "check",
    "decode",
    "encode",
    "merge",
    "parse",
    "read_files",
    "to_plan",
]

T = TypeVar("T")

SECTORS = ("automotive", "electronics", "aerospace", "consumer", "pharma", "produce", "other")

_WARN_DELAY_S = 1_800
_ALARM_DELAY_S = 3_600
"""Delays of a profile that gives none: those of most bands in `geodata/temp_bands.csv`."""


def read_files(paths: Iterable[str | Path]) -> PlanDocument:
    """Read plan files, CSV and GeoJSON files as one document.

    Raises:
        PlanError: with the problems of all files; an id in two files of one load is one of them.
    """
    problems: list[str] = []
    documents: list[PlanDocument] = []
    for path in paths:
        try:
            documents.append(_read_file(Path(path)))
        except PlanError as error:
            problems += error.problems
    whole = PlanDocument()
    for document in documents:
        for item in sorted(document.sources.keys() & whole.sources.keys()):
            problems.append(f"{document.sources[item]}: {item}: is also in {whole.sources[item]}")
        whole = union(whole, document)
    if problems:
        raise PlanError(problems)
    return whole


def _read_file(path: Path) -> PlanDocument:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PlanError([f"{path}: {error.strerror or error}"]) from None
    if path.suffix.lower() != ".csv":
        return parse(content, str(path))
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise PlanError([f"{path}: is not UTF-8 ({error.reason})"]) from None
    return parse(plancsv.read(lines), str(path))


def parse(document: Mapping[str, Any] | bytes, source: str) -> PlanDocument:
    """Read one document; `source` is what problems call it.

    Raises:
        PlanError: with every problem found in the items of the document.
    """
    findings = Findings(source)
    raw = _load_json(document, findings) if isinstance(document, bytes) else document
    if findings.problems:
        raise PlanError(findings.problems)
    if not isinstance(raw, Mapping):
        raise PlanError([f"{source}: {shown(raw)} is not an object with shipments or features"])
    reader = _Reader(findings)
    if raw.get("type") in ("FeatureCollection", "Feature"):
        reader.geojson(raw)
    else:
        reader.document(raw)
    if findings.problems:
        raise PlanError(findings.problems)
    return PlanDocument(
        shipments=reader.shipments,
        geofences=reader.geofences,
        routes=reader.routes,
        profiles=reader.profiles,
        ignored=findings.ignored,
        sources=dict.fromkeys(reader.items, source),
    )


def _load_json(content: bytes, findings: Findings) -> object:
    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        known = dict(members)
        if len(known) < len(members):
            names = [name for name, _ in members]
            twice = sorted({name for name in names if names.count(name) > 1})
            findings.problem("", "", f"an object has {', '.join(map(repr, twice))} more than once")
        return known

    try:
        loaded: object = json.loads(content.decode("utf-8-sig"), object_pairs_hook=pairs)
    except UnicodeDecodeError as error:
        findings.problem("", "", f"is not UTF-8 ({error.reason})")
    except json.JSONDecodeError as error:
        findings.problem("", "", f"line {error.lineno}: is not JSON ({error.msg})")
    except (ValueError, RecursionError):
        findings.problem("", "", "is JSON with a number or a depth beyond reading")
    else:
        return loaded
    return None


class _Reader:
    """Collects the items of one document."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.shipments: dict[str, Shipment] = {}
        self.geofences: dict[str, Geofence] = {}
        self.routes: dict[str, Route] = {}
        self.profiles: dict[str, CargoProfile] = {}
        self.items: set[str] = set()

    def document(self, raw: Mapping[str, Any]) -> None:
        """Read a plan file."""
        top = Fields(self.findings, "", raw)
        for position, entry in enumerate(_entries(top, "shipments"), start=1):
            self._shipment(position, entry)
        for position, entry in enumerate(_entries(top, "cargo_profiles"), start=1):
            self._profile(position, entry)
        for position, entry in enumerate(_features(top, "geofences"), start=1):
            self._geofence(position, entry)
        for position, entry in enumerate(_features(top, "routes"), start=1):
            self._route(position, entry)
        top.count_unknown("plan")

    def geojson(self, raw: Mapping[str, Any]) -> None:
        """Read a GeoJSON file: a line without a class is a route, all else a geofence."""
        features = [raw]
        if raw.get("type") == "FeatureCollection":
            features = _entries(Fields(self.findings, "", raw), "features")
        for position, feature in enumerate(features, start=1):
            if _is_route(feature):
                self._route(position, feature)
            else:
                self._geofence(position, feature)

    def _keep(self, kept: dict[str, T], kind: str, identifier: str, item: T) -> None:
        name = f"{kind} {identifier}"
        if identifier in kept:
            self.findings.problem(name, "id", "is used twice")
        kept[identifier] = item
        self.items.add(name)

    def _shipment(self, position: int, raw: object) -> None:
        fields = self._fields("shipment", position, raw, "id")
        if fields is None:
            return
        identifier = fields.identifier("id", required=True) or ""
        before = len(self.findings.problems)
        departure, arrival = fields.instant("planned_departure"), fields.instant("planned_arrival")
        if departure is not None and arrival is not None and arrival < departure:
            fields.problem("planned_arrival", "is before planned_departure")
        sector = fields.text("sector")
        if sector is not None and sector not in SECTORS:
            fields.problem("sector", f"{shown(sector)} is not one of {' '.join(SECTORS)}")
        crossing = fields.text("crossing")
        shipment = Shipment(
            id=identifier,
            carrier=fields.text("carrier") or "",
            sector=sector or "other",
            cargo_profile=fields.text("cargo_profile"),
            value_usd=fields.number("value_usd", least=0.0),
            high_value=fields.boolean("high_value"),
            fast=fields.boolean("fast"),
            consignments=tuple(_consignments(fields)),
            origin=_place(fields, "origin"),
            destination=_place(fields, "destination"),
            crossing=crossing,
            route=fields.identifier("route"),
            corridor_m=fields.number("corridor_m", above=0.0),
            planned_departure=departure,
            planned_arrival=arrival,
            devices=tuple(_bindings(fields, identifier)),
        )
        fields.count_unknown("shipment")
        if identifier and len(self.findings.problems) == before:
            self._keep(self.shipments, "shipment", identifier, shipment)

    def _profile(self, position: int, raw: object) -> None:
        fields = self._fields("cargo profile", position, raw, "code")
        if fields is None:
            return
        before = len(self.findings.problems)
        profile = CargoProfile(
            code=fields.identifier("code", required=True) or "",
            low_c=fields.number("low_c", least=-273.15, required=True) or 0.0,
            high_c=fields.number("high_c", least=-273.15, required=True) or 0.0,
            warn_delay_s=_or(fields.whole("warn_delay_s"), _WARN_DELAY_S),
            alarm_delay_s=_or(fields.whole("alarm_delay_s"), _ALARM_DELAY_S),
            critical_low_c=fields.number("critical_low_c", least=-273.15),
            critical_high_c=fields.number("critical_high_c", least=-273.15),
            commodity=fields.text("commodity") or "",
        )
        fields.count_unknown("cargo profile")
        if len(self.findings.problems) > before:
            return
        if profile.low_c >= profile.high_c:
            fields.problem("high_c", "is not above low_c")
        if profile.critical_low_c is not None and profile.critical_low_c > profile.low_c:
            fields.problem("critical_low_c", "is above low_c")
        if profile.critical_high_c is not None and profile.critical_high_c < profile.high_c:
            fields.problem("critical_high_c", "is below high_c")
        if profile.alarm_delay_s < profile.warn_delay_s:
            fields.problem("alarm_delay_s", "is shorter than warn_delay_s")
        self._keep(self.profiles, "cargo profile", profile.code, profile)

    def _geofence(self, position: int, raw: object) -> None:
        feature = self._feature("geofence", position, raw)
        if feature is None:
            return
        identifier, geometry, fields = feature
        before = len(self.findings.problems)
        radius_m = fields.number("radius_m", above=0.0)
        corridor_m = fields.number("corridor_m", above=0.0)
        weekly, timezone = fields.text("schedule"), fields.text("timezone")
        for name, value, read in (
            ("schedule", weekly, schedule.parse),
            ("timezone", timezone, schedule.zone),
        ):
            if value is not None:
                try:
                    read(value)
                except ValueError as error:
                    fields.problem(name, str(error))
        name = fields.text("name") or ""
        fence_class = fields.choice("class", FenceClass, FenceClass.CUSTOM)
        enter_m, exit_m = fields.number("enter_m", least=0.0), fields.number("exit_m", least=0.0)
        confirm_fixes = _or(fields.whole("confirm_fixes", least=1), 2)
        confirm_s, dwell_s = fields.whole("confirm_s"), fields.whole("dwell_s", least=1)
        fields.count_unknown("geofence")
        if len(self.findings.problems) > before:
            return
        try:
            shape = planshapes.read_fence_shape(geometry, radius_m, corridor_m)
        except planshapes.ShapeError as error:
            fields.problem("geometry", str(error))
            return
        if identifier is None:
            return
        fence = Geofence(
            id=identifier,
            shape=shape,
            name=name,
            fence_class=fence_class,
            enter_m=enter_m,
            exit_m=exit_m,
            confirm_fixes=confirm_fixes,
            confirm_s=confirm_s,
            dwell_s=dwell_s,
            schedule=weekly,
            timezone=timezone,
        )
        self._keep(self.geofences, "geofence", identifier, fence)

    def _route(self, position: int, raw: object) -> None:
        feature = self._feature("route", position, raw)
        if feature is None:
            return
        identifier, geometry, fields = feature
        corridor_m = fields.number("corridor_m", above=0.0)
        name = fields.text("name") or ""
        fields.count_unknown("route")
        try:
            line = planshapes.read_line(geometry)
        except planshapes.ShapeError as error:
            fields.problem("geometry", str(error))
            return
        if identifier is not None:
            route = Route(id=identifier, line=line, corridor_m=corridor_m, name=name)
            self._keep(self.routes, "route", identifier, route)

    def _fields(self, kind: str, position: int, raw: object, id_field: str) -> Fields | None:
        if not isinstance(raw, Mapping):
            self.findings.problem(f"{kind} #{position}", "", f"{shown(raw)} is not an object")
            return None
        return Fields(self.findings, _label(kind, position, raw.get(id_field)), raw)

    def _feature(
        self, kind: str, position: int, raw: object
    ) -> tuple[str | None, Fields, Fields] | None:
        """Take a GeoJSON feature apart: its id, its geometry and its properties."""
        if not isinstance(raw, Mapping) or raw.get("type") != "Feature":
            self.findings.problem(
                f"{kind} #{position}", "", f"{shown(raw)} is not a GeoJSON Feature"
            )
            return None
        properties = raw.get("properties")
        named = dict(properties) if isinstance(properties, Mapping) else {}
        # GeoJSON has a place for the id beside the properties; drawing tools write numbers there.
        if named.get("id") is None and isinstance(raw.get("id"), str | int):
            named["id"] = str(raw["id"])
        item = _label(kind, position, named.get("id"))
        if not isinstance(raw.get("geometry"), Mapping):
            self.findings.problem(item, "geometry", "is missing")
            return None
        geometry = Fields(self.findings, item, raw["geometry"], "geometry.")
        fields = Fields(self.findings, item, named)
        return fields.identifier("id", required=True), geometry, fields


def _label(kind: str, position: int, identifier: object) -> str:
    return f"{kind} {identifier}" if isinstance(identifier, str) else f"{kind} #{position}"


def _or(value: T | None, default: T) -> T:
    return default if value is None else value


def _entries(fields: Fields, name: str) -> list[Any]:
    value = fields.take(name)
    if isinstance(value, list):
        return value
    if value is not None:
        fields.problem(name, f"{shown(value)} is not a list")
    return []


def _features(fields: Fields, name: str) -> list[Any]:
    """Read a FeatureCollection, or a bare list of features."""
    value = fields.take(name)
    if isinstance(value, Mapping) and value.get("type") == "FeatureCollection":
        return _entries(Fields(fields.findings, name, value), "features")
    if value is not None:
        fields.problem(name, f"{shown(value)} is not a GeoJSON FeatureCollection")
    return []


def _is_route(feature: object) -> bool:
    if not isinstance(feature, Mapping):
        return False
    geometry, properties = feature.get("geometry"), feature.get("properties")
    return (
        isinstance(geometry, Mapping)
        and geometry.get("type") == "LineString"
        and not (isinstance(properties, Mapping) and "class" in properties)
    )


def _place(fields: Fields, name: str) -> Place | None:
    inside = fields.object(name)
    if inside is None:
        return None
    lat_deg = inside.number("lat", least=-90.0, most=90.0, required=True)
    lon_deg = inside.number("lon", least=-180.0, most=180.0, required=True)
    place_name, radius_m = inside.text("name") or "", inside.number("radius_m", above=0.0)
    inside.count_unknown(f"shipment.{name}")
    if lat_deg is None or lon_deg is None:
        return None
    default = Place(lat_deg=lat_deg, lon_deg=lon_deg, name=place_name)
    return default if radius_m is None else Place(lat_deg, lon_deg, place_name, radius_m)


def _consignments(fields: Fields) -> Iterable[Consignment]:
    for entry in fields.objects("consignments"):
        identifier = entry.text("id")
        customer = entry.text("customer") or ""
        entry.count_unknown("shipment.consignment")
        if identifier:
            yield Consignment(id=identifier, customer=customer)
        else:
            entry.problem("id", "is missing")


def _bindings(fields: Fields, shipment_id: str) -> Iterable[Binding]:
    for entry in fields.objects("devices", required=True):
        device_id = entry.identifier("device_id", required=True)
        role = entry.choice("role", Role, Role.TRAILER)
        from_at, to_at = entry.instant("from"), entry.instant("to")
        entry.count_unknown("shipment.device")
        if from_at is not None and to_at is not None and to_at <= from_at:
            entry.problem("to", "is not after from")
        elif device_id is not None:
            yield Binding(device_id, shipment_id, role, from_at, to_at)


def merge(base: PlanDocument, newer: PlanDocument, replace: bool = False) -> PlanDocument:
    """Put a newer document over a base; with `replace` nothing of the base stays.

    Raises:
        PlanError: the result contradicts itself, see `check`.
    """
    merged = newer if replace else union(base, newer)
    check(merged)
    return merged


def to_plan(document: PlanDocument, version: int) -> Plan:
    """Turn a document into the plan that detectors see.

    Raises:
        PlanError: the document contradicts itself, see `check`.
    """
    check(document)
    return Plan(
        shipments=dict(document.shipments),
        geofences=dict(document.geofences),
        routes=dict(document.routes),
        profiles={**profiles.builtin(), **document.profiles},
        version=version,
    )


def decode(stored: bytes) -> PlanDocument:
    """Read what `encode` wrote.

    Raises:
        PlanError: the stored bytes are not what this version of Puente writes.
    """
    return parse(stored, STORED)
