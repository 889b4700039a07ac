"""The four parts of the world between which freight is slow and dear: what is sent within one is planned together."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from fabroute.logistics.rules.places import CONTINENTS, UnknownCountry

Region = Literal["europe", "north_america", "asia_pacific", "rest"]

REGIONS: tuple[Region, ...] = get_args(Region)
_OF_CONTINENTS: Mapping[str, Region] = {
    "europe": "europe",
    "north america": "north_america",
    "asia": "asia_pacific",
    "oceania": "asia_pacific",
}
_WEST_ASIA = "AE AM AZ BH GE IL IQ IR JO KW LB OM PS QA SA SY TR YE"
"""Nearer to Europe's nodes than to those of the Far East: with neither (UN M49, western Asia)."""
REGION_OF: Mapping[str, Region] = MappingProxyType(
    {
        country: "rest" if country in _WEST_ASIA.split() else _OF_CONTINENTS.get(continent, "rest")
        for country, continent in CONTINENTS.items()
    }
)
"""The region of every ISO 3166 alpha-2 code: by its continent; Africa, South America and West Asia are the rest."""


def region_of(country: str) -> Region:
    """Return the region of a country; ``UnknownCountry`` if it is no ISO 3166 alpha-2 code."""
    try:
        return REGION_OF[country]
    except KeyError:
        raise UnknownCountry(f"country {country!r} is unknown: use a two-letter code of ISO 3166, such as DE") from None
