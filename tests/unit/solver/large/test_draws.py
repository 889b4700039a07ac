"""Draws of splits, shares of quotas and parts of openings, as entries that are priced."""

import numpy as np
import pytest

from fabroute.solver.large.ascent import find_prices
from fabroute.solver.large.draws import (
    Entries,
    further_minutes,
    further_stores,
    part_of_opening,
    stores_of,
)
from fabroute.solver.large.market import market_of, no_prices, sweep
from fabroute.solver.plan import ScarcityPrices
from fabroute.solver.problem import HARD, RoutingProblem
from tests.factories.markets import a_budget, priced_market
from tests.factories.solver import (
    BuildRow,
    Draw,
    OptionRow,
    QuotaRow,
    least_cost_by_trying_all,
    routing_problem,
    small_mixed_problem,
)


def one_of_each() -> RoutingProblem:
    """Return a split over two pools and lots, a build of two lines, a hard and a soft quota."""
    return routing_problem(
        options=[
            OptionRow(
                line=0, cost=10, minutes=5, lot=0, grams=3, draws=(Draw(pool=1, bucket=1, minutes=7, lot=1, grams=2),)
            ),
            OptionRow(line=1, cost=20, minutes=4, build=0, volume=3),
            OptionRow(line=2, cost=30, minutes=6, build=0, volume=6),
        ],
        capacity=[[40, 0], [30, 10]],
        stock=[100, 50],
        builds=[BuildRow(cost=90, pool=0, bucket=0, minutes=12, volume=9)],
        quotas=[
            QuotaRow(weights={0: 2, 1: 3}, limit=4, excess_cost=HARD),
            QuotaRow(weights={2: 8}, limit=5, excess_cost=6),
        ],
    )


def test_quotas_are_stores_beside_the_lots() -> None:
    stores = stores_of(one_of_each())

    assert stores.limit.tolist() == [100, 50, 4, 5]
    assert stores.highest.tolist() == [np.inf, np.inf, np.inf, 6.0]


def test_further_draws_are_entries_of_cells_and_stores() -> None:
    minutes, stores = further_minutes(one_of_each()), further_stores(one_of_each())

    assert (minutes.option.tolist(), minutes.where.tolist(), minutes.amount.tolist()) == ([0], [3], [7])
    assert stores.option.tolist() == [0, 0, 1, 2]
    assert stores.where.tolist() == [1, 2, 2, 3]
    assert stores.amount.tolist() == [2, 2, 3, 8]


def test_an_option_bears_the_part_of_the_opening_that_its_volume_fills() -> None:
    problem = one_of_each()

    assert part_of_opening(problem, problem.build_cost).tolist() == [0, 29, 59]
    assert part_of_opening(problem, problem.build_minutes).tolist() == [0, 3, 7]
    market = market_of(problem)
    assert market.cost.tolist() == [10, 49, 89]
    assert market.minutes.tolist() == [5, 7, 13]
    assert market.most_draws == 2 + 1 + 2


def test_entries_of_kept_options_are_renumbered() -> None:
    entries = Entries(option=np.array([0, 2, 2, 5]), where=np.array([1, 0, 1, 0]), amount=np.array([4, 5, 6, 7]))
    kept = entries.of(np.array([2, 3, 5]), 6)

    assert (kept.option.tolist(), kept.where.tolist(), kept.amount.tolist()) == ([0, 0, 2], [0, 1, 0], [5, 6, 7])
    assert kept.priced(np.array([10.0, 100.0]), 3).tolist() == [650.0, 0.0, 70.0]
    assert (entries.most_of_one(), kept.most_of_one()) == (2, 2)


