"""What an engine decided, and the days on which the work falls."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fabroute.kernel.errors import DomainError
from fabroute.solver.problem import NO_BUILD, NO_LOT, BoolArray, RoutingProblem

FloatArray = NDArray[np.float64]

UNROUTED = -1


class PlanDoesNotFit(DomainError, ValueError):
    """The chosen options ask a pool for more minutes than it has before a deadline."""

    code = "plan_does_not_fit"
    status = 500


class PlanStatus(StrEnum):
    """How far the engine got, and whether the same input gives the same plan again."""

    OPTIMAL = "optimal"
    """Proven: no plan costs less."""
    LIMIT = "limit"
    """Stopped at the deterministic limit: the gap is proven, the plan repeats."""
    WALL_GUARD = "wall_guard"
    """Stopped by the wall clock: the gap is proven, another run may end elsewhere."""
    BASELINE = "baseline"
    """A simple rule's plan with a simple bound; nothing was searched."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScarcityPrices:
    """What capacity and stock are worth while this plan is made: quote with them, explain with them."""

    minute: FloatArray
    """Milli-minor for one minute of each pool that must be worked by the end of each bucket, shape (pools, buckets).

    Never negative, and never higher for a later deadline.
    """
    gram: FloatArray
    """Milli-minor for one gram of each lot, never negative."""
    quota: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Milli-minor for one unit of each quota, never negative and never over what exceeding it costs; empty: nothing."""

    @property
    def row(self) -> FloatArray:
        """Return the price u of each cumulative row (pool, bucket): ``minute`` is its sum over later buckets."""
        later = np.zeros_like(self.minute)
        later[:, :-1] = self.minute[:, 1:]
        return np.asarray(self.minute - later)

    def of_options(self, problem: RoutingProblem) -> FloatArray:
        """Return, per option, the price of all that it draws on: minutes, grams, quotas, the draws of a split too."""
        lots = np.append(self.gram, 0.0)
        grams = problem.option_grams * lots[np.where(problem.option_lot == NO_LOT, -1, problem.option_lot)]
        price = problem.option_minutes * self.minute[problem.option_pool, problem.option_bucket] + grams
        more = problem.draw_grams * lots[np.where(problem.draw_lot == NO_LOT, -1, problem.draw_lot)]
        more = more + problem.draw_minutes * self.minute[problem.draw_pool, problem.draw_bucket]
        np.add.at(price, problem.draw_option, more)
        if self.quota.size:
            np.add.at(price, problem.share_option, problem.share_weight * self.quota[problem.share_quota])
        return np.asarray(price)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingPlan:
    """One option (or ``UNROUTED``) for every line, its cost and a proven lower bound on any plan's cost."""

    chosen: tuple[int, ...]
    cost: int
    """Milli-minor, unrouted lines at their price."""
    bound: int
    """No plan costs less than this; milli-minor."""
    engine: str
    status: PlanStatus
    seed: int
    wall_ms: int = field(compare=False)
    prices: ScarcityPrices | None = field(default=None, compare=False, repr=False)
    """Of engines that price the whole scope at once; others have none."""
    engine_reason: str = field(default="", compare=False)
    """Why this engine was taken, in a sentence with figures."""

    def __post_init__(self) -> None:
        if self.bound > self.cost:
            raise ValueError(f"the bound {self.bound} is over the plan's cost {self.cost}: one of them is wrong")

    @property
    def gap(self) -> float:
        """Proven distance to the optimum as a share of the cost: 0.0 when proven optimal."""
        return (self.cost - self.bound) / self.cost if self.cost else 0.0

    @property
    def unrouted_lines(self) -> tuple[int, ...]:
        """Lines without an option, ascending."""
        return tuple(line for line, option in enumerate(self.chosen) if option == UNROUTED)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DayShare:
    """Minutes of one line's work on one pool in one bucket."""

    pool: int
    bucket: int
    line: int
    minutes: int


def plan_cost(problem: RoutingProblem, chosen: Sequence[int]) -> int:
    """Return the cost of a choice in milli-minor: options, opened builds, what quotas exceed, unrouted lines."""
    taken = [option for option in chosen if option != UNROUTED]
    unrouted = sum(int(problem.unrouted_cost[line]) for line, option in enumerate(chosen) if option == UNROUTED)
    options = sum(int(problem.option_cost[option]) for option in taken)
    builds = sum(int(problem.build_cost[build]) for build in opened_builds(problem, chosen))
    return unrouted + options + builds + _excess_cost(problem, chosen)


