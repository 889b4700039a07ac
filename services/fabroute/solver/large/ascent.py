"""Prices by ascent on the smoothed dual: majorised per cell, projected per pool, accelerated.

Each line spreads over its options by a soft-min at a falling temperature τ. In the price of a minute of each (pool,
bucket) the curvature of that function is at most Σ minutes² · share / τ (diag q − q·qᵀ ≤ diag q; twice that, since an
option draws on a pool and on a lot), so a step of gradient / curvature never overshoots. What is left is that a later
deadline may not be dearer than an earlier one: weighted isotonic regression, exact by the min-max formula for all
pools at once. Momentum as in Beck and Teboulle (2009), restarted as in O'Donoghue and Candès (2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabroute.solver.large.market import Market, Sweep, no_prices, sweep
from fabroute.solver.limits import Budget
from fabroute.solver.plan import FloatArray, ScarcityPrices
from fabroute.solver.problem import IntArray

_Single = NDArray[np.float32]

_MOST_ROUNDS, _FEWEST_ROUNDS = 400, 40
_EARLY_SWEEPS = (4, 8, 14, 20, 28, 36, 50, 75, 100, 125)
_SWEEP_EVERY = 50
_HOT, _COLD = 0.02, 0.0005
_WIDE, _NARROW = 0.2, 0.05
_MOST_MOMENTUM = 0.98
_LEAST_CURVATURE = 0.02
_SWEEP_CHARGE, _OPTION_CHARGE, _CELL_CHARGE, _ROUND_CHARGE = 5e-8, 1e-8, 2e-7, 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scale:
    """Units in which costs, minutes and grams are about 1, whatever the problem's units are."""

    cost: float
    minutes: float
    grams: float

    def prices(self, minute: FloatArray, gram: FloatArray) -> ScarcityPrices:
        """Return prices in the problem's units, never rising with the deadline, to the last digit."""
        level = np.minimum.accumulate(np.maximum(minute, 0.0), axis=1) * (self.cost / self.minutes)
        return ScarcityPrices(minute=level, gram=np.maximum(gram, 0.0) * (self.cost / self.grams))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Active:
    """The options near the best of their line, in single precision: the others hardly count in a soft-min."""

    cost: _Single
    cell: IntArray
    minutes: _Single
    lot: IntArray
    grams: _Single
    place: IntArray
    """Rank of each option's line among the lines that are here."""
    first: IntArray
    unrouted: _Single


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Demand:
    """What the soft choice asks for, and a bound on how fast that falls as prices rise."""

    minutes: FloatArray
    grams: FloatArray
    minute_curvature: FloatArray
    gram_curvature: FloatArray


@dataclass(slots=True, kw_only=True, eq=False)
class _Ascent:
    market: Market
    scale: _Scale
    minute: FloatArray
    gram: FloatArray
    minute_ahead: FloatArray
    gram_ahead: FloatArray
    momentum: float = 1.0


def find_prices(market: Market, budget: Budget, *, seconds: float) -> Sweep:
    """Return the sweep at the best prices found in about ``seconds`` of deterministic time (charged to the budget)."""
    scale, best = _scale(market), sweep(market, no_prices(market.problem))
    ascent, active = _at_zero(market, scale), _active(market, best, scale, _WIDE)
    rounds = _rounds(market, active, seconds)
    for number in range(1, rounds + 1):
        if not budget.wall_left:
            budget.guard_hit = True
            break
        _step(ascent, active, _HOT * (_COLD / _HOT) ** (number / rounds))
        budget.spent += _charge_of_one(market, active)
        if number in _EARLY_SWEEPS or number % _SWEEP_EVERY == 0 or number == rounds:
            now = sweep(market, scale.prices(ascent.minute, ascent.gram))
            budget.spent += len(market.option) * _SWEEP_CHARGE
            active = _active(market, now, scale, _WIDE * (_NARROW / _WIDE) ** (number / rounds))
            best = max(best, now, key=lambda each: each.bound)
    return best


