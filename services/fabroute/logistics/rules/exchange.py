"""What a euro buys of another currency on a day: dated rates, never a guess."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from fabroute.kernel.errors import DomainError, FieldProblem

EURO = "EUR"


class CurrencyWithoutRate(DomainError):
    """A currency that no exchange rate covers on a day."""

    code = "currency_without_rate"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRate:
    """How much of a currency (ISO 4217) a euro buys."""

    currency: str
    per_eur: float
    valid_from: date
    valid_to: date = date.max
    """The last day, included."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeBook:
    """The rates of all currencies. Made by ``exchange_book``."""

    rows: Mapping[str, tuple[ExchangeRate, ...]] = field(default_factory=dict)


_ONE = ExchangeRate(currency=EURO, per_eur=1.0, valid_from=date.min, source="by definition")


def exchange_book(rates: Iterable[ExchangeRate]) -> ExchangeBook:
    """Arrange rates for looking up; where two cover a day, the one that began later counts."""
    by_currency: defaultdict[str, list[ExchangeRate]] = defaultdict(list)
    for rate in sorted(rates, key=lambda rate: rate.valid_from, reverse=True):
        by_currency[rate.currency].append(rate)
    return ExchangeBook(rows={currency: tuple(found) for currency, found in sorted(by_currency.items())})


def rate_on(book: ExchangeBook, currency: str, on: date) -> ExchangeRate:
    """Return the rate of a day; a euro is always one euro. ``CurrencyWithoutRate`` if no rate covers the day."""
    if currency == EURO:
        return _ONE
    for rate in book.rows.get(currency, ()):
        if rate.valid_from <= on <= rate.valid_to:
            return rate
    advice = (
        f"no exchange rate for {currency} on {on}: "
        "ask the operator for a rate (fabroute import exchange-rates), or ask in EUR"
    )
    raise CurrencyWithoutRate(advice, problems=(FieldProblem(pointer="/currency", message=advice),))
