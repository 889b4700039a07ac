"""Printed or conventional: what each way costs, where the quantity stands to the crossover, and what is advised."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from fabroute.estimation.crossover import (
    Amount,
    CrossoverZone,
    HybridSplit,
    Item,
    Method,
    Terms,
    Totals,
    crossover_of,
    hybrid_split,
    rounded_minor,
    totals_of,
    zone_of,
)
from fabroute.kernel.money import Money


class Recommended(StrEnum):
    """What is advised; never without the figures of the other ways."""

    PRINT = "print"
    HYBRID = "hybrid"
    CONVENTIONAL = "conventional"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Where the ways really meet, each quantity printed at its own price."""

    quantity: int | None
    """The first from which the conventional way is cheaper; ``None`` where printing is, as far as one looks."""
    printed_unit_minor: Amount | None = None
    """Of a printed piece there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCase:
    """A quantity that could be made either way. ``None`` for what nobody has said."""

    quantity: int
    printed_unit_minor: Amount
    terms: Terms
    variants: int = 1
    design_frozen: bool | None = None
    demand_stable: bool | None = None
    items: tuple[Item, ...] = ()
    """The shapes that the quantity is made of, where they are known one by one."""
    break_even: BreakEven | None = None
    """``None`` where the printed price of other quantities is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodAdvice:
    """What is advised, and everything that it stands on."""

    totals: Totals
    crossover: float
    """Of all variants together."""
    zone: CrossoverZone
    recommended: Recommended
    headline: str
    reasons: tuple[str, ...]
    conditions: tuple[str, ...]
    """What would change the advice, or has to be sure before it is followed."""
    sentence: str
    """Where the quantity stands to the crossover."""
    hybrid: HybridSplit | None
    """With two ways in it; ``None`` where the shapes are not known one by one."""
    break_even: BreakEven | None = None


def advise_method(case: MethodCase) -> MethodAdvice:
    """Return which way is advised for a case. ``InvalidFact`` for figures that can't be.

    The cheaper way is advised, with two limits: a design that still changes or a demand that comes and goes stays
    with printing, and where shapes are known one by one, each may go its own way if that is the cheapest of all.
    """
    totals, crossover = _totals(case), _crossover(case)
    zone = zone_of(case.quantity, crossover)
    hybrid = hybrid_split(case.items) if case.items else None
    recommended = _recommended(case, totals, hybrid)
    sentence = _sentence(case, totals, zone, crossover)
    return MethodAdvice(
        totals=totals,
        crossover=crossover,
        zone=zone,
        recommended=recommended,
        headline=_headline(recommended, totals, hybrid),
        reasons=(*_reasons(case, totals), sentence),
        conditions=(*_conditions(case, totals, recommended, crossover), *_hybrid_hint(case, totals, zone, crossover)),
        sentence=sentence,
        hybrid=hybrid if hybrid is not None and _is_mixed(hybrid) else None,
        break_even=case.break_even,
    )


def zone_sentence(zone: CrossoverZone, *, quantity: int, crossover: float, has_tool: bool = True) -> str:
    """Return what a quantity's zone means; without a tool, only what a minimum order scraps speaks for printing."""
    if math.isinf(crossover):
        return "a printed piece costs no more than a conventional one: printing is cheaper at any quantity"
    if not crossover:
        return "a conventional piece costs less and needs no tool: the conventional way is cheaper at any quantity"
    at = f"the crossover at {crossover:,.1f}"
    return {
        CrossoverZone.ADDITIVE: f"{quantity:,} is under half of {at}: printing is clearly the way",
        CrossoverZone.MIDDLE: f"{quantity:,} is near {at} (from half of it to twice): look at both ways"
        + (" and at a hybrid, complex or varying shapes printed, plain ones conventional" if has_tool else ""),
        CrossoverZone.CONVENTIONAL: f"{quantity:,} is over twice {at}: "
        + ("the tool has clearly paid" if has_tool else "the conventional way is clearly cheaper"),
    }[zone]


def _sentence(case: MethodCase, totals: Totals, zone: CrossoverZone, crossover: float) -> str:
    has_tool = totals.tooling_minor > 0
    told = zone_sentence(zone, quantity=case.quantity, crossover=crossover, has_tool=has_tool)
    if case.break_even is None:
        return told
    unit = _euro(rounded_minor(case.printed_unit_minor))
    return f"{told}; this is at the piece price of {case.quantity:,}, {unit}: {_meeting(case.break_even)}"


def _meeting(found: BreakEven) -> str:
    if found.quantity is None or found.printed_unit_minor is None:
        return "with each quantity at its own price, printing is the cheaper way of large ones"
    unit = _euro(rounded_minor(found.printed_unit_minor))
    return (
        f"with each quantity at its own price, the conventional way is cheaper from {found.quantity:,} on, where a "
        f"printed piece costs {unit}"
    )


def first_quantity_above(crossover: float) -> int | None:
    """Return the smallest quantity at which the conventional way is cheaper; ``None`` if there is none."""
    return None if math.isinf(crossover) else math.floor(crossover) + 1


