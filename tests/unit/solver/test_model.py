"""The CP-SAT model: each rule lets the right plans through, and no others."""

from collections.abc import Callable

import numpy as np
import pytest
from ortools.sat.python.cp_model_helper import CpModelProto, CpSatHelper, CpSolverStatus, SatParameters, SolveWrapper

from fabroute.solver.contest import Contest
from fabroute.solver.model import (
    OBJECTIVE_BITS,
    build,
    builds_are_opened,
    choice_from,
    exact_objective,
    least_cost,
    one_option_or_unrouted,
    scarce_rows_hold,
    start_from,
)
from fabroute.solver.plan import UNROUTED
from tests.factories.solver import BuildRow, OptionRow, QuotaRow, only_contest, rivals_for_one_pool, routing_problem

Rule = Callable[[CpModelProto, Contest], None]


def two_rivals() -> Contest:
    """Options 0 and 1 of line 0, 2 and 3 of line 1; 0 and 2 want 6 minutes each of 10."""
    return only_contest(rivals_for_one_pool(lines=2, minutes=6, capacity=10))


def allows(rule: Rule, contest: Contest, *, ones: set[int]) -> bool:
    """Tell whether a rule by itself lets exactly these variables be one (4 and 5: the lines stay unrouted)."""
    model = CpModelProto()
    for variable in range(contest.option_count + contest.line_count):
        value = int(variable in ones)
        model.variables.add().domain.extend([value, value])
    rule(model, contest)
    return solved(model) != CpSolverStatus.INFEASIBLE


def solved(model: CpModelProto) -> CpSolverStatus:
    assert CpSatHelper.validate_model(model) == ""
    solver, parameters = SolveWrapper(), SatParameters()
    parameters.num_workers = 1
    solver.set_parameters(parameters)
    status: CpSolverStatus = solver.solve(model).status
    return status


@pytest.mark.parametrize("ones", [{0, 2}, {1, 5}, {4, 5}])
def test_one_option_or_none_for_each_line_is_allowed(ones: set[int]) -> None:
    assert allows(one_option_or_unrouted, two_rivals(), ones=ones)


@pytest.mark.parametrize("ones", [{0, 1, 2}, {0}, {0, 4, 2}, set()])
def test_two_options_or_no_decision_for_a_line_are_not_allowed(ones: set[int]) -> None:
    assert not allows(one_option_or_unrouted, two_rivals(), ones=ones)


@pytest.mark.parametrize("ones", [{0}, {2, 1}, {1, 3}, {4, 5}])
def test_rows_that_suffice_are_allowed(ones: set[int]) -> None:
    assert allows(scarce_rows_hold, two_rivals(), ones=ones)


def test_rows_that_would_overflow_are_not_allowed() -> None:
    assert not allows(scarce_rows_hold, two_rivals(), ones={0, 2})


def test_rows_that_are_used_up_exactly_are_allowed() -> None:
    contest = only_contest(rivals_for_one_pool(lines=3, minutes=5, capacity=10))

    assert allows(scarce_rows_hold, contest, ones={0, 2})
    assert not allows(scarce_rows_hold, contest, ones={0, 2, 4})


def shared() -> Contest:
    """Options 0 and 2 share build 0 (variable 7: 5 minutes and 30 to open, room 7); 5 units of a soft quota are free.

    Variables 0 to 4 are options, 5 and 6 the lines unrouted, 7 the build, 8 what the soft quota is exceeded by.
    """
    return only_contest(
        routing_problem(
            options=[
                OptionRow(line=0, cost=10, minutes=4, build=0, volume=4),
                OptionRow(line=0, cost=70, pool=1, minutes=1),
                OptionRow(line=1, cost=10, minutes=4, build=0, volume=4),
                OptionRow(line=1, cost=15, minutes=4, build=0, volume=3),
                OptionRow(line=1, cost=70, pool=1, minutes=1),
            ],
            capacity=[[12], [1]],
            builds=[BuildRow(cost=30, minutes=5, volume=7)],
            quotas=[QuotaRow(weights={1: 4, 4: 4, 0: 3, 2: 3}, limit=5, excess_cost=9)],
        )
    )


def allows_shared(rule: Rule, *, ones: set[int], excess: int = 0) -> bool:
    """Tell whether a rule by itself lets exactly these variables be one, and the excess be so much."""
    model = CpModelProto()
    for variable in range(8):
        value = int(variable in ones)
        model.variables.add().domain.extend([value, value])
    model.variables.add().domain.extend([excess, excess])
    rule(model, shared())
    return solved(model) != CpSolverStatus.INFEASIBLE


@pytest.mark.parametrize("ones", [{0, 4, 7}, {0, 3, 7}, {1, 6}, {7}])
def test_options_of_a_build_that_is_open_are_allowed(ones: set[int]) -> None:
    assert allows_shared(builds_are_opened, ones=ones)


