"""Invented loads: who carries what for whom. Company names are made up; sectors are the places'.

Everything about a load follows from the seed and its number.
"""

import random
from dataclasses import dataclass

from ingest.simulator import gazetteer
from ingest.simulator.gazetteer import Band
from ingest.simulator.roads import RoadRoute

_MX_CARRIERS = (
    "Transportes Sierra Brava",
    "Autolíneas Tres Cumbres",
    "Fletes Nopalera",
    "Express Río Claro",
    "Logística Peña Alta",
    "Transportes Halcón del Bajío",
    "Carga Zarzamora",
    "Líneas Valle Ocotillo",
)
_US_CARRIERS = (
    "Lone Mesa Freight",
    "Caprock Line Haul",
    "Redbud Motor Express",
    "Painted Creek Carriers",
    "Bluestem Trucking",
    "Saguaro Transfer",
)
_CUSTOMERS = (
    "Ardent Axle",
    "Brightwater Devices",
    "Corvina Foods",
    "Delmar Instruments",
    "Everfield Fresh",
    "Fontana Wiring",
    "Granite Peak Appliances",
    "Halyard Biologics",
    "Ironwood Motors",
    "Juniper Retail",
)

_VALUE_USD = {
    "automotive": (60_000, 240_000),
    "electronics": (150_000, 1_400_000),
    "aerospace": (200_000, 1_800_000),
    "consumer": (40_000, 220_000),
    "pharma": (300_000, 2_500_000),
    "produce": (25_000, 90_000),
    "other": (30_000, 120_000),
}
HIGH_VALUE_USD = 600_000

_SECTOR_WORDS = {
    "auto": "automotive",
    "steel": "automotive",
    "electronics": "electronics",
    "aerospace": "aerospace",
    "medical": "pharma",
    "pharma": "pharma",
    "produce": "produce",
    "food": "produce",
    "dairy": "produce",
    "consumer": "consumer",
    "appliances": "consumer",
    "apparel": "consumer",
    "footwear": "consumer",
    "textiles": "consumer",
}

_PHARMA = ("PH_2_8", "PH_2_8", "PH_CRT", "PH_15_25")
_PRODUCE = {
    "URU": ("AVO",),
    "ZAM": ("RASP", "STRB", "BLUB"),
    "CUL": ("TOM_R", "PEPR", "MANG", "CUKE"),
    "TOR": ("FD_CHL",),
}
_ANY_PRODUCE = ("TOM_R", "LIME", "LETT", "BROC", "FD_CHL", "BEV")

_HOUSES = {"MX": ("Planta", "Parque Industrial", "CEDIS"), "US": ("DC", "Cross-dock", "Plant")}


@dataclass(frozen=True)
class Load:
    """What a shipment carries, and with which devices."""

    number: int
    shipment_id: str
    carrier: str
    sector: str
    band: Band | None
    value_usd: int
    fast: bool
    consignments: tuple[tuple[str, str], ...]
    origin_name: str
    destination_name: str
    has_tractor: bool

    @property
    def high_value(self) -> bool:
        """Whether stricter rules apply."""
        return self.value_usd >= HIGH_VALUE_USD

    @property
    def trailer_id(self) -> str:
        """The tracker on the trailer."""
        return f"TRK-{self.number:06d}"

    @property
    def seal_id(self) -> str:
        """The electronic seal on the doors."""
        return f"SEAL-{self.number:06d}"

    @property
    def tractor_id(self) -> str:
        """The unit in the cab, where there is one."""
        return f"TRC-{self.number:06d}"


def shipment_id(number: int) -> str:
    """Name a shipment."""
    return f"MX26-{number:06d}"


def make_load(seed: int, number: int, route: RoadRoute) -> Load:
    """Invent the load of a shipment."""
    rng = random.Random(f"{seed}:load:{number}")
    origin = gazetteer.clusters()[route.origin]
    destination = gazetteer.clusters()[route.destination]
    sector = _sector(origin, rng) if origin.country == "MX" else _southbound(rng)
    value = round(rng.triangular(*_VALUE_USD[sector]), -3)
    customers = rng.sample(_CUSTOMERS, 1 if rng.random() < 0.8 else 2)
    ident = shipment_id(number)
    return Load(
        number=number,
        shipment_id=ident,
        carrier=rng.choice(_MX_CARRIERS if rng.random() < 0.7 else _US_CARRIERS),
        sector=sector,
        band=_band(sector, origin.id, rng),
        value_usd=int(value),
        fast=rng.random() < 0.45,
        consignments=tuple((f"{ident}-{i}", name) for i, name in enumerate(customers, start=1)),
        origin_name=f"{rng.choice(_HOUSES[origin.country])} {origin.city}",
        destination_name=f"{rng.choice(_HOUSES[destination.country])} {destination.city}",
        has_tractor=rng.random() < 0.25,
    )


def _sector(origin: gazetteer.Cluster, rng: random.Random) -> str:
    said = [name for word, name in _SECTOR_WORDS.items() if word in origin.sectors.lower()]
    return rng.choice(said or ["other"])


def _southbound(rng: random.Random) -> str:
    return rng.choice(("automotive", "electronics", "consumer", "other"))


def _band(sector: str, origin: str, rng: random.Random) -> Band | None:
    match sector:
        case "pharma":
            code = rng.choice(_PHARMA)
        case "produce":
            code = rng.choice(_PRODUCE.get(origin, _ANY_PRODUCE))
        case _:
            return None
    return gazetteer.bands()[code]