@pytest.mark.parametrize(
    ("problem", "taken"),
    [
        (
            routing_problem(
                options=[OptionRow(line=0, cost=1, draws=(Draw(pool=0, bucket=0, minutes=9),))], capacity=[[8]]
            ),
            False,
        ),
        (
            routing_problem(
                options=[OptionRow(line=0, cost=1, draws=(Draw(pool=0, bucket=0, minutes=8),))], capacity=[[8]]
            ),
            True,
        ),
        (
            routing_problem(
                options=[OptionRow(line=0, cost=1, draws=(Draw(pool=0, bucket=0, minutes=0, lot=0, grams=3),))],
                stock=[2],
            ),
            False,
        ),
        (
            routing_problem(
                options=[OptionRow(line=0, cost=1, minutes=5, build=0, volume=1)],
                capacity=[[8]],
                builds=[BuildRow(cost=0, pool=0, bucket=0, minutes=4, volume=1)],
            ),
            False,
        ),
        (
            routing_problem(
                options=[OptionRow(line=0, cost=1, build=0, volume=2)],
                builds=[BuildRow(cost=0, pool=0, bucket=0, minutes=0, volume=1)],
            ),
            False,
        ),
        (
            routing_problem(
                options=[OptionRow(line=0, cost=1)], quotas=[QuotaRow(weights={0: 5}, limit=4, excess_cost=HARD)]
            ),
            False,
        ),
        (
            routing_problem(
                options=[OptionRow(line=0, cost=1)], quotas=[QuotaRow(weights={0: 5}, limit=4, excess_cost=1)]
            ),
            True,
        ),
    ],
)
def test_options_that_have_no_room_alone_are_left_out(problem: RoutingProblem, taken: bool) -> None:
    market = market_of(problem)

    assert market.busy.tolist() == market.option.tolist()
    assert market.option.tolist() == ([0] if taken else [])


def test_reduced_cost_adds_the_price_of_all_draws() -> None:
    """10 + 5 · 1 + 3 · 2 + 7 · 0.5 + 2 · 3 + 2 · 4; the soft quota counts at 6 at most, not 9."""
    market = market_of(one_of_each())
    prices = ScarcityPrices(
        minute=np.array([[1.0, 0.0], [0.5, 0.5]]), gram=np.array([2.0, 3.0]), quota=np.array([4.0, 9.0])
    )

    assert market.reduced(prices).tolist() == pytest.approx([38.5, 49 + 7 + 12, 89 + 13 + 48])
    assert market.store_prices(prices).tolist() == [2.0, 3.0, 4.0, 6.0]
    assert no_prices(market.problem).quota.tolist() == [0.0, 0.0]
    assert sweep(market, no_prices(market.problem)).bound == 10 + 49 + 89


def test_a_hard_quota_is_priced_at_what_the_next_best_costs_more() -> None:
    """Three lines weigh 1 each in a quota of 1; they pay 10, 20 and 30 more outside it."""
    problem = routing_problem(
        options=[
            row
            for line in range(3)
            for row in (OptionRow(line=line, cost=100), OptionRow(line=line, cost=110 + 10 * line))
        ],
        quotas=[QuotaRow(weights={0: 1, 2: 1, 4: 1}, limit=1, excess_cost=HARD)],
    )
    _, priced = priced_market(problem)

    assert 20 - 0.5 <= priced.prices.quota[0] <= 30 + 0.5
    assert priced.bound == least_cost_by_trying_all(problem) == 100 + 110 + 120


def test_a_soft_quota_is_never_priced_over_its_excess() -> None:
    problem = routing_problem(
        options=[
            row
            for line in range(3)
            for row in (OptionRow(line=line, cost=100), OptionRow(line=line, cost=110 + 10 * line))
        ],
        quotas=[QuotaRow(weights={0: 1, 2: 1, 4: 1}, limit=1, excess_cost=12)],
    )
    _, priced = priced_market(problem)

    assert priced.prices.quota[0] == pytest.approx(12.0, abs=0.5)
    assert priced.bound <= least_cost_by_trying_all(problem) == 100 + 100 + 12 + 110
    assert priced.bound >= 320


def test_both_pools_of_a_split_are_priced() -> None:
    """Two lines split over pools 0 and 1; pool 1 has room for one: its minutes carry the price."""
    rows = [
        row
        for line in (0, 1)
        for row in (
            OptionRow(line=line, cost=10, minutes=5, draws=(Draw(pool=1, bucket=0, minutes=4),)),
            OptionRow(line=line, cost=30 + 10 * line, pool=2, minutes=5),
        )
    ]
    problem = routing_problem(options=rows, capacity=[[10], [4], [10]])
    _, priced = priced_market(problem)

    assert 5.0 - 0.1 <= priced.prices.minute[1, 0] <= 7.5 + 0.1
    assert priced.prices.minute[0, 0] == pytest.approx(0.0, abs=0.01)
    assert priced.bound == least_cost_by_trying_all(problem) == 40


@pytest.mark.parametrize("unit", [1, 10**6, 10**14])
def test_prices_never_prove_more_than_the_optimum_of_mixed_problems(unit: int) -> None:
    for seed in range(15):
        problem = small_mixed_problem(seed=seed, cost_unit=unit)
        priced = find_prices(market_of(problem), a_budget(), seconds=0.005)

        assert priced.bound <= least_cost_by_trying_all(problem), seed
        assert (priced.prices.quota >= 0).all(), seed
