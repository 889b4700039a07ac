"""Other methods for the same problems: simple rules, CP-SAT, HiGHS; and linear programmes that check a bound.

One model for all of them, with running totals of minutes, which keep rows sparse. HiGHS runs in a process of its own:
beside OR-Tools in one process neither can be imported.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper, ModelSolverHelper
from ortools.sat.python import cp_model

from fabroute.solver.large.ledger import Ledger, ways_of
from fabroute.solver.large.market import market_of, no_prices, sweep
from fabroute.solver.large.rich import RichLedger
from fabroute.solver.large.start import insert_by_regret
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import HARD, NO_BUILD, NO_LOT, IntArray, RoutingProblem

FloatArray = NDArray[np.float64]

UNIT = 1_000
"""Milli-minor in one unit of a model's cost."""
_HIGHS = """
import sys, time, numpy, highspy
path, seconds, whole = sys.argv[1], float(sys.argv[2]), sys.argv[3] == "whole"
given = numpy.load(path)
lp = highspy.HighsLp()
lp.num_col_, lp.num_row_ = len(given["cost"]), len(given["least"])
lp.col_cost_, lp.col_lower_, lp.col_upper_ = given["cost"], numpy.zeros(lp.num_col_), given["highest"]
lp.row_lower_, lp.row_upper_ = given["least"], given["most"]
lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
lp.a_matrix_.start_ = numpy.searchsorted(given["row"], numpy.arange(lp.num_row_ + 1))
lp.a_matrix_.index_, lp.a_matrix_.value_ = given["column"], given["weight"]
kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
if whole:
    lp.integrality_ = [kinds[int(kind)] for kind in given["whole"]]
solver = highspy.Highs()
for name, value in (("output_flag", False), ("threads", 1), ("time_limit", seconds)):
    solver.setOptionValue(name, value)
solver.passModel(lp)
began, best = time.perf_counter(), [0.0]
if whole:
    solver.setCallback(lambda *_: best.__setitem__(0, time.perf_counter() - began), None)
    solver.startCallback(highspy.cb.HighsCallbackType.kCallbackMipImprovingSolution)
solver.run()
solution = solver.getSolution()
optimal = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
print(best[0], solver.getInfo().objective_function_value if whole or optimal else "nan")
if whole and solution.value_valid:
    print(*(column for column, value in enumerate(solution.col_value) if value > 0.5))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A choice, and when it was found."""

    chosen: Sequence[int]
    best_at: float | None = None
    """Seconds from the start of the search to the last improvement, if the method tells."""


