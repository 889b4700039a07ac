"""Is a part ready for mass production: by what its record tells, by given figures, and by what the caller says."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from sqlmodel import Session

from fabroute.advice.rules.transition import (
    HORIZON_YEARS,
    NOTHING_KNOWN,
    Basis,
    Facts,
    Lot,
    Signal,
    ToolCase,
    TransitionAdvice,
    TransitionCase,
    judge_transition,
)
from fabroute.advice.service.amounts import Exchange, Stated
from fabroute.advice.service.printing import cheapest_print
from fabroute.advice.service.records import facts_of, find_part, revision_to_print
from fabroute.estimation.crossover import Amount, rounded_minor
from fabroute.inventory.service import PartView
from fabroute.logistics.service import ExchangeRate


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionQuestion:
    """What the caller gives of a part; figures go before the record, the record before plain statements."""

    organisation_id: str
    part: str | None = None
    stated: Mapping[Signal, bool] = field(default_factory=dict)
    demand_by_month: tuple[int, ...] | None = None
    """The last twelve or more, the oldest first."""
    lots: tuple[Lot, ...] | None = None
    """The latest ones, the newest first."""
    tooling: Stated | None = None
    yearly_saving: Stated | None = None
    horizon_years: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionAnswer:
    """The advice, the part that it is about, and the rates that were used."""

    part_no: str | None
    advice: TransitionAdvice
    horizon_years: float
    horizon_assumed: bool
    rates: tuple[ExchangeRate, ...]


def ask_transition(session: Session, *, question: TransitionQuestion, today: date) -> TransitionAnswer:
    """Return which of the eight signals hold; nothing is stored.

    Raises ``PartNotInInventory`` and ``CurrencyWithoutRate``.
    """
    part = None if question.part is None else find_part(session, question.organisation_id, question.part)
    exchange = Exchange(session, on=today)
    known = NOTHING_KNOWN if part is None else facts_of(session, part, today=today)
    tool, basis = _tool(session, question, part, exchange, today)
    facts = replace(_with_figures(known, question), tool=tool, tool_basis=basis)
    case = TransitionCase(today=today, facts=facts, stated=dict(question.stated))
    return TransitionAnswer(
        part_no=None if part is None else part.part_no,
        advice=judge_transition(case),
        horizon_years=_horizon(question),
        horizon_assumed=question.horizon_years is None,
        rates=exchange.used,
    )


def _with_figures(known: Facts, question: TransitionQuestion) -> Facts:
    facts = known
    if question.demand_by_month is not None:
        facts = replace(facts, demand_by_month=question.demand_by_month, demand_basis=Basis.FIGURES)
    if question.lots is not None:
        facts = replace(facts, lots=question.lots, lots_basis=Basis.FIGURES)
    return facts


def _tool(
    session: Session, question: TransitionQuestion, part: PartView | None, exchange: Exchange, today: date
) -> tuple[ToolCase | None, Basis]:
    """Return tool and saving as given, else as the record has them; half of it may be given."""
    given = (question.tooling, question.yearly_saving)
    tooling, saving = (None if stated is None else exchange.cents(stated) for stated in given)
    basis = Basis.FIGURES if any(given) else Basis.RECORD
    if tooling is None and part is not None:
        tooling = part.conventional.tooling_minor
    if saving is None and part is not None and tooling is not None:
        saving = _yearly_saving(session, part, today)
    if tooling is None or saving is None:
        return None, Basis.NOTHING
    case = ToolCase(
        tooling_minor=rounded_minor(tooling),
        yearly_saving_minor=rounded_minor(saving),
        horizon_years=_horizon(question),
    )
    return case, basis


def _yearly_saving(session: Session, part: PartView, today: date) -> Amount | None:
    """Return what a year's demand costs less conventionally, printed as one order at the cheapest machine."""
    unit, demand, revision = part.conventional.unit_minor, part.annual_demand, revision_to_print(part, None)
    if unit is None or not demand or revision is None:
        return None
    printed = cheapest_print(session, revision=revision, quantity=demand, on=today)
    return None if printed is None else Fraction(printed.price_minor) - demand * unit


def _horizon(question: TransitionQuestion) -> float:
    return HORIZON_YEARS if question.horizon_years is None else question.horizon_years
