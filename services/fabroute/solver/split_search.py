"""The exact search for the best split, by CP-SAT: least cost and waiting, then soonest, then on the fewest machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from ortools.sat.python.cp_model_helper import (
    BoundedLinearExpression,
    CpModelProto,
    CpSolverStatus,
    FlatIntExpr,
    IntVar,
    LinearExpr,
    ResponseHelper,
    SatParameters,
    SolveWrapper,
)
from ortools.util.python.sorted_interval_list import Domain

from fabroute.solver.limits import SolveLimits
from fabroute.solver.split import (
    SECONDS_PER_HOUR,
    SplitMachine,
    SplitNode,
    SplitPlan,
    SplitProblem,
    SplitShortfall,
    split_plan,
)

_NO_HURRY = SolveLimits(seed=1, deterministic_seconds=4.0, wall_seconds=20.0)


def allocate(problem: SplitProblem, limits: SolveLimits = _NO_HURRY) -> SplitPlan | SplitShortfall:
    """Return the plan of least cost and waiting, proven; or how far the quantity is from being possible.

    The same problem and limits give the same plan. Under a limit that ends the search first, ``bound`` says how far
    from the best the plan may be.
    """
    model = _Model(problem)
    first = model.least(model.objective, limits)
    if first is None:
        return _shortfall(problem, limits)
    model.keep(model.objective, first.value)
    second = model.least(model.ready * (len(model.on) + 1) + _total(model.on), limits)
    pieces = (first if second is None else second).pieces
    return split_plan(problem, pieces, bound=first.bound)


def _shortfall(problem: SplitProblem, limits: SolveLimits) -> SplitShortfall:
    most = _Model(problem, whole=False)
    found = most.least(-_total(most.made), limits)
    whole = _Model(problem, hurried=False)
    earliest = whole.least(whole.ready, limits)
    return SplitShortfall(
        most_by_deadline=0 if found is None else -found.value,
        whole_by_seconds=None if earliest is None else earliest.value,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The best value of an expression, a bound on it, and the pieces that go with it."""

    value: int
    bound: int
    pieces: tuple[tuple[int, ...], ...]


