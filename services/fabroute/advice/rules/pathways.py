"""The five ways to have a small batch made, with what each asks and takes, and which of them fit a need.

Figures are published ranges; the mid-point of a range stands for it where ways are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from fabroute.estimation.crossover import rounded_minor
from fabroute.kernel.money import Money

OVERSEAS_BELOW = 1_000
MOST_BATCHES_TOGETHER = 4
"""So many batches may be ordered together to reach the quantities of the one way that serves a need (assumption)."""
OVERSEAS_NOTE = (
    "under 1,000 units overseas is not automatically cheaper: compare the landed cost, with freight, duty, tooling and "
    "what a minimum order scraps"
)


class Need(StrEnum):
    """What somebody may want of a batch beside price and time."""

    BATCH_CONSISTENCY = "batch_consistency"
    COLOUR_MATCH = "colour_match"
    PACKAGING = "packaging"
    DROP_SHIPPING = "drop_shipping"
    ON_SITE_OVERSIGHT = "on_site_oversight"
    NEAR_THE_CUSTOMER = "near_the_customer"
    REFINEMENT = "refinement_between_batches"
    HERITAGE = "heritage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pathway:
    """One way: quantities, EUR cents a piece, days, what is paid up front, and what it is known for."""

    code: str
    name: str
    least: int
    most: int
    unit_low_minor: int
    unit_high_minor: int
    lead_low_days: int
    lead_high_days: int
    upfront_low_minor: int | None
    """``None`` where no figure is known."""
    upfront_high_minor: int | None
    note: str
    serves: frozenset[Need]

    @property
    def unit_mid_minor(self) -> Fraction:
        """The mid-point of what a piece costs."""
        return Fraction(self.unit_low_minor + self.unit_high_minor, 2)

    def holds(self, quantity: int) -> bool:
        """Whether the quantity is neither too small nor too large for it."""
        return self.least <= quantity <= self.most


PATHWAYS = (
    Pathway(
        code="in_house",
        name="in-house micro-run",
        least=1,
        most=50,
        unit_low_minor=3_500,
        unit_high_minor=12_000,
        lead_low_days=7,
        lead_high_days=21,
        upfront_low_minor=None,
        upfront_high_minor=None,
        note="about 20 to 50 pieces a month at most",
        serves=frozenset({Need.ON_SITE_OVERSIGHT}),
    ),
    Pathway(
        code="hub",
        name="local maker hub",
        least=20,
        most=150,
        unit_low_minor=1_800,
        unit_high_minor=9_000,
        lead_low_days=14,
        lead_high_days=28,
        upfront_low_minor=0,
        upfront_high_minor=40_000,
        note="on-site oversight; up-front fees rarely over 400 EUR",
        serves=frozenset({Need.ON_SITE_OVERSIGHT}),
    ),
    Pathway(
        code="network",
        name="distributed fabrication network",
        least=30,
        most=300,
        unit_low_minor=1_500,
        unit_high_minor=7_000,
        lead_low_days=7,
        lead_high_days=21,
        upfront_low_minor=None,
        upfront_high_minor=None,
        note="vetted shops near the customer, regional shipping",
        serves=frozenset({Need.NEAR_THE_CUSTOMER}),
    ),
    Pathway(
        code="workshop",
        name="artisanal workshop",
        least=50,
        most=500,
        unit_low_minor=2_200,
        unit_high_minor=8_500,
        lead_low_days=21,
        lead_high_days=42,
        upfront_low_minor=None,
        upfront_high_minor=None,
        note="heritage, refinement between batches",
        serves=frozenset({Need.HERITAGE, Need.REFINEMENT}),
    ),
    Pathway(
        code="factory",
        name="small specialised factory",
        least=250,
        most=2_000,
        unit_low_minor=800,
        unit_high_minor=4_000,
        lead_low_days=28,
        lead_high_days=56,
        upfront_low_minor=200_000,
        upfront_high_minor=800_000,
        note="up-front 2,000 to 8,000 EUR; best batch-to-batch consistency; packaging and drop-shipping",
        serves=frozenset({Need.BATCH_CONSISTENCY, Need.COLOUR_MATCH, Need.PACKAGING, Need.DROP_SHIPPING}),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayCase:
    """So many pieces, perhaps within some days, and what else is wanted of them."""

    quantity: int
    needed_within_days: int | None = None
    needs: frozenset[Need] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayJudgement:
    """How one way fits."""

    pathway: Pathway
    fits: bool
    """Its quantities hold the one that is asked for."""
    in_time: bool
    """Even its worst case is early enough; True where no time was named."""
    serves: tuple[Need, ...]
    misses: tuple[Need, ...]
    """Of the needs, those for which it is not known."""
    total_low_minor: int
    total_mid_minor: int
    total_high_minor: int
    """Pieces at the low, mid and high price, with what is paid up front as far as that is known."""
    why_not: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayAdvice:
    """Which way is advised, the others in their order, and what to know."""

    recommended: PathwayJudgement | None
    ranked: tuple[PathwayJudgement, ...]
    """All five: those that fit first, the best first."""
    headline: str
    notes: tuple[str, ...]

    @property
    def alternatives(self) -> tuple[PathwayJudgement, ...]:
        """Those that could do it instead: of all whose quantities fit, but the recommended one."""
        return tuple(it for it in self.ranked if it.fits and it is not self.recommended)


def advise_pathway(case: PathwayCase) -> PathwayAdvice:
    """Return the ways in their order: those that hold the quantity, serve the needs and are surely in time go first.

    Among equals the lower mid-point price wins, then the shorter worst case. A need that only a way of other
    quantities serves is told: that way is then the advised one, with what its minimum order asks.
    """
    judged = [_judged(pathway, case) for pathway in PATHWAYS]
    ranked = tuple(sorted(judged, key=_rank))
    recommended = _recommended(ranked, case)
    return PathwayAdvice(
        recommended=recommended,
        ranked=ranked,
        headline=_headline(recommended, ranked, case),
        notes=tuple(_notes(recommended, ranked, case)),
    )


def _judged(pathway: Pathway, case: PathwayCase) -> PathwayJudgement:
    limit = case.needed_within_days
    in_time = limit is None or pathway.lead_high_days <= limit
    missing = tuple(sorted(case.needs - pathway.serves))
    low, high = pathway.upfront_low_minor or 0, pathway.upfront_high_minor or 0
    return PathwayJudgement(
        pathway=pathway,
        fits=pathway.holds(case.quantity),
        in_time=in_time,
        serves=tuple(sorted(case.needs & pathway.serves)),
        misses=missing,
        total_low_minor=case.quantity * pathway.unit_low_minor + low,
        total_mid_minor=rounded_minor(case.quantity * pathway.unit_mid_minor + Fraction(low + high, 2)),
        total_high_minor=case.quantity * pathway.unit_high_minor + high,
        why_not=tuple(_why_not(pathway, case, missing, in_time=in_time)),
    )


def _why_not(pathway: Pathway, case: PathwayCase, missing: Sequence[Need], *, in_time: bool) -> list[str]:
    found = []
    if case.quantity < pathway.least:
        found.append(f"takes {pathway.least:,} or more, {case.quantity:,} are asked for")
    if case.quantity > pathway.most:
        found.append(f"takes {pathway.most:,} at most, {case.quantity:,} are asked for")
    if not in_time:
        found.append(f"may take {pathway.lead_high_days} days, {case.needed_within_days} are left")
    return found + [f"is not known for {_words(need)}" for need in missing]


def _rank(it: PathwayJudgement) -> tuple[bool, int, bool, Fraction, int]:
    return (
        not it.fits,
        len(it.misses),
        not it.in_time,
        it.pathway.unit_mid_minor,
        it.pathway.lead_high_days,
    )


def _recommended(ranked: Sequence[PathwayJudgement], case: PathwayCase) -> PathwayJudgement | None:
    best = ranked[0]
    if case.quantity > max(pathway.most for pathway in PATHWAYS):
        return None
    if best.misses:
        within_reach = [it for it in ranked if it.pathway.least <= MOST_BATCHES_TOGETHER * case.quantity]
        serving = [it for it in within_reach if len(it.misses) < len(best.misses)]
        best = min(serving, key=lambda it: (len(it.misses), *_rank(it)), default=best)
    return best


def _headline(best: PathwayJudgement | None, ranked: Sequence[PathwayJudgement], case: PathwayCase) -> str:
    if best is None:
        return f"{case.quantity:,} pieces are beyond small batch: none of the five pathways takes so many"
    way = best.pathway
    mid = Money(amount_minor=rounded_minor(way.unit_mid_minor))
    facts = f"{way.lead_low_days} to {way.lead_high_days} days, mid-point {mid} a piece"
    also = [it.pathway.name for it in ranked if it.fits and it is not best]
    others = f"; also possible: {', '.join(also)}" if also else "; no other pathway takes this quantity"
    caveat = f"; but it {' and '.join(best.why_not)}" if best.why_not else ""
    return f"{way.name} ({facts}){caveat}{others}"


def _notes(best: PathwayJudgement | None, ranked: Sequence[PathwayJudgement], case: PathwayCase) -> list[str]:
    notes = []
    if best is None:
        notes.append(
            "ask for printed or conventional at this quantity, and look at the eight signals for mass production"
        )
    elif not best.fits:
        notes.append(
            f"{best.pathway.name} is the way for {', '.join(map(_words, best.serves))}, and takes "
            f"{best.pathway.least:,} to {best.pathway.most:,} pieces: order several batches together"
        )
    if case.needed_within_days is not None and not any(it.fits and it.in_time for it in ranked):
        notes.append(f"none that fits is surely there within {case.needed_within_days} days: agree the date first")
    if case.quantity < OVERSEAS_BELOW:
        notes.append(OVERSEAS_NOTE)
    return notes


def _words(need: Need) -> str:
    return need.value.replace("_", " ")
