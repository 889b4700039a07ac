"""A contest as a CP-SAT model, built through its proto: one rule, one function."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ortools.sat.python.cp_model_helper import CpModelProto

from fabroute.solver.contest import Contest
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import IntArray

OBJECTIVE_BITS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Costs in the engine's units: ``cost = offset + 2^shift · engine cost + at most 2^shift - 1 a line``."""

    coefficients: tuple[int, ...]
    """Of the options, then of the lines' staying unrouted."""
    offset: int
    shift: int

    def bound_from(self, engine_bound: int) -> int:
        """Return the bound on the true cost that a bound on the engine's cost proves."""
        return self.offset + (engine_bound << self.shift)


def build(contest: Contest, objective: Objective, hint: IntArray) -> CpModelProto:
    """Return the model: one Boolean an option, then one a line for staying unrouted; ``hint`` is a feasible choice."""
    model = CpModelProto()
    for _ in range(contest.option_count + contest.line_count):
        model.variables.add().domain.extend([0, 1])
    one_option_or_unrouted(model, contest)
    scarce_rows_hold(model, contest)
    least_cost(model, objective)
    start_from(model, contest, hint)
    return model


def one_option_or_unrouted(model: CpModelProto, contest: Contest) -> None:
    """Each line takes exactly one of its options, or stays unrouted."""
    start = np.searchsorted(contest.option_line, np.arange(contest.line_count + 1)).tolist()
    for line in range(contest.line_count):
        literals = [*range(start[line], start[line + 1]), contest.option_count + line]
        model.constraints.add().exactly_one.literals.extend(literals)


def scarce_rows_hold(model: CpModelProto, contest: Contest) -> None:
    """No row (minutes of a pool up to a deadline, grams of a lot) gives more than it has."""
    start = np.searchsorted(contest.entry_row, np.arange(len(contest.limit) + 1)).tolist()
    options, weights = contest.entry_option.tolist(), contest.entry_weight.tolist()
    for row, limit in enumerate(contest.limit.tolist()):
        linear = model.constraints.add().linear
        linear.vars.extend(options[start[row] : start[row + 1]])
        linear.coeffs.extend(weights[start[row] : start[row + 1]])
        linear.domain.extend([0, limit])


def least_cost(model: CpModelProto, objective: Objective) -> None:
    """The sum of all chosen costs is least."""
    model.objective.vars.extend(range(len(objective.coefficients)))
    model.objective.coeffs.extend(objective.coefficients)


def start_from(model: CpModelProto, contest: Contest, hint: IntArray) -> None:
    """The search starts at a plan that is known to be feasible."""
    values = np.zeros(contest.option_count + contest.line_count, dtype=np.int64)
    routed = hint != UNROUTED
    values[hint[routed]] = 1
    values[contest.option_count + np.flatnonzero(~routed)] = 1
    model.solution_hint.vars.extend(range(len(values)))
    model.solution_hint.values.extend(values.tolist())


def choice_from(contest: Contest, values: Sequence[int]) -> IntArray:
    """Return the choice that a solution's values mean."""
    taken = np.flatnonzero(np.asarray(values[: contest.option_count], dtype=np.int64))
    chosen = np.full(contest.line_count, UNROUTED, dtype=np.int64)
    chosen[contest.option_line[taken]] = taken
    return chosen


def exact_objective(contest: Contest) -> Objective:
    """Return the costs as the engine can add them exactly: over each line's cheapest, rounded down when still huge."""
    cheapest = contest.unrouted_cost.copy()
    np.minimum.at(cheapest, contest.option_line, contest.cost)
    over = np.concatenate([contest.cost - cheapest[contest.option_line], contest.unrouted_cost - cheapest])
    dearest = contest.unrouted_cost - cheapest
    np.maximum.at(dearest, contest.option_line, contest.cost - cheapest[contest.option_line])
    shift = max(0, int(dearest.sum()).bit_length() - OBJECTIVE_BITS)
    return Objective(coefficients=tuple((over >> shift).tolist()), offset=int(cheapest.sum()), shift=shift)
