"""Spreading the cost of opening builds: a higher bound, never one over the optimum."""

import numpy as np
import pytest

from fabroute.solver.large.ascent import find_prices
from fabroute.solver.large.market import market_of
from fabroute.solver.large.openings import Spread, price_market
from fabroute.solver.plan import FloatArray
from tests.benchmarks.routing_builds import with_builds
from tests.benchmarks.routing_instances import Size, make_instance
from tests.benchmarks.routing_peers import linear_optimum
from tests.factories.markets import a_budget
from tests.factories.solver import (
    BuildRow,
    OptionRow,
    least_cost_by_trying_all,
    rivals_for_one_pool,
    routing_problem,
    small_mixed_problem,
)


def a_spread(own: list[float], by_volume: float, filled: list[float]) -> Spread:
    """Return the claims on one build that costs what they add up to."""
    return Spread(
        shared=np.arange(len(own)),
        build=np.zeros(len(own), dtype=np.int64),
        filled=np.array(filled),
        cost=np.array([sum(own) + by_volume]),
        own=np.array(own),
        by_volume=np.array([by_volume]),
    )


def total(spread: Spread) -> FloatArray:
    return np.asarray(spread.own.sum() + spread.by_volume.sum())


def test_an_option_bears_its_own_claim_and_its_part_of_the_volumes() -> None:
    assert a_spread([10.0, 20.0], 60.0, [0.5, 0.25]).borne().tolist() == [40.0, 35.0]


def test_the_claims_that_are_taken_up_get_more_and_the_sum_stays() -> None:
    spread = a_spread([30.0, 30.0], 30.0, [0.1, 0.1])
    spread.follow(np.array([0.9, 0.1]), 1.0)

    assert spread.own[0] > 30.0 > spread.own[1]
    assert spread.by_volume[0] < 30.0
    assert total(spread) == pytest.approx(90.0)


def test_in_a_full_build_the_volumes_get_the_cost() -> None:
    spread = a_spread([30.0, 30.0, 30.0], 30.0, [0.4, 0.4, 0.4])
    for _ in range(40):
        spread.follow(np.array([0.8, 0.8, 0.8]), 1.0)

    assert spread.by_volume[0] > 110.0
    assert total(spread) == pytest.approx(120.0)


def test_a_line_alone_in_its_build_bears_all_of_the_opening() -> None:
    """It fills a tenth: by volume the bound is 10 + 10; by its own claim 10 + 100, what it costs."""
    problem = routing_problem(
        options=[OptionRow(line=0, cost=10, build=0, volume=1)],
        builds=[BuildRow(cost=100, pool=0, bucket=0, minutes=0, volume=10)],
    )
    market, priced = price_market(market_of(problem), a_budget(), seconds=0.5)

    assert find_prices(market_of(problem), a_budget(), seconds=0.1).bound in (19, 20)
    assert 105 <= priced.bound <= least_cost_by_trying_all(problem) == 110
    assert market.cost[0] >= 105


def test_the_bound_is_between_that_by_volume_alone_and_the_linear_optimum() -> None:
    problem = with_builds(make_instance(Size(orders=100, nodes=20))).problem
    market = market_of(problem)
    by_volume = find_prices(market, a_budget(), seconds=0.2)
    _, priced = price_market(market, a_budget(), seconds=0.4)
    optimum = linear_optimum(problem)

    assert by_volume.bound < priced.bound <= optimum + 1
    assert priced.bound >= 0.96 * optimum


def test_problems_without_builds_keep_their_market() -> None:
    market = market_of(rivals_for_one_pool(lines=6, minutes=6, capacity=12))
    same, priced = price_market(market, a_budget(), seconds=0.5)

    assert same is market
    assert priced.bound == 106


@pytest.mark.parametrize("unit", [1, 10**9, 10**14])
def test_no_spread_proves_more_than_the_optimum(unit: int) -> None:
    for seed in range(15):
        problem = small_mixed_problem(seed=seed, cost_unit=unit)
        _, priced = price_market(market_of(problem), a_budget(), seconds=0.01)

        assert priced.bound <= least_cost_by_trying_all(problem), seed


def test_the_same_seconds_give_the_same_market() -> None:
    problem = with_builds(make_instance(Size(orders=60, nodes=12))).problem
    first, again = (price_market(market_of(problem), a_budget(), seconds=0.1) for _ in range(2))

    assert first[0].cost.tolist() == again[0].cost.tolist()
    assert first[1].bound == again[1].bound


def test_without_wall_time_the_first_prices_stay() -> None:
    problem = with_builds(make_instance(Size(orders=60, nodes=12))).problem
    market = market_of(problem)
    same, _ = price_market(market, a_budget(wall_seconds=1e-9), seconds=1.0)

    assert same is market
