"""The eight signals for mass production: what holds, what does not, and what nobody knows."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from fabroute.advice.rules.transition import (
    DEFINITIONS,
    NOTHING_KNOWN,
    Basis,
    Facts,
    Signal,
    SignalJudgement,
    State,
    ToolCase,
    TransitionCase,
    judge_transition,
)
from tests.factories.advice import STEADY, TODAY, a_lot, a_mature_part, mature_facts


def judged(signal: Signal, *, stated: bool | None = None, **changes: Any) -> SignalJudgement:
    """Return what becomes of one signal with a mature part's facts, but for these."""
    said = {} if stated is None else {signal: stated}
    advice = judge_transition(a_mature_part(facts=replace(mature_facts(), **changes), stated=said))
    return next(it for it in advice.signals if it.signal is signal)


def test_a_part_moves_only_if_all_eight_hold() -> None:
    advice = judge_transition(a_mature_part())

    assert advice.ready
    assert advice.headline == "move to mass production: all eight signals hold"
    assert [it.signal for it in advice.signals] == list(Signal)
    assert len(DEFINITIONS) == 8


@pytest.mark.parametrize("signal", [Signal.FEEDBACK_POSITIVE, Signal.MATERIAL_CONFIRMED, Signal.UNIT_COST_IS_GOAL])
def test_one_missing_signal_is_enough_to_stay_and_is_named(signal: Signal) -> None:
    said = a_mature_part().stated
    refused = judge_transition(a_mature_part(stated=said | {signal: False}))
    unknown = judge_transition(a_mature_part(stated={it: holds for it, holds in said.items() if it is not signal}))
    words = signal.value.replace("_", " ")

    assert (refused.ready, refused.of(State.NOT_HELD), refused.of(State.UNKNOWN)) == (False, (signal,), ())
    assert (unknown.ready, unknown.of(State.NOT_HELD), unknown.of(State.UNKNOWN)) == (False, (), (signal,))
    assert refused.headline == f"stay with small batches: 7 of 8 signals hold; does not hold: {words}"
    assert unknown.headline == f"stay with small batches: 7 of 8 signals hold; not known: {words}"


def test_nothing_known_is_eight_questions_and_no_refusal() -> None:
    advice = judge_transition(TransitionCase(today=TODAY))

    assert advice.of(State.UNKNOWN) == tuple(Signal)
    assert {it.basis for it in advice.signals} == {Basis.NOTHING}
    assert {it.evidence for it in advice.signals} == {"not known: say whether it holds"}


def test_what_is_only_said_counts_where_the_record_is_silent() -> None:
    case = TransitionCase(today=TODAY, stated=dict.fromkeys(Signal, True))
    advice = judge_transition(case)

    assert advice.ready
    assert {it.basis for it in advice.signals} == {Basis.STATED}
    assert {it.evidence for it in advice.signals} == {"stated: yes"}


@pytest.mark.parametrize(
    ("day", "lots", "state"),
    [
        (date(2026, 5, 20), 0, State.HELD),
        (date(2026, 6, 1), 2, State.NOT_HELD),
        (date(2026, 6, 1), 3, State.HELD),
        (date(2026, 11, 21), 0, State.NOT_HELD),
    ],
)
def test_a_design_is_frozen_after_six_months_or_three_lots(day: date, lots: int, state: State) -> None:
    found = judged(Signal.DESIGN_FROZEN, last_revision_on=day, lots_since_revision=lots)

    assert (found.state, found.basis) == (state, Basis.RECORD)
    assert found.evidence == f"the last revision is of {day}, {lots} lots were made since"


@pytest.mark.parametrize(
    ("months", "state", "words"),
    [
        (STEADY, State.HELD, "ADI 1.00, CV² 0.01 over 12 months: smooth"),
        ((5, 0, 5, 5, 0, 5, 5, 5, 0, 5, 5, 5), State.NOT_HELD, "ADI 1.33, CV² 0.00 over 12 months: intermittent"),
        ((5, 0, 5, 5, 0, 5, 5, 5, 5, 5, 5, 5), State.HELD, "ADI 1.20, CV² 0.00 over 12 months: smooth"),
        ((1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9), State.NOT_HELD, "ADI 1.00, CV² 1.92 over 12 months: erratic"),
        ((0,) * 12, State.NOT_HELD, "nothing was wanted in 12 months"),
    ],
)
def test_demand_is_stable_by_adi_and_cv2(months: tuple[int, ...], state: State, words: str) -> None:
    found = judged(Signal.DEMAND_STABLE, demand_by_month=months)

    assert (found.state, found.evidence) == (state, words)
    assert found.basis is Basis.RECORD


