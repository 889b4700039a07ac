"""One quantity over several makers: least cost and waiting, exactly, with a proof.

A maker is a node with machines. A machine makes batches of some pieces one after the other; all machines work side by
side; a node's pieces are handed over together, some time after its last batch. The whole is ready when the last node
is. Among plans of least cost the one that is ready first is taken, and of these the one with the fewest machines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fabroute.kernel.errors import DomainError

SECONDS_PER_HOUR = 3_600
TOTAL_LIMIT = 2**60
"""Costs and times that a problem could add up to stay below this: then nothing can overflow."""


class InvalidSplit(DomainError, ValueError):
    """A split problem that contradicts itself or is beyond what integers can hold."""

    code = "invalid_split"
    status = 422


class SplitRule(StrEnum):
    """What a split plan must keep; ``broken_rules`` names those that it doesn't."""

    QUANTITY = "quantity"
    MACHINE = "most_of_machine"
    NODE = "most_of_node"
    MINIMUM = "min_per_node"
    NODES = "max_nodes"
    DEADLINE = "deadline"
    COST = "cost"
    READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitMachine:
    """A machine that can take a share. Costs in any one unit, times in seconds."""

    seconds_per_batch: int
    pieces_per_batch: int = 1
    seconds_per_piece: int = 0
    """Beside the batches: what follows for every piece, such as finishing."""
    begins_seconds: int = 0
    """From now until it can begin: what it holds already, a night, a cut-off."""
    fixed_cost: int = 0
    """Once, if it makes anything."""
    cost_per_batch: int = 0
    cost_per_piece: int = 0
    most_pieces: int | None = None
    """Until its capacity or material is used up; ``None``: any number."""

    def seconds(self, pieces: int) -> int:
        """Return when it has made so many, from now; 0 for none."""
        batches = -(-pieces // self.pieces_per_batch)
        working = batches * self.seconds_per_batch + pieces * self.seconds_per_piece
        return self.begins_seconds + working if pieces else 0

    def cost(self, pieces: int) -> int:
        """Return what so many cost; 0 for none."""
        batches = -(-pieces // self.pieces_per_batch)
        working = batches * self.cost_per_batch + pieces * self.cost_per_piece
        return self.fixed_cost + working if pieces else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitNode:
    """A node that can take a share, with its machines."""

    machines: tuple[SplitMachine, ...]
    fixed_cost: int = 0
    """Once, if it makes anything: freight, courier, set-up."""
    cost_per_piece: int = 0
    """Beside what its machines take: freight by weight."""
    minimum_cost: int = 0
    """What its machines' work comes to at least, if it makes anything: a minimum order."""
    after_seconds: int = 0
    """From its last piece until it is handed over: cooling, courier."""
    most_pieces: int | None = None
    """By its material; ``None``: any number."""
    counted: bool = True
    """Whether it counts among ``max_nodes`` and needs ``min_per_node``; not a node that makes other pieces anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitProblem:
    """How many pieces are to be made, by whom they can be, and under which rules."""

    quantity: int
    nodes: tuple[SplitNode, ...]
    max_nodes: int
    min_per_node: int = 1
    deadline_seconds: int | None = None
    """From now; nothing may be ready later."""
    cost_of_waiting_per_hour: int = 0

    def __post_init__(self) -> None:
        if self.quantity < 1 or self.max_nodes < 1 or self.min_per_node < 1:
            raise InvalidSplit("quantity, max_nodes and min_per_node must be 1 or more")
        figures = [self.cost_of_waiting_per_hour, self.deadline_seconds or 0]
        for node in self.nodes:
            figures += [node.fixed_cost, node.cost_per_piece, node.minimum_cost, node.after_seconds]
            for machine in node.machines:
                figures += _figures(machine)
                if machine.pieces_per_batch < 1:
                    raise InvalidSplit("pieces_per_batch must be 1 or more")
        if min(figures) < 0:
            raise InvalidSplit("costs and times of a split can't be negative")
        if _most_cost(self) >= TOTAL_LIMIT:
            raise InvalidSplit("costs and times of a split add up to 2^60 or more: use coarser units")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """How many pieces each machine makes, what that costs and when all of it is ready."""

    pieces: tuple[tuple[int, ...], ...]
    """By node and machine."""
    cost: int
    """Without waiting."""
    ready_seconds: int
    objective: int
    """Cost and waiting, times 3,600: whole numbers, so that plans compare exactly."""
    bound: int
    """No plan's ``objective`` is less."""

    @property
    def proven(self) -> bool:
        """Whether no plan is better."""
        return self.bound == self.objective

    @property
    def by_node(self) -> tuple[int, ...]:
        """Pieces of each node."""
        return tuple(map(sum, self.pieces))


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitShortfall:
    """That the quantity can't be made under the rules, and what can."""

    most_by_deadline: int
    """Pieces, by the deadline (or ever, without one)."""
    whole_by_seconds: int | None
    """When the whole quantity could be ready under all other rules; ``None``: never."""


def split_plan(problem: SplitProblem, pieces: Sequence[Sequence[int]], *, bound: int = 0) -> SplitPlan:
    """Return the plan of making so many pieces on each machine: its cost and time, without asking whether it may be."""
    cost, ready = _cost(problem, pieces), _ready(problem, pieces)
    return SplitPlan(
        pieces=tuple(map(tuple, pieces)),
        cost=cost,
        ready_seconds=ready,
        objective=cost * SECONDS_PER_HOUR + problem.cost_of_waiting_per_hour * ready,
        bound=bound,
    )


def broken_rules(problem: SplitProblem, plan: SplitPlan) -> tuple[SplitRule, ...]:
    """Return the rules that a plan breaks, restated without the solver."""
    used = [made for made in plan.by_node if made]
    counted = [made for node, made in zip(problem.nodes, plan.by_node, strict=True) if made and node.counted]
    late = problem.deadline_seconds is not None and plan.ready_seconds > problem.deadline_seconds
    checks = {
        SplitRule.QUANTITY: sum(used) != problem.quantity or any(n < 0 for node in plan.pieces for n in node),
        SplitRule.MACHINE: any(_over(machine.most_pieces, made) for machine, made in _each_machine(problem, plan)),
        SplitRule.NODE: any(map(_over, (node.most_pieces for node in problem.nodes), plan.by_node)),
        SplitRule.MINIMUM: any(made < problem.min_per_node for made in counted),
        SplitRule.NODES: len(counted) > problem.max_nodes,
        SplitRule.DEADLINE: late,
        SplitRule.COST: plan.cost != _cost(problem, plan.pieces),
        SplitRule.READY: plan.ready_seconds != _ready(problem, plan.pieces),
    }
    return tuple(rule for rule, broken in checks.items() if broken)


def _each_machine(problem: SplitProblem, plan: SplitPlan) -> list[tuple[SplitMachine, int]]:
    return [
        (machine, made)
        for node, pieces in zip(problem.nodes, plan.pieces, strict=True)
        for machine, made in zip(node.machines, pieces, strict=True)
    ]


def _over(most: int | None, made: int) -> bool:
    return most is not None and made > most


def _cost(problem: SplitProblem, pieces: Sequence[Sequence[int]]) -> int:
    return sum(_node_cost(node, made) for node, made in zip(problem.nodes, pieces, strict=True) if sum(made))


def _node_cost(node: SplitNode, pieces: Sequence[int]) -> int:
    work = sum(machine.cost(made) for machine, made in zip(node.machines, pieces, strict=True))
    return node.fixed_cost + node.cost_per_piece * sum(pieces) + max(work, node.minimum_cost)


def _ready(problem: SplitProblem, pieces: Sequence[Sequence[int]]) -> int:
    return max(
        node.after_seconds + max(machine.seconds(n) for machine, n in zip(node.machines, made, strict=True))
        for node, made in zip(problem.nodes, pieces, strict=True)
        if sum(made)
    )


def _figures(machine: SplitMachine) -> list[int]:
    return [
        machine.seconds_per_batch,
        machine.seconds_per_piece,
        machine.begins_seconds,
        machine.fixed_cost,
        machine.cost_per_batch,
        machine.cost_per_piece,
    ]


def _most_cost(problem: SplitProblem) -> int:
    """Return what everything would cost if every machine made everything, one after the other, in the objective."""
    cost = time = 0
    for node in problem.nodes:
        cost += node.fixed_cost + node.minimum_cost + node.cost_per_piece * problem.quantity
        time += node.after_seconds
        for machine in node.machines:
            cost += machine.cost(problem.quantity)
            time += machine.seconds(problem.quantity)
    return (cost + 1) * SECONDS_PER_HOUR + (problem.cost_of_waiting_per_hour + len(problem.nodes) + 1) * (time + 1)
