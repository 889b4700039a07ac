"""Stated amounts of any currency as exact EUR cents, with the exchange rates that were used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from types import MappingProxyType

from sqlmodel import Session

from fabroute.estimation.crossover import Amount
from fabroute.kernel.errors import FieldProblem
from fabroute.logistics.service import CurrencyWithoutRate, ExchangeBook, ExchangeRate, exchange_rate

_EURO = "EUR"
_WITHOUT_CENTS = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"),
    *("PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_IN_THOUSANDTHS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_MINOR_UNITS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(_WITHOUT_CENTS, 1) | dict.fromkeys(_IN_THOUSANDTHS, 1000)
)
"""How many make one, of currencies where it is not a hundred (ISO 4217)."""


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
        return Fraction(stated.amount_minor * 100) / (per_eur * _MINOR_UNITS.get(stated.currency, 100))

    def _rate(self, stated: Stated) -> ExchangeRate:
        if stated.currency not in self._rates:
            try:
                self._rates[stated.currency] = exchange_rate(self._source, stated.currency, self._on)
            except CurrencyWithoutRate as error:
                problem = FieldProblem(pointer=f"{stated.pointer}/currency", message=error.message)
                raise CurrencyWithoutRate(error.message, problems=(problem,)) from error
        return self._rates[stated.currency]
