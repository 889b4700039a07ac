"""Advice over the wire: printed or conventional, the five pathways, mass production, viability."""

import math
from fractions import Fraction
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from fabroute.advice import service as advice
from fabroute.advice.service import MethodQuestion, Recommended, Stated, StatedItem, StatedTerms
from fabroute.api.schemas.base import CurrencyCode, Label, MoneyOut, RequestModel, ResponseModel
from fabroute.estimation.crossover import CrossoverZone, Method
from fabroute.kernel.money import Money
from fabroute.logistics.service import ExchangeRate

_MOST = 10_000_000
_DECIMALS = 2
Pieces = Annotated[int, Field(ge=1, le=_MOST, description="Pieces.")]
Days = Annotated[int, Field(ge=0, le=3_650)]


class AnyMoneyIn(RequestModel):
    """An amount of any currency, in its minor unit; one that is not EUR is converted at the rate of the day."""

    amount_minor: int = Field(
        ge=0, le=100_000_000_000, description="In the smallest unit (ISO 4217): 18.00 EUR is 1800, 1,800 JPY as well."
    )
    currency: CurrencyCode = Field(description="ISO 4217.")


class ConventionalTermsIn(RequestModel):
    """What the conventional way costs; what is left out is taken from the part's record."""

    unit: AnyMoneyIn | None = Field(default=None, description="One piece, without the tool.")
    tooling: AnyMoneyIn | None = Field(default=None, description="For one variant; 0 where the tool is paid.")
    minimum_quantity: Pieces | None = Field(default=None, description="The smallest order (MOQ) of one variant.")
    lead_days: Days | None = None


class AdvisedItemIn(RequestModel):
    """One shape of the quantity. Prices that it leaves out are those of the whole."""

    name: Label
    quantity: Pieces
    printed_unit: AnyMoneyIn | None = None
    conventional: ConventionalTermsIn | None = None
    complex: bool = Field(default=False, description="Undercuts, channels, lattices: its tool is dear or impossible.")
    varies: bool = Field(default=False, description="It changes from piece to piece, or from batch to batch.")


class MethodIn(RequestModel):
    """A quantity that could be printed or made conventionally. State the figures, or name a part that knows them."""

    quantity: Pieces
    printed_unit: AnyMoneyIn | None = Field(
        default=None, description="Without it, the cheapest machine of the network that can make the part, estimated."
    )
    conventional: ConventionalTermsIn | None = None
    variants: int = Field(
        default=1, ge=1, le=10_000, description="Of one shape, sharing the quantity: ten variants are ten tools."
    )
    design_frozen: bool | None = None
    demand_stable: bool | None = None
    part: Label | None = Field(default=None, description="One of your part numbers.")
    revision: Label | None = Field(default=None, description="Without it, the released one.")
    items: list[AdvisedItemIn] = Field(
        default=[], max_length=200, description="The shapes one by one, for a hybrid split; they add up to `quantity`."
    )

    @model_validator(mode="after")
    def _items_are_the_quantity(self) -> Self:
        if self.items and sum(item.quantity for item in self.items) != self.quantity:
            raise PydanticCustomError("items_and_quantity", "items must add up to the quantity")
        if self.items and self.variants not in (1, len(self.items)):
            raise PydanticCustomError("items_and_variants", "leave variants out: every item is one")
        if self.variants > self.quantity:
            raise PydanticCustomError("variants_and_quantity", "variants must be at most the quantity")
        if self.revision is not None and self.part is None:
            raise PydanticCustomError("revision_without_part", "a revision needs its part")
        return self


class UsedRateOut(ResponseModel):
    """A rate at which amounts were converted into EUR."""

    currency: str
    per_eur: float = Field(description="So much of it buys one euro.")
    source: str


class PrinterOut(ResponseModel):
    """Whose price the printed one is: the cheapest in the network, before certificates, freight and duty."""

    node_id: str
    machine_id: str
    machine_model: str
    process: str
    material: str


class CrossoverOut(ResponseModel):
    """From which quantity on the conventional way is cheaper."""

    quantity: float | None = Field(
        description="Of all variants together, to two decimals; null where printing always is cheaper."
    )
    per_variant: float | None
    from_quantity: int | None = Field(description="The first whole quantity above it.")
    break_even_quantity: int | None = Field(
        default=None,
        description="The first quantity from which the conventional way is cheaper with each quantity at its own "
        "printed price: `quantity` takes the piece price of the quantity asked, as if it stayed. Null where the "
        "printed price is stated, and where printing is cheaper even of ten million.",
    )
    sentence: str


class PrintedWayOut(ResponseModel):
    """The quantity, printed."""

    unit: MoneyOut
    total: MoneyOut
    source: str = Field(description="`stated` or `estimate`.")
    printer: PrinterOut | None = Field(description="Null where the price was stated.")


