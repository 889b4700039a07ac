"""Advice in short, beside every quote and every order line. It asks nothing and refuses nothing."""

from dataclasses import dataclass
from fractions import Fraction

from fabroute.advice.rules.method import first_quantity_above
from fabroute.estimation.crossover import CrossoverZone, Method, Terms, Totals, crossover_of, totals_of, zone_of
from fabroute.inventory.service import ConventionalMethod
from fabroute.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortAdvice:
    """Where a quantity stands to its crossover, and what that means; money in EUR cents."""

    zone: CrossoverZone
    crossover: float
    """``math.inf`` where printing is cheaper at any quantity."""
    cheaper: Method
    saving_minor: int
    """What the cheaper way saves against the other one."""
    printed_minor: int
    conventional_minor: int
    meaning: str


def quote_advice(*, quantity: int, printed_minor: int, conventional: ConventionalMethod) -> ShortAdvice | None:
    """Return the advice beside an offer or an order line; ``None`` where the conventional method is not known.

    ``printed_minor`` is what all pieces cost to print, without freight and duty: the conventional way has them, too.
    An order beyond its crossover is taken all the same, and told.
    """
    if conventional.unit_minor is None or conventional.tooling_minor is None:
        return None
    terms = Terms(
        unit_minor=conventional.unit_minor,
        tooling_minor=conventional.tooling_minor,
        minimum_quantity=conventional.minimum_quantity or 1,
    )
    unit = Fraction(printed_minor, quantity)
    totals, crossover = (
        totals_of(quantity, printed_unit_minor=unit, terms=terms),
        crossover_of(terms, printed_unit_minor=unit),
    )
    return ShortAdvice(
        zone=zone_of(quantity, crossover),
        crossover=crossover,
        cheaper=totals.cheaper,
        saving_minor=abs(totals.saving_minor),
        printed_minor=totals.printed_minor,
        conventional_minor=totals.conventional_minor,
        meaning=_meaning(quantity, totals, crossover),
    )


def _meaning(quantity: int, totals: Totals, crossover: float) -> str:
    saved = Money(amount_minor=abs(totals.saving_minor))
    if totals.cheaper is Method.PRINT:
        above = first_quantity_above(crossover)
        then = "at any quantity" if above is None else f"up to {above - 1:,} pieces"
        return f"printing saves {saved} here and is the cheaper way {then}"
    scrap = f", {totals.scrapped:,} of the {totals.bought:,} to be bought scrapped" if totals.scrapped else ""
    return (
        f"{quantity:,} pieces are beyond the crossover at {crossover:,.1f}: the conventional way would save {saved} "
        f"with its tool{scrap}; printing is taken all the same, and right while the design still changes"
    )
