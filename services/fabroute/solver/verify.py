"""Every rule of a plan, restated without the engines, their model or their arithmetic: run before a plan is used."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fabroute.solver.plan import UNROUTED, RoutingPlan
from fabroute.solver.problem import NO_LOT, RoutingProblem


class Rule(StrEnum):
    """The rules that a plan can break."""

    EVERY_LINE_DECIDED = "every_line_decided"
    OPTION_OF_ITS_LINE = "option_of_its_line"
    CUMULATIVE_CAPACITY = "cumulative_capacity"
    LOT_STOCK = "lot_stock"
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
    return (*_cumulative_capacity(problem, taken), *_lot_stock(problem, taken), *_day_plan(problem, taken))


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


def _cumulative_capacity(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Iterator[Violation]:
    asked: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for _, option in taken:
        asked[int(problem.option_pool[option])][int(problem.option_bucket[option])] += int(
            problem.option_minutes[option]
        )
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
    for _, option in taken:
        lot = int(problem.option_lot[option])
        if lot != NO_LOT:
            asked[lot] += int(problem.option_grams[option])
    for lot, need in sorted(asked.items()):
        have = int(problem.stock[lot])
        if need > have:
            yield Violation(
                rule=Rule.LOT_STOCK,
                message=f"lot {lot} gives {need} g, has {have} g",
                figures={"lot": lot, "needs": need, "has": have},
            )


def _day_plan(problem: RoutingProblem, taken: list[tuple[int, int]]) -> Iterator[Violation]:
    """Work each pool's days in turn, most urgent line first: whatever is open after its last day is late."""
    open_work: dict[int, list[list[int]]] = defaultdict(list)
    for line, option in taken:
        due = [int(problem.option_bucket[option]), line, int(problem.option_minutes[option])]
        open_work[int(problem.option_pool[option])].append(due)
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
    total = 0
    for line, option in enumerate(plan.chosen):
        total += int(problem.unrouted_cost[line]) if option == UNROUTED else int(problem.option_cost[option])
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
