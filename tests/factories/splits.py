"""Split problems for tests: S6's, by chance, and the truth about small ones by trying everything."""

import random
from collections.abc import Iterator
from itertools import product

from fabroute.solver.split import SplitMachine, SplitNode, SplitPlan, SplitProblem, broken_rules, split_plan

MINUTE, HOUR = 60, 3_600


def a_printer(
    *,
    minutes_each: int = 40,
    price_minor: int = 1_400,
    begins_minutes: int = 0,
    most_pieces: int | None = None,
    pieces_per_batch: int = 1,
    fixed_cost: int = 0,
    cost_per_batch: int = 0,
) -> SplitMachine:
    """Return a printer of scenario S6's node A, or one like it."""
    return SplitMachine(
        seconds_per_batch=minutes_each * MINUTE,
        pieces_per_batch=pieces_per_batch,
        begins_seconds=begins_minutes * MINUTE,
        cost_per_piece=price_minor,
        most_pieces=most_pieces,
        fixed_cost=fixed_cost,
        cost_per_batch=cost_per_batch,
    )


def line_down(
    *,
    quantity: int = 60,
    deadline_hours: int | None = None,
    cost_of_waiting_per_hour: int = 0,
    max_nodes: int = 2,
    min_per_node: int = 1,
) -> SplitProblem:
    """Return scenario S6: A has three printers at 14.00 a cap, B two at 18.00 and a courier."""
    near = SplitNode(machines=(a_printer(),) * 3)
    far = SplitNode(machines=(a_printer(price_minor=1_800),) * 2, fixed_cost=3_500, after_seconds=2 * HOUR)
    return SplitProblem(
        quantity=quantity,
        nodes=(near, far),
        max_nodes=max_nodes,
        min_per_node=min_per_node,
        deadline_seconds=None if deadline_hours is None else deadline_hours * HOUR,
        cost_of_waiting_per_hour=cost_of_waiting_per_hour,
    )


def a_random_split(seed: int) -> SplitProblem:
    """Return a split of at most seven pieces over at most three nodes of one or two machines, under any rules."""
    chance = random.Random(seed)
    nodes = tuple(_random_node(chance) for _ in range(chance.randint(1, 3)))
    return SplitProblem(
        quantity=chance.randint(1, 7),
        nodes=nodes,
        max_nodes=chance.randint(1, 3),
        min_per_node=chance.randint(1, 3),
        deadline_seconds=chance.choice([None, chance.randint(10, 120)]),
        cost_of_waiting_per_hour=chance.choice([0, 0, chance.randint(1, 20_000)]),
    )


def every_split(problem: SplitProblem, *, whole: bool = True) -> Iterator[SplitPlan]:
    """Yield every plan that keeps all rules; without ``whole`` also those of fewer pieces."""
    sizes = [len(node.machines) for node in problem.nodes]
    for made in product(range(problem.quantity + 1), repeat=sum(sizes)):
        if not 0 < sum(made) <= problem.quantity:
            continue
        left = iter(made)
        plan = split_plan(problem, [[next(left) for _ in range(size)] for size in sizes])
        broken = set(broken_rules(problem, plan))
        if broken <= (set() if whole else {"quantity"}):
            yield plan


def _random_node(chance: random.Random) -> SplitNode:
    machine = _random_machine(chance)
    alike = chance.random() < 0.4
    machines = (machine, machine) if alike else (machine, *([_random_machine(chance)] * chance.randint(0, 1)))
    return SplitNode(
        machines=machines,
        fixed_cost=chance.choice([0, chance.randint(1, 60)]),
        cost_per_piece=chance.choice([0, chance.randint(1, 5)]),
        minimum_cost=chance.choice([0, chance.randint(1, 80)]),
        after_seconds=chance.choice([0, chance.randint(1, 40)]),
        most_pieces=chance.choice([None, chance.randint(0, 7)]),
        counted=chance.random() < 0.8,
    )


def _random_machine(chance: random.Random) -> SplitMachine:
    return SplitMachine(
        seconds_per_batch=chance.randint(0, 30),
        pieces_per_batch=chance.randint(1, 3),
        seconds_per_piece=chance.choice([0, chance.randint(1, 6)]),
        begins_seconds=chance.choice([0, chance.randint(1, 30)]),
        fixed_cost=chance.choice([0, chance.randint(1, 30)]),
        cost_per_batch=chance.choice([0, chance.randint(1, 20)]),
        cost_per_piece=chance.randint(0, 20),
        most_pieces=chance.choice([None, chance.randint(0, 7)]),
    )
