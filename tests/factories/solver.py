"""Routing problems for tests: by hand, by chance, and the truth about small ones by trying everything."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fabroute.solver.contest import Contest, reduce_problem
from fabroute.solver.problem import HARD, NO_BUILD, NO_LOT, RoutingProblem

UNROUTED_MINOR = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A further draw of an option: a share that is made elsewhere."""

    pool: int = 0
    bucket: int = 0
    minutes: int = 0
    lot: int = NO_LOT
    grams: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRow:
    """One build that options may share."""

    cost: int = 0
    pool: int = 0
    bucket: int = 0
    minutes: int = 0
    volume: int = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRow:
    """One quota: what options (by number) weigh in it."""

    weights: Mapping[int, int]
    limit: int = 0
    excess_cost: int = HARD


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
    build: int = NO_BUILD
    volume: int = 0
    draws: tuple[Draw, ...] = field(default=())


def routing_problem(
    *,
    options: Iterable[OptionRow] = (),
    capacity: Sequence[Sequence[int]] = ((0,),),
    stock: Sequence[int] = (),
    unrouted: Sequence[int] | int = UNROUTED_MINOR,
    lines: int | None = None,
    builds: Sequence[BuildRow] = (),
    quotas: Sequence[QuotaRow] = (),
) -> RoutingProblem:
    """Return a problem of these options; as many lines as they name, unless told."""
    rows = sorted(options, key=lambda row: row.line)
    count = lines if lines is not None else max((row.line + 1 for row in rows), default=0)
    draws = [(option, draw) for option, row in enumerate(rows) for draw in row.draws]
    shares = [(quota, *share) for quota, row in enumerate(quotas) for share in row.weights.items()]
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
        option_build=_integers(row.build for row in rows),
        option_volume=_integers(row.volume for row in rows),
        draw_option=_integers(option for option, _ in draws),
        draw_pool=_integers(draw.pool for _, draw in draws),
        draw_bucket=_integers(draw.bucket for _, draw in draws),
        draw_minutes=_integers(draw.minutes for _, draw in draws),
        draw_lot=_integers(draw.lot for _, draw in draws),
        draw_grams=_integers(draw.grams for _, draw in draws),
        build_cost=_integers(row.cost for row in builds),
        build_pool=_integers(row.pool for row in builds),
        build_bucket=_integers(row.bucket for row in builds),
        build_minutes=_integers(row.minutes for row in builds),
        build_volume=_integers(row.volume for row in builds),
        quota_limit=_integers(row.limit for row in quotas),
        quota_excess_cost=_integers(row.excess_cost for row in quotas),
        share_quota=_integers(quota for quota, _, _ in shares),
        share_option=_integers(option for _, option, _ in shares),
        share_weight=_integers(weight for _, _, weight in shares),
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


