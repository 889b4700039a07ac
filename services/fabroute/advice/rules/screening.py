"""The judge of spare-part lists: is a part worth a digital twin? ``no`` is the usual answer.

What speaks against a part is asked first, each question by what the row itself says: so most parts are done without an
estimate, and a part of which little is known is never given a saving that nobody could have worked out.
"""

import math
from dataclasses import replace
from fractions import Fraction

from fabroute.advice.rules.screening_demand import YearlyDemand, yearly_demand
from fabroute.advice.rules.screening_parts import Judgement, PrintedUnit, Reason, ScreenedPart, Verdict
from fabroute.advice.rules.screening_printing import PrintMarket
from fabroute.advice.rules.screening_refusals import Bought, Known, euro, missing_of, refusals_of
from fabroute.advice.rules.screening_saving import (
    Need,
    need_of,
    print_lot,
    printing_rows,
    spared_rows,
    total_minor,
    twin_rows,
)
from fabroute.advice.rules.screening_sizes import size_of
from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.estimation.crossover import Terms, crossover_of, zone_of
from fabroute.estimation.facts import PartGeometry

_DIGITS = 3


def judge_part(part: ScreenedPart, market: PrintMarket, terms: ScreeningTerms) -> Judgement:
    """Return whether a part is worth a digital twin, with the reasons and every figure that led there.

    Any reason against it makes it ``no``, even where something is missing; without one, what is missing makes it
    ``unclear``; only a part of which everything is known, and which saves at least the minimum, is worth a twin.
    """
    known = known_of(part, market, terms)
    refusals = refusals_of(known)
    if refusals:
        return _judgement(known, "no", *refusals)
    size, bought = known.size.geometry, known.bought
    if size is None or bought is None or not known.wishes:
        return _judgement(known, "unclear", *missing_of(known))
    return _judged_by_price(known, bought, size)


def unjudged(code: str, message: str) -> Judgement:
    """Return the judgement of a row that could not be judged."""
    return Judgement(verdict="unclear", reasons=(Reason(code=code, message=message),))


def known_of(part: ScreenedPart, market: PrintMarket, terms: ScreeningTerms) -> Known:
    """Return a part with all that follows from its own row; the terms stand in where it names no material."""
    wishes = part.process_materials or terms.process_materials
    demand = yearly_demand(
        _stated_demand(part, terms),
        part.history,
        period_months=terms.period_months,
        most_orders=terms.print_orders_per_year,
    )
    need = None if demand is None else need_of(part, demand, terms)
    return Known(
        part=part,
        terms=terms,
        market=market,
        wishes=wishes,
        kinds=market.kinds_for(wishes),
        demand=demand,
        need=need,
        size=size_of(part, market.materials_for(wishes)),
        bought=_bought(part, demand, need, terms),
    )


def _stated_demand(part: ScreenedPart, terms: ScreeningTerms) -> float | None:
    if part.demand is None and not part.history and part.need is not None:
        return part.need / terms.horizon_years
    return part.demand


def _bought(part: ScreenedPart, demand: YearlyDemand | None, need: Need | None, terms: ScreeningTerms) -> Bought | None:
    price = part.unit_price_minor
    if demand is None or need is None or price is None or not need.to_buy:
        return None
    rows = spared_rows(part, price, demand, need, terms) + twin_rows(part, terms)
    return Bought(price_minor=price, demand=demand, need=need, rows=rows)


def _judged_by_price(known: Known, bought: Bought, size: PartGeometry) -> Judgement:
    """Return the verdict of a part that could be printed, by what that costs."""
    lot = print_lot(bought.demand, bought.need)
    printed = known.market.cheapest(size, known.kinds, quantity=lot)
    if printed is None:
        message = f"a part of this volume, taken as a cube, fits no machine that prints {' or '.join(known.wishes)}"
        return _judgement(known, "unclear", Reason(code="size_assumed", message=message))
    rows = bought.rows + printing_rows(printed, bought.demand, bought.need, known.terms)
    verdict, reason = _verdict(known, bought, printed, total_minor(rows))
    quantity = _crossover(known.part, bought, printed)
    judged = replace(
        _judgement(known, verdict, reason),
        printed=printed,
        crossover=None if math.isinf(quantity) else round(quantity, _DIGITS),
        zone=zone_of(bought.need.to_buy, quantity).value,
    )
    return judged if known.size.missing else replace(judged, yearly_saving_minor=total_minor(rows), rows=rows)


def _verdict(known: Known, bought: Bought, printed: PrintedUnit, saving_minor: int) -> tuple[Verdict, Reason]:
    least = max(1, known.terms.minimum_saving_minor)
    compared = f"printed {euro(printed.unit_minor)} a part, bought {euro(bought.price_minor)}"
    if saving_minor < 0:
        return "no", Reason(code="costs_more", message=f"a twin would cost {euro(-saving_minor)} a year: {compared}")
    if saving_minor < least:
        message = f"a twin would save {euro(saving_minor)} a year, under the {euro(least)} that count: {compared}"
        return "no", Reason(code="saves_too_little", message=message)
    if known.size.missing:
        message = f"it may pay, but its size is not known for sure: give {', '.join(known.size.missing)}"
        return "unclear", Reason(code="size_assumed", message=message)
    return "digital_twin", Reason(code="saves", message=f"a twin saves {euro(saving_minor)} a year: {compared}")


def _crossover(part: ScreenedPart, bought: Bought, printed: PrintedUnit) -> float:
    """Return the need from which on buying is the cheaper way, tool and minimum order counted."""
    terms = Terms(
        unit_minor=Fraction(bought.price_minor),
        tooling_minor=Fraction(part.tooling_minor or 0),
        minimum_quantity=part.minimum_quantity or 1,
    )
    return crossover_of(terms, printed_unit_minor=Fraction(printed.price_minor, printed.quantity))


def _judgement(known: Known, verdict: Verdict, *reasons: Reason) -> Judgement:
    """Return a judgement with what is known of the demand, whatever the verdict."""
    found = Judgement(verdict=verdict, reasons=reasons, missing=known.missing, assumed=known.size.assumed)
    if known.bought is not None:
        found = replace(found, at_most_minor=known.bought.at_most_minor)
    if known.demand is None or known.need is None:
        return found
    return replace(
        found,
        demand_class=known.demand.pattern.kind,
        adi=known.demand.pattern.adi,
        cv2=known.demand.pattern.cv2,
        yearly_demand=known.demand.quantity,
        need=known.need.wanted,
        to_buy=known.need.to_buy,
        scrap_quantity=known.need.scrap,
    )