@pytest.mark.parametrize("ones", [{0, 4}, {1, 3}, {2, 3, 7}])
def test_options_of_a_closed_build_and_two_of_a_line_are_not_allowed(ones: set[int]) -> None:
    assert not allows_shared(builds_are_opened, ones=ones)


def test_opening_draws_on_the_pool_and_room_is_there_only_when_open() -> None:
    """4 + 4 + 5 minutes are over 12; volumes 4 + 4 are over 7, 4 + 3 are not."""
    assert not allows_shared(scarce_rows_hold, ones={0, 3, 7})
    assert allows_shared(scarce_rows_hold, ones={0, 6, 7})
    assert allows_shared(scarce_rows_hold, ones={3, 5, 7})
    assert not allows_shared(scarce_rows_hold, ones={0, 2, 7}, excess=1)
    assert not allows_shared(scarce_rows_hold, ones={3})


def test_a_soft_quota_is_lifted_by_what_it_is_exceeded_by() -> None:
    assert not allows_shared(scarce_rows_hold, ones={1, 2, 7}, excess=1)
    assert allows_shared(scarce_rows_hold, ones={1, 2, 7}, excess=2)


def test_builds_and_excess_have_their_price_and_their_place_in_the_hint() -> None:
    contest, model = shared(), CpModelProto()
    start_from(model, contest, np.array([1, 2]))
    objective = exact_objective(contest)

    assert objective.coefficients == (0, 60, 0, 5, 60, 990, 990, 30, 9)
    assert list(model.solution_hint.values) == [0, 1, 1, 0, 0, 0, 0, 1, 2]
    assert contest.cost_of(np.array([1, 2])) == 70 + 10 + 30 + 2 * 9
    assert choice_from(contest, list(model.solution_hint.values)).tolist() == [1, 2]


def test_the_objective_counts_what_each_choice_costs_over_the_cheapest() -> None:
    objective = exact_objective(two_rivals())

    assert objective.coefficients == (0, 10, 0, 11, 990, 990)
    assert (objective.offset, objective.shift) == (20, 0)
    assert objective.bound_from(10) == 30


def test_the_model_s_optimum_is_the_contest_s() -> None:
    contest = two_rivals()
    solver, parameters = SolveWrapper(), SatParameters()
    parameters.num_workers = 1
    solver.set_parameters(parameters)
    model = build(contest, exact_objective(contest), np.array([0, UNROUTED]))
    response = solver.solve(model)

    assert CpSatHelper.validate_model(model) == ""
    assert response.status == CpSolverStatus.OPTIMAL
    assert choice_from(contest, list(response.solution)).tolist() == [1, 2]
    assert response.objective_value == 10.0


def test_costs_just_within_the_engine_s_range_are_kept_exactly() -> None:
    fits = exact_objective(_contest_with_dearest(2 ** (OBJECTIVE_BITS - 1) - 1))
    coarse = exact_objective(_contest_with_dearest(2 ** (OBJECTIVE_BITS - 1)))

    assert fits.shift == 0
    assert fits.coefficients[-2:] == (2 ** (OBJECTIVE_BITS - 1) - 1,) * 2
    assert coarse.shift == 1
    assert coarse.coefficients[-2:] == (2 ** (OBJECTIVE_BITS - 2),) * 2


def test_rounded_costs_prove_a_bound_that_is_not_too_high() -> None:
    contest = _contest_with_dearest(2**58 + 1)
    objective = exact_objective(contest)
    unrouted_twice = objective.coefficients[-1] * 2

    assert objective.shift == 10
    assert 0 <= 2 * (2**58 + 1) + objective.offset - objective.bound_from(unrouted_twice) < 2 * 2**10


def test_the_hint_is_a_whole_plan() -> None:
    contest, model = two_rivals(), CpModelProto()
    start_from(model, contest, np.array([UNROUTED, 3]))

    assert list(model.solution_hint.vars) == [0, 1, 2, 3, 4, 5]
    assert list(model.solution_hint.values) == [0, 0, 0, 1, 1, 0]


def test_least_cost_names_every_variable() -> None:
    contest, model = two_rivals(), CpModelProto()
    least_cost(model, exact_objective(contest))

    assert list(model.objective.vars) == [0, 1, 2, 3, 4, 5]
    assert list(model.objective.coeffs) == [0, 10, 0, 11, 990, 990]


def test_a_solution_reads_back_as_a_choice() -> None:
    contest = two_rivals()

    assert choice_from(contest, [0, 1, 1, 0, 0, 0]).tolist() == [1, 2]
    assert choice_from(contest, [0, 0, 0, 1, 1, 0]).tolist() == [UNROUTED, 3]


def _contest_with_dearest(over: int) -> Contest:
    """Two lines that want the same place at 7 each, or stay unrouted at ``over`` more."""
    return only_contest(
        routing_problem(
            options=[OptionRow(line=line, cost=7, minutes=6) for line in (0, 1)], capacity=[[10]], unrouted=7 + over
        )
    )