def small_mixed_problem(*, seed: int, cost_unit: int = 1) -> RoutingProblem:
    """Return up to 5 lines with some of everything: lots, splits, shared builds, hard and soft quotas."""
    random = np.random.default_rng(seed)
    lines, pools, buckets, lots, builds, quotas = (
        int(random.integers(*span)) for span in ((2, 6), (1, 4), (1, 4), (0, 3), (0, 4), (0, 4))
    )
    places = [(int(random.integers(pools)), int(random.integers(buckets))) for _ in range(builds)]
    options = [
        _mixed_option(random, line, cost_unit, pools, buckets, lots, places)
        for line in range(lines)
        for _ in range(int(random.integers(0, 5)))
    ]
    return routing_problem(
        options=options,
        capacity=random.integers(0, 24 // buckets + 1, (pools, buckets)).tolist(),
        stock=random.integers(0, 20, lots).tolist(),
        unrouted=[int(price) * cost_unit for price in random.integers(10, 120, lines)],
        lines=lines,
        builds=[
            BuildRow(
                cost=int(random.integers(0, 30)) * cost_unit,
                pool=pool,
                bucket=bucket,
                minutes=int(random.integers(0, 6)),
                volume=int(random.integers(0, 16)),
            )
            for pool, bucket in places
        ],
        quotas=[_mixed_quota(random, len(options), cost_unit) for _ in range(quotas)],
    )


def _mixed_option(
    random: np.random.Generator,
    line: int,
    cost_unit: int,
    pools: int,
    buckets: int,
    lots: int,
    places: Sequence[tuple[int, int]],
) -> OptionRow:
    build = int(random.integers(-1, len(places))) if places else NO_BUILD
    pool, bucket = (int(random.integers(pools)), int(random.integers(buckets))) if build < 0 else places[build]
    return OptionRow(
        line=line,
        cost=int(random.integers(0, 40)) * cost_unit,
        pool=pool,
        bucket=bucket,
        minutes=int(random.integers(0, 9)),
        lot=int(random.integers(-1, lots)),
        grams=int(random.integers(0, 9)),
        build=build,
        volume=int(random.integers(0, 9)) if build >= 0 else 0,
        draws=tuple(
            Draw(
                pool=int(random.integers(pools)),
                bucket=int(random.integers(buckets)),
                minutes=int(random.integers(0, 7)),
                lot=int(random.integers(-1, lots)),
                grams=int(random.integers(0, 7)),
            )
            for _ in range(max(0, int(random.integers(-3, 3))))
        ),
    )


def _mixed_quota(random: np.random.Generator, options: int, cost_unit: int) -> QuotaRow:
    members = np.flatnonzero(random.random(options) < 0.5).tolist()
    return QuotaRow(
        weights={option: int(random.integers(0, 9)) for option in members},
        limit=int(random.integers(0, 16)),
        excess_cost=HARD if random.random() < 0.4 else int(random.integers(0, 8)) * cost_unit,
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
    """Tell whether minutes (up to every bucket), grams, room of builds and hard quotas suffice, by plain counting."""
    taken = [option for option in chosen if option >= 0]
    work, drawn = _drawn(problem, taken)
    room: dict[int, int] = defaultdict(int)
    for option in taken:
        room[int(problem.option_build[option])] += int(problem.option_volume[option])
    if any(room[build] > volume for build, volume in enumerate(problem.build_volume.tolist())):
        return False
    for pool, days in enumerate(problem.capacity.tolist()):
        for last in range(len(days)):
            due = sum(minutes for where, bucket, minutes in work if where == pool and bucket <= last)
            if due > sum(days[: last + 1]):
                return False
    weights = _weights(problem, taken)
    prices = problem.quota_excess_cost.tolist()
    return all(drawn[lot] <= grams for lot, grams in enumerate(problem.stock.tolist())) and all(
        weights[quota] <= limit or prices[quota] >= 0 for quota, limit in enumerate(problem.quota_limit.tolist())
    )


def _drawn(problem: RoutingProblem, taken: Sequence[int]) -> tuple[list[tuple[int, int, int]], dict[int, int]]:
    """Return all work as pool, deadline and minutes, and grams by lot."""
    pools, buckets = problem.option_pool.tolist(), problem.option_bucket.tolist()
    work = [(pools[option], buckets[option], int(problem.option_minutes[option])) for option in taken]
    drawn: dict[int, int] = defaultdict(int)
    for option in taken:
        drawn[int(problem.option_lot[option])] += int(problem.option_grams[option])
    for draw, option in enumerate(problem.draw_option.tolist()):
        if option in taken:
            drawn[int(problem.draw_lot[draw])] += int(problem.draw_grams[draw])
            where = int(problem.draw_pool[draw]), int(problem.draw_bucket[draw])
            work.append((*where, int(problem.draw_minutes[draw])))
    for build in {int(problem.option_build[option]) for option in taken} - {NO_BUILD}:
        where = int(problem.build_pool[build]), int(problem.build_bucket[build])
        work.append((*where, int(problem.build_minutes[build])))
    return work, drawn


def _weights(problem: RoutingProblem, taken: Sequence[int]) -> dict[int, int]:
    weights: dict[int, int] = defaultdict(int)
    shares = zip(
        problem.share_quota.tolist(), problem.share_option.tolist(), problem.share_weight.tolist(), strict=True
    )
    for quota, option, weight in shares:
        weights[quota] += weight if option in taken else 0
    return weights


def cost_by_hand(problem: RoutingProblem, chosen: Sequence[int]) -> int:
    """Return the sum of chosen costs, opened builds, what soft quotas exceed, and prices of staying unrouted."""
    costs, unrouted = problem.option_cost.tolist(), problem.unrouted_cost.tolist()
    total = sum(costs[option] if option >= 0 else unrouted[line] for line, option in enumerate(chosen))
    if problem.is_plain:
        return int(total)
    taken = [option for option in chosen if option >= 0]
    for build in {int(problem.option_build[option]) for option in taken} - {NO_BUILD}:
        total += int(problem.build_cost[build])
    weights = _weights(problem, taken)
    for quota, (limit, price) in enumerate(
        zip(problem.quota_limit.tolist(), problem.quota_excess_cost.tolist(), strict=True)
    ):
        total += max(0, price) * max(0, weights[quota] - limit)
    return int(total)


def least_cost_by_trying_all(problem: RoutingProblem) -> int:
    """Return the optimum of a small problem."""
    ranked = sorted((cost_by_hand(problem, chosen), chosen) for chosen in all_choices(problem))
    return next(cost for cost, chosen in ranked if is_feasible(problem, chosen))


def _integers(values: Iterable[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array(list(values), dtype=np.int64)
