"""Distances, customs territories and zones."""

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.logistics.rules import Location, UnknownCountry, Zone, customs_territory, distance_km, zone_between
from fabroute.logistics.rules.places import CONTINENTS, REMOTE
from tests.factories.freight import (
    BOSTON,
    BREMEN,
    HAMBURG,
    LONDON,
    LOS_ANGELES,
    LUENEBURG,
    PORTO,
    REUNION,
    ROTTERDAM,
    SINGAPORE,
    STANLEY,
    TOKYO,
)

points = st.builds(
    Location,
    latitude=st.floats(min_value=-90, max_value=90),
    longitude=st.floats(min_value=-180, max_value=180),
    country=st.just("DE"),
)


def zone(origin: Location, destination: Location) -> Zone:
    return zone_between(origin, destination, great_circle_km=distance_km(origin, destination))


@pytest.mark.parametrize(
    ("origin", "destination", "km"),
    [(HAMBURG, BREMEN, 95), (ROTTERDAM, SINGAPORE, 10_516), (BOSTON, LOS_ANGELES, 4_168), (LONDON, TOKYO, 9_559)],
)
def test_great_circles_between_cities(origin: Location, destination: Location, km: int) -> None:
    assert distance_km(origin, destination) == pytest.approx(km, rel=0.006)
    assert distance_km(origin, destination) == pytest.approx(distance_km(destination, origin))


def test_a_quarter_and_a_half_of_the_globe() -> None:
    origin = Location(latitude=0, longitude=0, country="GA")
    assert distance_km(origin, Location(latitude=90, longitude=0, country="NO")) == pytest.approx(10_007.56, abs=0.01)
    assert distance_km(origin, Location(latitude=0, longitude=180, country="KI")) == pytest.approx(20_015.11, abs=0.01)
    assert distance_km(origin, origin) == 0


@given(first=points, second=points, third=points)
def test_a_detour_is_never_shorter(first: Location, second: Location, third: Location) -> None:
    direct = distance_km(first, third)
    assert direct <= distance_km(first, second) + distance_km(second, third) + 1e-6
    assert 0 <= direct <= 20_016


@pytest.mark.parametrize(
    ("origin", "destination", "expected"),
    [
        (HAMBURG, LUENEBURG, Zone.LOCAL),
        (HAMBURG, BREMEN, Zone.DOMESTIC),
        (BOSTON, LOS_ANGELES, Zone.DOMESTIC),
        (HAMBURG, PORTO, Zone.CUSTOMS_UNION),
        (HAMBURG, LONDON, Zone.CONTINENT),
        (SINGAPORE, TOKYO, Zone.CONTINENT),
        (ROTTERDAM, SINGAPORE, Zone.INTERCONTINENTAL),
        (PORTO, REUNION, Zone.INTERCONTINENTAL),
        (LONDON, STANLEY, Zone.REMOTE),
        (STANLEY, STANLEY, Zone.REMOTE),
    ],
)
def test_zones_go_from_the_courier_to_the_far_island(origin: Location, destination: Location, expected: Zone) -> None:
    assert zone(origin, destination) is expected
    assert zone(destination, origin) is expected


def test_a_courier_goes_sixty_kilometres_and_stays_in_the_country() -> None:
    assert zone_between(HAMBURG, BREMEN, great_circle_km=60) is Zone.LOCAL
    assert zone_between(HAMBURG, BREMEN, great_circle_km=60.1) is Zone.DOMESTIC
    assert zone_between(HAMBURG, ROTTERDAM, great_circle_km=10) is Zone.CUSTOMS_UNION


def test_the_union_has_27_members_and_the_places_inside_its_customs_border() -> None:
    inside = {country for country in CONTINENTS if customs_territory(country) == "EU"}
    assert len(inside) == 27 + 8
    assert {"DE", "IE", "HR", "MC", "RE"} <= inside
    assert not {"GB", "CH", "NO", "TR", "UA"} & inside
    assert customs_territory("JE") == "GB"
    assert customs_territory("LI") == "CH"
    assert customs_territory("JP") == "JP"


def test_every_country_of_the_iso_list_has_a_continent() -> None:
    listed = {country.alpha_2 for country in pycountry.countries}
    assert set(CONTINENTS) == listed
    assert listed > REMOTE
    assert {CONTINENTS[code] for code in ("CY", "RU", "IS")} == {"europe"}
    assert {CONTINENTS[code] for code in ("TR", "IN", "AE")} == {"asia"}


@pytest.mark.parametrize("country", ["XX", "de", "DEU", ""])
def test_a_country_is_a_code_of_the_iso_list(country: str) -> None:
    with pytest.raises(UnknownCountry, match="two-letter code"):
        Location(latitude=0, longitude=0, country=country)


@pytest.mark.parametrize(("latitude", "longitude"), [(91, 0), (-91, 0), (0, 181), (0, -181), (float("nan"), 0)])
def test_a_location_is_on_earth(latitude: float, longitude: float) -> None:
    with pytest.raises(ValueError, match="no point on earth"):
        Location(latitude=latitude, longitude=longitude, country="DE")