def test_only_the_last_twelve_months_of_a_longer_history_count() -> None:
    wild = (0, 500, 0, 0, 900)
    found = judged(Signal.DEMAND_STABLE, demand_by_month=(*wild, *STEADY), demand_basis=Basis.FIGURES)

    assert (found.state, found.basis) == (State.HELD, Basis.FIGURES)
    assert found.evidence.startswith("ADI 1.00, CV² 0.01 over 12 months")


@pytest.mark.parametrize(
    ("right", "on_time", "state"),
    [(98, 5, State.HELD), (97, 5, State.NOT_HELD), (100, 4, State.NOT_HELD)],
)
def test_a_supplier_is_repeatable_over_five_lots(right: int, on_time: int, state: State) -> None:
    lots = tuple(a_lot(right=right, on_time=number < on_time) for number in range(5))
    found = judged(Signal.SUPPLIER_REPEATABLE, lots=lots)

    assert found.state is state
    assert found.evidence == (
        f"over 5 lots {right / 100:.1%} were right first time, {on_time * 20}% of the lots on time"
    )


def test_four_lots_tell_nothing_yet_and_a_sixth_does_not_count() -> None:
    few = judged(Signal.SUPPLIER_REPEATABLE, lots=(a_lot(),) * 4)
    said = judged(Signal.SUPPLIER_REPEATABLE, lots=(a_lot(),) * 4, stated=True)
    six = judged(Signal.SUPPLIER_REPEATABLE, lots=(*(a_lot(),) * 5, a_lot(right=0, on_time=False)))

    assert (few.state, few.evidence) == (
        State.UNKNOWN,
        "not known: say whether it holds; 4 lots are on record, 5 are needed",
    )
    assert (said.state, said.basis) == (State.HELD, Basis.STATED)
    assert six.state is State.HELD


@pytest.mark.parametrize(
    ("saving", "years", "state"),
    [(216_667, 3, State.HELD), (216_666, 3, State.NOT_HELD), (650_001, 1, State.HELD), (-5, 3, State.NOT_HELD)],
)
def test_tooling_is_justified_by_more_than_its_price(saving: int, years: float, state: State) -> None:
    tool = ToolCase(tooling_minor=650_000, yearly_saving_minor=saving, horizon_years=years)
    found = judged(Signal.TOOLING_JUSTIFIED, tool=tool)

    assert found.state is state
    assert found.evidence.endswith("the tooling is 6,500.00 EUR")


def test_an_inspection_plan_is_a_clear_standard_and_none_is_a_question() -> None:
    plan = judged(Signal.INSPECTION_CLEAR, characteristics=2)
    none = judged(Signal.INSPECTION_CLEAR, characteristics=0)
    said = judged(Signal.INSPECTION_CLEAR, characteristics=0, stated=True)

    assert (plan.state, plan.evidence) == (State.HELD, "the inspection plan has 2 characteristics with limits")
    assert (none.state, none.evidence) == (
        State.UNKNOWN,
        "not known: say whether it holds; the revision has no inspection plan",
    )
    assert (said.state, said.basis) == (State.HELD, Basis.STATED)


def test_the_record_goes_before_what_is_said_and_the_contradiction_is_told() -> None:
    found = judged(Signal.DESIGN_FROZEN, stated=True, last_revision_on=TODAY, lots_since_revision=0)
    agreed = judged(Signal.DESIGN_FROZEN, stated=False, last_revision_on=TODAY, lots_since_revision=0)

    assert (found.state, found.basis) == (State.NOT_HELD, Basis.RECORD)
    assert found.evidence.endswith("(stated: yes)")
    assert not agreed.evidence.endswith("(stated: no)")


def test_nothing_is_known_of_an_unknown_part() -> None:
    assert Facts() == NOTHING_KNOWN
    assert NOTHING_KNOWN.tool is None
