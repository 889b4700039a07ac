"""The engine for large scopes: prices, a start by regret, ruin and recreate, and the tighter bound where it pays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fabroute.solver.large.knapsack import knapsack_bound
from fabroute.solver.large.ledger import Ledger, ways_of
from fabroute.solver.large.market import Market, Sweep, no_prices
from fabroute.solver.large.openings import price_market
from fabroute.solver.large.rich import RichLedger
from fabroute.solver.large.ruin import ruin_and_recreate
from fabroute.solver.large.start import insert_by_regret
from fabroute.solver.limits import Budget
from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan, ScarcityPrices, plan_cost
from fabroute.solver.problem import NO_LOT, IntArray, RoutingProblem

ENGINE = "prices_and_ruin"
PLAIN_ENGINE = "cheapest_each"

_PRICES_SHARE, _BOUND_SHARE = 0.25, 0.15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """A choice, a bound and the prices that prove most of it."""

    chosen: IntArray
    """Option of the problem per line, or ``UNROUTED``."""
    bound: int
    prices: ScarcityPrices


def solve_large(market: Market, budget: Budget) -> RoutingPlan:
    """Return the best plan found within the limits, the bound proven, and the prices that prove it.

    Where nothing is split, shared or capped and each line's cheapest option fits beside all others', that is the plan.
    Same problem and limits, same plan, unless the wall guard cut it off (then the plan's status says so).
    """
    cheapest = market.cheapest()
    if market.problem.is_plain and all_fit(market.problem, cheapest):
        cost = plan_cost(market.problem, cheapest.tolist())
        return _plan(market, Found(chosen=cheapest, bound=cost, prices=no_prices(market.problem)), PLAIN_ENGINE, budget)
    found = search_and_bound(market, budget, seconds=budget.left)
    return _plan(market, found, ENGINE, budget)


def search_and_bound(market: Market, budget: Budget, *, seconds: float, cost: int | None = None) -> Found:
    """Return what about ``seconds`` of deterministic time bring; ``cost`` is that of a plan already known, if any."""
    end = budget.spent + seconds
    market, priced = price_market(market, budget, seconds=_PRICES_SHARE * seconds)
    chosen = _search(market, priced, budget, seconds=end - budget.spent - _BOUND_SHARE * seconds)
    least = plan_cost(market.problem, chosen.tolist())
    least = least if cost is None else min(least, cost)
    bound = knapsack_bound(market, priced, budget, cost=least, seconds=max(0.0, end - budget.spent))
    return Found(chosen=chosen, bound=bound, prices=priced.prices)


def all_fit(problem: RoutingProblem, chosen: IntArray) -> bool:
    """Tell whether a choice of a plain problem keeps capacity and stock."""
    taken = chosen[chosen != UNROUTED]
    due = np.zeros(problem.capacity.shape, dtype=np.int64)
    np.add.at(due, (problem.option_pool[taken], problem.option_bucket[taken]), problem.option_minutes[taken])
    lots = problem.option_lot[taken]
    drawn = np.zeros(len(problem.stock) + 1, dtype=np.int64)
    np.add.at(drawn, np.where(lots == NO_LOT, len(problem.stock), lots), problem.option_grams[taken])
    in_time = np.cumsum(due, axis=1, dtype=np.int64) <= problem.cumulative_capacity()
    return bool(in_time.all() and (drawn[:-1] <= problem.stock).all())


def _search(market: Market, priced: Sweep, budget: Budget, *, seconds: float) -> IntArray:
    ways = ways_of(market, priced)
    ledger = Ledger(market.problem, ways.unrouted) if market.problem.is_plain else RichLedger(market.problem, ways)
    insert_by_regret(ledger, ways, market, priced)
    reserve = _BOUND_SHARE * budget.limits.wall_seconds
    return ruin_and_recreate(market, priced, ledger, ways, budget, seconds=max(0.0, seconds), reserve=reserve)


def _plan(market: Market, found: Found, engine: str, budget: Budget) -> RoutingPlan:
    cost = plan_cost(market.problem, found.chosen.tolist())
    return RoutingPlan(
        chosen=tuple(found.chosen.tolist()),
        cost=cost,
        bound=min(found.bound, cost),
        engine=engine,
        status=_status(cost, found.bound, budget),
        seed=budget.limits.seed,
        wall_ms=budget.wall_ms,
        prices=found.prices,
    )


def _status(cost: int, bound: int, budget: Budget) -> PlanStatus:
    if bound >= cost:
        return PlanStatus.OPTIMAL
    return PlanStatus.WALL_GUARD if budget.guard_hit else PlanStatus.LIMIT
