"""Places by name, in memory: where an order goes when only its city is given."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "\u2019": "'"}
)
"""Letters that Unicode does not take apart into a plain one and an accent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceView:
    """A city with its coordinates in degrees (GeoNames)."""

    city: str
    country: str
    latitude: float
    longitude: float
    is_capital: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where an order goes. ``assumed``: the city is unknown, the coordinates are those of the country's capital."""

    city: str
    country: str
    latitude: float
    longitude: float
    assumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceBook:
    """All known places of this process, by country and city name without regard to case and accents."""

    places: Mapping[tuple[str, str], PlaceView]
    capitals: Mapping[str, PlaceView]

    def find(self, *, city: str, country: str) -> PlaceView | None:
        """Return a city of a country (ISO alpha-2), ``None`` if it isn't known."""
        return self.places.get((country.upper(), city_key(city)))

    def capital(self, country: str) -> PlaceView | None:
        """Return the capital of a country, ``None`` for an unknown country or one without a capital."""
        return self.capitals.get(country.upper())


def place_book(places: Iterable[PlaceView]) -> PlaceBook:
    """Return a book of ``places``."""
    known = {(place.country, city_key(place.city)): place for place in places}
    return PlaceBook(places=known, capitals={place.country: place for place in known.values() if place.is_capital})


def city_key(city: str) -> str:
    """Return a city's name without case, accents and double spaces: ``" São  PAULO"`` → ``sao paulo``."""
    letters = unicodedata.normalize("NFKD", city.casefold().translate(_LETTERS))
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())
