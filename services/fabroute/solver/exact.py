"""CP-SAT on one contest: a choice no worse than the hint, and a proven bound."""

from dataclasses import dataclass

from ortools.sat.python.cp_model_helper import CpSolverStatus, SatParameters, SolveWrapper

from fabroute.solver.contest import Contest
from fabroute.solver.limits import Budget
from fabroute.solver.model import build, choice_from, exact_objective
from fabroute.solver.problem import IntArray

_LEAST_WALL_SECONDS = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What one call of the exact engine found out about a contest."""

    chosen: IntArray
    bound: int
    proven: bool
    """The search ended by itself: in the engine's units the choice is optimal."""


def solve_exactly(contest: Contest, hint: IntArray, budget: Budget, *, seconds: float, workers: int = 1) -> Answer:
    """Search from a feasible choice for about ``seconds`` of deterministic time, and charge the budget for it.

    The answer is never dearer than the hint. With several workers the engine may spend some times ``seconds``.
    """
    objective = exact_objective(contest)
    wall_seconds = budget.wall_left
    if wall_seconds < _LEAST_WALL_SECONDS:
        budget.guard_hit = True
        return Answer(chosen=hint, bound=objective.offset, proven=False)
    solver = SolveWrapper()
    parameters = _parameters(seed=budget.limits.seed, workers=workers)
    parameters.max_deterministic_time = seconds
    parameters.max_time_in_seconds = wall_seconds
    solver.set_parameters(parameters)
    response = solver.solve(build(contest, objective, hint))
    budget.spent += response.deterministic_time
    proven = response.status == CpSolverStatus.OPTIMAL
    budget.guard_hit |= not proven and response.deterministic_time < seconds
    found = choice_from(contest, list(response.solution)) if len(response.solution) else hint
    return Answer(
        chosen=min(hint, found, key=contest.cost_of),
        bound=objective.bound_from(max(0, response.inner_objective_lower_bound)),
        proven=proven,
    )


def _parameters(*, seed: int, workers: int) -> SatParameters:
    """Return settings under which the same model gives the same answer.

    One worker repeats by itself, several only when their searches are interleaved. Linear relaxations are used as much
    as possible: capacity rows bound little without them. Signals are left to the process.
    """
    parameters = SatParameters()
    parameters.random_seed = seed
    parameters.num_workers = workers
    parameters.interleave_search = workers > 1
    parameters.linearization_level = 2
    parameters.catch_sigint_signal = False
    return parameters
