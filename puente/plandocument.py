"""What plan files say, as one value that can be merged and checked as a whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from puente import instant, profiles
from puente.plan import Binding, CargoProfile, Geofence, Route, Shipment
from puente.planfields import PlanError

STORED = "the stored plan"
"""How messages name an item that came from an earlier load."""


@dataclass(frozen=True)
class PlanDocument:
    """What plan files say, by id, normalised: `parse(encode(document))` gives an equal document.

    `profiles` holds the plan's own cargo profiles only. `ignored` counts unknown fields by name,
    `sources` says which file an item such as `shipment MX26-1` came from; neither is part of what
    the document says.
    """

    shipments: Mapping[str, Shipment] = field(default_factory=dict)
    geofences: Mapping[str, Geofence] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    profiles: Mapping[str, CargoProfile] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict, compare=False)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    def source_of(self, item: str) -> str:
        """Name the file that an item came from."""
        return self.sources.get(item, STORED)


def union(base: PlanDocument, newer: PlanDocument) -> PlanDocument:
    """Put a newer document over a base, item by item, unchecked."""
    ignored = dict(base.ignored)
    for name, count in newer.ignored.items():
        ignored[name] = ignored.get(name, 0) + count
    return PlanDocument(
        shipments={**base.shipments, **newer.shipments},
        geofences={**base.geofences, **newer.geofences},
        routes={**base.routes, **newer.routes},
        profiles={**base.profiles, **newer.profiles},
        ignored=ignored,
        sources={**base.sources, **newer.sources},
    )


def check(document: PlanDocument) -> None:
    """Check what spans items: references, and that no device is in two places at one instant.

    Raises:
        PlanError: with every contradiction.
    """
    problems: list[str] = []
    known_profiles = profiles.builtin().keys() | document.profiles.keys()
    for shipment in document.shipments.values():
        item = f"shipment {shipment.id}"
        prefix = f"{document.source_of(item)}: {item}"
        if shipment.cargo_profile is not None and shipment.cargo_profile not in known_profiles:
            problems.append(
                f"{prefix}: cargo_profile: there is no profile {shipment.cargo_profile!r}"
            )
    problems += _double_bindings(document)
    if problems:
        raise PlanError(problems)


def warnings(document: PlanDocument) -> list[str]:
    """Say what is probably a mistake but may be loaded: the item works without it.

    A route may come in a later file, and a crossing may be one that is not in our table.
    """
    found = []
    for shipment in document.shipments.values():
        item = f"shipment {shipment.id}"
        prefix = f"{document.source_of(item)}: {item}"
        if shipment.route is not None and shipment.route not in document.routes:
            found.append(
                f"{prefix}: route: there is no route {shipment.route!r}, "
                "so no deviation is watched"
            )
        if shipment.crossing is not None and shipment.crossing not in profiles.crossings():
            found.append(f"{prefix}: crossing: {shipment.crossing!r} is not in the built-in table")
    return found


def _double_bindings(document: PlanDocument) -> Iterable[str]:
    by_device: dict[str, list[Binding]] = {}
    for shipment in document.shipments.values():
        for binding in shipment.devices:
            by_device.setdefault(binding.device_id, []).append(binding)
    for device_id, bindings in by_device.items():
        for position, later in enumerate(bindings):
            for earlier in bindings[:position]:
                if later.overlaps(earlier):
                    item = f"shipment {later.shipment_id}"
                    prefix = f"{document.source_of(item)}: {item}: devices: {device_id}"
                    if later.shipment_id == earlier.shipment_id:
                        yield f"{prefix} is listed twice for the same time"
                    else:
                        yield (
                            f"{prefix} is at the same time on shipment {earlier.shipment_id}"
                            f" ({_period(earlier)})"
                        )


def _period(binding: Binding) -> str:
    start = "ever" if binding.from_at is None else instant.text(binding.from_at)
    end = "ever" if binding.to_at is None else instant.text(binding.to_at)
    return f"from {start} to {end}" if (start, end) != ("ever", "ever") else "without end"
