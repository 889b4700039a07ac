"""National grids and exchange rates: the row of the day, a marked assumption, or a clear refusal."""

from datetime import date

import pytest

from fabroute.logistics.rules import (
    CurrencyWithoutRate,
    ExchangeBook,
    ExchangeRate,
    GridBook,
    GridFigure,
    GridRow,
    exchange_book,
    grid_book,
    grid_g_per_kwh,
    rate_on,
)
from fabroute.logistics.service import exchange_rate


def a_grid(
    country: str, grams: float, *, first: date = date(2023, 1, 1), last: date = date(2025, 12, 31), source: str = "V"
) -> GridRow:
    return GridRow(country=country, g_per_kwh=grams, valid_from=first, valid_to=last, source=source)


def a_rate(currency: str, per_eur: float, *, first: date, last: date) -> ExchangeRate:
    return ExchangeRate(currency=currency, per_eur=per_eur, valid_from=first, valid_to=last, source="a bank")


GRID = grid_book(
    [
        a_grid("DE", 380.9),
        a_grid("DE", 350.0, first=date(2026, 1, 1), last=date(2026, 12, 31), source="V: 2025"),
        a_grid("*", 480.0),
    ]
)
RATES = exchange_book(
    [
        a_rate("USD", 1.08, first=date(2026, 11, 16), last=date(2026, 11, 22)),
        a_rate("USD", 1.10, first=date(2026, 11, 23), last=date(2026, 11, 29)),
    ]
)


def test_a_countrys_figure_is_that_of_the_edition_of_the_day() -> None:
    assert grid_g_per_kwh(GRID, "DE", date(2025, 12, 31)) == GridFigure(g_per_kwh=380.9, source="V", assumed=False)
    assert grid_g_per_kwh(GRID, "DE", date(2026, 1, 1)) == GridFigure(g_per_kwh=350.0, source="V: 2025", assumed=False)


def test_without_a_figure_the_row_for_all_others_is_assumed_and_says_so() -> None:
    assert grid_g_per_kwh(GRID, "KE", date(2024, 6, 1)) == GridFigure(g_per_kwh=480.0, source="V", assumed=True)
    assert grid_g_per_kwh(GRID, "DE", date(2022, 12, 31)).assumed is True


def test_without_any_row_the_world_average_is_assumed() -> None:
    nothing = GridFigure(g_per_kwh=475.0, source="V: world average 2023, built in", assumed=True)
    assert grid_g_per_kwh(GridBook(), "DE", date(2026, 1, 1)) == nothing
    assert grid_g_per_kwh(GRID, "KE", date(2026, 1, 1)) == nothing


def test_where_two_figures_cover_a_day_the_one_that_began_later_counts() -> None:
    rows = [
        a_grid("FR", 56, last=date(2099, 12, 31)),
        a_grid("FR", 40, first=date(2026, 1, 1), last=date(2099, 12, 31)),
    ]
    for ordered in (rows, rows[::-1]):
        assert grid_g_per_kwh(grid_book(ordered), "FR", date(2026, 6, 1)).g_per_kwh == 40
        assert grid_g_per_kwh(grid_book(ordered), "FR", date(2025, 6, 1)).g_per_kwh == 56


def test_a_euro_buys_what_the_rate_of_the_day_says() -> None:
    assert [rate_on(RATES, "USD", date(2026, 11, day)).per_eur for day in (16, 22, 23, 29)] == [1.08, 1.08, 1.10, 1.10]
    assert rate_on(RATES, "USD", date(2026, 11, 23)).source == "a bank"
    assert exchange_rate(RATES, "USD", date(2026, 11, 23)).valid_from == date(2026, 11, 23)


def test_a_euro_is_always_one_euro() -> None:
    for book in (RATES, ExchangeBook()):
        assert rate_on(book, "EUR", date(1999, 1, 1)).per_eur == 1.0
        assert rate_on(book, "EUR", date(2026, 11, 23)).source == "by definition"


@pytest.mark.parametrize(
    ("currency", "day"), [("CHF", date(2026, 11, 23)), ("USD", date(2026, 11, 15)), ("USD", date(2026, 11, 30))]
)
def test_a_currency_without_a_rate_of_the_day_is_refused_and_never_guessed(currency: str, day: date) -> None:
    with pytest.raises(CurrencyWithoutRate) as refusal:
        rate_on(RATES, currency, day)
    assert (refusal.value.code, refusal.value.status) == ("currency_without_rate", 422)
    assert refusal.value.message == (
        f"no exchange rate for {currency} on {day}: ask the operator for a rate "
        "(fabroute import exchange-rates), or ask in EUR"
    )
    assert [problem.pointer for problem in refusal.value.problems] == ["/currency"]


def test_where_two_rates_cover_a_day_the_one_that_began_later_counts() -> None:
    old = a_rate("USD", 1.0, first=date(2020, 1, 1), last=date(2099, 12, 31))
    new = a_rate("USD", 1.2, first=date(2026, 1, 1), last=date(2099, 12, 31))
    assert rate_on(exchange_book([old, new]), "USD", date(2026, 1, 1)).per_eur == 1.2
    assert rate_on(exchange_book([new, old]), "USD", date(2025, 12, 31)).per_eur == 1.0
