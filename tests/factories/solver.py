"""Routing problems for tests: by hand, by chance, and the truth about small ones by trying everything."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fabroute.solver.contest import Contest, reduce_problem
from fabroute.solver.problem import NO_LOT, RoutingProblem

UNROUTED_MINOR = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRow:
    """One option of one line, in the units of the problem."""

    line: int
    cost: int
    pool: int = 0
    bucket: int = 0
    minutes: int = 0
    lot: int = NO_LOT
    grams: int = 0


def routing_problem(
    *,
    options: Iterable[OptionRow] = (),
    capacity: Sequence[Sequence[int]] = ((0,),),
    stock: Sequence[int] = (),
    unrouted: Sequence[int] | int = UNROUTED_MINOR,
    lines: int | None = None,
) -> RoutingProblem:
    """Return a problem of these options; as many lines as they name, unless told."""
    rows = sorted(options, key=lambda row: row.line)
    count = lines if lines is not None else max((row.line + 1 for row in rows), default=0)
    return RoutingProblem(
        line_count=count,
        option_line=_integers(row.line for row in rows),
        option_cost=_integers(row.cost for row in rows),
        option_pool=_integers(row.pool for row in rows),
        option_bucket=_integers(row.bucket for row in rows),
        option_minutes=_integers(row.minutes for row in rows),
        option_lot=_integers(row.lot for row in rows),
        option_grams=_integers(row.grams for row in rows),
        unrouted_cost=_integers([unrouted] * count if isinstance(unrouted, int) else unrouted),
        capacity=np.array(capacity, dtype=np.int64),
        stock=_integers(stock),
    )


def rivals_for_one_pool(*, lines: int = 2, minutes: int = 6, capacity: int = 10) -> RoutingProblem:
    """Return lines of which each wants the same cheap pool, and has a dearer free one to turn to.

    Line ``i`` costs 10 on the shared pool 0 and ``20 + i`` on pool 1, which has room for all.
    """
    return routing_problem(
        options=[
            row
            for line in range(lines)
            for row in (
                OptionRow(line=line, cost=10, pool=0, minutes=minutes),
                OptionRow(line=line, cost=20 + line, pool=1, minutes=minutes),
            )
        ],
        capacity=[[capacity], [lines * minutes]],
    )


def small_tight_problem(*, seed: int, cost_unit: int = 1) -> RoutingProblem:
    """Return up to 6 lines that ask for more minutes and grams than there are: few of them are plain."""
    random = np.random.default_rng(seed)
    lines, pools, buckets, lots = (int(random.integers(*span)) for span in ((2, 7), (1, 4), (1, 4), (0, 3)))
    options = [
        OptionRow(
            line=line,
            cost=int(random.integers(0, 40)) * cost_unit,
            pool=int(random.integers(pools)),
            bucket=int(random.integers(buckets)),
            minutes=int(random.integers(0, 9)),
            lot=int(random.integers(-1, lots)),
            grams=int(random.integers(0, 9)),
        )
        for line in range(lines)
        for _ in range(int(random.integers(0, 5)))
    ]
    return routing_problem(
        options=options,
        capacity=random.integers(0, 14 // buckets + 1, (pools, buckets)).tolist(),
        stock=random.integers(0, 14, lots).tolist(),
        unrouted=[int(price) * cost_unit for price in random.integers(10, 90, lines)],
        lines=lines,
    )


def large_tight_problem(*, seed: int, lines: int = 60, pools: int = 12, spread: int = 8) -> RoutingProblem:
    """Return lines that want about as many minutes as all pools have, each on ``spread`` pools: hard to prove."""
    random = np.random.default_rng(seed)
    buckets = 5
    work = random.integers(60, 600, lines)
    options = [
        OptionRow(
            line=line,
            cost=int(random.integers(2_000_000, 6_000_000)),
            pool=int(pool),
            bucket=int(random.integers(1, buckets)),
            minutes=int(work[line]),
            lot=int(pool),
            grams=int(random.integers(50, 400)),
        )
        for line in range(lines)
        for pool in random.choice(pools, spread, replace=False)
    ]
    daily = int(work.sum()) // (pools * buckets)
    return routing_problem(
        options=options,
        capacity=np.full((pools, buckets), daily).tolist(),
        stock=np.full(pools, 225 * lines // pools).tolist(),
        unrouted=20_000_000,
        lines=lines,
    )


def only_contest(problem: RoutingProblem) -> Contest:
    """Return the one contest of a problem that must have exactly one."""
    (contest,) = reduce_problem(problem).contests
    return contest


def all_choices(problem: RoutingProblem) -> Iterator[tuple[int, ...]]:
    """Yield every choice there is, feasible or not."""
    start = problem.line_start().tolist()
    return itertools.product(*((-1, *range(start[line], start[line + 1])) for line in range(problem.line_count)))


def is_feasible(problem: RoutingProblem, chosen: Sequence[int]) -> bool:
    """Tell whether minutes (up to every bucket) and grams suffice, by plain counting."""
    taken = [option for option in chosen if option >= 0]
    pools, buckets = problem.capacity.shape
    for pool, last in itertools.product(range(pools), range(buckets)):
        due = [o for o in taken if problem.option_pool[o] == pool and problem.option_bucket[o] <= last]
        if sum(int(problem.option_minutes[o]) for o in due) > sum(problem.capacity[pool].tolist()[: last + 1]):
            return False
    return all(
        sum(int(problem.option_grams[o]) for o in taken if problem.option_lot[o] == lot) <= grams
        for lot, grams in enumerate(problem.stock.tolist())
    )


def cost_by_hand(problem: RoutingProblem, chosen: Sequence[int]) -> int:
    """Return the sum of chosen costs and prices of staying unrouted."""
    costs, unrouted = problem.option_cost.tolist(), problem.unrouted_cost.tolist()
    return sum(costs[option] if option >= 0 else unrouted[line] for line, option in enumerate(chosen))


def least_cost_by_trying_all(problem: RoutingProblem) -> int:
    """Return the optimum of a small problem."""
    return min(cost_by_hand(problem, chosen) for chosen in all_choices(problem) if is_feasible(problem, chosen))


def _integers(values: Iterable[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array(list(values), dtype=np.int64)