class _Model:
    """A split problem as a CP-SAT model; without ``whole`` fewer pieces do, without ``hurried`` no deadline counts."""

    def __init__(self, problem: SplitProblem, *, whole: bool = True, hurried: bool = True) -> None:
        self._problem = problem
        self._model = CpModelProto()
        self.made: list[IntVar] = []
        self.on: list[IntVar] = []
        """By machine, node after node: pieces, and whether there are any."""
        self.ready = self._variable(self._latest(hurried=hurried))
        used = [self._node(node) for node in problem.nodes]
        cost = _total([paid for _, paid in used])
        counted = [is_used for node, (is_used, _) in zip(problem.nodes, used, strict=True) if node.counted]
        self._add(_total(counted) <= problem.max_nodes)
        total = _total(self.made)
        self._add(total == problem.quantity if whole else total <= problem.quantity)
        self.objective = cost * SECONDS_PER_HOUR + self.ready * problem.cost_of_waiting_per_hour

    def least(self, expression: LinearExpr, limits: SolveLimits) -> _Found | None:
        """Return the least value of an expression; ``None`` where nothing keeps the rules."""
        self._minimise(expression)
        solver = SolveWrapper()
        solver.set_parameters(_parameters(limits))
        response = solver.solve(self._model)
        if response.status not in (CpSolverStatus.OPTIMAL, CpSolverStatus.FEASIBLE):
            return None
        value = ResponseHelper.value(response, expression)
        proven = response.status == CpSolverStatus.OPTIMAL
        bound = value if proven else min(value, int(response.best_objective_bound))
        made = iter([ResponseHelper.value(response, pieces) for pieces in self.made])
        pieces = tuple(tuple(next(made) for _ in node.machines) for node in self._problem.nodes)
        return _Found(value=value, bound=bound, pieces=pieces)

    def keep(self, expression: LinearExpr, value: int) -> None:
        """Let an expression be no more than a value from now on."""
        self._add(expression <= value)

    def _minimise(self, expression: LinearExpr) -> None:
        flat = FlatIntExpr(expression)
        self._model.clear_objective()
        self._model.objective.vars.extend([variable.index for variable in flat.vars])
        self._model.objective.coeffs.extend(flat.coeffs)
        self._model.objective.offset = flat.offset
        self._model.objective.scaling_factor = 1.0

    def _add(self, compared: object) -> None:
        """Add a rule: two expressions compared, whose type stubs say no more than ``bool``."""
        rule = cast(BoundedLinearExpression, compared)
        linear = self._model.constraints.add().linear
        linear.vars.extend([variable.index for variable in rule.vars])
        linear.coeffs.extend(rule.coeffs)
        linear.domain.extend(rule.bounds.addition_with(Domain(-rule.offset, -rule.offset)).flattened_intervals())

    def _implies(self, cause: IntVar, effect: IntVar) -> None:
        constraint = self._model.constraints.add()
        constraint.enforcement_literal.append(cause.index)
        constraint.bool_and.literals.append(effect.index)

    def _latest(self, *, hurried: bool) -> int:
        quantity, deadline = self._problem.quantity, self._problem.deadline_seconds
        if hurried and deadline is not None:
            return deadline
        return max(
            (
                node.after_seconds + machine.seconds(quantity)
                for node in self._problem.nodes
                for machine in node.machines
            ),
            default=0,
        )

    def _node(self, node: SplitNode) -> tuple[IntVar, LinearExpr]:
        """Add a node; return whether it is used, and what it costs."""
        problem, used = self._problem, self._variable(1)
        first = len(self.made)
        work = _total([self._machine(machine, node) for machine in node.machines])
        made, on = self.made[first:], self.on[first:]
        most = problem.quantity if node.most_pieces is None else max(0, min(node.most_pieces, problem.quantity))
        self._add(_total(made) <= used * most)
        self._add(_total(made) >= used * (problem.min_per_node if node.counted else 1))
        for alike, (before, after) in enumerate(zip(node.machines, node.machines[1:], strict=False)):
            if before == after:
                self._add(made[alike] >= made[alike + 1])
        for is_on in on:
            self._implies(is_on, used)
        freight = _total([used * node.fixed_cost, _total(made) * node.cost_per_piece])
        return used, _total([freight, self._at_least(work, node, used)])

    def _at_least(self, work: LinearExpr, node: SplitNode, used: IntVar) -> LinearExpr:
        if not node.minimum_cost:
            return work
        dearest = sum(machine.cost(self._problem.quantity) for machine in node.machines)
        paid = self._variable(dearest + node.minimum_cost)
        self._add(paid >= work)
        self._add(paid >= used * node.minimum_cost)
        return paid

    def _machine(self, machine: SplitMachine, node: SplitNode) -> LinearExpr:
        """Add a machine; return what it costs."""
        quantity = self._problem.quantity
        most = quantity if machine.most_pieces is None else max(0, min(machine.most_pieces, quantity))
        made, on = self._variable(most), self._variable(1)
        batches = self._variable(-(-most // machine.pieces_per_batch))
        self._add(made <= on * most)
        self._add(made >= on)
        self._add(made <= batches * machine.pieces_per_batch)
        working = batches * machine.seconds_per_batch + made * machine.seconds_per_piece
        self._add(working + on * (machine.begins_seconds + node.after_seconds) <= self.ready)
        self.made.append(made)
        self.on.append(on)
        return on * machine.fixed_cost + batches * machine.cost_per_batch + made * machine.cost_per_piece

    def _variable(self, most: int) -> IntVar:
        return IntVar(self._model).with_domain(Domain(0, most))


def _total(expressions: Sequence[LinearExpr]) -> LinearExpr:
    return LinearExpr.sum(list(expressions))


def _parameters(limits: SolveLimits) -> SatParameters:
    """Return settings under which the same problem gives the same plan; signals are left to the process."""
    parameters = SatParameters()
    parameters.random_seed = limits.seed
    parameters.num_workers = 1
    parameters.catch_sigint_signal = False
    parameters.max_deterministic_time = limits.deterministic_seconds
    parameters.max_time_in_seconds = limits.wall_seconds
    return parameters
