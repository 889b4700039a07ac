"""What options draw beyond their own pool and lot: further draws of splits, shares of quotas, their part of a build.

A quota is one more store beside the lots: Σ weight ≤ limit, its price capped by the excess cost where it is soft. For
the bound, an option of a build bears the part of the opening that its volume takes up: no plan pays less than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fabroute.solver.plan import FloatArray
from fabroute.solver.problem import HARD, NO_BUILD, NO_LOT, IntArray, RoutingProblem

_ROUNDED_DOWN = 1.0 - 2.0**-40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entries:
    """Amounts that options draw somewhere, one entry each."""

    option: IntArray
    where: IntArray
    amount: IntArray

    def of(self, kept: IntArray, count: int) -> Entries:
        """Return the entries of the kept options (ascending, out of ``count``), renumbered from 0."""
        place = np.full(count, -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        inside = place[self.option] >= 0
        return Entries(option=place[self.option[inside]], where=self.where[inside], amount=self.amount[inside])

    def priced(self, price: FloatArray, count: int) -> FloatArray:
        """Return, per option, the price of what its entries draw."""
        return np.bincount(self.option, self.amount * price[self.where], minlength=count).astype(np.float64)

    def most_of_one(self) -> int:
        """Return how many entries one option has at most."""
        return int(np.bincount(self.option).max(initial=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stores:
    """Lots, then quotas: what there is of each, and what a unit may be priced at."""

    limit: IntArray
    highest: FloatArray


def stores_of(problem: RoutingProblem) -> Stores:
    """Return the lots and quotas of a problem."""
    excess = np.where(problem.quota_excess_cost == HARD, np.inf, problem.quota_excess_cost)
    return Stores(
        limit=np.concatenate([problem.stock, problem.quota_limit]),
        highest=np.concatenate([np.full(len(problem.stock), np.inf), excess]),
    )


def further_minutes(problem: RoutingProblem) -> Entries:
    """Return what the further draws of options take of cells (``pool · buckets + bucket``)."""
    cell = problem.draw_pool * problem.capacity.shape[1] + problem.draw_bucket
    return Entries(option=problem.draw_option, where=cell, amount=problem.draw_minutes)


def further_stores(problem: RoutingProblem) -> Entries:
    """Return what further draws take of lots, and what options weigh in quotas."""
    from_lot = problem.draw_lot != NO_LOT
    return Entries(
        option=np.concatenate([problem.draw_option[from_lot], problem.share_option]),
        where=np.concatenate([problem.draw_lot[from_lot], len(problem.stock) + problem.share_quota]),
        amount=np.concatenate([problem.draw_grams[from_lot], problem.share_weight]),
    )


def part_of_opening(problem: RoutingProblem, opening: IntArray) -> IntArray:
    """Return, per option, the part of what opening its build takes that goes with its volume, rounded down."""
    part = np.zeros(problem.option_count, dtype=np.int64)
    shared = np.flatnonzero(problem.option_build != NO_BUILD)
    build = problem.option_build[shared]
    filled = problem.option_volume[shared] / np.maximum(problem.build_volume[build], 1)
    part[shared] = np.floor(opening[build] * np.minimum(filled, 1.0) * _ROUNDED_DOWN).astype(np.int64)
    return part
