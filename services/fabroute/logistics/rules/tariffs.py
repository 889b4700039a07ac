"""Carriers' price rows, how a parcel travels, and how long that takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from fabroute.logistics.rules.places import Zone

AIRPORT_DETOUR_KM = 95
"""Added to the great circle of a flight (from memory)."""
SURFACE_DETOUR = 1.25
"""Road, rail and sea over the great circle (assumption)."""
LONG_HAUL_KM = 3700
"""Flights from here on count as long-haul (from memory)."""
ROAD_KM_PER_DAY = 600
CUSTOMS_DAYS = 1
"""Working days at the border of an intercontinental way (assumption)."""


class Service(StrEnum):
    """How much haste is paid for."""

    ECONOMY = "economy"
    EXPRESS = "express"
    NEXT_FLIGHT = "next_flight"


class Mode(StrEnum):
    """What carries the parcel."""

    VAN = "van"
    HGV = "hgv"
    ARTICULATED = "articulated"
    FLIGHT_SHORT = "flight_short"
    FLIGHT_LONG = "flight_long"
    RAIL = "rail"
    SHIP = "ship"


_FLIGHTS = frozenset({Mode.FLIGHT_SHORT, Mode.FLIGHT_LONG})
_ROAD = frozenset({Mode.VAN, Mode.HGV, Mode.ARTICULATED})
ROAD_LIMIT_KM: Mapping[Service, int] = MappingProxyType(
    {Service.ECONOMY: 3000, Service.EXPRESS: 800, Service.NEXT_FLIGHT: 0}
)
"""Beyond this great-circle distance a parcel that would go by road is flown (assumption)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The price and transit time of one service into one zone; money in EUR minor units."""

    zone: Zone
    service: Service
    base_minor: int
    per_kg_minor: int
    fuel_fraction: float
    """Added to base and weight price."""
    surcharge_minor: int
    transit_p50_days: int
    """Working days within which half of the parcels arrive."""
    transit_p95_days: int
    mode: Mode
    valid_from: date
    valid_to: date
    """The last day, included."""


def leg_mode(mode: Mode, *, service: Service, great_circle_km: float) -> Mode:
    """Return what really carries a parcel: long ways by road are flown, and long flights are long-haul."""
    if mode in _ROAD and great_circle_km <= ROAD_LIMIT_KM[service]:
        return mode
    if mode in _ROAD or mode in _FLIGHTS:
        return Mode.FLIGHT_LONG if great_circle_km > LONG_HAUL_KM else Mode.FLIGHT_SHORT
    return mode


def travelled_km(mode: Mode, *, great_circle_km: float) -> float:
    """Return how far a parcel travels: flights go 95 km round, everything on the surface a quarter more."""
    return great_circle_km + AIRPORT_DETOUR_KM if mode in _FLIGHTS else great_circle_km * SURFACE_DETOUR


def transit_days(tariff: Tariff, *, mode: Mode, great_circle_km: float, customs: bool) -> tuple[int, int]:
    """Return the working days within which half, and 95 %, of the parcels arrive.

    Economy by road takes as long as the road is: 600 km a day, and a day more across a border. Intercontinental
    parcels wait a day at the customs.
    """
    typical, late = tariff.transit_p50_days, tariff.transit_p95_days
    later = CUSTOMS_DAYS if customs and tariff.zone in (Zone.INTERCONTINENTAL, Zone.REMOTE) else 0
    if tariff.service is Service.ECONOMY and mode in _ROAD:
        across = 0 if tariff.zone in (Zone.LOCAL, Zone.DOMESTIC) else 1
        by_road = across + math.ceil(travelled_km(mode, great_circle_km=great_circle_km) / ROAD_KM_PER_DAY)
        later += max(0, by_road - typical)
    return typical + later, late + later
