"""From printing to mass production: eight signals, each with a definition, and all of them must hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from fabroute.advice.rules.screening_demand import SELDOM, UNEVEN, demand_pattern
from fabroute.kernel.money import Money

FROZEN_MONTHS = 6
FROZEN_LOTS = 3
HISTORY_MONTHS = 12
REPEATABLE_LOTS = 5
FIRST_PASS = 0.98
ON_TIME = 0.95
HORIZON_YEARS = 3.0
"""Over which a tool has to pay, where nobody says (assumption)."""
_DAYS_A_MONTH = 365.25 / 12


class Signal(StrEnum):
    """What has to hold before a part leaves printing."""

    DESIGN_FROZEN = "design_frozen"
    DEMAND_STABLE = "demand_stable"
    FEEDBACK_POSITIVE = "customer_feedback_positive"
    INSPECTION_CLEAR = "inspection_standard_clear"
    MATERIAL_CONFIRMED = "material_and_finish_confirmed"
    SUPPLIER_REPEATABLE = "supplier_repeatable"
    UNIT_COST_IS_GOAL = "unit_cost_is_the_goal"
    TOOLING_JUSTIFIED = "tooling_justified"


class State(StrEnum):
    """Not held is a reason to wait; unknown is a question to answer."""

    HELD = "held"
    NOT_HELD = "not_held"
    UNKNOWN = "unknown"


class Basis(StrEnum):
    """What a state stands on."""

    FIGURES = "figures"
    RECORD = "record"
    STATED = "stated"
    NOTHING = "nothing"


DEFINITIONS = {
    Signal.DESIGN_FROZEN: "no new revision in 6 months or in 3 lots",
    Signal.DEMAND_STABLE: "steady over 12 months: wanted most months (ADI under 1.32), in even sizes (CV² under 0.49)",
    Signal.FEEDBACK_POSITIVE: "feedback from customers who use the part is positive",
    Signal.INSPECTION_CLEAR: "what is measured, and within which limits, is written down",
    Signal.MATERIAL_CONFIRMED: "material and finish are decided",
    Signal.SUPPLIER_REPEATABLE: "over 5 lots, first-pass yield of 98 % or more and 95 % or more on time",
    Signal.UNIT_COST_IS_GOAL: "speed and change matter less now than the cost of a piece",
    Signal.TOOLING_JUSTIFIED: "yearly saving x horizon is more than the tooling",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Parts that were made together: how many were right at once, and whether they were there in time."""

    made: int
    right_first_time: int
    on_time: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCase:
    """What a tool costs and saves; money in EUR cents."""

    tooling_minor: int
    yearly_saving_minor: int
    horizon_years: float = HORIZON_YEARS


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a part, from its record or as given; ``None`` where nothing is."""

    last_revision_on: date | None = None
    lots_since_revision: int | None = None
    demand_by_month: Sequence[int] | None = None
    """Twelve of them, the oldest first."""
    demand_basis: Basis = Basis.RECORD
    lots: Sequence[Lot] = ()
    """The latest ones, the newest first."""
    lots_basis: Basis = Basis.RECORD
    characteristics: int | None = None
    """In the inspection plan of the released revision."""
    tool: ToolCase | None = None
    tool_basis: Basis = Basis.RECORD


NOTHING_KNOWN = Facts()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalJudgement:
    """Whether a signal holds, by what, in one sentence."""

    signal: Signal
    state: State
    basis: Basis
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionAdvice:
    """The eight signals, and what they come to."""

    signals: tuple[SignalJudgement, ...]

    @property
    def ready(self) -> bool:
        """Whether all eight hold."""
        return all(it.state is State.HELD for it in self.signals)

    def of(self, state: State) -> tuple[Signal, ...]:
        """Return the signals in a state."""
        return tuple(it.signal for it in self.signals if it.state is state)

    @property
    def headline(self) -> str:
        """The verdict in one sentence, with what is missing."""
        if self.ready:
            return "move to mass production: all eight signals hold"
        missing = [
            f"{words} {', '.join(signal.value.replace('_', ' ') for signal in self.of(state))}"
            for words, state in (("does not hold:", State.NOT_HELD), ("not known:", State.UNKNOWN))
            if self.of(state)
        ]
        return f"stay with small batches: {len(self.of(State.HELD))} of 8 signals hold; {'; '.join(missing)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionCase:
    """What is known, what the caller says of the rest, and the day of the question."""

    today: date
    facts: Facts = NOTHING_KNOWN
    stated: dict[Signal, bool] = field(default_factory=dict)


def judge_transition(case: TransitionCase) -> TransitionAdvice:
    """Return the state of each signal: by figures or the record where they tell, else by what was stated."""
    found = {
        Signal.DESIGN_FROZEN: _frozen(case.facts, case.today),
        Signal.DEMAND_STABLE: _stable(case.facts),
        Signal.INSPECTION_CLEAR: _inspected(case.facts),
        Signal.SUPPLIER_REPEATABLE: _repeatable(case.facts),
        Signal.TOOLING_JUSTIFIED: _justified(case.facts),
    }
    return TransitionAdvice(
        signals=tuple(_judged(signal, found.get(signal), case.stated.get(signal)) for signal in Signal)
    )


_Finding = tuple[bool | None, Basis, str]
"""Whether it holds (``None``: that can't be told from this), by what, and the sentence."""


def _judged(signal: Signal, found: _Finding | None, stated: bool | None) -> SignalJudgement:
    holds, basis, evidence = found or (None, Basis.NOTHING, "")
    if holds is None:
        holds, basis = stated, Basis.NOTHING if stated is None else Basis.STATED
        words = "not known: say whether it holds" if stated is None else f"stated: {'yes' if stated else 'no'}"
        evidence = f"{words}; {evidence}" if evidence else words
    elif stated is not None and stated is not holds:
        evidence += f" (stated: {'yes' if stated else 'no'})"
    state = State.UNKNOWN if holds is None else State.HELD if holds else State.NOT_HELD
    return SignalJudgement(signal=signal, state=state, basis=basis, evidence=evidence)


def _frozen(facts: Facts, today: date) -> _Finding | None:
    if facts.last_revision_on is None:
        return None
    months = (today - facts.last_revision_on).days / _DAYS_A_MONTH
    lots = facts.lots_since_revision or 0
    holds = months >= FROZEN_MONTHS or lots >= FROZEN_LOTS
    return holds, Basis.RECORD, f"the last revision is of {facts.last_revision_on}, {lots} lots were made since"


def _stable(facts: Facts) -> _Finding | None:
    if facts.demand_by_month is None:
        return None
    pattern = demand_pattern(facts.demand_by_month[-HISTORY_MONTHS:])
    if pattern.adi is None or pattern.cv2 is None:
        return False, facts.demand_basis, "nothing was wanted in 12 months"
    holds = pattern.adi < SELDOM and pattern.cv2 < UNEVEN
    words = f"ADI {pattern.adi:.2f}, CV² {pattern.cv2:.2f} over {pattern.periods} months: {pattern.kind.value}"
    return holds, facts.demand_basis, words


def _inspected(facts: Facts) -> _Finding | None:
    if not facts.characteristics:
        return None if facts.characteristics is None else (None, Basis.RECORD, "the revision has no inspection plan")
    return True, Basis.RECORD, f"the inspection plan has {facts.characteristics} characteristics with limits"


def _repeatable(facts: Facts) -> _Finding | None:
    lots = facts.lots[:REPEATABLE_LOTS]
    if len(lots) < REPEATABLE_LOTS:
        words = f"{len(lots)} lots are on record, {REPEATABLE_LOTS} are needed"
        return (None, facts.lots_basis, words) if lots else None
    made, right = sum(lot.made for lot in lots), sum(lot.right_first_time for lot in lots)
    on_time = sum(lot.on_time for lot in lots) / len(lots)
    holds = right >= FIRST_PASS * made and on_time >= ON_TIME
    words = f"over {len(lots)} lots {right / made:.1%} were right first time, {on_time:.0%} of the lots on time"
    return holds, facts.lots_basis, words


def _justified(facts: Facts) -> _Finding | None:
    tool = facts.tool
    if tool is None:
        return None
    saved = round(tool.yearly_saving_minor * tool.horizon_years)
    words = (
        f"{Money(amount_minor=tool.yearly_saving_minor)} a year over {tool.horizon_years:g} years are "
        f"{Money(amount_minor=saved)}, the tooling is {Money(amount_minor=tool.tooling_minor)}"
    )
    return saved > tool.tooling_minor, facts.tool_basis, words
