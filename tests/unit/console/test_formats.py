from datetime import UTC, date, datetime, timedelta

import pytest

from fabroute.console.formats import Formats, formats_for
from fabroute.kernel.money import Money

NBSP = "\N{NO-BREAK SPACE}"
INSTANT = datetime(2026, 12, 2, 18, 0, 5, tzinfo=UTC)


def formats(language: str = "en-GB", zone: str | None = "Europe/Berlin") -> Formats:
    return formats_for(accept_language=language, zone=zone)


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en-GB", "€1,234.50"),
        ("en-US,en;q=0.8", "€1,234.50"),
        ("de-DE,de;q=0.9,en;q=0.5", f"1.234,50{NBSP}€"),
        ("fr", f"1\N{NARROW NO-BREAK SPACE}234,50{NBSP}€"),
        ("xx-nonsense, *;q=0.1", "€1,234.50"),
        ("", "€1,234.50"),
        ("en;q=0.1, de;q=0.9", f"1.234,50{NBSP}€"),
        ("de;q=nonsense, pl", f"1{NBSP}234,50{NBSP}€"),
    ],
)
def test_money_is_written_as_the_viewers_locale_has_it(language: str, written: str) -> None:
    assert formats(language).money(123450) == written


def test_money_has_the_decimals_of_its_currency_and_a_real_minus() -> None:
    assert formats().money(1235, "JPY") == "JP¥1,235"
    assert formats().money(Money(amount_minor=-200, currency="EUR")) == "−€2.00"


@pytest.mark.parametrize(("minor", "written"), [(980, "+€9.80"), (-200, "−€2.00"), (0, "±€0.00")])
def test_differences_of_money_carry_their_sign(minor: int, written: str) -> None:
    assert formats().money_difference(minor) == written


@pytest.mark.parametrize(
    ("length", "written"),
    [
        (timedelta(minutes=38), f"38{NBSP}min"),
        (timedelta(hours=3, minutes=20), f"3{NBSP}h 20{NBSP}min"),
        (timedelta(hours=83), f"83{NBSP}h"),
        (timedelta(days=6), f"6{NBSP}d"),
        (timedelta(days=6, hours=5, minutes=31), f"6{NBSP}d 6{NBSP}h"),
        (-90.0, f"−1{NBSP}h 30{NBSP}min"),
        (0, f"0{NBSP}min"),
    ],
)
def test_lengths_of_time_have_two_units_at_most(length: timedelta | float, written: str) -> None:
    assert formats().duration(length) == written


def test_instants_are_told_in_the_viewers_zone_and_in_the_form_of_their_locale() -> None:
    british, german, american = formats(), formats("de-DE"), formats("en-US", "America/New_York")

    assert (british.instant(INSTANT), british.short_day(INSTANT)) == ("2 Dec 2026, 19:00", "2 Dec")
    assert (german.instant(INSTANT), german.short_day(INSTANT)) == ("02.12.2026, 19:00", "2.12.")
    assert (german.day(INSTANT), german.time(INSTANT)) == ("02.12.2026", "19:00")
    assert german.full_instant(INSTANT) == "02.12.2026, 19:00:05 Europe/Berlin"
    assert american.day(INSTANT) == "Dec 2, 2026"
    assert american.instant(INSTANT).replace("\N{NARROW NO-BREAK SPACE}", " ") == "Dec 2, 2026, 1:00 PM"
    assert german.day(date(2026, 11, 17)) == "17.11.2026"
    assert german.iso(INSTANT) == "2026-12-02T18:00:05Z"


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("fr-FR", "02/12/2026, 19:00"),
        ("fi-FI", "2.12.2026 19.00"),
        ("pl-PL", "2.12.2026, 19:00"),
        ("sv-SE", "2026-12-02 19:00"),
        ("ja-JP", "2026/12/02 19:00"),
    ],
)
def test_no_names_of_months_of_other_languages_stand_among_english_words(language: str, written: str) -> None:
    assert formats(language).instant(INSTANT) == written


@pytest.mark.parametrize("zone", [None, "", "Nowhere/Land", "../../etc/passwd", "/etc/localtime", "Ä", "x" * 200])
def test_where_no_zone_is_known_it_is_utc_and_says_so(zone: str | None) -> None:
    assert formats(zone=zone).instant(INSTANT) == "2 Dec 2026, 18:00 UTC"


@pytest.mark.parametrize(
    ("minutes", "written"), [(38, f"in 38{NBSP}min"), (-125, f"2{NBSP}h 5{NBSP}min ago"), (0, "now")]
)
def test_how_far_off_an_instant_is(minutes: int, written: str) -> None:
    assert formats().until(INSTANT + timedelta(minutes=minutes), INSTANT) == written


def test_numbers_shares_weights_and_counts() -> None:
    english, german = formats(), formats("de")

    assert (english.number(1234.567, 1), german.number(1234.567, 1)) == ("1,234.6", "1.234,6")
    assert (english.number(-3), english.number(4.0, 2)) == ("−3", "4")
    assert (english.percent(0.97), german.percent(0.975, 1)) == ("97%", f"97,5{NBSP}%")
    assert (english.weight(310), english.weight(1480)) == (f"310{NBSP}g", f"1.48{NBSP}kg")
    assert (english.weight(27284), german.weight(27284)) == (f"27.3{NBSP}kg", f"27,3{NBSP}kg")
    assert english.carbon(4100) == f"4.1{NBSP}kg"
    assert (english.quantity(1), english.quantity(1200)) == (f"1{NBSP}piece", f"1,200{NBSP}pieces")


@pytest.mark.parametrize(
    ("length", "written"),
    [
        (timedelta(hours=-23), f"−23{NBSP}h"),
        (timedelta(hours=-24), f"−1{NBSP}d"),
        (timedelta(hours=31), f"+1{NBSP}d 7{NBSP}h"),
        (timedelta(days=-5), f"−5{NBSP}d"),
        (timedelta(), f"±0{NBSP}min"),
    ],
)
def test_differences_of_time_have_a_real_minus_and_are_told_in_days_from_a_day_on(
    length: timedelta, written: str
) -> None:
    assert formats().span_difference(length) == written


def test_other_differences_carry_their_sign_too() -> None:
    english, german = formats(), formats("de")

    assert (english.weight_difference(-310), german.weight_difference(27284)) == (f"−310{NBSP}g", f"+27,3{NBSP}kg")
    assert [german.number_difference(it, 1) for it in (1.25, -1234.5, 0.04)] == ["+1,2", "−1.234,5", "±0"]
    assert english.span(timedelta(days=-1, hours=-7)) == f"1{NBSP}d 7{NBSP}h"
