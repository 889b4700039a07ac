"""The first plan: whoever has most to lose chooses first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.solver.large.ledger import Ledger, ways_of
from fabroute.solver.large.market import market_of, no_prices, sweep
from fabroute.solver.large.start import losses, regrets
from fabroute.solver.plan import UNROUTED
from tests.factories.markets import inserted, priced_market, two_days_two_lots
from tests.factories.solver import (
    OptionRow,
    is_feasible,
    large_tight_problem,
    rivals_for_one_pool,
    routing_problem,
    small_tight_problem,
)


def test_the_line_that_would_lose_most_gets_the_place() -> None:
    """One place at 10 for three lines that otherwise pay 20, 21 and 22."""
    problem = rivals_for_one_pool(lines=3, minutes=6, capacity=10)
    market = market_of(problem)
    ledger, _ = inserted(market, sweep(market, no_prices(problem)))

    assert ledger.chosen().tolist() == [1, 3, 4]
    assert ledger.cost == 20 + 21 + 10


def test_regret_is_the_way_to_the_second_best_or_to_staying_unrouted() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10),
            OptionRow(line=0, cost=17),
            OptionRow(line=0, cost=30),
            OptionRow(line=1, cost=5),
            OptionRow(line=2, cost=60),
            OptionRow(line=2, cost=70),
        ],
        unrouted=[100, 40, 65, 9],
        lines=4,
    )
    market = market_of(problem)

    assert regrets(market, sweep(market, no_prices(problem))).tolist() == [7, 35, 5, 0]


def test_loss_is_the_way_from_the_best_option_to_the_present_one() -> None:
    market = market_of(two_days_two_lots())
    priced = sweep(market, no_prices(market.problem))
    ways = ways_of(market, priced)
    ledger = Ledger(market.problem, ways.unrouted)
    ledger.put(0, ways.by_cost[0][1])
    ledger.put(2, ways.by_cost[2][0])

    assert losses(ledger, market, priced).tolist() == [4, 80, 0]


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_first_plan_is_feasible_and_leaves_out_no_line_that_still_fits(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    market = market_of(problem)
    ledger, ways = inserted(market, sweep(market, no_prices(problem)))
    chosen = ledger.chosen().tolist()

    assert is_feasible(problem, chosen)
    for line, option in enumerate(chosen):
        assert option != UNROUTED or not any(ledger.fits(way) for way in ways.by_cost[line])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_prices_make_a_better_start_than_costs_alone(seed: int) -> None:
    problem = large_tight_problem(seed=seed)
    market, priced = priced_market(problem)
    with_prices, _ = inserted(market, priced)
    without, _ = inserted(market, sweep(market, no_prices(problem)))

    assert with_prices.cost < without.cost
    assert np.count_nonzero(with_prices.chosen() == UNROUTED) <= np.count_nonzero(without.chosen() == UNROUTED)
