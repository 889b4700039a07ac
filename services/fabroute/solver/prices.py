"""What a unit of each scarce row is worth, and the lower bound that such prices prove."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper, ModelSolverHelper, SolveStatus

from fabroute.solver.contest import Contest
from fabroute.solver.problem import HARD, NO_BUILD, BoolArray, IntArray

FloatArray = NDArray[np.float64]

_EPSILON = 2.0**-52
_SAFE = 1.0 - 2.0**-30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """Prices of the rows, and what follows from them."""

    row: FloatArray
    """Milli-minor for one unit of each row, never negative."""
    reduced_cost: FloatArray
    """Per option: its cost plus the price of all that it draws on, and its share in opening its build."""
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """The lines that may use a build, as pairs: a line takes at most one option of a build, and none while closed."""

    of_option: IntArray
    """Pair of each option; the number of pairs without a build."""
    build: IntArray
    """Build of each pair."""


def price_rows(contest: Contest, *, seconds: float) -> Prices:
    """Return the prices of the linear relaxation (Lagrangian prices at their best); zero prices if time runs out."""
    links = links_of(contest)
    duals = _linear_duals(contest, links, seconds)
    return at_prices(contest, duals[: len(contest.limit)], link=duals[len(contest.limit) :])


def links_of(contest: Contest) -> Links:
    """Return the pairs of line and build."""
    shared = contest.option_build != NO_BUILD
    keys = contest.option_line[shared] * (len(contest.build_cost) + 1) + contest.option_build[shared]
    pairs, place = np.unique(keys, return_inverse=True)
    of_option = np.full(contest.option_count, len(pairs))
    of_option[shared] = place
    return Links(of_option=of_option, build=pairs % (len(contest.build_cost) + 1))


def at_prices(contest: Contest, row: FloatArray, *, link: FloatArray | None = None) -> Prices:
    """Return the bound that non-negative prices prove: Σ best of each line at these prices, less Σ price · limit.

    ``link`` is what each pair of line and build pays for opening it. Prices of soft rows are cut at what excess costs,
    and all that pays for a build (its pairs, its room) to what opening it costs at these prices: so the bound holds
    whatever is given. The sum of all magnitudes times the machine epsilon times the longest chain of operations is
    taken off.
    """
    links = links_of(contest)
    asked = np.zeros(len(links.build)) if link is None else link
    price, paid = _payable(contest, links, _cut(contest, row), asked)
    reduced = contest.cost + np.append(paid, 0.0)[links.of_option]
    np.add.at(reduced, contest.entry_option, contest.entry_weight * price[contest.entry_row])
    best = contest.unrouted_cost.astype(np.float64)
    np.minimum.at(best, contest.option_line, reduced)
    sold = float(best.sum())
    spare = float((price * contest.limit)[contest.room_of == NO_BUILD].sum())
    chain = contest.line_count + 2 * len(contest.limit) + 8
    certain = sold - spare - (sold + spare) * chain * _EPSILON
    return Prices(row=price, reduced_cost=reduced, best=best, certain=certain)


def _cut(contest: Contest, row: FloatArray) -> FloatArray:
    """Return the prices of rows, soft ones no higher than what excess costs."""
    return np.where(contest.excess_cost == HARD, row, np.minimum(row, contest.excess_cost))


def _payable(contest: Contest, links: Links, row: FloatArray, link: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the prices of rows and pairs, those that pay for a build cut to what opening it costs."""
    rooms = np.flatnonzero(contest.room_of != NO_BUILD)
    builds = contest.room_of[rooms]
    cost = contest.build_cost.astype(np.float64)
    rows, opened, weights = contest.openings()
    np.add.at(cost, opened, weights * row[rows])
    asked = np.bincount(links.build, link, minlength=len(cost)).astype(np.float64)
    np.add.at(asked, builds, row[rooms] * contest.limit[rooms])
    share = np.where(asked > cost * _SAFE, cost * _SAFE / np.maximum(asked, _EPSILON), 1.0)
    price = row.copy()
    price[rooms] *= share[builds]
    return price, link * share[links.build]


def worth_keeping(contest: Contest, prices: Prices, cost: int) -> BoolArray:
    """Tell which options a plan cheaper than ``cost`` can hold: any other lifts the bound over it by itself."""
    return prices.certain + prices.regret(contest) <= cost


def _linear_duals(contest: Contest, links: Links, seconds: float) -> FloatArray:
    """Solve the relaxation with costs and rows scaled to about 1; return duals of rows and pairs, unscaled."""
    largest = float(max(contest.cost.max(initial=1), contest.unrouted_cost.max(initial=1), 1))
    scale = np.append(np.maximum(contest.limit, 1).astype(np.float64), np.ones(len(links.build)))
    solver = ModelSolverHelper("glop")
    solver.set_time_limit_in_seconds(seconds)
    solver.solve(_relaxation(contest, links, largest, scale))
    if solver.status() != SolveStatus.OPTIMAL:
        return np.zeros(len(scale))
    duals: FloatArray = -np.asarray(solver.dual_values(), dtype=np.float64)[contest.line_count :]
    return np.maximum(duals, 0.0) * (largest / scale)


def _relaxation(contest: Contest, links: Links, largest: float, scale: FloatArray) -> ModelBuilderHelper:
    """Columns: options, unrouted lines, builds, excess of soft rows (in units of the row's scale)."""
    model = ModelBuilderHelper()
    excess = contest.excess_cost[contest.soft] * scale[contest.soft]
    for cost in (np.concatenate([contest.cost, contest.unrouted_cost, contest.build_cost, excess]) / largest).tolist():
        column = model.add_var()
        model.set_var_lower_bound(column, 0.0)
        model.set_var_upper_bound(column, np.inf)
        model.set_var_objective_coefficient(column, cost)
    _one_option_per_line(model, contest)
    _limits(model, contest, scale)
    _openings(model, contest, links)
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
    rooms = np.where(contest.room_of == NO_BUILD, contest.limit, 0)
    for limit, unit in zip(rooms.tolist(), scale.tolist(), strict=False):
        _row(model, limit / unit)
    rows, builds, weights = contest.openings()
    first = contest.option_count + contest.line_count
    in_rooms = np.flatnonzero(contest.room_of != NO_BUILD)
    terms = (
        (contest.entry_row, contest.entry_option, contest.entry_weight / scale[contest.entry_row]),
        (rows, first + builds, weights / scale[rows]),
        (in_rooms, first + contest.room_of[in_rooms], -contest.limit[in_rooms] / scale[in_rooms]),
        (contest.soft, first + len(contest.build_cost) + np.arange(len(contest.soft)), -np.ones(len(contest.soft))),
    )
    for term in terms:
        for row, column, coefficient in zip(*(each.tolist() for each in term), strict=True):
            model.add_term_to_constraint(contest.line_count + row, column, coefficient)


def _openings(model: ModelBuilderHelper, contest: Contest, links: Links) -> None:
    first = contest.line_count + len(contest.limit)
    for pair, build in enumerate(links.build.tolist()):
        _row(model, 0.0)
        model.add_term_to_constraint(first + pair, contest.option_count + contest.line_count + build, -1.0)
    for option in np.flatnonzero(links.of_option < len(links.build)).tolist():
        model.add_term_to_constraint(first + int(links.of_option[option]), option, 1.0)


def _row(model: ModelBuilderHelper, limit: float) -> None:
    row = model.add_linear_constraint()
    model.set_constraint_lower_bound(row, -np.inf)
    model.set_constraint_upper_bound(row, limit)
