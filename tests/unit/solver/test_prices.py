"""Prices of scarce rows: whatever they are, the bound holds; the linear relaxation's are the best of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.solver.contest import Contest, reduce_problem
from fabroute.solver.prices import at_prices, price_rows, worth_keeping
from fabroute.solver.problem import RoutingProblem
from tests.factories.solver import (
    OptionRow,
    all_choices,
    is_feasible,
    large_tight_problem,
    least_cost_by_trying_all,
    only_contest,
    rivals_for_one_pool,
    routing_problem,
    small_tight_problem,
)


def optimum_of(problem: RoutingProblem, contest: Contest) -> int:
    """The least cost of a contest's lines, by trying all choices of the problem."""
    return min(
        _cost_of_lines(problem, contest, chosen) for chosen in all_choices(problem) if is_feasible(problem, chosen)
    )


def _cost_of_lines(problem: RoutingProblem, contest: Contest, chosen: tuple[int, ...]) -> int:
    return sum(
        int(problem.option_cost[chosen[line]]) if chosen[line] >= 0 else int(problem.unrouted_cost[line])
        for line in contest.lines.tolist()
    )


def test_the_price_of_a_pool_is_what_its_last_minute_saves() -> None:
    """Two lines of 6 minutes share 10: the cheaper pool saves 10 or 11 a line, so a minute is worth 10/6."""
    prices = price_rows(only_contest(rivals_for_one_pool(lines=2, minutes=6, capacity=10)), seconds=10.0)

    assert prices.row.tolist() == pytest.approx([10 / 6])
    assert prices.reduced_cost.tolist() == pytest.approx([20.0, 20.0, 20.0, 21.0])
    assert prices.best.tolist() == pytest.approx([20.0, 20.0])
    assert prices.bound == 24
    assert prices.certain == pytest.approx(40 - 100 / 6)


def test_free_rows_prove_what_each_line_would_cost_alone() -> None:
    contest = only_contest(rivals_for_one_pool(lines=2, minutes=6, capacity=10))
    prices = at_prices(contest, np.zeros(1))

    assert prices.bound == 20
    assert prices.regret(contest).tolist() == [0.0, 10.0, 0.0, 11.0]


def test_a_line_may_do_best_to_stay_unrouted() -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=90, minutes=6) for line in (0, 1)], capacity=[[6]], unrouted=[100, 200]
    )
    prices = at_prices(only_contest(problem), np.array([50.0]))

    assert prices.reduced_cost.tolist() == [390.0, 390.0]
    assert prices.best.tolist() == [100.0, 200.0]
    assert prices.bound == 0


def test_without_time_the_prices_are_zero_and_the_bound_is_still_one() -> None:
    contest = only_contest(large_tight_problem(seed=1))
    hurried = price_rows(contest, seconds=0.0)
    patient = price_rows(contest, seconds=20.0)

    assert hurried.row.tolist() == [0.0] * len(contest.limit)
    assert 0 < hurried.bound < patient.bound


@given(seed=st.integers(0, 10_000), prices=st.lists(st.floats(0.0, 50.0), min_size=20, max_size=20))
def test_any_prices_prove_a_bound(seed: int, prices: list[float]) -> None:
    problem = small_tight_problem(seed=seed)
    for contest in reduce_problem(problem).contests:
        row = np.array(prices)[: len(contest.limit)]
        assert row.shape == contest.limit.shape
        assert at_prices(contest, row).bound <= optimum_of(problem, contest)


@pytest.mark.parametrize("seed", range(40))
def test_the_relaxation_proves_at_least_as_much_as_free_rows_and_never_too_much(seed: int) -> None:
    problem = small_tight_problem(seed=seed, cost_unit=1_000)
    for contest in reduce_problem(problem).contests:
        linear = price_rows(contest, seconds=10.0)
        free = at_prices(contest, np.zeros(len(contest.limit)))
        assert (linear.row >= 0).all()
        assert free.bound - 1 <= linear.bound <= optimum_of(problem, contest)


@pytest.mark.parametrize("seed", range(40))
def test_options_that_are_not_worth_keeping_are_in_no_cheaper_plan(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    total = least_cost_by_trying_all(problem)
    for contest in reduce_problem(problem).contests:
        optimum = optimum_of(problem, contest)
        dropped = contest.options[~worth_keeping(contest, price_rows(contest, seconds=10.0), optimum + 3)]
        for chosen in all_choices(problem):
            if is_feasible(problem, chosen) and set(chosen) & set(dropped.tolist()):
                assert _cost_of_lines(problem, contest, chosen) >= optimum + 3
        assert optimum <= total


def test_bounds_hold_for_costs_that_floats_can_not_tell_apart() -> None:
    huge = 2**58
    problem = routing_problem(
        options=[OptionRow(line=line, cost=huge + line, minutes=6) for line in (0, 1, 2)],
        capacity=[[12]],
        unrouted=huge + 10,
    )
    prices = price_rows(only_contest(problem), seconds=10.0)

    assert prices.bound <= 3 * huge + 11
    assert prices.bound > 3 * huge - 2**12
