"""How the price of opening a build is spread over its options, so that the bound is as high as can be.

An open build holds at least as much of itself as of any option in it, and as of all their volumes over its room. So any
spread ``a`` of the opening cost over these claims, Σ a = cost, may be added to the options: claim k of option j by
``a[j]``, that of the volumes by ``a[0] · volume / room``. The spread follows the soft choice of the lines by
exponentiated gradient (Kivinen and Warmuth, 1997): claims that are taken up more get more of the cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fabroute.solver.large.ascent import find_prices
from fabroute.solver.large.market import Market, Sweep
from fabroute.solver.limits import Budget
from fabroute.solver.plan import FloatArray
from fabroute.solver.problem import NO_BUILD, IntArray

_STAGES, _STEPS, _RATE = 8, 12, 1.5
_HOT, _COLD = 0.03, 0.003
_ROUNDED_DOWN = 1.0 - 2.0**-40
_STEP_CHARGE = 6e-8


@dataclass(slots=True, kw_only=True, eq=False)
class Spread:
    """Claims on opening costs: one for each shared option, one for each build's volumes."""

    shared: IntArray
    """Options of the market that are made in builds."""
    build: IntArray
    filled: FloatArray
    """Volume of each shared option over its build's room."""
    cost: FloatArray
    """Opening cost of each build."""
    own: FloatArray
    by_volume: FloatArray

    def borne(self) -> FloatArray:
        """Return what each shared option bears of its build's opening."""
        return np.asarray(self.own + self.by_volume[self.build] * self.filled)

    def follow(self, share: FloatArray, rate: float) -> None:
        """Move the spread towards the claims that the shares take up most."""
        builds = len(self.cost)
        volumes = np.bincount(self.build, share * self.filled, builds)
        most = np.maximum(volumes, _most(share, self.build, builds))
        scale = rate / np.maximum(most, 1e-6)
        self.own *= np.exp((share - most[self.build]) * scale[self.build])
        self.by_volume *= np.exp((volumes - most) * scale)
        total = self.by_volume + np.bincount(self.build, self.own, builds)
        fair = self.cost / np.maximum(total, 1e-300)
        self.own *= fair[self.build]
        self.by_volume *= fair


def price_market(market: Market, budget: Budget, *, seconds: float) -> tuple[Market, Sweep]:
    """Return the market and prices with the highest bound found in about ``seconds`` of deterministic time.

    Without builds the market stays as it is. With builds, prices and the spread of opening costs take turns.
    """
    if not len(market.problem.build_cost):
        return market, find_prices(market, budget, seconds=seconds)
    end = budget.spent + seconds
    priced = find_prices(market, budget, seconds=seconds / _STAGES)
    best, spread = (market, priced), _even_spread(market)
    for stage in range(1, _STAGES):
        if not budget.wall_left or budget.spent >= end:
            break
        cold = _HOT * (_COLD / _HOT) ** (stage / (_STAGES - 1))
        market = _spread_anew(market, priced, spread, cold, budget)
        priced = find_prices(market, budget, seconds=seconds / _STAGES, start=priced.prices)
        best = max(best, (market, priced), key=lambda each: each[1].bound)
    return best


def _spread_anew(market: Market, priced: Sweep, spread: Spread, cold: float, budget: Budget) -> Market:
    """Let the spread follow the soft choice at these prices, and return the market in which options bear it."""
    bare = market.problem.option_cost[market.option]
    rest = priced.reduced - market.cost
    for _ in range(_STEPS):
        reduced = bare + rest
        reduced[spread.shared] += spread.borne()
        spread.follow(_soft_choice(market, reduced, cold)[spread.shared], _RATE)
    budget.spent += _STEPS * len(market.option) * _STEP_CHARGE
    cost = bare.copy()
    cost[spread.shared] += np.floor(spread.borne() * _ROUNDED_DOWN).astype(np.int64)
    return replace(market, cost=cost)


def _even_spread(market: Market) -> Spread:
    problem = market.problem
    of_option = problem.option_build[market.option]
    shared = np.flatnonzero(of_option != NO_BUILD)
    build, builds = of_option[shared], len(problem.build_cost)
    room = np.maximum(problem.build_volume[build], 1)
    cost = problem.build_cost.astype(np.float64)
    claims = 1.0 + np.bincount(build, minlength=builds)
    return Spread(
        shared=shared,
        build=build,
        filled=np.minimum(problem.option_volume[market.option[shared]] / room, 1.0) * _ROUNDED_DOWN,
        cost=cost,
        own=(cost / claims)[build],
        by_volume=cost / claims,
    )


def _soft_choice(market: Market, reduced: FloatArray, cold: float) -> FloatArray:
    """Return the share of its line that each option gets at a temperature of ``cold`` times the mean line's price."""
    best = market.least(reduced)
    heat = max(1.0, cold * float(best.mean()))
    pull = np.exp((best[market.line] - reduced) / heat)
    staying = np.exp((best - market.problem.unrouted_cost) / heat)
    total = np.bincount(market.line, pull, minlength=len(best)) + staying
    return np.asarray(pull / total[market.line])


def _most(values: FloatArray, group: IntArray, count: int) -> FloatArray:
    most = np.zeros(count)
    np.maximum.at(most, group, values)
    return most