@dataclass(slots=True, kw_only=True, eq=False)
class Model:
    """A mixed-integer model, all columns from 0: options, unrouted lines, then what rules add."""

    cost: list[FloatArray] = field(default_factory=list)
    highest: list[FloatArray] = field(default_factory=list)
    whole: list[NDArray[np.bool_]] = field(default_factory=list)
    least: list[FloatArray] = field(default_factory=list)
    most: list[FloatArray] = field(default_factory=list)
    row: list[IntArray] = field(default_factory=list)
    column: list[IntArray] = field(default_factory=list)
    weight: list[FloatArray] = field(default_factory=list)

    def add_columns(self, cost: FloatArray, highest: FloatArray, *, whole: bool) -> int:
        """Add columns, and return the number of the first."""
        first = sum(map(len, self.cost))
        self.cost.append(cost)
        self.highest.append(highest)
        self.whole.append(np.full(len(cost), whole))
        return first

    def add_rows(self, least: FloatArray, most: FloatArray | IntArray) -> int:
        """Add rows, and return the number of the first."""
        first = sum(map(len, self.least))
        self.least.append(least.astype(np.float64))
        self.most.append(most.astype(np.float64))
        return first

    def add_terms(self, row: IntArray, column: IntArray, weight: IntArray | FloatArray | float) -> None:
        """Add terms to rows."""
        self.row.append(row)
        self.column.append(column)
        self.weight.append(np.broadcast_to(np.asarray(weight, dtype=np.float64), row.shape))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all of it, one array each: terms by row, then column, those of one place added up."""
        names = ("cost", "highest", "whole", "least", "most")
        arrays: dict[str, NDArray[np.generic]] = {name: np.concatenate(getattr(self, name)) for name in names}
        width = len(arrays["cost"])
        place, term = np.unique(np.concatenate(self.row) * width + np.concatenate(self.column), return_inverse=True)
        weight = np.bincount(term, np.concatenate(self.weight), minlength=len(place))
        return arrays | {"row": place // width, "column": place % width, "weight": weight}


def regret(problem: RoutingProblem) -> list[int]:
    """Insert by regret on true costs: the line that would lose most by losing its cheapest option goes first."""
    market = market_of(problem)
    priced = sweep(market, no_prices(problem))
    ways = ways_of(market, priced)
    ledger = Ledger(problem, ways.unrouted) if problem.is_plain else RichLedger(problem, ways)
    insert_by_regret(ledger, ways, market, priced)
    return [int(option) for option in ledger.chosen()]


def by_cp_sat(problem: RoutingProblem, seconds: float) -> Found | None:
    """Let CP-SAT search the whole model for so many seconds with one worker."""
    model, columns = _cp_model(model_of(problem).arrays())
    solver, clock = cp_model.CpSolver(), _Clock()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    if solver.solve(model, clock) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    taken = [number for number, column in enumerate(columns) if solver.value(column)]
    return Found(chosen=_choice(problem, np.array(taken, dtype=np.int64)), best_at=clock.best_at)


class _Clock(cp_model.CpSolverSolutionCallback):
    """Notes when the last improvement came."""

    best_at = 0.0

    def on_solution_callback(self) -> None:
        """Note the time of a better solution."""
        self.best_at = self.wall_time


def _cp_model(arrays: Mapping[str, NDArray[np.generic]]) -> tuple[cp_model.CpModel, list[cp_model.IntVar]]:
    model = cp_model.CpModel()
    columns = [model.new_int_var(0, int(highest), "") for highest in arrays["highest"].tolist()]
    rows = np.searchsorted(arrays["row"], np.arange(len(arrays["least"]) + 1)).tolist()
    terms, weights = arrays["column"].tolist(), arrays["weight"].astype(np.int64).tolist()
    limits = zip(arrays["least"].tolist(), arrays["most"].tolist(), strict=True)
    for (first, end), (least, most) in zip(pairwise(rows), limits, strict=True):
        total = cp_model.LinearExpr.weighted_sum([columns[term] for term in terms[first:end]], weights[first:end])
        model.add(total == int(least)) if least == most else model.add(total <= int(most))
    cost = np.rint(arrays["cost"] * UNIT).astype(np.int64).tolist()
    model.minimize(cp_model.LinearExpr.weighted_sum(columns, cost))
    return model, columns


def has_highs() -> bool:
    """Tell whether HiGHS can be asked."""
    return find_spec("highspy") is not None


def by_highs(problem: RoutingProblem, seconds: float) -> Found | None:
    """Let HiGHS search the whole model for so many seconds in a process of its own."""
    best, columns = _ask_highs(model_of(problem), seconds, "whole")
    if not columns:
        return None
    return Found(chosen=_choice(problem, np.array(columns, dtype=np.int64)), best_at=float(best[0]))


def linear_optimum(problem: RoutingProblem, seconds: float = 600.0) -> float:
    """Return the optimum of the linear relaxation over options that fit alone, milli-minor; nan if time ran out.

    By HiGHS if it is installed, by GLOP otherwise. For problems without draws and quotas.
    """
    model = model_of(only_options(problem, market_of(problem).option))
    if has_highs():
        best, _ = _ask_highs(model, seconds, "linear")
        return float(best[1]) * UNIT
    solver = ModelSolverHelper("glop")
    solver.set_time_limit_in_seconds(seconds)
    solver.solve(linear_helper_of(model))
    return float(solver.objective_value()) * UNIT if solver.has_solution() else float("nan")


def only_options(problem: RoutingProblem, kept: IntArray) -> RoutingProblem:
    """Return a problem without draws and quotas with some of its options alone."""
    names = [each.name for each in fields(RoutingProblem) if each.name.startswith("option_")]
    return replace(problem, **{name: getattr(problem, name)[kept] for name in names})


def _ask_highs(model: Model, seconds: float, kind: str) -> tuple[list[str], list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "model.npz"))
        np.savez(path, allow_pickle=False, **model.arrays())
        command = [sys.executable, "-c", _HIGHS, path, str(seconds), kind]
        lines = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()
    return lines[0].split(), lines[1].split() if len(lines) > 1 else []


def _choice(problem: RoutingProblem, columns: IntArray) -> list[int]:
    """Return the choice that the columns at one mean; columns after the options are no choices."""
    taken = columns[columns < problem.option_count]
    chosen = np.full(problem.line_count, UNROUTED, dtype=np.int64)
    chosen[problem.option_line[taken]] = taken
    return [int(option) for option in chosen]


def linear_helper_of(model: Model) -> ModelBuilderHelper:
    """Return the linear relaxation of a model as OR-Tools reads it."""
    arrays, helper = model.arrays(), ModelBuilderHelper()
    for highest in arrays["highest"].tolist():
        column = helper.add_var()
        helper.set_var_lower_bound(column, 0.0)
        helper.set_var_upper_bound(column, highest)
    helper.set_objective_coefficients(list(range(len(arrays["cost"]))), arrays["cost"].tolist())
    first = 0
    for number, (least, most) in enumerate(zip(arrays["least"].tolist(), arrays["most"].tolist(), strict=True)):
        row = helper.add_linear_constraint()
        first = row if number == 0 else first
        helper.set_constraint_lower_bound(row, least)
        helper.set_constraint_upper_bound(row, most)
    terms = zip(arrays["row"].tolist(), arrays["column"].tolist(), arrays["weight"].tolist(), strict=True)
    for number, column, weight in terms:
        helper.add_term_to_constraint(first + number, column, weight)
    return helper


def model_of(problem: RoutingProblem) -> Model:
    """Return the whole problem as a mixed-integer model: draws, builds and quotas too."""
    model, lines, options = Model(), problem.line_count, problem.option_count
    cost = np.concatenate([problem.option_cost, problem.unrouted_cost]) / UNIT
    model.add_columns(cost, np.ones(options + lines), whole=True)
    one = model.add_rows(np.ones(lines), np.ones(lines))
    owner = np.concatenate([problem.option_line, np.arange(lines)])
    model.add_terms(one + owner, np.arange(options + lines), 1.0)
    totals = _running_totals(model, problem)
    _lots(model, problem)
    _builds(model, problem, totals)
    _quotas(model, problem)
    return model


def _running_totals(model: Model, problem: RoutingProblem) -> int:
    """Total up to a bucket = total up to the one before + minutes due in it; return the first of these rows."""
    room, buckets = problem.cumulative_capacity().ravel().astype(np.float64), problem.capacity.shape[1]
    first = model.add_columns(np.zeros(len(room)), room, whole=False)
    row = model.add_rows(np.zeros(len(room)), np.zeros(len(room)))
    cells = np.arange(len(room))
    later = cells[cells % buckets > 0]
    model.add_terms(row + cells, first + cells, -1.0)
    model.add_terms(row + later, first + later - 1, 1.0)
    options = np.arange(problem.option_count)
    model.add_terms(row + problem.option_pool * buckets + problem.option_bucket, options, problem.option_minutes)
    drawn = row + problem.draw_pool * buckets + problem.draw_bucket
    model.add_terms(drawn, problem.draw_option, problem.draw_minutes)
    return row


def _lots(model: Model, problem: RoutingProblem) -> None:
    row = model.add_rows(np.full(len(problem.stock), -np.inf), problem.stock)
    own, further = np.flatnonzero(problem.option_lot != NO_LOT), np.flatnonzero(problem.draw_lot != NO_LOT)
    model.add_terms(row + problem.option_lot[own], own, problem.option_grams[own])
    model.add_terms(row + problem.draw_lot[further], problem.draw_option[further], problem.draw_grams[further])


def _builds(model: Model, problem: RoutingProblem, totals: int) -> None:
    """Open a build for its cost and minutes; no option of a closed build, and no more volume than it has."""
    builds, shared = len(problem.build_cost), np.flatnonzero(problem.option_build != NO_BUILD)
    build = problem.option_build[shared]
    opened = model.add_columns(problem.build_cost / UNIT, np.ones(builds), whole=True)
    volume = model.add_rows(np.full(builds, -np.inf), np.zeros(builds))
    model.add_terms(volume + build, shared, problem.option_volume[shared])
    model.add_terms(volume + np.arange(builds), opened + np.arange(builds), -problem.build_volume)
    inside = model.add_rows(np.full(len(shared), -np.inf), np.zeros(len(shared)))
    model.add_terms(inside + np.arange(len(shared)), shared, 1.0)
    model.add_terms(inside + np.arange(len(shared)), opened + build, -1.0)
    cells = problem.build_pool * problem.capacity.shape[1] + problem.build_bucket
    model.add_terms(totals + cells, opened + np.arange(builds), problem.build_minutes)


def _quotas(model: Model, problem: RoutingProblem) -> None:
    quotas = len(problem.quota_limit)
    soft = problem.quota_excess_cost != HARD
    price = np.where(soft, problem.quota_excess_cost, 0) / UNIT
    most = np.bincount(problem.share_quota, problem.share_weight, minlength=quotas)
    over = model.add_columns(price, np.where(soft, most, 0.0), whole=False)
    row = model.add_rows(np.full(quotas, -np.inf), problem.quota_limit)
    model.add_terms(row + problem.share_quota, problem.share_option, problem.share_weight)
    model.add_terms(row + np.arange(quotas), over + np.arange(quotas), -1.0)
