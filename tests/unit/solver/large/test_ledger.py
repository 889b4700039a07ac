"""The ledger: whatever is put and pulled, what is left is what plain counting says."""

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.solver.large.ledger import COST, OPTION, Ledger, ways_of
from fabroute.solver.large.market import market_of, no_prices, sweep
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import RoutingProblem
from tests.factories.markets import priced_market, two_days_two_lots
from tests.factories.solver import OptionRow, cost_by_hand, is_feasible, routing_problem, small_tight_problem


def counted_room(problem: RoutingProblem, chosen: list[int]) -> list[list[int]]:
    """Return, per pool and bucket, the least that all cumulative rows from there on leave."""
    room = problem.cumulative_capacity().copy()
    for option in chosen:
        if option != UNROUTED:
            room[problem.option_pool[option], problem.option_bucket[option] :] -= problem.option_minutes[option]
    return [[min(row[bucket:]) for bucket in range(len(row))] for row in room.tolist()]


def test_what_is_put_is_taken_from_all_later_days_and_from_the_lot() -> None:
    market, priced = priced_market(two_days_two_lots())
    ways = ways_of(market, priced)
    ledger = Ledger(market.problem, ways.unrouted)
    early = next(way for way in ways.by_cost[0] if way[OPTION] == 0)
    ledger.put(0, early)

    assert ledger.room == [[20, 80]]
    assert ledger.left[:2] == [30, 50]
    assert (ledger.cost, ledger.chosen().tolist()) == (10 + 100 + 100, [0, UNROUTED, UNROUTED])
    assert ledger.members == [[0]]


def test_a_late_deadline_leaves_early_days_as_far_as_the_total_goes() -> None:
    """30 of 120 minutes by the end of day 1, then 85 more: only 5 are left on any day."""
    problem = routing_problem(
        options=[OptionRow(line=0, cost=1, bucket=1, minutes=30), OptionRow(line=1, cost=1, bucket=1, minutes=85)],
        capacity=[[60, 60]],
    )
    market = market_of(problem)
    ways = ways_of(market, sweep(market, no_prices(problem)))
    ledger = Ledger(problem, ways.unrouted)
    ledger.put(0, ways.by_cost[0][0])
    assert ledger.room == [[60, 90]]
    ledger.put(1, ways.by_cost[1][0])

    assert ledger.room == [[5, 5]]
    assert not ledger.fits(ways.by_cost[0][0])


def test_pulling_gives_everything_back() -> None:
    market, priced = priced_market(two_days_two_lots())
    ways = ways_of(market, priced)
    ledger = Ledger(market.problem, ways.unrouted)
    for line in (0, 2, 1):
        ledger.put(line, ways.by_cost[line][-1])
    for line in (2, 0, 1):
        ledger.pull(line, ways.by_cost[line][-1])

    assert (ledger.room, ledger.left[:2], ledger.members) == ([[60, 120]], [100, 50], [[]])
    assert (ledger.cost, ledger.now) == (300, [None, None, None])


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.integers(1, 40))
def test_after_any_moves_all_counts_are_right(seed: int, steps: int) -> None:
    problem = small_tight_problem(seed=seed)
    market = market_of(problem)
    ways = ways_of(market, sweep(market, no_prices(problem)))
    ledger, draw = Ledger(problem, ways.unrouted), random.Random(seed)
    for _ in range(steps):
        line = draw.randrange(problem.line_count)
        way = ledger.now[line]
        if way is not None:
            ledger.pull(line, way)
        elif ways.by_cost[line] and ledger.fits(wish := draw.choice(ways.by_cost[line])):
            ledger.put(line, wish)
    chosen = ledger.chosen().tolist()

    assert is_feasible(problem, chosen)
    assert ledger.cost == cost_by_hand(problem, chosen)
    assert ledger.room == counted_room(problem, chosen)
    assert sorted(line for pool in ledger.members for line in pool) == [
        line for line, option in enumerate(chosen) if option != UNROUTED
    ]


def test_ways_come_by_price_and_by_cost() -> None:
    market, priced = priced_market(two_days_two_lots())
    ways = ways_of(market, priced)

    for line in range(3):
        prices = [priced.reduced[np.searchsorted(market.option, way[OPTION])] for way in ways.by_price[line]]
        costs = [way[COST] for way in ways.by_cost[line]]
        assert all(first <= second for first, second in pairwise(prices))
        assert all(first <= second for first, second in pairwise(costs))
        assert sorted(ways.by_price[line]) == sorted(ways.by_cost[line])
    assert ways.unrouted == (100, 100, 100)
    assert ways.by_cost[0][0] == (0, 10, 0, 0, 40, 0, 70)


def test_only_the_best_two_dozen_of_very_many_options_are_ways() -> None:
    problem = routing_problem(options=[OptionRow(line=0, cost=1_000 - rank) for rank in range(200)])
    market = market_of(problem)
    (ways,) = ways_of(market, sweep(market, no_prices(problem))).by_price

    assert [way[COST] for way in ways] == list(range(801, 825))
    assert [way[OPTION] for way in ways] == list(range(199, 175, -1))


@pytest.mark.parametrize("lines", [0, 2])
def test_lines_without_options_have_no_ways(lines: int) -> None:
    problem = routing_problem(lines=lines)
    market = market_of(problem)

    assert ways_of(market, sweep(market, no_prices(problem))).by_price == ((),) * lines
    assert Ledger(problem, (7,) * lines).cost == 7 * lines
