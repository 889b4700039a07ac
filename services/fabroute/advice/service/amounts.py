"""Stated amounts of any currency as exact EUR cents, with the exchange rates that were used."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlmodel import Session

from fabroute.estimation.crossover import Amount
from fabroute.kernel.errors import FieldProblem
from fabroute.kernel.money import minor_units
from fabroute.logistics.service import CurrencyWithoutRate, ExchangeBook, ExchangeRate, exchange_rate

_EURO = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """An amount as a caller states it, in minor units of its currency, and where it stands in the body."""

    amount_minor: int
    currency: str
    pointer: str = ""


class Exchange:
    """Turns amounts into EUR at the rates of one day, each looked up once."""

    def __init__(self, source: Session | ExchangeBook, *, on: date) -> None:
        self._source = source
        self._on = on
        self._rates: dict[str, ExchangeRate] = {}

    @property
    def used(self) -> tuple[ExchangeRate, ...]:
        """The rates of all other currencies so far, by currency."""
        return tuple(rate for _, rate in sorted(self._rates.items()))

    def cents(self, stated: Stated) -> Amount:
        """Return an amount in EUR cents, unrounded; ``CurrencyWithoutRate`` if no rate covers the day."""
        if stated.currency == _EURO:
            return stated.amount_minor
        per_eur = Fraction(str(self._rate(stated).per_eur))
        return Fraction(stated.amount_minor * minor_units(_EURO)) / (per_eur * minor_units(stated.currency))

    def _rate(self, stated: Stated) -> ExchangeRate:
        if stated.currency not in self._rates:
            try:
                self._rates[stated.currency] = exchange_rate(self._source, stated.currency, self._on)
            except CurrencyWithoutRate as error:
                problem = FieldProblem(pointer=f"{stated.pointer}/currency", message=error.message)
                raise CurrencyWithoutRate(error.message, problems=(problem,)) from error
        return self._rates[stated.currency]
