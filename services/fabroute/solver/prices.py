"""What a unit of each scarce row is worth, and the lower bound that such prices prove."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper, ModelSolverHelper, SolveStatus

from fabroute.solver.contest import Contest
from fabroute.solver.problem import BoolArray

FloatArray = NDArray[np.float64]

_EPSILON = 2.0**-52


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """Prices of the rows, and what follows from them."""

    row: FloatArray
    """Milli-minor for one unit of each row, never negative."""
    reduced_cost: FloatArray
    """Per option: its cost plus the price of all that it draws on."""
    best: FloatArray
    """Per line: the least reduced cost, or the price of staying unrouted if that is less."""
    certain: float
    """The bound before rounding, less all that float arithmetic may have added."""

    @property
    def bound(self) -> int:
        """No plan of the contest costs less, milli-minor: costs are whole numbers, so the bound is rounded up."""
        return max(0, math.ceil(self.certain))

    def regret(self, contest: Contest) -> FloatArray:
        """Return, per option, how much dearer than its line's best it is at these prices."""
        return self.reduced_cost - self.best[contest.option_line]


def price_rows(contest: Contest, *, seconds: float) -> Prices:
    """Return the prices of the linear relaxation (Lagrangian prices at their best); zero prices if time runs out."""
    return at_prices(contest, _linear_duals(contest, seconds))


def at_prices(contest: Contest, row: FloatArray) -> Prices:
    """Return the bound that non-negative row prices prove: Σ best of each line at these prices, less Σ price · limit.

    The sum of all magnitudes times the machine epsilon times the longest chain of operations is taken off.
    """
    reduced = contest.cost.astype(np.float64)
    np.add.at(reduced, contest.entry_option, contest.entry_weight * row[contest.entry_row])
    best = contest.unrouted_cost.astype(np.float64)
    np.minimum.at(best, contest.option_line, reduced)
    sold = float(best.sum())
    spare = float((row * contest.limit).sum())
    chain = contest.line_count + 2 * len(contest.limit) + 8
    certain = sold - spare - (sold + spare) * chain * _EPSILON
    return Prices(row=row, reduced_cost=reduced, best=best, certain=certain)


def worth_keeping(contest: Contest, prices: Prices, cost: int) -> BoolArray:
    """Tell which options a plan cheaper than ``cost`` can hold: any other lifts the bound over it by itself."""
    return prices.certain + prices.regret(contest) <= cost


def _linear_duals(contest: Contest, seconds: float) -> FloatArray:
    """Solve the relaxation with costs and rows scaled to about 1, and return its capacity duals unscaled."""
    largest = float(max(contest.cost.max(initial=1), contest.unrouted_cost.max(initial=1), 1))
    scale = np.maximum(contest.limit, 1).astype(np.float64)
    solver = ModelSolverHelper("glop")
    solver.set_time_limit_in_seconds(seconds)
    solver.solve(_relaxation(contest, largest, scale))
    if solver.status() != SolveStatus.OPTIMAL:
        return np.zeros(len(contest.limit))
    duals: FloatArray = -np.asarray(solver.dual_values(), dtype=np.float64)[contest.line_count :]
    return np.maximum(duals, 0.0) * (largest / scale)


def _relaxation(contest: Contest, largest: float, scale: FloatArray) -> ModelBuilderHelper:
    model = ModelBuilderHelper()
    for cost in (np.concatenate([contest.cost, contest.unrouted_cost]) / largest).tolist():
        column = model.add_var()
        model.set_var_lower_bound(column, 0.0)
        model.set_var_upper_bound(column, np.inf)
        model.set_var_objective_coefficient(column, cost)
    _one_option_per_line(model, contest)
    _limits(model, contest, scale)
    return model


def _one_option_per_line(model: ModelBuilderHelper, contest: Contest) -> None:
    for line in range(contest.line_count):
        row = model.add_linear_constraint()
        model.set_constraint_lower_bound(row, 1.0)
        model.set_constraint_upper_bound(row, 1.0)
        model.add_term_to_constraint(row, contest.option_count + line, 1.0)
    for option, line in enumerate(contest.option_line.tolist()):
        model.add_term_to_constraint(line, option, 1.0)


def _limits(model: ModelBuilderHelper, contest: Contest, scale: FloatArray) -> None:
    for limit, unit in zip(contest.limit.tolist(), scale.tolist(), strict=True):
        row = model.add_linear_constraint()
        model.set_constraint_lower_bound(row, -np.inf)
        model.set_constraint_upper_bound(row, limit / unit)
    coefficients = contest.entry_weight / scale[contest.entry_row]
    entries = zip(contest.entry_row.tolist(), contest.entry_option.tolist(), coefficients.tolist(), strict=True)
    for row, option, coefficient in entries:
        model.add_term_to_constraint(contest.line_count + row, option, coefficient)
