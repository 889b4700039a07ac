"""Advice in short, beside every quote and every order line. It asks nothing and refuses nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from fabroute.estimation.crossover import (
    CrossoverZone,
    Method,
    Terms,
    Totals,
    crossover_of,
    rounded_minor,
    totals_of,
    zone_of,
)
from fabroute.inventory.service import ConventionalMethod
from fabroute.kernel.money import Money

ALONE: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortAdvice:
    """Where a quantity stands to its crossover, and what that means; money in EUR cents."""

    quantity: int
    zone: CrossoverZone | None
    """``None``, as the three others, where no node can print it."""
    crossover: float | None
    """At this quantity's piece price; ``math.inf`` where printing is cheaper at any quantity."""
    cheaper: Method
    saving_minor: int | None
    """What the cheaper way saves against the other one."""
    printed_minor: int | None
    conventional_minor: int
    meaning: str
    cheaper_from: int | None = None
    """Of the quantities that were asked together, the first from which the conventional way is the cheaper one."""


def quote_advice(
    *, quantity: int, printed_minor: int | None, conventional: ConventionalMethod, asked: Mapping[int, int] = ALONE
) -> ShortAdvice | None:
    """Return the advice beside an offer or an order line; ``None`` where the conventional method is not known.

    ``printed_minor`` is what all pieces cost to print, without freight and duty: the conventional way has them, too.
    It is ``None`` where no node can print so many. ``asked`` has the same of every quantity that was asked with it:
    its own prices tell where the conventional way really becomes cheaper. An order beyond its crossover is taken all
    the same, and told.
    """
    if conventional.unit_minor is None or conventional.tooling_minor is None:
        return None
    terms = Terms(
        unit_minor=conventional.unit_minor,
        tooling_minor=conventional.tooling_minor,
        minimum_quantity=conventional.minimum_quantity or 1,
    )
    cheaper_from = _cheaper_from(asked, terms) if len(asked) > 1 else None
    if printed_minor is None:
        return _unprintable(quantity, terms, conventional.lead_days, cheaper_from)
    unit = Fraction(printed_minor, quantity)
    totals = totals_of(quantity, printed_unit_minor=unit, terms=terms)
    crossover = crossover_of(terms, printed_unit_minor=unit)
    return ShortAdvice(
        quantity=quantity,
        zone=zone_of(quantity, crossover),
        crossover=crossover,
        cheaper=totals.cheaper,
        saving_minor=abs(totals.saving_minor),
        printed_minor=totals.printed_minor,
        conventional_minor=totals.conventional_minor,
        meaning=_meaning(quantity, totals, crossover) + _among(asked, cheaper_from),
        cheaper_from=cheaper_from,
    )


def _cheaper_from(asked: Mapping[int, int], terms: Terms) -> int | None:
    """Return the first quantity from which on the conventional way is cheaper at every one that was asked."""
    found = None
    for quantity in sorted(asked, reverse=True):
        totals = totals_of(quantity, printed_unit_minor=Fraction(asked[quantity], quantity), terms=terms)
        if totals.cheaper is Method.PRINT:
            break
        found = quantity
    return found


def _unprintable(quantity: int, terms: Terms, lead_days: int | None, cheaper_from: int | None) -> ShortAdvice:
    totals = totals_of(quantity, printed_unit_minor=0, terms=terms)
    tool = f"tool {_euro(totals.tooling_minor)}, " if totals.tooling_minor else ""
    scrap = f"; {totals.scrapped:,} of the {totals.bought:,} to be bought are scrap" if totals.scrapped else ""
    days = "" if lead_days is None else f", in {lead_days} days"
    return ShortAdvice(
        quantity=quantity,
        zone=None,
        crossover=None,
        cheaper=Method.CONVENTIONAL,
        saving_minor=None,
        printed_minor=None,
        conventional_minor=totals.conventional_minor,
        meaning=f"no node can print {quantity:,} as asked; conventionally they cost {_euro(totals.conventional_minor)} "
        f"({tool}{_euro(rounded_minor(terms.unit_minor))} a piece{scrap}){days}",
        cheaper_from=cheaper_from,
    )


def _meaning(quantity: int, totals: Totals, crossover: float) -> str:
    saved = _euro(abs(totals.saving_minor))
    if totals.cheaper is Method.PRINT:
        return f"printing saves {saved} here; {_where(quantity, totals, crossover)}"
    scrap = f"{totals.scrapped:,} of the {totals.bought:,} to be bought scrapped" if totals.scrapped else ""
    if not totals.tooling_minor:
        return (
            f"the conventional way needs no tool and would save {saved}{', ' if scrap else ''}{scrap}; printing is "
            "taken all the same"
        )
    return (
        f"{quantity:,} pieces are beyond the crossover at {crossover:,.1f}: the conventional way would save {saved} "
        f"with its tool{', ' if scrap else ''}{scrap}; printing is taken all the same, and right while the design "
        "still changes"
    )


def _where(quantity: int, totals: Totals, crossover: float) -> str:
    unit = _euro(rounded_minor(Fraction(totals.printed_minor, quantity)))
    if math.isinf(crossover):
        return f"at this quantity's piece price of {unit} there is no crossover: it is the cheaper way at any quantity"
    return f"at this quantity's piece price of {unit} the crossover is at {crossover:,.0f} pieces"


def _among(asked: Mapping[int, int], cheaper_from: int | None) -> str:
    if len(asked) < 2:
        return ""
    if cheaper_from is None:
        return f"; of the quantities asked, printing is the cheaper way of the largest, {max(asked):,}"
    if cheaper_from == min(asked):
        return "; the conventional way is cheaper at each of the quantities asked"
    return f"; of the quantities asked, the conventional way is cheaper from {cheaper_from:,} on"


def _euro(amount_minor: int) -> str:
    return str(Money(amount_minor=amount_minor))