class ConventionalWayOut(ResponseModel):
    """The quantity, made conventionally."""

    unit: MoneyOut | None
    tooling: MoneyOut | None = Field(description="Of one variant.")
    minimum_quantity: int | None
    lead_days: int | None
    tooling_total: MoneyOut | None = Field(description="Of all variants.")
    bought: int | None = Field(description="Pieces to be bought: the quantity, or the minimum order.")
    scrapped: int | None = Field(description="Of these, not needed.")
    scrap_cost: MoneyOut | None
    total: MoneyOut | None


class HybridItemOut(ResponseModel):
    """How one shape is made."""

    name: str
    quantity: int
    method: Method
    cost: MoneyOut
    crossover: float | None = Field(description="Of this shape alone; null where printing always is cheaper.")
    why: str


class HybridOut(ResponseModel):
    """Some shapes printed, the others conventional."""

    items: list[HybridItemOut]
    printed_quantity: int
    conventional_quantity: int
    total: MoneyOut


class MethodOut(ResponseModel):
    """Which way is advised, beside what each costs. It is advice: orders are taken whatever it says."""

    quantity: int
    variants: int
    part: str | None
    revision: str | None
    zone: CrossoverZone | None = Field(
        description="`additive` under half of the crossover, `conventional` over twice of it, `middle` between."
    )
    crossover: CrossoverOut | None
    printed: PrintedWayOut | None
    conventional: ConventionalWayOut
    cheaper: Method | None = Field(description="By money alone.")
    saving: MoneyOut | None = Field(description="What the cheaper way saves against the other one.")
    recommendation: Recommended | None
    headline: str
    reasons: list[str]
    conditions: list[str] = Field(description="What would change the advice, or has to be sure before it is followed.")
    hybrid: HybridOut | None = Field(description="Where shapes are stated one by one and go different ways.")
    missing: list[str] = Field(description="What nobody has said and the record does not know: no advice without it.")
    sources: dict[str, str] = Field(description="Of each figure: `stated`, `record`, `estimate` or `assumption`.")
    exchange_rates: list[UsedRateOut]


class ShortAdviceOut(ResponseModel):
    """Printed or conventional, in short: an order beyond its crossover is taken, and told."""

    zone: CrossoverZone | None = Field(description="Null where no node can print the quantity.")
    crossover: float | None = Field(
        description="At `unit`, the piece price of this quantity; null where printing is cheaper at any, or impossible."
    )
    unit: MoneyOut | None = Field(
        default=None, description="A printed piece at this quantity; it costs less in larger ones."
    )
    cheaper: Method
    cheaper_from: int | None = Field(
        default=None,
        description="Of the quantities asked together, the first from which the conventional way is the cheaper one.",
    )
    saving: MoneyOut | None = Field(
        description="What the cheaper way saves against the other one; freight is in neither. Null where no node can "
        "print the quantity."
    )
    conventional: MoneyOut = Field(description="All pieces with the tool, and what a minimum order scraps.")
    meaning: str


def method_question(organisation_id: str, asked: MethodIn) -> MethodQuestion:
    """Return the question as the advice takes it."""
    return MethodQuestion(
        organisation_id=organisation_id,
        quantity=asked.quantity,
        variants=len(asked.items) or asked.variants,
        printed_unit=stated_amount(asked.printed_unit, "/printed_unit"),
        conventional=_terms(asked.conventional, "/conventional"),
        design_frozen=asked.design_frozen,
        demand_stable=asked.demand_stable,
        part=asked.part,
        revision=asked.revision,
        items=tuple(_item(item, f"/items/{index}") for index, item in enumerate(asked.items)),
    )


def method_out(asked: MethodIn, answer: advice.MethodAnswer) -> MethodOut:
    """Return the advice for an answer."""
    found = answer.advice
    variants = len(asked.items) or asked.variants
    return MethodOut(
        quantity=asked.quantity,
        variants=variants,
        part=answer.part_no,
        revision=answer.revision,
        zone=None if found is None else found.zone,
        crossover=None if found is None else _crossover_out(found, variants),
        printed=_printed_out(asked, answer),
        conventional=_conventional_out(answer),
        cheaper=None if found is None else found.totals.cheaper,
        saving=None if found is None else euro(abs(found.totals.saving_minor)),
        recommendation=None if found is None else found.recommended,
        headline=_missing_headline(answer) if found is None else found.headline,
        reasons=[] if found is None else list(found.reasons),
        conditions=[] if found is None else list(found.conditions),
        hybrid=None if found is None else _hybrid_out(found),
        missing=list(answer.missing),
        sources=dict(answer.sources),
        exchange_rates=rates_out(answer.rates),
    )


