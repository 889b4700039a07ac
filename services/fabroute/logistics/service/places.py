"""Cities, and where an order goes."""

from dataclasses import dataclass
from difflib import get_close_matches

from sqlmodel import Session

from fabroute.logistics import repository
from fabroute.logistics.models import Place
from fabroute.logistics.snapshot import Destination, PlaceBook, PlaceView, city_key, place_book

_MOST_PLACES = 2_000
_MOST_SIMILAR = 3
_NEAR_ENOUGH = 0.75
"""Of 1, as ``difflib`` counts: two letters that were swapped in a name of seven are 0.86."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCity:
    """A city that is not known, and what is made of that."""

    city: str
    country: str
    reckoned_to: str
    """The capital, whose place is taken for the city's."""
    similar: tuple[str, ...]
    """Known cities of the country that may be meant, the nearest name first."""


def load_places(session: Session) -> PlaceBook:
    """Return all places as a book to keep in memory: about two thousand, read once a process."""
    return place_book(_place_view(place) for place in repository.read_places(session))


def find_place(session: Session, *, city: str, country: str) -> PlaceView | None:
    """Return a city of a country (ISO alpha-2) without regard to case and accents, ``None`` if it isn't known."""
    return _small_book(session, city=city, country=country).find(city=city, country=country)


def unknown_city(session: Session, *, city: str, country: str) -> UnknownCity:
    """Return what a city that is not known in a country is taken to be, and which of its cities may be meant."""
    places = repository.read_places_of(session, country=country.strip().upper(), limit=_MOST_PLACES)
    names = {place.city_key: place.city for place in places}
    near = get_close_matches(city_key(city), names, n=_MOST_SIMILAR, cutoff=_NEAR_ENOUGH)
    return UnknownCity(
        city=city,
        country=country,
        reckoned_to=next((place.city for place in places if place.is_capital), ""),
        similar=tuple(names[key] for key in near),
    )


def resolve_destination(
    session: Session, *, city: str, country: str, latitude: float | None = None, longitude: float | None = None
) -> Destination:
    """Return where an order goes: the given point, else the city's, else the capital's (then ``assumed``).

    Raises ``UnknownCountry`` and ``UnknownDestination`` with the field's pointer. ``PlaceBook.resolve`` is the same
    without a query.
    """
    book = _small_book(session, city=city, country=country)
    return book.resolve(city=city, country=country, latitude=latitude, longitude=longitude)


def _small_book(session: Session, *, city: str, country: str) -> PlaceBook:
    found = repository.find_place_or_capital(session, country=country.strip().upper(), city_key=city_key(city))
    return place_book(_place_view(place) for place in found)


def _place_view(place: Place) -> PlaceView:
    return PlaceView(
        city=place.city,
        country=place.country,
        latitude=place.latitude,
        longitude=place.longitude,
        is_capital=place.is_capital,
    )