def _totals(case: MethodCase) -> Totals:
    if not case.items:
        return totals_of(
            case.quantity, printed_unit_minor=case.printed_unit_minor, terms=case.terms, variants=case.variants
        )
    each = [totals_of(it.quantity, printed_unit_minor=it.printed_unit_minor, terms=it.terms) for it in case.items]
    return Totals(
        printed_minor=sum(it.printed_minor for it in each),
        conventional_minor=sum(it.conventional_minor for it in each),
        tooling_minor=sum(it.tooling_minor for it in each),
        bought=sum(it.bought for it in each),
        scrapped=sum(it.scrapped for it in each),
        scrapped_minor=sum(it.scrapped_minor for it in each),
    )


def _crossover(case: MethodCase) -> float:
    """Return the crossover of all shapes together: each adds its tool, and its share of what a piece saves."""
    if not case.items:
        return crossover_of(case.terms, printed_unit_minor=case.printed_unit_minor, variants=case.variants)
    totals = _totals(case)
    gain = totals.printed_minor - (totals.conventional_minor - totals.tooling_minor)
    return math.inf if gain <= 0 else case.quantity * totals.tooling_minor / gain


def _recommended(case: MethodCase, totals: Totals, hybrid: HybridSplit | None) -> Recommended:
    if _holds_back(case, totals):
        return Recommended.PRINT
    cheapest = min(totals.printed_minor, totals.conventional_minor)
    if hybrid is not None and _is_mixed(hybrid) and hybrid.total_minor < cheapest:
        return Recommended.HYBRID
    return Recommended(totals.cheaper.value)


def _holds_back(case: MethodCase, totals: Totals) -> bool:
    """Tell whether a tool might be lost: where there is none, the cheaper way is free to be taken."""
    return totals.tooling_minor > 0 and (case.design_frozen is False or case.demand_stable is False)


def _is_mixed(hybrid: HybridSplit) -> bool:
    return all(hybrid.quantity(method) for method in Method)


def _headline(recommended: Recommended, totals: Totals, hybrid: HybridSplit | None) -> str:
    costs = f"printing costs {_euro(totals.printed_minor)}, the conventional way {_euro(totals.conventional_minor)}"
    if hybrid is not None and _is_mixed(hybrid):
        costs += f", a hybrid {_euro(hybrid.total_minor)}"
    saved = abs(totals.saving_minor)
    return {
        Recommended.HYBRID: f"print some shapes and not the others: {costs}",
        Recommended.CONVENTIONAL: f"make it conventionally and save {_euro(saved)}: {costs}",
        Recommended.PRINT: f"print and save {_euro(saved)}: {costs}"
        if totals.saving_minor <= 0
        else f"stay with printing for now, at {_euro(saved)} more: {costs}",
    }[recommended]


def _reasons(case: MethodCase, totals: Totals) -> Iterator[str]:
    dearer = totals.saving_minor > 0
    tools = f"{case.variants} tools" if case.variants > 1 else "the tool"
    if case.design_frozen is False and totals.tooling_minor:
        price = f"; until it is frozen, printing costs {_euro(totals.saving_minor)} more" if dearer else ""
        yield f"the design is not frozen: with its next change {_euro(totals.tooling_minor)} of tooling is lost{price}"
    if case.demand_stable is False and totals.tooling_minor:
        yield (
            f"the demand is not stable: {tools} for {_euro(totals.tooling_minor)} may never pay, printing needs no "
            "further order"
        )
    if case.variants > 1 and totals.tooling_minor:
        yield f"{case.variants} variants are {case.variants} tools, and no changeover in printing"
    if totals.scrapped:
        yield (
            f"the smallest conventional order is {totals.bought:,} pieces: {totals.scrapped:,} of them for "
            f"{_euro(totals.scrapped_minor)} are scrap unless they are needed later"
        )


def _conditions(case: MethodCase, totals: Totals, recommended: Recommended, crossover: float) -> Iterator[str]:
    if recommended is not Recommended.PRINT:
        if totals.tooling_minor:
            yield from _conditions_of_a_tool(case)
    elif _holds_back(case, totals):
        if totals.saving_minor > 0:
            yield "once the design is frozen and demand is stable, the conventional way is the cheaper one"
    elif (above := _cheaper_from(case, crossover)) is not None:
        yield f"from {above:,} pieces on the conventional way is cheaper"


def _conditions_of_a_tool(case: MethodCase) -> Iterator[str]:
    unknown = [
        words
        for words, answer in (("the design is frozen", case.design_frozen), ("demand is stable", case.demand_stable))
        if answer is None
    ]
    if unknown:
        yield f"holds only if {' and '.join(unknown)}: this was not said"
    yield "a tool for good is a move to mass production: see that all eight signals hold first"


def _cheaper_from(case: MethodCase, crossover: float) -> int | None:
    return first_quantity_above(crossover) if case.break_even is None else case.break_even.quantity


def _hybrid_hint(case: MethodCase, totals: Totals, zone: CrossoverZone, crossover: float) -> Iterator[str]:
    """Yield how a hybrid would be split, where both ways are worth a look and the shapes are not known one by one."""
    if zone is CrossoverZone.MIDDLE and not case.items and totals.tooling_minor:
        own = first_quantity_above(crossover / case.variants)
        yield (
            f"as a hybrid, print complex or varying shapes, and tool a plain one of which {own:,} pieces or more are "
            "wanted: state the items to see it in figures"
        )


def _euro(amount_minor: int) -> str:
    return str(Money(amount_minor=amount_minor))
