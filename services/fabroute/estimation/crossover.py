"""From which quantity on a tool pays: printed against moulded, cast or machined.

Amounts are minor units of EUR, whole or fractions of them where another currency was converted; totals are rounded
once, half a cent up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from fabroute.estimation.facts import InvalidFact

Amount = int | Fraction
"""Minor units of EUR; exact."""

ADDITIVE_BELOW = 0.5
CONVENTIONAL_ABOVE = 2.0
"""Shares of the crossover between which both ways are worth a look (assumption)."""


class CrossoverZone(StrEnum):
    """Where a quantity stands to its crossover."""

    ADDITIVE = "additive"
    MIDDLE = "middle"
    CONVENTIONAL = "conventional"


class Method(StrEnum):
    """A way to make a part."""

    PRINT = "print"
    CONVENTIONAL = "conventional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the conventional way costs: per piece, and the tool once for every variant."""

    unit_minor: Amount
    tooling_minor: Amount
    minimum_quantity: int = 1
    """The smallest order (MOQ) of one variant: what is not needed of it is scrap."""

    def __post_init__(self) -> None:
        _require_not_negative("the conventional unit cost", self.unit_minor)
        _require_not_negative("the tooling", self.tooling_minor)
        _require_count("the minimum quantity", self.minimum_quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a quantity costs either way."""

    printed_minor: int
    conventional_minor: int
    tooling_minor: int
    """Of all variants; a part of ``conventional_minor``."""
    bought: int
    """Pieces of the conventional way: the quantity, or the minimum of each variant where that is more."""
    scrapped: int
    """Pieces that are bought and not needed."""
    scrapped_minor: int

    @property
    def saving_minor(self) -> int:
        """What the conventional way saves; negative where printing is the cheaper one."""
        return self.printed_minor - self.conventional_minor

    @property
    def cheaper(self) -> Method:
        """The cheaper way; printing where both cost the same, because it needs no tool."""
        return Method.CONVENTIONAL if self.saving_minor > 0 else Method.PRINT


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One of the shapes that an order is made of."""

    name: str
    quantity: int
    printed_unit_minor: Amount
    terms: Terms
    is_complex: bool = False
    """Undercuts, channels, lattices: what makes a tool dear or impossible."""
    varies: bool = False
    """It changes from piece to piece or from batch to batch, so that a tool is soon worth nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChoice:
    """How one shape of a hybrid is made, and why."""

    name: str
    quantity: int
    method: Method
    totals: Totals
    crossover: float
    why: str

    @property
    def cost_minor(self) -> int:
        """What the shape costs in the chosen way."""
        printed = self.method is Method.PRINT
        return self.totals.printed_minor if printed else self.totals.conventional_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridSplit:
    """An order whose shapes are made in two ways."""

    choices: tuple[ItemChoice, ...]

    @property
    def total_minor(self) -> int:
        """What the whole order costs so."""
        return sum(choice.cost_minor for choice in self.choices)

    def quantity(self, method: Method) -> int:
        """Return how many pieces are made in one way."""
        return sum(choice.quantity for choice in self.choices if choice.method is method)


def crossover_quantity(
    *, tooling_minor: Amount, printed_unit_minor: Amount, conventional_unit_minor: Amount, variants: int = 1
) -> float:
    """Return N* = variants x tooling / (printed unit - conventional unit): above it the tools have paid.

    ``math.inf`` where a printed piece costs no more than a conventional one: printing is then cheaper at any quantity.
    Printed 18.00 against 0.70 and a mould of 6,500 is 375.7; ten variants are ten moulds.
    """
    _require_count("the number of variants", variants)
    _require_not_negative("the tooling", tooling_minor)
    gain = printed_unit_minor - conventional_unit_minor
    return math.inf if gain <= 0 else float(Fraction(variants * tooling_minor) / gain)


def crossover_of(terms: Terms, *, printed_unit_minor: Amount, variants: int = 1) -> float:
    """Return the crossover with the minimum order counted: pieces that are only scrapped have to be paid, too.

    Where N* lies under the minimum order M, the whole of M is paid from the first piece on, and the ways cost the same
    at (tooling + M x unit) / printed unit. The variants share the quantity evenly.
    """
    plain = crossover_quantity(
        tooling_minor=terms.tooling_minor,
        printed_unit_minor=printed_unit_minor,
        conventional_unit_minor=terms.unit_minor,
        variants=variants,
    )
    if terms.minimum_quantity == 1 or plain >= variants * terms.minimum_quantity:
        return plain
    least = terms.tooling_minor + terms.minimum_quantity * terms.unit_minor
    return float(variants * Fraction(least) / printed_unit_minor)


def zone_of(quantity: int, crossover: float) -> CrossoverZone:
    """Return whether a quantity lies well below the crossover (under half), well above (over twice), or between."""
    _require_count("the quantity", quantity)
    if quantity < ADDITIVE_BELOW * crossover:
        return CrossoverZone.ADDITIVE
    return CrossoverZone.CONVENTIONAL if quantity > CONVENTIONAL_ABOVE * crossover else CrossoverZone.MIDDLE


def totals_of(quantity: int, *, printed_unit_minor: Amount, terms: Terms, variants: int = 1) -> Totals:
    """Return what a quantity costs printed and conventional; variants share it as evenly as whole pieces can."""
    _require_not_negative("the printed unit cost", printed_unit_minor)
    bought = _bought(quantity, variants, terms.minimum_quantity)
    tooling = variants * terms.tooling_minor
    return Totals(
        printed_minor=rounded_minor(quantity * printed_unit_minor),
        conventional_minor=rounded_minor(tooling + bought * terms.unit_minor),
        tooling_minor=rounded_minor(tooling),
        bought=bought,
        scrapped=bought - quantity,
        scrapped_minor=rounded_minor((bought - quantity) * terms.unit_minor),
    )


def hybrid_split(items: Sequence[Item]) -> HybridSplit:
    """Return which shapes of an order are printed and which are not: complex or varying ones are printed.

    A plain shape is made conventionally if that is the cheaper way for its own quantity.
    """
    return HybridSplit(choices=tuple(_choice(item) for item in items))


def rounded_minor(amount: Amount) -> int:
    """Return whole minor units, half a cent up."""
    return math.floor(amount + Fraction(1, 2))


def _choice(item: Item) -> ItemChoice:
    totals = totals_of(item.quantity, printed_unit_minor=item.printed_unit_minor, terms=item.terms)
    crossover = crossover_of(item.terms, printed_unit_minor=item.printed_unit_minor)
    method, why = _judged(item, totals)
    return ItemChoice(
        name=item.name, quantity=item.quantity, method=method, totals=totals, crossover=crossover, why=why
    )


def _judged(item: Item, totals: Totals) -> tuple[Method, str]:
    if item.is_complex:
        return Method.PRINT, "complex: no tool has to make its shape"
    if item.varies:
        return Method.PRINT, "varies: no tool is lost when it changes"
    if totals.cheaper is Method.CONVENTIONAL:
        return Method.CONVENTIONAL, "plain and unchanging, and its quantity pays for the tool"
    return Method.PRINT, "plain, but its quantity does not pay for a tool of its own"


def _bought(quantity: int, variants: int, minimum: int) -> int:
    _require_count("the quantity", quantity)
    _require_count("the number of variants", variants)
    each, rest = divmod(quantity, variants)
    if not each:
        raise InvalidFact(f"{quantity} pieces can't be of {variants} variants: state at most as many variants")
    return rest * max(each + 1, minimum) + (variants - rest) * max(each, minimum)


def _require_not_negative(what: str, amount: Amount) -> None:
    if amount < 0:
        raise InvalidFact(f"{what} must be 0 or more, not {amount}")


def _require_count(what: str, count: int) -> None:
    if count < 1:
        raise InvalidFact(f"{what} must be at least 1, not {count}")
