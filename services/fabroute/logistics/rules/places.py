"""Where a parcel starts and ends: distance, continent, customs territory and freight zone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from fabroute.kernel.errors import DomainError

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the reference ellipsoid."""
LOCAL_KM = 60
"""How far a local courier goes within a country (assumption)."""


class Zone(StrEnum):
    """What a carrier charges by, from near to far."""

    LOCAL = "Z0"
    DOMESTIC = "Z1"
    CUSTOMS_UNION = "Z2"
    CONTINENT = "Z3"
    INTERCONTINENTAL = "Z4"
    REMOTE = "Z5"


class UnknownCountry(DomainError):
    """A country that is no ISO 3166 alpha-2 code."""

    code = "country_unknown"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A point in a country (ISO 3166 alpha-2), in degrees."""

    latitude: float
    longitude: float
    country: str

    def __post_init__(self) -> None:
        if self.country not in CONTINENTS:
            raise UnknownCountry(f"country {self.country!r} is unknown: use a two-letter code of ISO 3166, such as DE")
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError(f"({self.latitude}, {self.longitude}) is no point on earth: give latitude, longitude")


_COUNTRIES_BY_CONTINENT = {
    "africa": (
        "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA "
        "NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW"
    ),
    "antarctica": "AQ BV GS HM TF",
    "asia": (
        "AE AF AM AZ BD BH BN BT CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH "
        "PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE"
    ),
    "europe": (
        "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME "
        "MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA"
    ),
    "north america": (
        "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX TC "
        "TT US VC VG VI"
    ),
    "oceania": "AS AU CC CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS",
    "south america": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}
CONTINENTS: Mapping[str, str] = MappingProxyType(
    {country: continent for continent, countries in _COUNTRIES_BY_CONTINENT.items() for country in countries.split()}
)
"""The continent of every ISO 3166 alpha-2 code."""
_REMOTE = "AQ BV CC CX FK GL GS HM IO KI NF NR NU PM PN SH SJ TF TK TV UM WF"
REMOTE = frozenset(_REMOTE.split())
"""Where few flights go (assumption)."""
_TERRITORIES = {
    "EU": (
        "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK "  # the members
        "AX GF GP MC MF MQ RE YT"  # and what lies in their customs territory under a code of its own
    ),
    "CH": "LI",
    "GB": "GG IM JE",
    "US": "PR",
}
_TERRITORY_OF = {country: territory for territory, countries in _TERRITORIES.items() for country in countries.split()}


def customs_territory(country: str) -> str:
    """Return what a country belongs to at the border: ``EU``, another country's code, or its own."""
    return _TERRITORY_OF.get(country, country)


def distance_km(origin: Location, destination: Location) -> float:
    """Return the great-circle distance, by the haversine formula (within 0.6 % of the ellipsoid's)."""
    south, north = math.radians(origin.latitude), math.radians(destination.latitude)
    along = math.radians(destination.longitude - origin.longitude)
    half = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin(along / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))


def zone_between(origin: Location, destination: Location, *, great_circle_km: float) -> Zone:
    """Return the freight zone of a way: remote places first, then by country, customs union and continent."""
    start, end = origin.country, destination.country
    if start in REMOTE or end in REMOTE:
        return Zone.REMOTE
    if start == end:
        return Zone.LOCAL if great_circle_km <= LOCAL_KM else Zone.DOMESTIC
    if CONTINENTS[start] != CONTINENTS[end]:
        return Zone.INTERCONTINENTAL
    same_union = customs_territory(start) == customs_territory(end)
    return Zone.CUSTOMS_UNION if same_union else Zone.CONTINENT
