"""Money as whole minor units of one currency: never a float."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

_CENTS = 2
_WITHOUT_CENTS = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"),
    *("PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_IN_THOUSANDTHS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_EXPONENTS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(_WITHOUT_CENTS, 0) | dict.fromkeys(_IN_THOUSANDTHS, 3) | {"CLF": 4, "UYW": 4}
)
"""Decimals of currencies that have other than two (ISO 4217, list one, column "minor unit")."""


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were added or compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in minor units (cents for EUR, whole yen for JPY) and its ISO 4217 currency."""

    amount_minor: int
    currency: str = "EUR"

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not (self.currency.isascii() and self.currency.isupper()):
            raise ValueError(f"currency must be three capital letters (ISO 4217), not {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        return Money(amount_minor=self.amount_minor + self._same(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(amount_minor=self.amount_minor - self._same(other), currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount_minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount_minor <= self._same(other)

    def __str__(self) -> str:
        return f"{decimal_text(self.amount_minor, self.currency)} {self.currency}"

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"can't combine {self.currency} with {other.currency}: convert one of them first")
        return other.amount_minor


def minor_from_major(amount: Decimal | str) -> int:
    """Return cents for an amount in euro, half a cent rounded up (``"4.105"`` → 411)."""
    return int((Decimal(amount) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def minor_units(currency: str) -> int:
    """Return how many minor units one of a currency has: 100 for EUR, 1 for JPY, 1000 for KWD (ISO 4217)."""
    units: int = 10 ** _EXPONENTS.get(currency, _CENTS)
    return units


def decimal_text(amount_minor: int, currency: str) -> str:
    """Return an amount as people write it, in its currency's decimals: ``1,234.50``, of JPY ``1,235``."""
    exponent = _EXPONENTS.get(currency, _CENTS)
    return f"{Decimal(amount_minor).scaleb(-exponent):,.{exponent}f}"


def minor_from_euro_cents(cents: Decimal | int, *, currency: str, per_eur: float) -> int:
    """Return cents of a euro as minor units of a currency, of which a euro buys ``per_eur``; half a unit up."""
    amount = Decimal(cents) / minor_units("EUR") * Decimal(str(per_eur)) * minor_units(currency)
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))
