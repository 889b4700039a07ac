"""Ruin and recreate: never infeasible, never worse than its start, the same again for the same seed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.solver.large.ledger import ways_of
from fabroute.solver.large.market import market_of, no_prices, sweep
from fabroute.solver.large.placing import Rich, rich_of, rivals_by_quota
from fabroute.solver.large.rich import NONE, RichLedger
from fabroute.solver.large.ruin import Search, build_round, one_round, ruin_and_recreate, search_from
from fabroute.solver.plan import plan_cost
from fabroute.solver.problem import NO_BUILD, RoutingProblem
from tests.factories.markets import a_budget, inserted, priced_market
from tests.factories.solver import (
    BuildRow,
    OptionRow,
    QuotaRow,
    cost_by_hand,
    is_feasible,
    large_tight_problem,
    least_cost_by_trying_all,
    rivals_for_one_pool,
    routing_problem,
    small_mixed_problem,
    small_tight_problem,
)


def searched(problem: RoutingProblem, *, seconds: float, seed: int = 0, wall_seconds: float = 300.0) -> list[int]:
    market, priced = priced_market(problem, seconds=0.01)
    ledger, ways = inserted(market, priced)
    budget = a_budget(seed=seed, wall_seconds=wall_seconds)
    return [int(option) for option in ruin_and_recreate(market, priced, ledger, ways, budget, seconds=seconds)]


def test_nearly_all_small_problems_are_solved_as_by_brute_force() -> None:
    optimal = 0
    for seed in range(40):
        problem = small_tight_problem(seed=seed)
        chosen, optimum = searched(problem, seconds=0.01, seed=seed), least_cost_by_trying_all(problem)
        optimal += cost_by_hand(problem, chosen) == optimum

        assert is_feasible(problem, chosen), seed
        assert cost_by_hand(problem, chosen) >= optimum, seed
    assert optimal >= 36


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_plans_get_much_cheaper_than_the_start(seed: int) -> None:
    problem = large_tight_problem(seed=seed)
    market, priced = priced_market(problem)
    ledger, _ = inserted(market, priced)
    chosen = searched(problem, seconds=0.1)

    assert is_feasible(problem, chosen)
    assert plan_cost(problem, chosen) < 0.98 * ledger.cost
    assert plan_cost(problem, chosen) >= priced.bound


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    problem = large_tight_problem(seed=4)
    first, again, other = (searched(problem, seconds=0.1, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_a_plan_that_meets_the_bound_is_left_alone() -> None:
    problem = rivals_for_one_pool(lines=6, minutes=6, capacity=12)
    market, priced = priced_market(problem)
    ledger, ways = inserted(market, priced)
    budget = a_budget()
    chosen = ruin_and_recreate(market, priced, ledger, ways, budget, seconds=1.0).tolist()

    assert plan_cost(problem, chosen) == priced.bound == 106
    assert budget.spent == 0.0


def test_the_wall_clock_cuts_off_with_a_plan_in_hand() -> None:
    problem = large_tight_problem(seed=1)
    market, priced = priced_market(problem)
    ledger, ways = inserted(market, priced)
    start, budget = ledger.cost, a_budget(wall_seconds=1e-9)
    chosen = ruin_and_recreate(market, priced, ledger, ways, budget, seconds=1_000.0).tolist()

    assert budget.guard_hit
    assert budget.spent < 0.1
    assert plan_cost(problem, chosen) <= start


def test_it_stops_early_enough_to_leave_a_reserve() -> None:
    problem = large_tight_problem(seed=1)
    market, priced = priced_market(problem)
    ledger, ways = inserted(market, priced)
    budget = a_budget(wall_seconds=1_000.0)
    ruin_and_recreate(market, priced, ledger, ways, budget, seconds=1_000.0, reserve=999.9)

    assert budget.guard_hit
    assert budget.wall_left > 990.0


@given(seed=st.integers(0, 5_000), rounds=st.integers(1, 60))
@settings(deadline=None)
def test_after_any_rounds_the_ledger_and_the_best_plan_are_sound(seed: int, rounds: int) -> None:
    problem = small_tight_problem(seed=seed)
    market = market_of(problem)
    ledger, ways = inserted(market, sweep(market, no_prices(problem)))
    search = search_from(ledger, ways, seed=seed, temperature=20.0)
    for number in range(rounds):
        one_round(search, number % problem.line_count)
    best = [-1 if way is None else way[0] for way in search.best]

    assert is_feasible(problem, ledger.chosen().tolist())
    assert ledger.cost == cost_by_hand(problem, ledger.chosen().tolist())
    assert search.best_cost == cost_by_hand(problem, best) <= ledger.cost
    assert is_feasible(problem, best)


def test_when_cold_no_round_makes_it_dearer() -> None:
    problem = large_tight_problem(seed=2)
    market, priced = priced_market(problem)
    ledger, ways = inserted(market, priced)
    search = search_from(ledger, ways, seed=3)
    costs = []
    for number in range(200):
        one_round(search, number % problem.line_count)
        costs.append(ledger.cost)

    assert costs == sorted(costs, reverse=True)
    assert search.best_cost == costs[-1]
    assert search.moved >= 200


def test_lines_gather_in_one_build_where_opening_it_pays_for_all_together_only() -> None:
    """Ten lines at 30 each alone, or at 5 each in a build for 100: no line opens it for itself."""
    rows = [
        row
        for line in range(10)
        for row in (OptionRow(line=line, cost=30), OptionRow(line=line, cost=5, build=0, volume=1))
    ]
    problem = routing_problem(options=rows, builds=[BuildRow(cost=100, volume=10)])
    search, rich = opened_search(problem, alone=True)
    assert search.best_cost == 300
    for _ in range(5):
        build_round(search, rich, 3)

    assert search.best_cost == 100 + 10 * 5
    assert sorted(rich.ledger.inside[0]) == list(range(10))


def test_a_build_that_does_not_pay_is_closed() -> None:
    """Two lines at 30 each alone, or at 5 each in a build for 100."""
    rows = [
        row
        for line in range(2)
        for row in (OptionRow(line=line, cost=30), OptionRow(line=line, cost=5, build=0, volume=1))
    ]
    problem = routing_problem(options=rows, builds=[BuildRow(cost=100, volume=10)])
    search, rich = opened_search(problem, alone=False)
    assert search.best_cost == 110
    for _ in range(5):
        build_round(search, rich, 0)

    assert search.best_cost == 60
    assert rich.ledger.inside == [{}]
    assert rich.ledger.barred == NONE


@given(seed=st.integers(0, 5_000), rounds=st.integers(1, 40))
@settings(deadline=None)
def test_after_any_rounds_the_rich_ledger_and_the_best_plan_are_sound(seed: int, rounds: int) -> None:
    problem = small_mixed_problem(seed=seed)
    search, rich = opened_search(problem, alone=True)
    search.temperature = 20.0
    for number in range(rounds):
        one_round(search, number % problem.line_count)
        build_round(search, rich, number % problem.line_count)
    best = [-1 if way is None else way[0] for way in search.best]

    assert is_feasible(problem, rich.ledger.chosen().tolist())
    assert rich.ledger.cost == cost_by_hand(problem, rich.ledger.chosen().tolist())
    assert search.best_cost == cost_by_hand(problem, best) <= rich.ledger.cost
    assert is_feasible(problem, best)


def test_lines_of_one_quota_are_each_others_rivals() -> None:
    rows = [OptionRow(line=line, cost=10) for line in range(4)]
    problem = routing_problem(options=rows, quotas=[QuotaRow(weights={0: 1, 2: 1}, limit=1)])
    search, rich = opened_search(problem, alone=True)
    rivals = {rival for _ in range(50) for rival in rivals_by_quota(rich, 0, search.random)}

    assert rivals == {0, 2}
    assert rivals_by_quota(rich, 1, search.random) == []


def opened_search(problem: RoutingProblem, *, alone: bool) -> tuple[Search, Rich]:
    """Return a search whose lines all begin outside builds, or all on their cheapest way that fits."""
    market = market_of(problem)
    priced = sweep(market, no_prices(problem))
    ways = ways_of(market, priced)
    ledger = RichLedger(problem, ways)
    for line, of_line in enumerate(ways.by_cost):
        fitting = [way for way in sorted(of_line, key=lambda way: way[1]) if ledger.fits(way)]
        if alone:
            fitting = [way for way in fitting if problem.option_build[way[0]] == NO_BUILD]
        if fitting:
            ledger.put(line, fitting[0])
    search = search_from(ledger, ways, seed=1)
    search.rich = rich_of(ledger, ways, market, priced)
    return search, search.rich
