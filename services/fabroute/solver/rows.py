"""Scarce resources as rows: Σ weight of the chosen options ≤ limit. One rule is one function that makes its rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fabroute.solver.problem import NO_LOT, BoolArray, IntArray, RoutingProblem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One resource: which options draw on it, how much, and how much there is."""

    members: IntArray
    """Options, by index."""
    weights: IntArray
    limit: int


def scarce_rows(problem: RoutingProblem, alive: BoolArray) -> list[Row]:
    """Return the rows that the living options can overfill, each line taking its heaviest option."""
    rows = [*cumulative_capacity(problem, alive), *lot_stock(problem, alive)]
    return [row for row in rows if _can_overfill(problem, row)]


def cumulative_capacity(problem: RoutingProblem, alive: BoolArray) -> Iterator[Row]:
    """Yield, per pool and deadline: minutes due by then stay within the pool's minutes up to then.

    Deadlines by which all options together would fit are left out.
    """
    available = problem.cumulative_capacity()
    options = np.flatnonzero(alive & (problem.option_minutes > 0))
    for of_pool in _grouped(options, problem.option_pool, then_by=problem.option_bucket):
        weights = problem.option_minutes[of_pool]
        buckets = problem.option_bucket[of_pool]
        ends = np.append(np.flatnonzero(np.diff(buckets)), len(buckets) - 1)
        limits = available[problem.option_pool[of_pool[0]], buckets[ends]]
        asked = np.cumsum(weights, dtype=np.int64)[ends]
        for end, limit in zip((ends + 1)[asked > limits].tolist(), limits[asked > limits].tolist(), strict=True):
            yield Row(members=of_pool[:end], weights=weights[:end], limit=limit)


def lot_stock(problem: RoutingProblem, alive: BoolArray) -> Iterator[Row]:
    """Yield, per lot: grams drawn from it stay within its stock."""
    options = np.flatnonzero(alive & (problem.option_lot != NO_LOT) & (problem.option_grams > 0))
    for of_lot in _grouped(options, problem.option_lot):
        limit = int(problem.stock[problem.option_lot[of_lot[0]]])
        yield Row(members=of_lot, weights=problem.option_grams[of_lot], limit=limit)


def fits_alone(problem: RoutingProblem) -> BoolArray:
    """Tell which options could be taken if every other line stayed unrouted, and cost no more than that."""
    has_minutes = problem.option_minutes <= problem.cumulative_capacity()[problem.option_pool, problem.option_bucket]
    stock = np.append(problem.stock, np.iinfo(np.int64).max)
    has_grams = problem.option_grams <= stock[problem.option_lot]
    worth_it = problem.option_cost <= problem.unrouted_cost[problem.option_line]
    return has_minutes & has_grams & worth_it


def _grouped(options: IntArray, key: IntArray, *, then_by: IntArray | None = None) -> Iterator[IntArray]:
    """Split options by a key, each group in the order of the second key, then of the options."""
    second = options if then_by is None else then_by[options]
    options = options[np.lexsort((options, second, key[options]))]
    if options.size:
        yield from np.split(options, np.flatnonzero(np.diff(key[options])) + 1)


def _can_overfill(problem: RoutingProblem, row: Row) -> bool:
    heaviest = np.zeros(problem.line_count, dtype=np.int64)
    np.maximum.at(heaviest, problem.option_line[row.members], row.weights)
    return int(heaviest.sum()) > row.limit
