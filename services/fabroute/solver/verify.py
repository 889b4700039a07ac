"""Every rule of a plan, restated without the engines, their model or their arithmetic: run before a plan is used."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fabroute.solver.plan import UNROUTED, RoutingPlan
from fabroute.solver.problem import HARD, NO_BUILD, NO_LOT, RoutingProblem


class Rule(StrEnum):
    """The rules that a plan can break."""

    EVERY_LINE_DECIDED = "every_line_decided"
    OPTION_OF_ITS_LINE = "option_of_its_line"
    CUMULATIVE_CAPACITY = "cumulative_capacity"
    LOT_STOCK = "lot_stock"
    BUILD_ROOM = "build_room"
    QUOTA = "quota"
    DAY_PLAN = "day_plan"
    COST = "cost"
    BOUND = "bound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken rule, in words and figures."""

    rule: Rule
    message: str
    figures: Mapping[str, int]


def verify_plan(problem: RoutingProblem, plan: RoutingPlan) -> tuple[Violation, ...]:
    """Return every rule that the plan breaks, its cost and bound included; empty when the plan may be used."""
    violations = verify(problem, plan.chosen)
    if violations:
        return violations
    return (*_cost(problem, plan), *_bound(plan))


def verify(problem: RoutingProblem, chosen: Sequence[int]) -> tuple[Violation, ...]:
    """Return every rule that the choice breaks; empty when it may be used.

    Choices that point nowhere, or to another line's option, are reported alone: the other rules can't be counted then.
    """
    broken = (*_every_line_decided(problem, chosen), *_option_of_its_line(problem, chosen))
    if broken:
        return broken
    taken = [(line, option) for line, option in enumerate(chosen) if option != UNROUTED]
    return (
        *_cumulative_capacity(problem, taken),
        *_lot_stock(problem, taken),
        *_build_room(problem, taken),
        *_quota(problem, taken),
        *_day_plan(problem, taken),
    )


def _every_line_decided(problem: RoutingProblem, chosen: Sequence[int]) -> Iterator[Violation]:
    if len(chosen) != problem.line_count:
        yield Violation(
            rule=Rule.EVERY_LINE_DECIDED,
            message=f"{len(chosen)} decisions for {problem.line_count} lines",
            figures={"decisions": len(chosen), "lines": problem.line_count},
        )


def _option_of_its_line(problem: RoutingProblem, chosen: Sequence[int]) -> Iterator[Violation]:
    owners = problem.option_line.tolist()
    for line, option in enumerate(chosen):
        if option == UNROUTED:
            continue
        if not 0 <= option < len(owners):
            message = f"line {line} takes option {option}, but there are {len(owners)} options"
        elif owners[option] != line:
            message = f"line {line} takes option {option}, which belongs to line {owners[option]}"
        else:
            continue
        yield Violation(rule=Rule.OPTION_OF_ITS_LINE, message=message, figures={"line": line, "option": option})


