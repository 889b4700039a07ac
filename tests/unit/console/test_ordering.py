"""What a form asks becomes a question that the desks take, and every wrong field is told at once."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fabroute.api.errors import ValidationFailed
from fabroute.api.schemas.quotes import QuoteRequest
from fabroute.console.forms import Form
from fabroute.console.ordering import asked_in, quantities_around

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TYPED = {"part": "RL-0001", "quantity": "17", "city": "Hamburg", "country": "DE"}


def asked(**typed: str) -> QuoteRequest:
    fields = {name: (value,) for name, value in (TYPED | typed).items()}
    return asked_in(Form(fields=fields), zone=BERLIN, now=NOW)


def refused(**typed: str) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as refusal:
        asked(**typed)
    return {problem.pointer: problem.message for problem in refusal.value.problems}


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (1, [1, 2, 5, 10]),
        (2, [1, 2, 5, 10, 20]),
        (17, [1, 5, 10, 17, 20, 50, 100]),
        (99_999, [10, 100, 1_000, 10_000, 20_000, 50_000, 99_999, 100_000]),
        (5_000, [1, 10, 100, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000]),
    ],
)
def test_the_next_round_quantities_are_asked_for_as_well(quantity: int, expected: list[int]) -> None:
    assert quantities_around(quantity) == expected


def test_a_day_ends_in_the_zone_of_who_names_it_and_is_hard_unless_they_say_otherwise() -> None:
    hard, soft = asked(need_by="2026-12-01"), asked(need_by="2026-12-01", lateness="late")

    assert hard.need_by == soft.need_by == datetime(2026, 12, 1, 22, 59, tzinfo=UTC)
    assert (hard.need_by_hard, soft.need_by_hard) == (True, False)


@pytest.mark.parametrize("position", ["53.5507, 9.993", "53.5507 9.993", "+53.5507;9.993", "53.5507°, 9.993°"])
def test_coordinates_are_read_as_maps_write_them(position: str) -> None:
    place = asked(position=position).ship_to

    assert (place.latitude, place.longitude) == (53.5507, 9.993)


def test_coordinates_that_a_place_had_count_as_long_as_it_is_that_place() -> None:
    known = "47.0707, 15.4395, AT, Graz, Steiermark"
    here = asked(city="Graz, Steiermark", country="AT", known_place=known).ship_to
    elsewhere = asked(city="Linz", country="AT", known_place=known).ship_to
    other = asked(city="Graz, Steiermark", country="AT", known_place=known, position="47, 15").ship_to

    assert [(it.latitude, it.longitude) for it in (here, elsewhere, other)] == [
        (47.0707, 15.4395),
        (None, None),
        (47.0, 15.0),
    ]


def test_a_price_limit_is_read_with_comma_or_point() -> None:
    found = [asked(max_price=text).max_price for text in ("1.234,50", "€ 1,234.50", "")]

    assert [None if it is None else it.amount_minor for it in found] == [123_450, 123_450, None]


def test_everything_wrong_is_told_at_once_at_its_field() -> None:
    told = refused(quantity="two", city="", country="XX", position="here", max_price="0", need_by="2020-01-01")

    assert told == {
        "/quantity": "Enter a whole number from 1 to 100,000.",
        "/city": "Say to which city it goes.",
        "/country": "Choose the country that it goes to.",
        "/position": "Write latitude and longitude in degrees, such as 53.5507, 9.9930.",
        "/max_price": "Write the price in euros, over zero, such as 29.50.",
        "/need_by": "Choose a day that is still to come.",
    }


@pytest.mark.parametrize("position", ["91, 10", "10, 181", "10", "a, b", "10, 20, 30"])
def test_what_is_no_place_on_earth_is_refused(position: str) -> None:
    assert list(refused(position=position)) == ["/position"]


def test_a_day_has_ten_years_at_most() -> None:
    assert refused(need_by="2036-12-01") == {"/need_by": "Choose a day within the next ten years."}
