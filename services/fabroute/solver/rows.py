"""Scarce resources as rows: Σ weight of the chosen options ≤ limit. One rule is one function that makes its rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from fabroute.solver.problem import HARD, NO_BUILD, NO_LOT, BoolArray, IntArray, RoutingProblem


def _none() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One resource: which options draw on it, how much, and how much there is."""

    members: IntArray
    """Options, by index."""
    weights: IntArray
    limit: int
    openings: IntArray = field(default_factory=_none)
    """What the shared build of each member takes of the row once, whoever opens it; left empty: nothing."""
    excess_cost: int = HARD
    """Price of each unit over the limit, or ``HARD``."""
    room_of: int = NO_BUILD
    """The build whose room this is."""

    def __post_init__(self) -> None:
        if not self.openings.size:
            object.__setattr__(self, "openings", np.zeros(len(self.members), dtype=np.int64))


def scarce_rows(problem: RoutingProblem, alive: BoolArray) -> list[Row]:
    """Return the rows that the living options can overfill, each line taking its heaviest option."""
    rows = [
        *cumulative_capacity(problem, alive),
        *lot_stock(problem, alive),
        *build_room(problem, alive),
        *quotas(problem, alive),
    ]
    return [row for row in rows if _can_overfill(problem, row)]


def cumulative_capacity(problem: RoutingProblem, alive: BoolArray) -> Iterator[Row]:
    """Yield, per pool and deadline: minutes due by then stay within the pool's minutes up to then.

    Draws of splits and the opening of builds are minutes too. Deadlines by which all options together would fit are
    left out.
    """
    available = problem.cumulative_capacity()
    work = _work(problem, alive)
    for uses in _grouped(work.option, work.pool, then_by=work.bucket):
        weights, openings, buckets = work.minutes[uses], work.opening[uses], work.bucket[uses]
        ends = np.append(np.flatnonzero(np.diff(buckets)), len(buckets) - 1)
        limits = available[work.pool[uses[0]], buckets[ends]]
        asked = np.cumsum(weights + openings, dtype=np.int64)[ends]
        for end, limit in zip((ends + 1)[asked > limits].tolist(), limits[asked > limits].tolist(), strict=True):
            members = work.option[uses[:end]]
            yield _merged(Row(members=members, weights=weights[:end], openings=openings[:end], limit=limit))


def lot_stock(problem: RoutingProblem, alive: BoolArray) -> Iterator[Row]:
    """Yield, per lot: grams drawn from it stay within its stock."""
    draws = np.flatnonzero(alive[problem.draw_option])
    options = np.concatenate([np.flatnonzero(alive), problem.draw_option[draws]])
    lots = np.concatenate([problem.option_lot[alive], problem.draw_lot[draws]])
    grams = np.concatenate([problem.option_grams[alive], problem.draw_grams[draws]])
    drawn = (lots != NO_LOT) & (grams > 0)
    options, lots, grams = options[drawn], lots[drawn], grams[drawn]
    for uses in _grouped(options, lots):
        limit = int(problem.stock[lots[uses[0]]])
        yield _merged(Row(members=options[uses], weights=grams[uses], limit=limit))


def build_room(problem: RoutingProblem, alive: BoolArray) -> Iterator[Row]:
    """Yield, per build that lines may share: the volumes in it stay within its room."""
    shared = is_shared(problem, alive)
    options = np.flatnonzero(alive & (problem.option_build != NO_BUILD) & (problem.option_volume > 0))
    builds = problem.option_build[options]
    for uses in _grouped(options, builds):
        build = int(builds[uses[0]])
        if shared[build]:
            volumes, room = problem.option_volume[options[uses]], int(problem.build_volume[build])
            yield Row(members=options[uses], weights=volumes, limit=room, room_of=build)


def quotas(problem: RoutingProblem, alive: BoolArray) -> Iterator[Row]:
    """Yield, per quota: what is chosen weighs no more than its limit, or costs for each unit over it."""
    counts = alive[problem.share_option] & (problem.share_weight > 0)
    counts &= problem.quota_excess_cost[problem.share_quota] != 0
    options, quota, weights = problem.share_option[counts], problem.share_quota[counts], problem.share_weight[counts]
    for uses in _grouped(options, quota):
        number = quota[uses[0]]
        row = Row(
            members=options[uses],
            weights=weights[uses],
            limit=int(problem.quota_limit[number]),
            excess_cost=int(problem.quota_excess_cost[number]),
        )
        yield _merged(row)


