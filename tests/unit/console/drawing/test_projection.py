import math

import pytest

from fabroute.console.drawing.projection import Place, View, central_angle, great_circle, northing, view_of

EUROPE = [Place(53.55, 9.99), Place(41.15, -8.61), Place(60.17, 24.94), Place(45.46, 9.19)]
FLAT = View("mercator", 0.0, 0.0, 100.0, 400, 300)


def test_mercator_is_the_logarithm_of_the_tangent() -> None:
    for latitude in (-72.0, -30.0, 0.0, 45.0, 66.5):
        expected = math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))
        assert northing(latitude, "mercator") == pytest.approx(expected, abs=1e-12)
    assert northing(45, "mercator") == pytest.approx(0.881373587, abs=1e-9)


def test_mercator_ends_before_the_poles() -> None:
    assert northing(90, "mercator") == northing(85, "mercator")
    assert northing(-90, "mercator") == -northing(85, "mercator")


def test_patterson_has_its_published_height_at_the_poles() -> None:
    """Patterson, Šavrič, Jenny 2015: the pole line is at 1.790857183 on a globe of radius 1."""
    assert northing(90, "patterson") == pytest.approx(1.790857183, abs=1e-6)
    assert northing(-90, "patterson") == -northing(90, "patterson")
    assert northing(0, "patterson") == 0


def test_a_place_is_a_point_at_its_angles_times_the_scale() -> None:
    assert FLAT.point(Place(0, 0)) == (200, 150)
    x, y = FLAT.point(Place(45, 90))
    assert x == pytest.approx(200 + 100 * math.pi / 2)
    assert y == pytest.approx(150 - 88.1373587)


def test_a_place_is_drawn_where_it_recurs_nearest_to_the_middle() -> None:
    over_the_line = View("mercator", math.radians(179), 0.0, 100.0, 400, 300)
    assert over_the_line.point(Place(0, -179))[0] == pytest.approx(200 + 100 * math.radians(2))
    assert over_the_line.point(Place(0, 541))[0] == pytest.approx(200 + 100 * math.radians(2))


@pytest.mark.parametrize(
    "places",
    [
        EUROPE,
        EUROPE[:1],
        [Place(51.9, 4.5), Place(51.9, 4.5)],
        [Place(-17.7, 178.1), Place(-13.8, -171.8)],
        [Place(35.7, 139.7), Place(34.1, -118.2), Place(-33.9, 151.2)],
        [Place(90, 0), Place(-90, 0)],
        [Place(0, longitude) for longitude in range(-180, 180, 30)],
        [Place(71, 25), Place(78.2, 15.6)],
    ],
)
def test_a_view_holds_all_its_places(places: list[Place]) -> None:
    view = view_of(places, width=460, height=320)
    assert [place for place in places if not view.holds(view.point(place))] == []


def test_a_region_is_drawn_by_mercator_and_the_world_by_patterson() -> None:
    assert view_of(EUROPE, width=460, height=320).projection == "mercator"
    assert view_of([*EUROPE, Place(1.3, 103.8)], width=460, height=320).projection == "patterson"
    assert view_of([Place(78.2, 15.6)], width=460, height=320).projection == "patterson"


def test_a_european_network_fills_at_least_half_of_the_picture_in_one_direction() -> None:
    view = view_of(EUROPE, width=460, height=320)
    across, down = zip(*(view.point(place) for place in EUROPE), strict=True)
    assert (max(across) - min(across) > 230) or (max(down) - min(down) > 160)


def test_pacific_places_are_seen_over_the_antimeridian_not_around_the_world() -> None:
    view = view_of([Place(-17.7, 178.1), Place(-13.8, -171.8)], width=460, height=320)
    (suva, _), (apia, _) = view.point(Place(-17.7, 178.1)), view.point(Place(-13.8, -171.8))
    assert 0 < suva < apia < 460
    assert view.scale > 460 / math.radians(40)


def test_a_single_city_shows_the_country_around_it() -> None:
    view = view_of([Place(0, 0)], width=460, height=320)
    assert 9 <= math.degrees(view.width / view.scale) < 9 * 1.12


def test_a_network_that_changes_a_little_keeps_its_view() -> None:
    again = [*EUROPE, Place(48.2, 16.37)]
    assert view_of(again, width=460, height=320) == view_of(EUROPE, width=460, height=320)


def test_without_places_the_view_is_the_world() -> None:
    view = view_of([], width=460, height=320)
    assert view.period == pytest.approx(460)


def test_the_great_circle_follows_meridian_and_equator() -> None:
    along = great_circle(Place(0, 10), Place(0, 70), steps=6)
    assert [round(it.longitude, 9) for it in along] == [10, 20, 30, 40, 50, 60, 70]
    assert [round(it.latitude, 9) for it in along] == [0] * 7
    up = great_circle(Place(0, 5), Place(80, 5), steps=4)
    assert [round(it.latitude, 9) for it in up] == [0, 20, 40, 60, 80]


def test_the_great_circle_has_its_middle_where_spherical_geometry_has_it() -> None:
    """Between two places of one latitude, 90 degrees apart: tan(middle) = tan(latitude) / cos(half the difference)."""
    middle = great_circle(Place(50, 0), Place(50, 90), steps=2)[1]
    assert middle.latitude == pytest.approx(math.degrees(math.atan(math.tan(math.radians(50)) / math.cos(math.pi / 4))))
    assert middle.longitude == pytest.approx(45)


def test_the_great_circle_between_equal_and_opposite_places() -> None:
    assert great_circle(Place(10, 20), Place(10, 20)) == [Place(10, 20)]
    opposite = great_circle(Place(0, 0), Place(0, 180), steps=4)
    assert [round(it.latitude, 6) for it in opposite] == [0, 45, 90, 45, 0]


def test_angles_between_cities_are_their_known_distances() -> None:
    """London to New York is 5,570 km, by any atlas."""
    angle = central_angle(Place(51.5074, -0.1278), Place(40.7128, -74.0060))
    assert angle * 6371 == pytest.approx(5570, abs=1)
    assert central_angle(Place(1, 1), Place(1, 1)) == 0