def falling(target: FloatArray, weight: FloatArray) -> FloatArray:
    """Return, per row, the non-negative falling sequence nearest to the target by weighted squares.

    Isotonic regression by the min-max formula (Robertson, Wright and Dykstra, 1988): x_t is the least over s ≤ t of the
    greatest over e ≥ t of the weighted mean of target s…e. Weights must be over 0.
    """
    steps = target.shape[1]
    start, end = np.indices((steps, steps))
    mass = _spans(weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = _spans(weight * target) / mass
    means[:, start > end] = -np.inf
    highest = np.maximum.accumulate(means[:, :, ::-1], axis=2)[:, :, ::-1]
    highest[:, start > end] = np.inf
    return np.asarray(np.maximum(highest.min(axis=1), 0.0))


def _spans(values: FloatArray) -> FloatArray:
    """Return the sums over all spans: entry (row, s, e) adds up values s…e."""
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return np.asarray(total[:, None, 1:] - total[:, :-1, None])


def _scale(market: Market) -> _Scale:
    cost = market.least(market.cost.astype(np.float64))
    return _Scale(cost=_typical(cost), minutes=_typical(market.minutes), grams=_typical(market.grams))


def _typical(values: FloatArray | IntArray) -> float:
    return max(1.0, float(values.mean(dtype=np.float64))) if values.size else 1.0


def _at_zero(market: Market, scale: _Scale) -> _Ascent:
    shape, lots = market.problem.capacity.shape, len(market.problem.stock)
    return _Ascent(
        market=market,
        scale=scale,
        minute=np.zeros(shape),
        gram=np.zeros(lots),
        minute_ahead=np.zeros(shape),
        gram_ahead=np.zeros(lots),
    )


def _rounds(market: Market, active: _Active, seconds: float) -> int:
    one = _charge_of_one(market, active) + len(market.option) * _SWEEP_CHARGE / _SWEEP_EVERY
    return min(_MOST_ROUNDS, max(_FEWEST_ROUNDS, int(seconds / one)))


def _charge_of_one(market: Market, active: _Active) -> float:
    return _ROUND_CHARGE + len(active.cost) * _OPTION_CHARGE + market.problem.capacity.size * _CELL_CHARGE


def _active(market: Market, now: Sweep, scale: _Scale, width: float) -> _Active:
    """Keep options up to ``width`` (a share) dearer than the best of their line at these prices."""
    reach = now.best * (1.0 + width) + width * scale.cost * 0.1
    kept = np.flatnonzero(now.reduced <= reach[market.line])
    line = market.line[kept]
    new = np.diff(line, prepend=-1) > 0
    first = np.flatnonzero(new)
    return _Active(
        cost=(market.cost[kept] / scale.cost).astype(np.float32),
        cell=market.cell[kept],
        minutes=(market.minutes[kept] / scale.minutes).astype(np.float32),
        lot=market.lot[kept],
        grams=(market.grams[kept] / scale.grams).astype(np.float32),
        place=np.cumsum(new) - 1,
        first=first,
        unrouted=(market.problem.unrouted_cost[line[first]] / scale.cost).astype(np.float32),
    )


def _step(ascent: _Ascent, active: _Active, temperature: float) -> None:
    """Take one accelerated step: majorised, projected, with momentum that restarts when it points the wrong way."""
    problem, scale = ascent.market.problem, ascent.scale
    demand = _soft_demand(ascent, active, temperature)
    short = demand.minutes - problem.capacity / scale.minutes
    ahead, ahead_gram = ascent.minute_ahead, ascent.gram_ahead
    minute = falling(ahead + short / demand.minute_curvature, demand.minute_curvature)
    gram = np.maximum(ahead_gram + (demand.grams - problem.stock / scale.grams) / demand.gram_curvature, 0.0)
    moved, moved_gram = minute - ascent.minute, gram - ascent.gram
    against = float((demand.minute_curvature * (minute - ahead) * moved).sum())
    against += float((demand.gram_curvature * (gram - ahead_gram) * moved_gram).sum())
    before = 1.0 if against < 0.0 else ascent.momentum
    ascent.momentum = (1.0 + math.sqrt(1.0 + 4.0 * before * before)) / 2.0
    share = min((before - 1.0) / ascent.momentum, _MOST_MOMENTUM)
    ascent.minute_ahead = np.maximum(np.maximum.accumulate((minute + share * moved)[:, ::-1], axis=1)[:, ::-1], 0.0)
    ascent.gram_ahead = np.maximum(gram + share * moved_gram, 0.0)
    ascent.minute, ascent.gram = minute, gram


def _soft_demand(ascent: _Ascent, active: _Active, temperature: float) -> _Demand:
    """Return the demand when every line spreads over its options by a soft-min of their reduced costs."""
    shape, cells, lots = ascent.minute.shape, ascent.minute.size, len(ascent.gram)
    share = _shares(ascent, active, temperature)
    minutes, grams = share * active.minutes, share * active.grams
    steep = 2.0 / temperature
    return _Demand(
        minutes=_sums(active.cell, minutes, cells).reshape(shape),
        grams=_sums(active.lot, grams, lots + 1)[:lots],
        minute_curvature=_lifted(steep * _sums(active.cell, minutes * active.minutes, cells)).reshape(shape),
        gram_curvature=_lifted(steep * _sums(active.lot, grams * active.grams, lots + 1)[:lots]),
    )


def _sums(where: IntArray, values: _Single, count: int) -> FloatArray:
    """Return the sum of the values that go to each place."""
    return np.bincount(where, values, minlength=count).astype(np.float64)


def _shares(ascent: _Ascent, active: _Active, temperature: float) -> _Single:
    if not active.first.size:
        return np.zeros(0, dtype=np.float32)
    minute = ascent.minute_ahead.astype(np.float32).ravel()
    gram = np.append(ascent.gram_ahead, 0.0).astype(np.float32)
    reduced = active.cost + active.minutes * minute[active.cell] + active.grams * gram[active.lot]
    best = np.minimum(np.minimum.reduceat(reduced, active.first), active.unrouted)
    cold = np.float32(1.0 / temperature)
    pull = np.exp((best[active.place] - reduced) * cold)
    total = np.add.reduceat(pull, active.first) + np.exp((best - active.unrouted) * cold)
    return np.asarray(pull / total[active.place], dtype=np.float32)


def _lifted(curvature: FloatArray) -> FloatArray:
    """Return the curvature, lifted where hardly anything is asked for: no division by nothing."""
    lift = _LEAST_CURVATURE * float(curvature.mean()) if curvature.size else 0.0
    return np.asarray(curvature + max(lift, 1e-9))
