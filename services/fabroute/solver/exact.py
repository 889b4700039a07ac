"""CP-SAT on one contest: a choice no worse than the hint, and a proven bound."""

from dataclasses import dataclass

from ortools.sat.python.cp_model_helper import CpSolverStatus, SatParameters, SolveWrapper

from fabroute.solver.contest import Contest
from fabroute.solver.limits import Budget
from fabroute.solver.model import build, choice_from, exact_objective
from fabroute.solver.problem import IntArray

_LEAST_SECONDS = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What one call of the exact engine found out about a contest."""

    chosen: IntArray
    bound: int
    proven: bool
    """The search ended by itself: in the engine's units the choice is optimal."""


def solve_exactly(contest: Contest, hint: IntArray, budget: Budget, *, seconds: float) -> Answer:
    """Search from a feasible choice for at most ``seconds`` of deterministic time, and charge the budget for it.

    The answer is never dearer than the hint.
    """
    objective = exact_objective(contest)
    wall_seconds = budget.wall_left
    if wall_seconds < _LEAST_SECONDS:
        budget.guard_hit = True
        return Answer(chosen=hint, bound=objective.offset, proven=False)
    solver = SolveWrapper()
    solver.set_parameters(_parameters(budget, seconds, wall_seconds))
    response = solver.solve(build(contest, objective, hint))
    budget.spent += response.deterministic_time
    proven = response.status == CpSolverStatus.OPTIMAL
    budget.guard_hit |= not proven and budget.wall_left < _LEAST_SECONDS
    found = choice_from(contest, list(response.solution)) if len(response.solution) else hint
    return Answer(
        chosen=min(hint, found, key=contest.cost_of),
        bound=objective.bound_from(max(0, response.inner_objective_lower_bound)),
        proven=proven,
    )


def _parameters(budget: Budget, seconds: float, wall_seconds: float) -> SatParameters:
    parameters = SatParameters()
    parameters.random_seed = budget.limits.seed
    parameters.num_workers = budget.limits.workers
    parameters.interleave_search = budget.limits.workers > 1
    parameters.max_deterministic_time = seconds
    parameters.max_time_in_seconds = wall_seconds
    parameters.linearization_level = 2
    parameters.catch_sigint_signal = False
    return parameters
