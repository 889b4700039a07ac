"""The places of the world: every country has a capital or is named as an exception, every node's city is known."""

import pycountry
import pytest

from fabroute.logistics.service import PlaceBook, UnknownDestination, place_book
from tests.factories.reference import reference_description

WITHOUT_A_CAPITAL = {"AQ", "BV", "HM", "TK", "UM"}


@pytest.fixture(scope="module")
def book() -> PlaceBook:
    """All places of the reference network."""
    return place_book(reference_description().logistics.places)


def test_every_country_of_iso_3166_has_one_capital_but_for_five(book: PlaceBook) -> None:
    countries = {country.alpha_2 for country in pycountry.countries}
    assert len(countries) == 249
    assert countries - set(book.capitals) == WITHOUT_A_CAPITAL
    assert set(book.capitals) <= countries
    assert sum(place.is_capital for place in book.places.values()) == len(book.capitals) == 244


def test_every_node_stands_in_a_known_city(book: PlaceBook) -> None:
    for node in reference_description().network.nodes:
        place = book.find(city=node.city, country=node.country)
        assert place is not None
        assert (place.latitude, place.longitude) == pytest.approx((node.latitude, node.longitude), abs=0.05)


@pytest.mark.parametrize(
    ("city", "country", "latitude", "longitude"),
    [
        ("Munich", "DE", 48.14, 11.58),
        ("MUENCHEN", "DE", None, None),
        ("münchen", "de", 48.14, 11.58),
        ("Cologne", "DE", 50.93, 6.95),
        ("köln", "DE", 50.93, 6.95),
        ("New York City", "US", 40.71, -74.01),
        ("Washington", "US", 38.90, -77.04),
        ("bogota", "CO", 4.61, -74.07),
        ("Bogotá", "CO", 4.61, -74.07),
        ("Tórshavn", "FO", 62.01, -6.77),
    ],
)
def test_cities_are_found_as_people_write_them(
    book: PlaceBook, city: str, country: str, latitude: float | None, longitude: float | None
) -> None:
    place = book.find(city=city, country=country)
    if latitude is None:
        assert place is None
        assert book.resolve(city=city, country=country).assumed
        return
    assert place is not None
    assert (place.latitude, place.longitude) == pytest.approx((latitude, longitude), abs=0.02)


@pytest.mark.parametrize("country", sorted(WITHOUT_A_CAPITAL))
def test_where_there_is_no_capital_a_destination_needs_coordinates(book: PlaceBook, country: str) -> None:
    with pytest.raises(UnknownDestination, match="give latitude and longitude of Base Camp"):
        book.resolve(city="Base Camp", country=country)
    there = book.resolve(city="Base Camp", country=country, latitude=-70.0, longitude=10.0)
    assert (there.country, there.latitude, there.assumed) == (country, -70.0, False)