def _work(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Iterator[tuple[int, int, int, int]]:
    """Yield pool, deadline, line and minutes of all work: options, their further draws, builds that are opened."""
    line_of = {option: line for line, option in taken}
    for line, option in taken:
        pool, bucket = int(problem.option_pool[option]), int(problem.option_bucket[option])
        yield pool, bucket, line, int(problem.option_minutes[option])
    for draw, option in enumerate(problem.draw_option.tolist()):
        if option in line_of:
            pool, bucket = int(problem.draw_pool[draw]), int(problem.draw_bucket[draw])
            yield pool, bucket, line_of[option], int(problem.draw_minutes[draw])
    for build, lines in sorted(_built(problem, taken).items()):
        pool, bucket = int(problem.build_pool[build]), int(problem.build_bucket[build])
        yield pool, bucket, lines[0][0], int(problem.build_minutes[build])


def _built(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Mapping[int, list[tuple[int, int]]]:
    """Return lines and options by the build that they are made in."""
    built: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for line, option in taken:
        build = int(problem.option_build[option])
        if build != NO_BUILD:
            built[build].append((line, option))
    return built


def _weighed(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Mapping[int, int]:
    """Return what the taken options weigh in each quota."""
    options = {option for _, option in taken}
    weighed: dict[int, int] = defaultdict(int)
    for share, option in enumerate(problem.share_option.tolist()):
        if option in options:
            weighed[int(problem.share_quota[share])] += int(problem.share_weight[share])
    return weighed


def _cumulative_capacity(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Iterator[Violation]:
    asked: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for pool, bucket, _, minutes in _work(problem, taken):
        asked[pool][bucket] += minutes
    for pool, by_bucket in sorted(asked.items()):
        need = have = 0
        for bucket, minutes in enumerate(problem.capacity[pool].tolist()):
            need += by_bucket[bucket]
            have += minutes
            if need > have:
                yield Violation(
                    rule=Rule.CUMULATIVE_CAPACITY,
                    message=f"pool {pool} needs {need} minutes by the end of bucket {bucket}, has {have}",
                    figures={"pool": pool, "bucket": bucket, "needs": need, "has": have},
                )


def _lot_stock(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Iterator[Violation]:
    asked: dict[int, int] = defaultdict(int)
    options = {option for _, option in taken}
    for option in options:
        asked[int(problem.option_lot[option])] += int(problem.option_grams[option])
    for draw, option in enumerate(problem.draw_option.tolist()):
        if option in options:
            asked[int(problem.draw_lot[draw])] += int(problem.draw_grams[draw])
    asked.pop(NO_LOT, None)
    for lot, need in sorted(asked.items()):
        have = int(problem.stock[lot])
        if need > have:
            yield Violation(
                rule=Rule.LOT_STOCK,
                message=f"lot {lot} gives {need} g, has {have} g",
                figures={"lot": lot, "needs": need, "has": have},
            )


def _build_room(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Iterator[Violation]:
    for build, lines in sorted(_built(problem, taken).items()):
        need, have = sum(int(problem.option_volume[option]) for _, option in lines), int(problem.build_volume[build])
        if need > have:
            yield Violation(
                rule=Rule.BUILD_ROOM,
                message=f"build {build} holds {need} of volume, has room for {have}",
                figures={"build": build, "needs": need, "has": have},
            )


def _quota(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Iterator[Violation]:
    """Only hard quotas can be broken; what a soft one is exceeded by is part of the cost."""
    for quota, weight in sorted(_weighed(problem, taken).items()):
        limit = int(problem.quota_limit[quota])
        if weight > limit and int(problem.quota_excess_cost[quota]) == HARD:
            yield Violation(
                rule=Rule.QUOTA,
                message=f"quota {quota} is used up to {weight}, its limit is {limit}",
                figures={"quota": quota, "weight": weight, "limit": limit},
            )


def _day_plan(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Iterator[Violation]:
    """Work each pool's days in turn, most urgent line first: whatever is open after its last day is late."""
    open_work: dict[int, list[list[int]]] = defaultdict(list)
    for pool, bucket, line, minutes in _work(problem, taken):
        open_work[pool].append([bucket, line, minutes])
    for pool, queue in sorted(open_work.items()):
        queue.sort()
        for bucket, minutes in enumerate(problem.capacity[pool].tolist()):
            _work_one_day(queue, minutes)
            yield from _late(pool, bucket, queue)


def _work_one_day(queue: list[list[int]], minutes: int) -> None:
    for item in queue:
        worked = min(minutes, item[2])
        item[2] -= worked
        minutes -= worked


def _late(pool: int, bucket: int, queue: list[list[int]]) -> Iterator[Violation]:
    for deadline, line, left in queue:
        if deadline == bucket and left:
            yield Violation(
                rule=Rule.DAY_PLAN,
                message=f"line {line} still needs {left} minutes on pool {pool} when bucket {bucket} ends",
                figures={"line": line, "pool": pool, "bucket": bucket, "left": left},
            )


def _cost(problem: RoutingProblem, plan: RoutingPlan) -> Iterator[Violation]:
    taken = [(line, option) for line, option in enumerate(plan.chosen) if option != UNROUTED]
    total = sum(int(problem.unrouted_cost[line]) for line, option in enumerate(plan.chosen) if option == UNROUTED)
    total += sum(int(problem.option_cost[option]) for _, option in taken)
    total += sum(int(problem.build_cost[build]) for build in _built(problem, taken))
    for quota, weight in _weighed(problem, taken).items():
        over, price = weight - int(problem.quota_limit[quota]), int(problem.quota_excess_cost[quota])
        total += over * price if over > 0 and price != HARD else 0
    if total != plan.cost:
        yield Violation(
            rule=Rule.COST,
            message=f"the plan says {plan.cost}, its lines cost {total}",
            figures={"said": plan.cost, "counted": total},
        )


def _bound(plan: RoutingPlan) -> Iterator[Violation]:
    if not 0 <= plan.bound <= plan.cost:
        yield Violation(
            rule=Rule.BOUND,
            message=f"the bound {plan.bound} is not between 0 and the cost {plan.cost}",
            figures={"bound": plan.bound, "cost": plan.cost},
        )