def fits_alone(problem: RoutingProblem) -> BoolArray:
    """Tell which options could be taken if every other line stayed unrouted, and cost no more than that."""
    available = problem.cumulative_capacity()
    minutes = problem.option_minutes + opening_of_options(problem, problem.build_minutes)
    fits = minutes <= available[problem.option_pool, problem.option_bucket]
    fits &= problem.option_grams <= np.append(problem.stock, np.iinfo(np.int64).max)[problem.option_lot]
    fits &= problem.option_cost <= problem.unrouted_cost[problem.option_line]
    if problem.build_cost.size:
        room = np.append(problem.build_volume, 0)[problem.option_build]
        fits &= (problem.option_build == NO_BUILD) | (problem.option_volume <= room)
    if not problem.is_plain:
        for row in (*_rows_of_splits(problem, fits), *quotas(problem, fits)):
            if row.excess_cost == HARD:
                fits[row.members[row.weights + row.openings > row.limit]] = False
    return fits


def is_shared(problem: RoutingProblem, alive: BoolArray) -> BoolArray:
    """Tell which builds more than one line may use."""
    used = np.flatnonzero(alive & (problem.option_build != NO_BUILD))
    lines = max(1, problem.line_count)
    pairs = np.unique(problem.option_build[used] * lines + problem.option_line[used])
    return np.bincount(pairs // lines, minlength=len(problem.build_cost)) > 1


def opening_of_options(problem: RoutingProblem, of_build: IntArray) -> IntArray:
    """Return, per option, the value of its build, or 0 without one."""
    return np.append(of_build, 0)[problem.option_build]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    """Minutes that options want of pools, by deadline: their own, those of draws, those of a build of their own."""

    option: IntArray
    pool: IntArray
    bucket: IntArray
    minutes: IntArray
    opening: IntArray
    """Minutes of the shared build of the option."""


def _work(problem: RoutingProblem, alive: BoolArray) -> _Work:
    set_up = opening_of_options(problem, problem.build_minutes)
    alone = ~np.append(is_shared(problem, alive), False)[problem.option_build]
    own = np.flatnonzero(alive & (problem.option_minutes + set_up > 0))
    draws = np.flatnonzero(alive[problem.draw_option] & (problem.draw_minutes > 0))
    nothing = np.zeros(len(draws), dtype=np.int64)
    minutes = problem.option_minutes + np.where(alone, set_up, 0)
    return _Work(
        option=np.concatenate([own, problem.draw_option[draws]]),
        pool=np.concatenate([problem.option_pool[own], problem.draw_pool[draws]]),
        bucket=np.concatenate([problem.option_bucket[own], problem.draw_bucket[draws]]),
        minutes=np.concatenate([minutes[own], problem.draw_minutes[draws]]),
        opening=np.concatenate([np.where(alone, 0, set_up)[own], nothing]),
    )


def _rows_of_splits(problem: RoutingProblem, alive: BoolArray) -> Iterator[Row]:
    """Yield the rows of minutes and grams of options that have further draws."""
    split = np.zeros(problem.option_count, dtype=np.bool_)
    split[problem.draw_option] = True
    yield from cumulative_capacity(problem, alive & split)
    yield from lot_stock(problem, alive & split)


def _merged(row: Row) -> Row:
    """Return the row with each option once: several draws of one option on it are added up."""
    members, place = np.unique(row.members, return_inverse=True)
    if len(members) == len(row.members):
        return row
    weights, openings = np.zeros((2, len(members)), dtype=np.int64)
    np.add.at(weights, place, row.weights)
    np.add.at(openings, place, row.openings)
    return Row(members=members, weights=weights, openings=openings, limit=row.limit, excess_cost=row.excess_cost)


def _grouped(options: IntArray, key: IntArray, *, then_by: IntArray | None = None) -> Iterator[IntArray]:
    """Yield the places that share a key, each group in the order of the second key, then of the options."""
    second = options if then_by is None else then_by
    places = np.lexsort((options, second, key))
    if places.size:
        yield from np.split(places, np.flatnonzero(np.diff(key[places])) + 1)


def _can_overfill(problem: RoutingProblem, row: Row) -> bool:
    """Tell whether lines can ask for more than the limit, each opening the build of its heaviest option."""
    heaviest = np.zeros(problem.line_count, dtype=np.int64)
    np.maximum.at(heaviest, problem.option_line[row.members], row.weights + row.openings)
    return int(heaviest.sum()) > row.limit
