import pytest

from fabroute.kernel.money import CurrencyMismatch, Money, minor_from_major


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


def test_half_a_cent_is_rounded_up() -> None:
    assert minor_from_major("4.105") == 411
    assert minor_from_major("4.1049") == 410
    assert minor_from_major("0") == 0