def short_advice_out(found: advice.ShortAdvice | None) -> ShortAdviceOut | None:
    """Return the advice beside a quote or an order line for an answer; ``None`` where there is none."""
    if found is None:
        return None
    return ShortAdviceOut(
        zone=found.zone,
        crossover=None if found.crossover is None else _finite(found.crossover),
        unit=None
        if found.printed_minor is None
        else euro(advice.rounded_minor(Fraction(found.printed_minor, found.quantity))),
        cheaper=found.cheaper,
        cheaper_from=found.cheaper_from,
        saving=maybe_euro(found.saving_minor),
        conventional=euro(found.conventional_minor),
        meaning=found.meaning,
    )


def stated_amount(money: AnyMoneyIn | None, pointer: str) -> Stated | None:
    """Return an amount as the advice takes it, with where it stands."""
    if money is None:
        return None
    return Stated(amount_minor=money.amount_minor, currency=money.currency, pointer=pointer)


def _terms(asked: ConventionalTermsIn | None, pointer: str) -> StatedTerms:
    if asked is None:
        return StatedTerms()
    return StatedTerms(
        unit=stated_amount(asked.unit, f"{pointer}/unit"),
        tooling=stated_amount(asked.tooling, f"{pointer}/tooling"),
        minimum_quantity=asked.minimum_quantity,
        lead_days=asked.lead_days,
    )


def _item(asked: AdvisedItemIn, pointer: str) -> StatedItem:
    return StatedItem(
        name=asked.name,
        quantity=asked.quantity,
        printed_unit=stated_amount(asked.printed_unit, f"{pointer}/printed_unit"),
        conventional=_terms(asked.conventional, f"{pointer}/conventional"),
        is_complex=asked.complex,
        varies=asked.varies,
    )


def _crossover_out(found: advice.MethodAdvice, variants: int) -> CrossoverOut:
    crossover = found.crossover
    return CrossoverOut(
        quantity=_finite(crossover),
        per_variant=_finite(crossover / variants),
        from_quantity=None if math.isinf(crossover) else math.floor(crossover) + 1,
        break_even_quantity=None if found.break_even is None else found.break_even.quantity,
        sentence=found.sentence,
    )


def _printed_out(asked: MethodIn, answer: advice.MethodAnswer) -> PrintedWayOut | None:
    unit, printer = answer.printed_unit_minor, answer.printed_by
    if unit is None:
        return None
    total = unit * asked.quantity if answer.advice is None else answer.advice.totals.printed_minor
    return PrintedWayOut(
        unit=euro(advice.rounded_minor(unit)),
        total=euro(advice.rounded_minor(total)),
        source=answer.sources["printed_unit"],
        printer=None
        if printer is None
        else PrinterOut(
            node_id=printer.node_id,
            machine_id=printer.machine_id,
            machine_model=printer.machine_model,
            process=printer.process,
            material=printer.material,
        ),
    )


def _conventional_out(answer: advice.MethodAnswer) -> ConventionalWayOut:
    used, totals = answer.conventional, None if answer.advice is None else answer.advice.totals
    return ConventionalWayOut(
        unit=maybe_euro(used.unit_minor),
        tooling=maybe_euro(used.tooling_minor),
        minimum_quantity=used.minimum_quantity,
        lead_days=used.lead_days,
        tooling_total=None if totals is None else euro(totals.tooling_minor),
        bought=None if totals is None else totals.bought,
        scrapped=None if totals is None else totals.scrapped,
        scrap_cost=None if totals is None else euro(totals.scrapped_minor),
        total=None if totals is None else euro(totals.conventional_minor),
    )


def _hybrid_out(found: advice.MethodAdvice) -> HybridOut | None:
    hybrid = found.hybrid
    if hybrid is None:
        return None
    return HybridOut(
        items=[
            HybridItemOut(
                name=it.name,
                quantity=it.quantity,
                method=it.method,
                cost=euro(it.cost_minor),
                crossover=_finite(it.crossover),
                why=it.why,
            )
            for it in hybrid.choices
        ],
        printed_quantity=hybrid.quantity(Method.PRINT),
        conventional_quantity=hybrid.quantity(Method.CONVENTIONAL),
        total=euro(hybrid.total_minor),
    )


def _missing_headline(answer: advice.MethodAnswer) -> str:
    return f"no advice yet: the record of {answer.part_no} does not know {', '.join(answer.missing)}"


def rates_out(rates: tuple[ExchangeRate, ...]) -> list[UsedRateOut]:
    """Return the rates that were used for an answer."""
    return [UsedRateOut(currency=it.currency, per_eur=it.per_eur, source=it.source) for it in rates]


def _finite(value: float) -> float | None:
    """Return a number of pieces for an answer, in hundredths: more of it is noise."""
    return None if math.isinf(value) else round(value, _DECIMALS)


def euro(amount_minor: int) -> MoneyOut:
    """Return EUR cents for an answer."""
    return MoneyOut.of(Money(amount_minor=amount_minor))


def maybe_euro(amount_minor: int | None) -> MoneyOut | None:
    """Return EUR cents for an answer, or nothing."""
    return None if amount_minor is None else euro(amount_minor)
