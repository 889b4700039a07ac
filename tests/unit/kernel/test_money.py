from decimal import Decimal

import pycountry
import pytest

from fabroute.kernel.money import (
    CurrencyMismatch,
    Money,
    decimal_text,
    minor_from_euro_cents,
    minor_from_major,
    minor_units,
)


def test_amounts_of_one_currency_add_subtract_and_compare() -> None:
    unit, freight = Money(amount_minor=640), Money(amount_minor=490)

    assert unit + freight == Money(amount_minor=1130, currency="EUR")
    assert unit - freight == Money(amount_minor=150)
    assert freight < unit
    assert unit <= unit


def test_amounts_of_two_currencies_are_never_combined() -> None:
    euro, dollar = Money(amount_minor=100), Money(amount_minor=100, currency="USD")

    with pytest.raises(CurrencyMismatch, match="can't combine EUR with USD"):
        _ = euro + dollar
    with pytest.raises(CurrencyMismatch):
        _ = euro < dollar


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "€"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(ValueError, match="three capital letters") as refusal:
        Money(amount_minor=1, currency=currency)

    assert repr(currency) in str(refusal.value)


def test_money_prints_as_people_write_it() -> None:
    assert str(Money(amount_minor=123456)) == "1,234.56 EUR"
    assert str(Money(amount_minor=-5)) == "-0.05 EUR"
    assert str(Money(amount_minor=100, currency="USD")) == "1.00 USD"
    assert str(Money(amount_minor=-12345, currency="JPY")) == "-12,345 JPY"
    assert str(Money(amount_minor=1234567, currency="KWD")) == "1,234.567 KWD"


def test_half_a_cent_is_rounded_up() -> None:
    assert minor_from_major("4.105") == 411
    assert minor_from_major("4.1049") == 410
    assert minor_from_major("0") == 0


@pytest.mark.parametrize(
    ("currency", "units"),
    [
        *(("EUR", 100), ("USD", 100), ("HUF", 100)),
        *(("JPY", 1), ("KRW", 1), ("VND", 1), ("CLP", 1), ("ISK", 1)),
        *(("BHD", 1000), ("KWD", 1000), ("JOD", 1000), ("OMR", 1000), ("TND", 1000), ("CLF", 10_000)),
    ],
)
def test_a_currency_has_the_decimals_of_iso_4217(currency: str, units: int) -> None:
    assert minor_units(currency) == units
    assert pycountry.currencies.get(alpha_3=currency) is not None
    assert decimal_text(units, currency).replace(".", "").rstrip("0") == "1"


@pytest.mark.parametrize(
    ("currency", "per_eur", "amount", "text"),
    [
        ("EUR", 1.0, 14_636, "146.36"),
        ("USD", 1.16, 16_978, "169.78"),  # 146.36 x 1.16 = 169.7776
        ("JPY", 163.0, 23_857, "23,857"),  # 146.36 x 163 = 23,856.68
        ("KWD", 0.355, 51_958, "51.958"),  # 146.36 x 0.355 = 51.9578
    ],
)
def test_euro_become_whole_minor_units_of_another_currency(
    currency: str, per_eur: float, amount: int, text: str
) -> None:
    assert minor_from_euro_cents(14_636, currency=currency, per_eur=per_eur) == amount
    assert decimal_text(amount, currency) == text


def test_half_a_minor_unit_is_rounded_up_once() -> None:
    assert minor_from_euro_cents(Decimal("0.5"), currency="EUR", per_eur=1.0) == 1
    assert minor_from_euro_cents(150, currency="JPY", per_eur=1.0) == 2
    assert minor_from_euro_cents(149, currency="JPY", per_eur=1.0) == 1
