"""Advice on batches over the wire: the five pathways, readiness for mass production, viability."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from fabroute.advice import service as advice
from fabroute.advice.service import Basis, Lot, Need, Signal, State, TransitionQuestion, Viability
from fabroute.api.schemas.advice import (
    AnyMoneyIn,
    Days,
    Pieces,
    UsedRateOut,
    euro,
    maybe_euro,
    rates_out,
    stated_amount,
)
from fabroute.api.schemas.base import Label, MoneyOut, RequestModel, ResponseModel

_MOST = 10_000_000


class PathwaysIn(RequestModel):
    """So many pieces, perhaps by a day, and what else is wanted of them."""

    quantity: Pieces
    needed_within_days: Days | None = None
    needs: list[Need] = Field(default=[], max_length=20)


class RangeOut(ResponseModel):
    """From the lowest to the highest, with the mid-point by which ways are compared."""

    low: MoneyOut
    mid: MoneyOut
    high: MoneyOut


class PathwayOut(ResponseModel):
    """One way, and how it fits."""

    code: str
    name: str
    fits: bool = Field(description="Its quantities hold yours.")
    in_time: bool = Field(description="Even its worst case is early enough; true where no time was named.")
    minimum_quantity: int
    maximum_quantity: int
    unit: RangeOut
    lead_days_low: int
    lead_days_high: int
    up_front_low: MoneyOut | None = Field(description="Null where no figure is known.")
    up_front_high: MoneyOut | None
    total: RangeOut = Field(description="Your pieces, with what is known to be paid up front.")
    serves: list[Need]
    misses: list[Need]
    why_not: list[str]
    note: str


class PathwaysOut(ResponseModel):
    """The five pathways in their order for you."""

    quantity: int
    recommended: str | None = Field(description="The code of a pathway; null beyond small batch.")
    headline: str
    alternatives: list[str] = Field(description="Codes of the others that take this quantity, the best first.")
    pathways: list[PathwayOut]
    notes: list[str]


class MadeLotIn(RequestModel):
    """Parts that were made together."""

    made: Pieces
    right_first_time: int = Field(ge=0, le=_MOST)
    on_time: bool

    @model_validator(mode="after")
    def _not_more_right_than_made(self) -> Self:
        if self.right_first_time > self.made:
            raise PydanticCustomError("more_right_than_made", "right_first_time must be at most made")
        return self


class SignalsIn(RequestModel):
    """What you say of the signals; null or left out is not known."""

    design_frozen: bool | None = None
    demand_stable: bool | None = None
    customer_feedback_positive: bool | None = None
    inspection_standard_clear: bool | None = None
    material_and_finish_confirmed: bool | None = None
    supplier_repeatable: bool | None = None
    unit_cost_is_the_goal: bool | None = None
    tooling_justified: bool | None = None


class MassProductionIn(RequestModel):
    """A part, figures, and what you say. Figures go before the record, and the record before what is only said."""

    part: Label | None = Field(default=None, description="One of your part numbers.")
    signals: SignalsIn = SignalsIn()
    demand_by_month: list[Annotated[int, Field(ge=0, le=_MOST)]] | None = Field(
        default=None, min_length=12, max_length=120, description="The oldest first; the last twelve count."
    )
    lots: list[MadeLotIn] | None = Field(
        default=None, max_length=100, description="The newest first; the first five count."
    )
    tooling: AnyMoneyIn | None = None
    yearly_saving: AnyMoneyIn | None = Field(default=None, description="Of conventional pieces over a year.")
    horizon_years: float | None = Field(
        default=None, gt=0, le=30, description="Over which the tool has to pay; 3 is assumed."
    )


class SignalOut(ResponseModel):
    """One signal: whether it holds, and by what."""

    signal: Signal
    definition: str
    state: State = Field(description="`not_held` is a reason to wait, `unknown` a question to answer.")
    basis: Basis = Field(description="`figures` that you gave, the `record`, what you `stated`, or `nothing`.")
    evidence: str


class MassProductionOut(ResponseModel):
    """Whether to move to mass production: only if all eight signals hold."""

    part: str | None
    ready: bool
    headline: str
    not_held: list[Signal]
    unknown: list[Signal]
    signals: list[SignalOut]
    horizon_years: float
    horizon_assumed: bool
    exchange_rates: list[UsedRateOut]


class ViabilityIn(RequestModel):
    """Answers to the nine questions, to the two preconditions, and on compliance; null is not answered."""

    fast_response: bool | None = Field(default=None, description="Is a fast response needed?")
    transport_cost: bool | None = Field(default=None, description="High transport cost, or air freight?")
    supply_shortfalls: bool | None = Field(default=None, description="Are there supply shortfalls?")
    few_suppliers: bool | None = Field(default=None, description="Is there one supplier, or few?")
    capacity_nearby: bool | None = Field(default=None, description="Is capacity nearby, or is it easy to place?")
    customers_print: bool | None = Field(default=None, description="Do customers print?")
    sporadic_demand: bool | None = Field(default=None, description="Is demand sporadic?")
    long_service_life: bool | None = Field(default=None, description="Is the service life long?")
    small_quantities: bool | None = Field(default=None, description="Are quantities small?")
    technically_feasible: bool | None = None
    economically_feasible: bool | None = None
    compliant: bool | None = Field(default=None, description="With law, standards and property rights: asked always.")


class DimensionOut(ResponseModel):
    """How the questions of one dimension were answered."""

    dimension: str
    yes: list[str]
    no: list[str]
    unanswered: list[str]
    points_to: str | None


class QuestionOut(ResponseModel):
    """A question that was not answered."""

    code: str
    question: str


class ViabilityOut(ResponseModel):
    """What the answers come to."""

    result: Viability = Field(
        description="`viable`: worth a closer look. `no_reason`: nine noes. `not_viable`: a precondition fails. `open`."
    )
    headline: str
    dimensions: list[DimensionOut]
    failed: list[str] = Field(description="Preconditions that do not hold.")
    unanswered: list[QuestionOut]


def pathways_out(asked: PathwaysIn, found: advice.PathwayAdvice) -> PathwaysOut:
    """Return the pathways for an answer."""
    return PathwaysOut(
        quantity=asked.quantity,
        recommended=None if found.recommended is None else found.recommended.pathway.code,
        headline=found.headline,
        alternatives=[it.pathway.code for it in found.alternatives],
        pathways=[_pathway_out(it) for it in found.ranked],
        notes=list(found.notes),
    )


def transition_question(organisation_id: str, asked: MassProductionIn) -> TransitionQuestion:
    """Return the question as the advice takes it."""
    said = {signal: getattr(asked.signals, signal.value) for signal in Signal}
    return TransitionQuestion(
        organisation_id=organisation_id,
        part=asked.part,
        stated={signal: holds for signal, holds in said.items() if holds is not None},
        demand_by_month=None if asked.demand_by_month is None else tuple(asked.demand_by_month),
        lots=None if asked.lots is None else tuple(Lot(**dict(lot)) for lot in asked.lots),
        tooling=stated_amount(asked.tooling, "/tooling"),
        yearly_saving=stated_amount(asked.yearly_saving, "/yearly_saving"),
        horizon_years=asked.horizon_years,
    )


def mass_production_out(answer: advice.TransitionAnswer) -> MassProductionOut:
    """Return the eight signals for an answer."""
    found = answer.advice
    return MassProductionOut(
        part=answer.part_no,
        ready=found.ready,
        headline=found.headline,
        not_held=list(found.of(State.NOT_HELD)),
        unknown=list(found.of(State.UNKNOWN)),
        signals=[
            SignalOut(
                signal=it.signal,
                definition=advice.DEFINITIONS[it.signal],
                state=it.state,
                basis=it.basis,
                evidence=it.evidence,
            )
            for it in found.signals
        ],
        horizon_years=answer.horizon_years,
        horizon_assumed=answer.horizon_assumed,
        exchange_rates=rates_out(answer.rates),
    )


def viability_out(found: advice.ViabilityAdvice) -> ViabilityOut:
    """Return the screen for an answer."""
    texts = {it.code: it.text for it in (*advice.QUESTIONS, *advice.PRECONDITIONS)}
    return ViabilityOut(
        result=found.result,
        headline=found.headline,
        dimensions=[
            DimensionOut(
                dimension=it.dimension.value,
                yes=list(it.yes),
                no=list(it.no),
                unanswered=list(it.unanswered),
                points_to=it.points_to,
            )
            for it in found.dimensions
        ],
        failed=list(found.failed),
        unanswered=[QuestionOut(code=code, question=texts[code]) for code in found.unanswered],
    )


def _pathway_out(it: advice.PathwayJudgement) -> PathwayOut:
    way = it.pathway
    return PathwayOut(
        code=way.code,
        name=way.name,
        fits=it.fits,
        in_time=it.in_time,
        minimum_quantity=way.least,
        maximum_quantity=way.most,
        unit=_range(way.unit_low_minor, advice.rounded_minor(way.unit_mid_minor), way.unit_high_minor),
        lead_days_low=way.lead_low_days,
        lead_days_high=way.lead_high_days,
        up_front_low=maybe_euro(way.upfront_low_minor),
        up_front_high=maybe_euro(way.upfront_high_minor),
        total=_range(it.total_low_minor, it.total_mid_minor, it.total_high_minor),
        serves=list(it.serves),
        misses=list(it.misses),
        why_not=list(it.why_not),
        note=way.note,
    )


def _range(low: int, mid: int, high: int) -> RangeOut:
    return RangeOut(low=euro(low), mid=euro(mid), high=euro(high))