def opened_builds(problem: RoutingProblem, chosen: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Return the builds that a choice opens, each with its lines, both ascending."""
    lines: dict[int, list[int]] = defaultdict(list)
    for line, option in enumerate(chosen):
        if option != UNROUTED and problem.option_build[option] != NO_BUILD:
            lines[int(problem.option_build[option])].append(line)
    return {build: tuple(lines[build]) for build in sorted(lines)}


def quota_weights(problem: RoutingProblem, chosen: Sequence[int]) -> list[int]:
    """Return what the chosen options weigh together in each quota."""
    shares = _taken(problem, chosen)[problem.share_option]
    weights = np.zeros(len(problem.quota_limit), dtype=np.int64)
    np.add.at(weights, problem.share_quota[shares], problem.share_weight[shares])
    return [int(weight) for weight in weights]


def day_plan(problem: RoutingProblem, chosen: Sequence[int]) -> tuple[DayShare, ...]:
    """Spread the chosen work over days, earliest deadline first on each pool, as early as the pool has minutes.

    Work may be cut at the end of a day. Shares come sorted by pool, bucket, line, one for each day on which a pool
    works for a line; an option without minutes has none. What a build takes to open counts as work of its first line.
    Raises `PlanDoesNotFit` when a pool has too few minutes before a deadline.
    """
    work: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for pool, bucket, line, minutes in _work(problem, chosen):
        work[pool].append((bucket, line, minutes))
    shares: dict[tuple[int, int, int], int] = defaultdict(int)
    for pool, queue in work.items():
        for bucket, line, minutes in _pool_days(problem, pool, sorted(queue)):
            shares[pool, bucket, line] += minutes
    return tuple(
        DayShare(pool=pool, bucket=bucket, line=line, minutes=minutes)
        for (pool, bucket, line), minutes in sorted(shares.items())
    )


def _work(problem: RoutingProblem, chosen: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield pool, bucket, line and minutes of all that has to be worked."""
    line_of = {option: line for line, option in enumerate(chosen) if option != UNROUTED}
    for option, line in line_of.items():
        pool, bucket = problem.option_pool[option], problem.option_bucket[option]
        yield int(pool), int(bucket), line, int(problem.option_minutes[option])
    for draw in np.flatnonzero(_taken(problem, chosen)[problem.draw_option]):
        pool, bucket, line = problem.draw_pool[draw], problem.draw_bucket[draw], line_of[int(problem.draw_option[draw])]
        yield int(pool), int(bucket), line, int(problem.draw_minutes[draw])
    for build, lines in opened_builds(problem, chosen).items():
        pool, bucket = problem.build_pool[build], problem.build_bucket[build]
        yield int(pool), int(bucket), lines[0], int(problem.build_minutes[build])


def _taken(problem: RoutingProblem, chosen: Sequence[int]) -> BoolArray:
    """Tell which options are chosen."""
    options = np.array(chosen, dtype=np.int64)
    taken = np.zeros(problem.option_count, dtype=np.bool_)
    taken[options[options != UNROUTED]] = True
    return taken


def _excess_cost(problem: RoutingProblem, chosen: Sequence[int]) -> int:
    weights, limits = quota_weights(problem, chosen), problem.quota_limit.tolist()
    prices = problem.quota_excess_cost.tolist()
    return sum(
        max(0, price) * max(0, weight - limit) for price, weight, limit in zip(prices, weights, limits, strict=True)
    )


def _pool_days(
    problem: RoutingProblem, pool: int, work: Iterable[tuple[int, int, int]]
) -> Iterator[tuple[int, int, int]]:
    """Yield bucket, line and minutes of the work of one pool, given as deadline, line and minutes."""
    free = problem.capacity[pool].tolist()
    bucket = 0
    for deadline, line, minutes in work:
        left = minutes
        while left:
            if bucket > deadline:
                raise PlanDoesNotFit(f"pool {pool} lacks {left} minutes before the end of bucket {deadline}")
            taken = min(left, free[bucket])
            if taken:
                yield bucket, line, taken
            free[bucket] -= taken
            left -= taken
            bucket += free[bucket] == 0
