"""Stated amounts of any currency become exact EUR cents."""

from datetime import date
from fractions import Fraction

import pytest

from fabroute.advice.service.amounts import Exchange, Stated
from fabroute.logistics.rules import exchange_book
from fabroute.logistics.service import CurrencyWithoutRate, ExchangeRate
from tests.factories.advice import TODAY


def an_exchange() -> Exchange:
    rates = (
        ExchangeRate(currency="USD", per_eur=1.25, valid_from=date(2026, 1, 1), source="a bank"),
        ExchangeRate(currency="JPY", per_eur=160.0, valid_from=date(2026, 1, 1), source="a bank"),
        ExchangeRate(currency="KWD", per_eur=0.32, valid_from=date(2026, 1, 1), source="a bank"),
        ExchangeRate(currency="PLN", per_eur=4.3, valid_from=date(2026, 1, 1), source="a bank"),
        ExchangeRate(currency="GBP", per_eur=0.8, valid_from=date(2027, 1, 1), source="a bank"),
    )
    return Exchange(exchange_book(rates), on=TODAY)


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        (1_800, "EUR", 1_800),
        (1_000, "USD", 800),
        (1_600, "JPY", 1_000),
        (610, "JPY", Fraction(61_000, 160)),
        (320, "KWD", 100),
        (43, "PLN", 10),
        (1, "PLN", Fraction(10, 43)),
        (0, "USD", 0),
    ],
)
def test_minor_units_of_every_currency_become_cents(amount: int, currency: str, cents: Fraction | int) -> None:
    exchange = an_exchange()

    assert exchange.cents(Stated(amount_minor=amount, currency=currency)) == cents
    assert [rate.currency for rate in exchange.used] == ([] if currency == "EUR" else [currency])


@pytest.mark.parametrize("currency", ["CHF", "GBP", "XXX"])
def test_a_currency_without_a_rate_is_refused_where_it_stands(currency: str) -> None:
    exchange = an_exchange()
    with pytest.raises(CurrencyWithoutRate, match=f"no exchange rate for {currency} on 2026-11-22") as refused:
        exchange.cents(Stated(amount_minor=5, currency=currency, pointer="/conventional/tooling"))

    assert refused.value.problems[0].pointer == "/conventional/tooling/currency"
    assert (refused.value.code, exchange.used) == ("currency_without_rate", ())


def test_a_rate_is_told_once_however_often_it_is_used() -> None:
    exchange = an_exchange()
    total = sum(exchange.cents(Stated(amount_minor=100, currency=currency)) for currency in ("USD", "PLN", "USD"))

    assert total == 160 + Fraction(1_000, 43)
    assert [rate.currency for rate in exchange.used] == ["PLN", "USD"]
