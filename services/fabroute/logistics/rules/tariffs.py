"""Carriers' price rows, how a parcel travels, and how long that takes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from fabroute.logistics.rules.arrivals import Transit, delayed, quantile_days
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
class WeightBand:
    """A price for parcels up to a chargeable weight, in EUR minor units."""

    up_to_grams: int | None
    """``None``: any weight."""
    base_minor: int
    per_kg_minor: int
    """For every kilogram of the parcel, those below the band too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The price and transit time of a carrier's service into one zone; money in EUR minor units."""

    carrier: str
    zone: Zone
    service: Service
    bands: tuple[WeightBand, ...]
    """The lightest first; no parcel may be heavier than the last."""
    minimum_minor: int = 0
    """The least that base and weight price come to."""
    fuel_fraction: float
    """Added to base and weight price, or to the minimum."""
    surcharge_minor: int
    transit: Transit
    mode: Mode
    valid_from: date
    valid_to: date
    """The last day, included."""

    @property
    def transit_p50_days(self) -> int:
        """Return the working days within which half of the parcels arrive."""
        return quantile_days(self.transit, per_mille=500)

    @property
    def transit_p95_days(self) -> int:
        """Return the working days within which 95 % of the parcels arrive."""
        return quantile_days(self.transit, per_mille=950)

    @property
    def heaviest_grams(self) -> float:
        """Return the most that a parcel may weigh; ``inf`` for no limit."""
        limit = self.bands[-1].up_to_grams
        return math.inf if limit is None else limit

    def band(self, grams: int) -> WeightBand | None:
        """Return the band of a chargeable weight, ``None`` if it is too heavy for this carrier."""
        for band in self.bands:
            if band.up_to_grams is None or grams <= band.up_to_grams:
                return band
        return None


def any_weight(*, base_minor: int, per_kg_minor: int) -> tuple[WeightBand, ...]:
    """Return the bands of a tariff that has one price for all weights."""
    return (WeightBand(up_to_grams=None, base_minor=base_minor, per_kg_minor=per_kg_minor),)


def bands_problem(bands: Sequence[WeightBand]) -> str | None:
    """Return what is wrong with weight bands, and what to do about it; ``None`` if nothing is."""
    if not bands:
        return "has no weight band: give one, without a limit for any weight"
    limits = [math.inf if band.up_to_grams is None else band.up_to_grams for band in bands]
    if min(limits) <= 0:
        return "ends at no weight: give more than 0, or nothing for any weight"
    if any(below >= above for below, above in pairwise(limits)):
        return "is not heavier than the band before it: give each limit once, the lightest first, any weight last"
    if any(min(band.base_minor, band.per_kg_minor) < 0 for band in bands):
        return "has a price under 0: give 0 or more"
    return None


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


def way_transit(tariff: Tariff, *, mode: Mode, great_circle_km: float, customs: bool) -> Transit:
    """Return the distribution of working days on one way: the tariff's, as late as road and customs make it.

    Economy by road takes as long as the road is: 600 km a day, and a day more across a border. Intercontinental
    parcels wait a day at the customs.
    """
    later = CUSTOMS_DAYS if customs and tariff.zone in (Zone.INTERCONTINENTAL, Zone.REMOTE) else 0
    if tariff.service is Service.ECONOMY and mode in _ROAD:
        across = 0 if tariff.zone in (Zone.LOCAL, Zone.DOMESTIC) else 1
        by_road = across + math.ceil(travelled_km(mode, great_circle_km=great_circle_km) / ROAD_KM_PER_DAY)
        later += max(0, by_road - tariff.transit_p50_days)
    return delayed(tariff.transit, days=later)
